"""The texts of a problem: found, without docstrings, shown, and stored with a run."""

import json
from dataclasses import replace

import pytest
from commands import answered, only_folder

import reference
from bench.agreement.check import check
from bench.model import Cell, Tier
from bench.problems import texts
from bench.problems.builtin import PROBLEMS
from bench.problems.texts import Text
from bench.problems.user_file import look_at, problems_in

NAMES = [problem.name for problem in PROBLEMS]
THE_SAME = sorted(set(NAMES) - {"numerical_gradient", "gradient_descent", "exp"})


def of(name):
    problem = PROBLEMS[NAMES.index(name)]
    return {one.tier: one for one in texts.texts_of(problem)}


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_has_three_texts_without_docstrings(name):
    found = of(name)
    assert list(found) == ["loop", "numpy", "numba"]
    assert '"""' not in "".join(one.source for one in found.values())
    assert found["loop"].source.startswith("def ")
    assert "@njit" in found["numba"].source


@pytest.mark.parametrize("name", THE_SAME)
def test_numba_s_is_the_loop_s_text_and_says_so(name):
    loop, numba = of(name)["loop"], of(name)["numba"]
    assert numba.place == loop.place
    assert "...  # the loop's text, as it stands" in numba.source
    assert f"def {name}(" in numba.source


def test_a_text_comes_with_the_helpers_that_it_calls():
    loop = of("linear_loss")["loop"].source
    for helper in ("linear_scores", "svm_loss", "softmax_loss", "penalty", "zeros"):
        assert f"def {helper}(" in loop
    assert loop.index("def linear_loss(") < loop.index("def linear_scores(")


def test_what_numpy_replaces_is_named():
    words = ": replaced, see kernels/jit/__init__.py\n"
    assert of("softmax")["numba"].source.startswith(f"# zeros_like{words}@njit\n")
    assert "shuffled" in of("train_linear")["numba"].source.partition("\n")[0]
    assert "numerical_gradient" in of("check_gradient")["numba"].source.partition("\n")[0]
    assert "replaced" not in of("softmax_loss")["numba"].source


def test_of_a_replaced_helper_the_loop_s_form_is_not_shown_for_numba():
    numba = of("numerical_gradient")["numba"].source
    assert "def slopes_of_row(" in numba
    assert "def zeros_like(" not in numba
    assert numba.startswith("# zeros_like")


def test_a_text_has_its_place():
    place = of("svm_loss")["loop"].place
    file, line = place.split(":")
    assert file == "reference/losses.py"
    start = reference.svm_loss.__code__.co_firstlineno
    assert int(line) == start


OWN = """
import numpy as np
from kernels import softmax
from numba import njit

def helper(x):
    return 2 * x

def loop(x):
    "Doubled, in Python."
    return [helper(value) for value in x]

vectorized = np.positive
jit = njit(loop)
TIERS = {"short": lambda x: [2 * value for value in x], "library": softmax}
SIZES = {"S": {"n": 3}}

def make_inputs(size, dtype, rng):
    return (rng.random(size["n"]),)
"""


def of_file(path, text):
    path.write_text(text, encoding="utf-8")
    (problem,) = problems_in((look_at(path),))
    return problem, {one.tier: one for one in texts.texts_of(problem)}


def test_all_tiers_of_a_file_of_one_s_own_are_shown(tmp_path):
    problem, found = of_file(tmp_path / "doubled.py", OWN)
    assert texts.summary_of(problem) == "Doubled, in Python."
    assert list(found) == ["loop", "numpy", "numba", "short", "library"]
    assert found["loop"].place == "doubled.py:9"
    assert "def helper(x):" in found["loop"].source
    assert "Doubled" not in found["loop"].source
    assert found["numpy"] == Text("doubled", "numpy", "", found["numpy"].source)
    assert "positive" in found["numpy"].source
    assert found["numba"].source.startswith("@njit\ndef loop(x):")
    assert "lambda x:" in found["short"].source
    assert found["library"].source == "from kernels import softmax"


ODD = """
import numpy as np

class Lazy:
    "What answers to any name, as Dask's lazy functions do."
    def __getattr__(self, name):
        return Lazy()
    def __call__(self, x):
        return 2.0 * np.asarray(x)

made = {}
exec("def without_a_module(x): return 2.0 * x", made)

def loop(x):
    return [2.0 * value for value in x]

TIERS = {"exec": made["without_a_module"], "lazy": Lazy(), "ufunc": np.frompyfunc(abs, 1, 1)}
SIZES = {"S": {"n": 3}}

def make_inputs(size, dtype, rng):
    return (rng.random(size["n"]),)
"""


def test_a_tier_may_be_any_callable(tmp_path):
    problem, found = of_file(tmp_path / "odd.py", ODD)
    assert "without_a_module" in found["exec"].source
    assert found["lazy"].source.startswith("<")
    assert "abs" in found["ufunc"].source
    cells = [Cell("odd", tier, "S", "float64", 1) for tier in ("loop", "exec", "lazy")]
    assert [verdict.status for verdict in check(problem, cells, 1.0)] == ["ok"] * 3


def test_an_oracle_that_cannot_be_loaded_has_no_summary():
    def load():
        raise ImportError

    problem = replace(PROBLEMS[0], tiers={"loop": Tier(load)})
    assert texts.summary_of(problem) == ""


def test_show_prints_them_one_after_the_other_on_one_screen():
    process = answered("show", "softmax_loss")
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in process.stdout
    places = [lines.index(line) for line in lines if line.startswith(("loop ", "numpy ", "numba "))]
    assert len(places) == 3
    assert "    return total / len(scores)" in lines


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "name one problem"), (["svm_los"], "unknown problem 'svm_los'; choose from svm_loss")],
)
def test_show_wants_one_problem_that_is_there(words, message):
    process = answered("show", *words)
    assert process.returncode == 2
    assert message in " ".join(process.stderr.replace("│", " ").split())


@pytest.mark.slow
def test_a_run_stores_what_it_compares(tmp_path):
    arguments = ["svm_loss", "--size", "lecture", "--tier", "loop,numpy", "--passes", "1"]
    answered("run", *arguments, "--output", tmp_path)
    folder = only_folder(tmp_path)
    assert texts.load(folder) == list(of("svm_loss").values())
    lines = (folder / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "texts.jsonl").write_text("\n".join([*lines, lines[0], "torn"]), encoding="utf-8")
    assert texts.load(folder) == list(of("svm_loss").values()), "as after a resumed run"


def test_a_run_of_before_has_none(tmp_path):
    assert texts.load(tmp_path) == []


def test_a_foreign_line_is_refused(tmp_path):
    (tmp_path / "texts.jsonl").write_text(
        json.dumps({"problem": "svm_loss"}) + "\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match="line 1: not a text of a problem"):
        texts.load(tmp_path)
