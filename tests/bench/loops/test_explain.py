"""`lossbench explain`: obstacles that are known are named, in the loop and line that have them."""

import json
import platform
from dataclasses import replace
from pathlib import Path

import llvmlite
import numba
import numpy as np
import pytest
from commands import answered

import bench
from bench.loops import findings, remarks
from bench.loops.explain import ExplainError, explain_cells
from bench.model import Cell, Options
from bench.problems.user_file import look_at, problems_in

FILE = Path(__file__).with_name("kernels_with_obstacles.py")
# The releases with which this was tried. With others, remarks may be missing, and it says so.
TRIED = {"0.50"}
IS_X86 = platform.machine().lower() in {"x86_64", "amd64"}


@pytest.fixture(scope="module")
def explained():
    """All kernels of the file, compiled for a processor without masked stores."""
    with pytest.MonkeyPatch.context() as patch:
        if IS_X86:
            patch.setenv("NUMBA_CPU_NAME", "nehalem")
            patch.setenv("NUMBA_CPU_FEATURES", "")
        files = (look_at(FILE),)
        cells = [Cell(one.name, "numba", "S", "float64", 1) for one in problems_in(files)]
        found = explain_cells(cells, replace(Options(), files=files))
    return {cell.problem: one for cell, one in found.items()}


def kinds(loop):
    return {one.kind for one in loop.findings}


def innermost(explanation):
    (loop,) = [one for one in explanation.loops if one.verdict != "outer"]
    return loop


@pytest.mark.parametrize(
    ("kernel", "kind", "part"),
    [
        ("sum_in_order", "reduction order", "total += x[i] * x[i]"),
        ("largest", "dependence", "for i in range(len(x)):"),
        ("recurrence", "dependence", "x[i] = 0.5 * x[i - 1] + x[i]"),
        ("scattered", "aliasing", "x[places[i]] += 1.0"),
        ("scattered", "index may wrap", "x[places[i]] += 1.0"),
        ("overlapping", "aliasing", "for i in range(len(x)):"),
        ("branching", "branch", "if x[i] > 0.5:"),
        ("leaving", "early exit", "break"),
        ("until", "unknown length", "while x[i] < 0.9:"),
        ("calling", "call", "y[i] = math.erf(x[i])"),
        ("exponentials", "call", "y[i] = math.exp(x[i])"),
        ("remainders", "integer division", "total += k[i] % m"),
        ("widened", "widening", "y[i] = x[i] * 3.0"),
        ("apart", "strided layout", "y[i] = x[i] + 1.0"),
        ("shifted", "index may wrap", "y[i] = x[i + shift]"),
        ("divided", "division check", "y[i] = x[i] / (y[i] + x[i])"),
        ("columns", "non-unit stride", "total += x[i, j]"),
        ("every_third", "non-unit stride", "for i in range(0, len(x), 3):"),
        ("every_third", "index may wrap", "y[i] = 2.0 * x[i]"),
        ("part", "strided layout", "y[i] = even[i] + 1.0"),
        ("counted", "index may wrap", "counts[int(v * 10)] += 1"),
    ],
)
def test_the_obstacle_of_a_loop_is_named(explained, kernel, kind, part):
    loop = innermost(explained[kernel])
    found = [one for one in loop.findings if one.kind == kind]
    assert found, loop
    assert loop.function == kernel
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert part in {"", *(lines[one.line - 1].strip() for one in found)}
    assert all(loop.line <= one.line <= loop.end_line for one in found)


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("choosing", "branch"),
        ("copied", "strided layout"),
        ("of_length", "strided layout"),
        ("turned", "non-unit stride"),
        ("counted", "non-unit stride"),
        ("of_parts", "non-unit stride"),
    ],
)
def test_what_is_no_obstacle_is_not_named(explained, kernel, kind):
    assert kind not in {name for loop in explained[kernel].loops for name in kinds(loop)}


def test_a_loop_around_that_of_a_helper_is_an_outer_one(explained):
    verdicts = {one.function: one.verdict for one in explained["of_helper"].loops}
    assert verdicts == {"of_helper": "outer", "halvings": "scalar"}


def test_a_loop_of_numba_whose_code_has_two_lines_is_one(explained):
    (of_mean,) = [one for one in explained["means"].loops if one.inside]
    assert of_mean.inside.startswith("arraymath.py:")
    assert "reduction order" in kinds(of_mean)


@pytest.mark.slow
def test_files_of_one_name_are_told_apart(tmp_path):
    header = "from numba import njit\n\n@njit\ndef total(x):\n"
    loops = {
        "first": "    s = 0.0\n    for v in x:\n        s += v\n    return s\n",
        "second [2]": "    for v in x:\n        if v > 3:\n            return v\n    return 0.0\n",
    }
    totals = []
    for folder, text in loops.items():
        file = tmp_path / folder / "util.py"
        file.parent.mkdir()
        file.write_text(header + text, encoding="utf-8")
        names: dict = {}
        exec(compile(file.read_text(encoding="utf-8"), file, "exec"), names)
        totals.append(names["total"])
    first, second = totals

    def both(x):
        return first(x) + second(x)

    found = {Path(one.file).parent.name: one for one in bench.explain(both, np.ones(9)).found.loops}
    assert found["first"].line == 6
    assert kinds(found["first"]) == {"reduction order"}
    assert found["second [2]"].line == 5
    assert kinds(found["second [2]"]) == {"early exit"}


def test_memory_that_a_loop_allocates_is_found(explained):
    outer = next(one for one in explained["allocating"].loops if one.text.startswith("for"))
    assert "allocation" in kinds(outer)


def test_a_clean_loop_is_vectorised_and_has_packed_arithmetic(explained):
    loop = innermost(explained["clean"])
    assert loop.verdict == "vectorised"
    assert "vector operations" in loop.code
    assert kinds(loop) <= {"aliasing"}


def test_a_loop_of_scalar_calls_is_not_praised(explained):
    """LLVM calls it vectorised."""
    loop = innermost(explained["exponentials"])
    assert "exp takes one number at a time" in loop.words or loop.verdict == "scalar"
    (call,) = [one for one in loop.findings if one.kind == "call"]
    assert "kernels.simd.elementary.exp" in call.change


def test_a_function_that_is_inlined_leaves_no_call(explained):
    assert "call" not in kinds(innermost(explained["inlined"]))


def test_the_loop_of_a_call_is_told_by_its_line(explained):
    loops = {one.text: one for one in explained["of_rows"].loops}
    of_max = loops["best += max(x[i])"]
    assert of_max.inside.startswith("builtins.py:")
    assert of_max.verdict != "outer"


def test_an_operation_that_widens_is_shown(explained):
    (found,) = [one for one in innermost(explained["widened"]).findings if one.kind == "widening"]
    assert found.words.startswith("`x[i] * 3.0`: float32 * float64 is float64")


def test_strided_arguments_are_known(explained):
    assert explained["apart"].strided == ("x",)
    assert explained["clean"].strided == ()


@pytest.mark.skipif(
    llvmlite.__version__.rpartition(".")[0] not in TRIED, reason="another LLVM than was tried"
)
def test_lines_leave_the_code_as_it_is(explained):
    assert {one.notes for one in explained.values()} == {()}
    assert explained["clean"].versions == {
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
    }


@pytest.mark.skipif(not IS_X86, reason="the examples were found on x86-64")
@pytest.mark.parametrize("meaning", remarks.MEANINGS, ids=lambda one: one.part)
def test_each_known_remark_has_an_example(explained, meaning):
    words = [
        finding.words
        for one in explained.values()
        for loop in one.loops
        for finding in loop.findings
    ]
    if meaning.kind == "call":  # the assembly names the function
        assert any("it calls erf" in one for one in words)
    elif meaning.kind == "early exit":
        assert any(meaning.words in one for one in words)
    else:
        assert meaning.words in words


@pytest.mark.slow
def test_a_function_of_a_program():
    def scaled(x, factor):
        for i in range(len(x)):
            x[i] *= factor

    shown = bench.explain(scaled, np.ones(10), 2.0)
    (loop,) = shown.found.loops
    assert loop.text == "for i in range(len(x)):"
    assert loop.verdict == "vectorised"
    assert "vectorised: " in repr(shown)
    assert "<code>" in shown._repr_html_()


@pytest.mark.slow
def test_arguments_may_be_left_to_their_defaults():
    def scaled(x, factor=2.0, shift=1.0):
        for i in range(len(x)):
            x[i] = factor * x[i] + shift

    for arguments in ((), (3.0,), (3.0, 0.0)):
        (loop,) = bench.explain(scaled, np.ones(10), *arguments).found.loops
        assert loop.verdict == "vectorised"


def test_a_second_look_at_a_loop_is_no_reason():
    text = "vectorization and interleaving are explicitly disabled, or the loop has already been"
    lines = f"loop not vectorized: {text} vectorized", "loop not vectorized"
    (verdict,) = remarks.read("\n".join(f"remark: k.py:3:1: {line}" for line in lines))
    assert (verdict.width, verdict.reasons) == (1, ())


def test_what_cannot_be_compiled_is_said():
    def wrong(x):
        return x.nothing

    with pytest.raises(ExplainError, match="Unknown attribute 'nothing'"):
        bench.explain(wrong, 1.0)


def test_the_command_prints_loops_and_json():
    shown = answered("explain", "--problem", FILE, "sum_in_order")
    assert shown.returncode == 0
    assert "reduction order" in shown.stdout
    as_json = answered("explain", "--problem", FILE, "sum_in_order", "--format", "json")
    (kernel,) = json.loads(as_json.stdout)
    assert kernel["kernel"] == "sum_in_order numba float64"
    assert kernel["loops"][0]["findings"][0]["kind"] == "reduction order"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["svm_loss", "--tier", "numpy"], 1, "Numba compiles nothing for it"),
        (["svm_loss", "--tier", "nothing"], 2, "nothing"),
        (["svm_loss", "softmax_loss", "--try"], 2, "--try takes one problem"),
    ],
)
def test_what_cannot_be_explained_is_refused(arguments, code, words):
    shown = answered("explain", *arguments)
    assert shown.returncode == code
    assert words in shown.stderr


@pytest.mark.slow
def test_each_numba_text_of_the_suite_is_explained():
    shown = answered("explain", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    kernels = json.loads(shown.stdout)
    assert len(kernels) >= 14
    assert all(one["loops"] or one["notes"] for one in kernels)


@pytest.mark.slow
def test_a_run_keeps_the_loops_for_its_page(tmp_path):
    arguments = ["svm_loss", "--size", "lecture", "--tier", "loop,numba", "--passes", 1]
    assert answered("run", *arguments, "--explain", "--output", tmp_path).returncode == 0
    assert answered("report", "latest", "--output", tmp_path).returncode == 0
    (page,) = tmp_path.glob("*/report.html")
    assert "Loops: 0 of 1 vectorised" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN9reference6losses8svm_lossB2v1B38c8tJTIeE5ArrayIdLi2E1CE", "svm_loss"),
        ("_ZN8__main__4f_g1B2v12B40c8tJTE", "f_g1"),
        ("_ZN" + "1a" * 200 + "B2v1", "a"),
        ("exp", "exp"),
    ],
)
def test_a_function_is_named_as_in_python(symbol, name):
    assert findings.demangled(symbol) == name
