"""A person's own file: what it becomes, what is refused and in which words, and a run of it."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from commands import ROOT, answered, lossbench

import bench
from bench.agreement.check import check
from bench.agreement.closeness import outputs_like
from bench.agreement.given import Given
from bench.analysis import table
from bench.common.code import numba_cache
from bench.measurement import run_folder
from bench.measurement.records import Record
from bench.model import DTYPES, TIERS, TOLERANCE, Cell, Options, Verdict
from bench.problems import selection
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of
from bench.problems.user_file import look_at, problems_in, stored_problems_in, write_template
from bench.problems.user_source import ProblemFileError

# npbench.py needs a checkout: test_npbench.py.
EXAMPLES = sorted({*(ROOT / "examples").glob("*.py")} - {ROOT / "examples" / "npbench.py"})

LOOP = """
def loop(x):
    return [2 * value for value in x]
"""
NUMPY = """
def vectorized(x):
    return 2 * x
"""
INPUTS = """
SIZES = {"S": {"n": 3}, "M": {"n": 100}}
def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""
WHOLE = LOOP + NUMPY + INPUTS


def written(folder, text, name="double.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder, text, name="double.py"):
    """The problem in a file of this text."""
    (found,) = problems_in([look_at(written(folder, text, name))])
    return found


def statuses(one, size="S", dtype="float64"):
    cells = cells_of([one], Options(sizes=(size,), dtypes=(dtype,), threads=(1,)))
    return {verdict.cell.tier: verdict for verdict in check(one, cells, 60.0)}


def run_pytest(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )


# --- what it becomes


def test_without_files_the_problems_are_the_built_in_ones():
    assert problems_in([]) is PROBLEMS


def test_a_file_is_a_problem_like_the_others(tmp_path):
    one = loaded(tmp_path, WHOLE)
    assert (one.name, one.oracle, one.source) == ("double", "loop", str(tmp_path / "double.py"))
    assert list(one.tiers) == ["loop", "numpy"]
    assert list(one.sizes) == ["S", "M"]
    assert one.cost_of("S", "float64") is None
    (x,) = one.inputs("M", "float32")
    assert (x.shape, x.dtype) == ((100,), np.float32)
    assert {tier: verdict.status for tier, verdict in statuses(one).items()} == {
        "loop": "ok",
        "numpy": "ok",
    }


def test_its_sizes_are_all_measured_and_its_tiers_are_in_order(tmp_path):
    text = WHOLE + "TIERS = {'zeta': loop, 'alpha': loop, 'alpha-parallel': loop}\n"
    one = loaded(tmp_path, text + "parallel = loop\n")
    assert list(one.tiers) == [*TIERS[:2], TIERS[3], "zeta", "alpha", "alpha-parallel"]
    assert selection.default_sizes([one], [look_at(one.source)]) == ("S", "M")
    cells = cells_of([one], Options(sizes=("S",), threads=(1, 2)))
    of_threads = [(cell.tier, cell.threads) for cell in cells if cell.tier.endswith("-parallel")]
    assert of_threads == [(f"{name}-parallel", n) for name in ("numba", "alpha") for n in (1, 2)]
    assert selection.tiers_named(["alpha,numpy"], [one]) == ("numpy", "alpha")
    with pytest.raises(ValueError, match="unknown tier 'sklearn'; choose from"):
        selection.tiers_named(["sklearn"], [one])


@pytest.mark.parametrize(
    ("tiers", "names"),
    [
        (LOOP, ["loop"]),
        (NUMPY + "ORACLE = 'numpy'\n", ["numpy"]),
        ("from numba import jit\n" + LOOP, ["loop"]),
        ("from numba import njit as jit\n" + LOOP, ["loop"]),
        (
            "from numba import vectorize\nORACLE = 'numba'\n@vectorize\ndef jit(x): return x",
            ["numba"],
        ),
        ("ORACLE = 'mine'\nTIERS = {'mine': lambda x: 2 * x, 'numpy': lambda x: x + x}\n", None),
    ],
)
def test_any_tier_may_be_missing(tmp_path, tiers, names):
    one = loaded(tmp_path, tiers + INPUTS)
    assert list(one.tiers) == (names or ["numpy", "mine"])
    assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


def test_the_oracle_is_the_tier_that_is_named(tmp_path):
    wrong_loop = LOOP.replace("2 *", "3 *")
    verdicts = statuses(loaded(tmp_path, wrong_loop + NUMPY + INPUTS + "ORACLE = 'numpy'\n"))
    assert verdicts["numpy"].status == "ok"
    assert verdicts["loop"].status == "disagrees"
    assert "numpy has" in verdicts["loop"].message


def test_the_loop_gets_lists_where_the_file_says_so(tmp_path):
    says = (
        "def loop(x):\n    return type(x) is list\nTIERS = {'other': lambda x: type(x) is list}\n"
    )
    for lists in (True, False):
        one = loaded(tmp_path, f"{says}{INPUTS}LISTS = {lists}\n")
        got = one.inputs("S", "float64")
        given = {tier: one.prepared(tier, got) for tier in one.tiers}
        assert isinstance(given["loop"][0], list) is lists
        assert isinstance(given["other"][0], np.ndarray)


def test_a_tier_whose_library_is_missing_is_unavailable(tmp_path):
    missing = "def missing(x):\n    import no_such_library\nTIERS = {'missing': missing}\n"
    verdicts = statuses(loaded(tmp_path, WHOLE + missing))
    assert verdicts["missing"].status == "unavailable"


def test_what_lies_beside_the_file_can_be_imported(tmp_path):
    (tmp_path / "lies_beside_double.py").write_text("TWO = 2\n", encoding="utf-8")
    one = loaded(tmp_path, WHOLE.replace("2 * x", "TWO * x") + "from lies_beside_double import TWO")
    assert statuses(one)["numpy"].status == "ok"


def test_an_exception_in_a_kernel_names_its_line(tmp_path):
    text = WHOLE.replace("return 2 * x\n", "y = 2 * x\n    return y[len(x)]\n")
    verdict = statuses(loaded(tmp_path, text))["numpy"]
    assert verdict.status == "failed"
    line = text.splitlines().index("    return y[len(x)]") + 1
    assert verdict.message.endswith(f"(double.py, line {line})")
    assert verdict.message.startswith("IndexError")


def test_hard_inputs_are_stood(tmp_path):
    hard = """
def hard_inputs(dtype):
    yield "large", (np.array([1e6], dtype),)
import numpy as np
"""
    text = WHOLE.replace("return 2 * x\n", "return np.minimum(2 * x, 1000)\n") + hard
    verdict = statuses(loaded(tmp_path, text))["numpy"]
    assert verdict.status == "disagrees"
    assert "hard input “large”: the result[0] is 1000, loop has 2000000" in verdict.message


SLOW = """
import time
def loop(x):
    time.sleep(0.002 * len(x))
    return [2 * value for value in x]
SIZES = {"S": {"n": 3}, "L": {"n": 100_000}}
"""


@pytest.mark.parametrize(
    "sample", ["", "def sample(arguments, rng):\n    return (arguments[0][:5],)\n"]
)
def test_where_the_oracle_is_too_slow_it_sees_a_sample(tmp_path, sample):
    one = loaded(tmp_path, WHOLE + SLOW + sample)
    cells = [Cell("double", tier, "L", "float64", 1) for tier in ("loop", "numpy")]
    loop, numpy = check(one, cells, 2.0)
    assert loop.status == "skipped"
    assert (numpy.status, numpy.checked) == ("ok", "sample")


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ("", 300),
        ("GROWTH = 2\n", 100**2),
        ("def cost(size, itemsize):\n    return itemsize * size['n'], 7 * size['n']\n", 700),
    ],
)
def test_time_is_foretold_by_the_operations_the_growth_or_the_size(tmp_path, words, counted):
    sizes = "SIZES = {'M': {'n': 100, 'k': 3}}\n"
    one = loaded(tmp_path, WHOLE + sizes + words)
    assert one.work("loop", "M") == counted
    cost = one.cost_of("M", "float32")
    assert (cost is None) is ("cost" not in words)
    assert cost is None or cost.bytes_moved == 400


@pytest.mark.parametrize(
    ("words", "counted"), [("", 100 * 3), ("WORK = ('n',)\n", 100), ("WORK = 'k'\n", 3)]
)
def test_other_numbers_of_a_size_say_nothing_of_the_time(tmp_path, words, counted):
    sizes = "SIZES = {'M': {'n': 100, 'k': 3, 'axis': 0, 'by': -2, 'x': -1.75, 'how': 'wrap'}}\n"
    given = "(np.arange(size['n']) * size['x'], size['axis'], size['how'])\nimport numpy as np\n"
    inputs = f"def make_inputs(size, dtype, rng):\n    return {given}"
    tiers = "def loop(x, axis, how):\n    return [how == 'wrap', axis, *x]\n"
    one = loaded(tmp_path, sizes + inputs + tiers + words)
    assert one.work("loop", "M") == counted
    assert {verdict.status for verdict in statuses(one, "M").values()} == {"ok"}
    cells = cells_of([one], Options(sizes=("M",)))
    frame = table.tabulate("run", cells, [Record(0, Verdict(cells[0], "ok"))], [one])
    assert frame["n"].tolist() == [100]


# --- several problems

SEVERAL = """
from bench import Problem, Tier
def inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
def scaled_by(factor):
    return Problem(
        f"times-{factor}",
        {"loop": Tier(lambda: lambda x: [factor * v for v in x]),
         "numpy": Tier(lambda: lambda x: factor * x)},
        {"S": {"n": 3}},
        inputs,
    )
PROBLEMS = [scaled_by(2), scaled_by(3)]
"""


@pytest.mark.slow
def test_a_file_may_have_several_problems(tmp_path):
    found = problems_in([look_at(written(tmp_path, SEVERAL))])
    assert [one.name for one in found] == ["times-2", "times-3"]
    assert {one.source for one in found} == {str(tmp_path / "double.py")}
    for one in found:
        assert {verdict.status for verdict in statuses(one).values()} == {"ok"}
    what = ["--problem", "double.py", "--passes", 1]
    process = answered("run", "times-3", *what, cwd=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "2 cells: 2 ok." in process.stdout
    both = answered("check", *what[:2], cwd=tmp_path)
    assert "4 cells: 4 ok." in both.stdout


@pytest.mark.slow
def test_a_version_that_cannot_be_loaded_is_a_row(tmp_path):
    text = SEVERAL.replace("Tier(lambda: lambda x: factor * x)", "Tier(lambda: [][0])")
    written(tmp_path, text)
    process = answered("run", "times-2", "--problem", "double.py", "--passes", 1, cwd=tmp_path)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "failed: times-2 numpy S float64: IndexError: list index out of range" in process.stdout


@pytest.mark.parametrize(
    ("problems", "words"),
    [
        ("[]", "PROBLEMS has to be a list of bench.Problem, not []"),
        ("scaled_by(2)", "PROBLEMS has to be a list of bench.Problem, not Problem("),
        ("[scaled_by(2), 3]", "PROBLEMS has to hold bench.Problem only, not 3"),
        ("[scaled_by('a b')]", "the problem 'times-a b' in PROBLEMS has a name of other signs"),
        ("[scaled_by(2), scaled_by(2)]", "are both named times-2"),
        ("[Problem('a', {}, {'S': {}}, inputs)]", "has the oracle 'loop', but the tiers "),
        ("[Problem('a', {'loop': 3}, {}, inputs)]", "the problem 'a' in PROBLEMS has no sizes"),
    ],
)
def test_wrong_problems_are_refused(tmp_path, problems, words):
    with pytest.raises(ProblemFileError) as caught:
        problems_in([look_at(written(tmp_path, f"{SEVERAL}PROBLEMS = {problems}\n"))])
    assert words in str(caught.value)


# --- dtypes

OF_DTYPES = """
import numpy as np
def loop(x):
    return [{factor} * value for value in x]
def vectorized(x):
    return {factor} * x
def wide(x):
    return ({factor} * x).astype(np.result_type(x, np.float64))
TIERS = {{"wide": wide}}
SIZES = {{"S": {{"n": 5}}}}
def make_inputs(size, dtype, rng):
    x = 9 * rng.standard_normal(size["n"])
    return ((x + 1j * x[::-1] if np.dtype(dtype).kind == "c" else x).astype(dtype),)
"""


@pytest.mark.parametrize(
    ("dtypes", "factor"),
    [
        ("('int32',)", 3),
        ("'uint8'", 1),
        ("['complex128', 'complex64']", "1j"),
        ("('float16', 'float64', 'int64')", 2),
    ],
)
def test_a_file_has_its_own_dtypes(tmp_path, dtypes, factor):
    one = loaded(tmp_path, f"{OF_DTYPES.format(factor=factor)}DTYPES = {dtypes}\n")
    options = selection.select([one], [look_at(one.source)])
    found = {cell.dtype for cell in cells_of([one], options)}
    assert found == set(one.dtypes), "all of them, by default"
    for dtype in one.dtypes:
        found = statuses(one, dtype=dtype)
        assert {verdict.status for verdict in found.values()} == {"ok"}
        remarked = dtype in {"float16", "complex64"}
        assert bool(found["wide"].message) is remarked
        assert found["numpy"].message == ""
    with pytest.raises(ValueError, match="unknown dtype 'float32'; choose from"):
        selection.select([one], [], dtypes=["float32"])


def test_a_result_of_another_precision_is_remarked_on(tmp_path):
    one = loaded(tmp_path, OF_DTYPES.format(factor=2))
    assert statuses(one, dtype="float32")["wide"].message == "the result is float64 in float32"
    assert statuses(one, dtype="float64")["wide"].message == ""
    assert selection.default_dtypes(one) == ("float64",)


def test_without_named_dtypes_each_file_is_measured_in_its_own(tmp_path):
    texts = {"usual": "", "single": "DTYPES = 'float32'\n", "whole": "DTYPES = 'int32', 'int8'\n"}
    files = [look_at(written(tmp_path, WHOLE + text, f"{name}.py")) for name, text in texts.items()]
    found = problems_in(files)

    def dtypes(**given):
        cells = cells_of(found, selection.select(found, files, sizes=["S"], **given))
        return [(one.problem, one.dtype) for one in cells if one.tier == "loop"]

    single = ("single", "float32")
    wholes = [("whole", "int32"), ("whole", "int8")]
    assert dtypes() == [("usual", "float64"), single, *wholes]
    assert dtypes(dtypes=["float32"]) == [("usual", "float32"), single]
    assert dtypes(problems=["single"]) == [single]


@pytest.mark.parametrize("dtypes", ["()", "('float63',)", "(float,)", "'str'", "3", "('bool',)"])
def test_what_is_no_dtype_is_refused(tmp_path, dtypes):
    with pytest.raises(ProblemFileError, match="line 11: DTYPES has to be names of NumPy's dtypes"):
        loaded(tmp_path, f"{WHOLE}DTYPES = {dtypes}\n")


@pytest.mark.parametrize(
    ("loop", "other", "words"),
    [
        ("x * (1 + 2j)", "(1 + 2j) * x", ""),
        ("x * (1 + 2j)", "x * (1 + 2j) + 1e-6j", "the result[0] is "),
        ("x * (1 + 2j)", "np.conj(x * (1 + 2j))", "the result[0] is "),
        ("complex(x.sum())", "x.sum() + 0j", ""),
        ("[complex(v, 1) for v in x]", "x + 1j", ""),
        ("x * 1j", "x", "the result[0] is "),
        ("x + np.nan * 1j", "x * np.nan", ""),
        ("x + 0j", "x", ""),
        ("x", "x + 0j", "not real numbers"),
        ("np.full(3, complex(np.inf, 1))", "np.full(3, complex(np.inf, 2))", "the result[0] is "),
        ("np.full(3, complex(1, np.inf))", "np.full(3, complex(1, np.inf))", ""),
    ],
)
def test_complex_results_are_compared_as_such(tmp_path, loop, other, words):
    verdict = verdict_on(tmp_path, loop, other)
    assert (verdict.status == "ok") is (not words)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("{'a': x, 'b': 1}", ""),
        ("{'b': 1, 'a': x.tolist()}", ""),
        ("{'a': x, 'b': 2}", "result['b'] is 2, loop has 1"),
        ("{'a': 2 * x, 'b': 1}", "result['a'][0] is "),
        ("{'a': x}", "returned a dict with 'a', not a dict with 'a', 'b'"),
        ("{'a': x, 'c': 1}", "returned a dict with 'a', 'c', not a dict with 'a', 'b'"),
        ("(x, 1)", "returned a tuple, not a dict with 'a', 'b'"),
    ],
)
def test_dicts_are_compared_by_key(tmp_path, other, words):
    verdict = verdict_on(tmp_path, "{'a': x, 'b': 1}", other)
    assert (verdict.status == "ok") is (not words)
    assert words in verdict.message


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ("(1e-3, 0)", "ok"),
        ("[0, 1e-3]", "disagrees"),
        ("({'float64': 1e-3}, 1e-12)", "ok"),
        ("(1e-3,)", "failed"),
    ],
)
def test_each_output_may_have_its_tolerance(tmp_path, tolerance, status):
    more = f"TOLERANCE = {tolerance}"
    verdict = verdict_on(tmp_path, "(x, 2 * x)", "(x * (1 + 1e-5), 2 * x)", more=more)
    assert verdict.status == status
    if status == "failed":
        assert "TOLERANCE has 1 entries for 2 outputs: result 1, result 2" in verdict.message


# --- arguments that a tier wants in another form

BOXED = """
class Boxed(list): pass
def in_box(x):
    box = Boxed()
    box.values = x.tolist()
    return (box,)
TIERS = {"boxed": lambda box: [2 * value for value in box.values]}
"""


def test_a_tier_gets_its_arguments_prepared(tmp_path):
    one = loaded(tmp_path, WHOLE + BOXED + "PREPARE = {'boxed': in_box}\n")
    assert {verdict.status for verdict in statuses(one).values()} == {"ok"}
    arguments = one.inputs("S", "float64")
    assert one.prepared("numpy", arguments) == arguments


def test_prepare_comes_before_lists(tmp_path):
    text = WHOLE.replace("2 * value for value in x", "2 * value for value in x.values")
    one = loaded(
        tmp_path, text + BOXED + "LISTS = True\nPREPARE = dict(loop=in_box, boxed=in_box)\n"
    )
    assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


@pytest.mark.parametrize(
    ("prepare", "status", "words"),
    [
        ("lambda x: x", "failed", 'line 18: PREPARE["boxed"] has to return a tuple of arguments'),
        ("lambda x: (x, 1 / 0)", "failed", "ZeroDivisionError: division by zero"),
        ("lambda x: __import__('no_such_library')", "unavailable", "no_such_library"),
    ],
)
def test_what_prepare_does_wrong_is_the_tier_s_fault(tmp_path, prepare, status, words):
    one = loaded(tmp_path, f"{WHOLE}{BOXED}PREPARE = {{'boxed': {prepare}}}\n")
    found = statuses(one)
    assert (found["boxed"].status, found["numpy"].status) == (status, "ok")
    assert words in found["boxed"].message


# --- what has to be returned


def verdict_on(tmp_path, loop, other, dtype="float64", more=""):
    text = f"import numpy as np\ndef loop(x):\n    return {loop}\n{INPUTS}{more}\n"
    one = loaded(tmp_path, text + f"TIERS = {{'other': lambda x: {other}}}\n")
    return statuses(one, dtype=dtype)["other"]


@pytest.mark.parametrize(
    ("loop", "other"),
    [
        ("float(x.sum())", "x.sum()"),
        ("float(x.sum())", "np.array(x.sum())"),
        ("[2.0 * v for v in x]", "2 * x"),
        ("2 * x", "(2 * x).tolist()"),
        ("(float(x.sum()), [[v] for v in x])", "(x.sum(), x[:, None])"),
        ("int((x > 0).sum())", "(x > 0).sum()"),
        ("[bool(v > 0) for v in x]", "x > 0"),
        ("x * 0", "x * 0 + 1e-11"),
        ("x * np.nan", "x * np.nan"),
    ],
)
def test_results_that_agree(tmp_path, loop, other):
    verdict = verdict_on(tmp_path, loop, other)
    assert (verdict.status, verdict.message) == ("ok", "")


@pytest.mark.parametrize(
    ("loop", "other", "words"),
    [
        ("float(x.sum())", "x.sum() * (1 + 1e-9)", "the result is "),
        ("2 * x", "(2 * x)[:-1]", "the result is of shape (2,), not (3,)"),
        ("2 * x", "None", "the result is None, not real numbers"),
        ("2 * x", "2 * x + 0j", "not real numbers"),
        ("2 * x", "[[1.0], [1.0, 2.0], [1.0]]", "result is a list that cannot be made an array"),
        ("(x, 2 * x)", "(x,)", "returned 1 of 2 outputs (result 1, result 2): result 2 missing"),
        ("(x, 2 * x)", "2 * x", "returned a ndarray, not a tuple of result 1, result 2"),
        ("(1, 2 * x)", "(1, x)", "result 2[0] is "),
        ("100_000_000", "100_000_000.5", "the result is 100000000.5, loop has 100000000"),
    ],
)
def test_results_that_do_not(tmp_path, loop, other, words):
    verdict = verdict_on(tmp_path, loop, other)
    assert verdict.status == "disagrees"
    assert words in verdict.message


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("None", "the result is None (a kernel has to return what it computed)"),
        ("'a word'", "the result is a str; only numbers, arrays of them and tuples or dicts"),
        ("[[1], [1, 2]]", "the result is a list that cannot be made an array"),
        ("(1.0, {})", "result 2 is a dict"),
        ("{'a': 1.0, 'b': 'c'}", "result['b'] is a str"),
    ],
)
def test_an_oracle_whose_result_cannot_be_compared(tmp_path, result, words):
    verdict = verdict_on(tmp_path, result, "x")
    assert verdict.status == "failed"
    assert f"nothing to compare with: loop: {words}" in verdict.message


def test_the_tolerance_is_of_the_largest_entry_and_the_dtype():
    expected = [1.0, -200.0, np.inf]
    for dtype, tolerance in TOLERANCE.items():
        (output,) = outputs_like(TOLERANCE, expected, dtype)
        found = output.tolerance((), dtype)
        assert (found.rtol, found.atol) == (tolerance, 200 * tolerance)
    (zero,) = outputs_like(TOLERANCE, 0.0, "float64")
    assert zero.tolerance((), "float64").atol == TOLERANCE["float64"]


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [("1e-3", "ok"), ("{'float64': 1e-3}", "ok"), ("{'float32': 1e-3}", "disagrees")],
)
def test_a_file_says_its_tolerance(tmp_path, tolerance, status):
    more = f"TOLERANCE = {tolerance}"
    assert verdict_on(tmp_path, "2 * x", "2 * x + 1e-4", more=more).status == status


# --- kernels that write to their arguments

IN_PLACE = """
def loop(x, y):
    for i in range(len(x)):
        x[i] += y[i]
def vectorized(x, y):
    x += y
def make_inputs(size, dtype, rng):
    return np.zeros(size["n"], dtype), rng.standard_normal(size["n"]).astype(dtype)
SIZES = {"S": {"n": 3}}
import numpy as np
"""


@pytest.mark.parametrize("outputs", ["('x',)", "['x']", "'x'", "(0,)", "0", "('x', 0)"])
def test_a_kernel_may_write_to_its_outputs(tmp_path, outputs):
    one = loaded(tmp_path, f"{IN_PLACE}OUTPUTS = {outputs}\n")
    assert one.writes == (0,)
    for _ in range(2):  # it starts from new arguments again
        assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


def test_each_call_has_arguments_of_its_own(tmp_path):
    one = loaded(tmp_path, f"{IN_PLACE}OUTPUTS = 'x'\n")
    arguments = one.inputs("S", "float64")
    several = Given(one, "numpy", arguments).several(3)
    for own in several:
        own[0][:] = 7
        assert (own[1] == arguments[1]).all()
    assert not np.may_share_memory(several[0][0], several[1][0])
    assert not arguments[0].any()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("x += 2 * y", "x[0] is "),
        (
            "x += y; y[0] = 7",
            'wrote to its argument 2 of 2; if it should, declare OUTPUTS = ("y",)',
        ),
        ("return x + y", "x[0] is 0"),
    ],
)
def test_other_outputs_are_refused(tmp_path, other, words):
    text = IN_PLACE.replace(
        "def vectorized(x, y):\n    x += y", f"def vectorized(x, y):\n    {other}"
    )
    verdict = statuses(loaded(tmp_path, f"{text}OUTPUTS = 'x'\n"))["numpy"]
    assert verdict.status == "disagrees"
    assert words in verdict.message


def test_what_is_returned_besides_does_not_count_where_the_oracle_returns_nothing(tmp_path):
    text = IN_PLACE.replace("x += y", "x += y\n    return x, 3")
    assert statuses(loaded(tmp_path, f"{text}OUTPUTS = 'x'\n"))["numpy"].status == "ok"


def test_outputs_and_results_are_compared_together(tmp_path):
    text = IN_PLACE.replace("x[i] += y[i]", "x[i] += y[i]\n    return x[0], 7")
    text += "OUTPUTS = ('x',)\nTIERS = {'right': right, 'wrong': wrong, 'short': short}\n"
    for name, results in (("right", "x[0], 7"), ("wrong", "x[0], 8"), ("short", "x[0]")):
        text = f"def {name}(x, y):\n    x += y\n    return {results}\n{text}"
    found = statuses(loaded(tmp_path, text))
    assert found["right"].status == "ok"
    assert "result 2 is 8, loop has 7" in found["wrong"].message
    assert (
        "returned 2 of 3 outputs (x, result 1, result 2): result 2 miss" in found["short"].message
    )


@pytest.mark.parametrize(
    ("returned", "other", "status"),
    [
        ("x", "x += y", "ok"),
        ("x", "x += y; return x", "ok"),
        ("x", "x += y; return x.copy()", "ok"),
        ("x", "x += y; return 2 * x", "disagrees"),
        ("x", "return x + y", "disagrees"),
        ("x", "x += 2 * y", "disagrees"),
        ("x.copy()", "x += y; return x", "ok"),
        ("x.copy()", "x += y", "disagrees"),
        ("y", "x += y", "disagrees"),
        ("x, 7", "x += y", "disagrees"),
        ("x, 7", "x += y; return x, 7", "ok"),
        ("x, x", "x += y", "ok"),
    ],
)
def test_an_output_that_the_oracle_also_returns_needs_no_return(tmp_path, returned, other, status):
    text = IN_PLACE.replace("x[i] += y[i]", f"x[i] += y[i]\n    return {returned}")
    text = text.replace("):\n    x += y", f"):\n    {other}") + "OUTPUTS = 'x'\n"
    assert statuses(loaded(tmp_path, text))["numpy"].status == status


def test_all_that_was_written_is_named_as_outputs_are_declared(tmp_path):
    text = IN_PLACE.replace("x += y", "x += y\n    y += 1")
    words = 'wrote to its argument 1 of 2; if it should, declare OUTPUTS = ("x", "y")'
    assert statuses(loaded(tmp_path, text))["loop"].message.endswith('OUTPUTS = ("x",)')
    one = loaded(tmp_path, text + "ORACLE = 'pure'\nTIERS = {'pure': lambda *xy: xy[0] + xy[1]}\n")
    assert statuses(one)["numpy"].message == words.replace('"x", "y"', "0, 1")


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ("('z',)", "OUTPUTS has 'z', but the arguments are x, y"),
        ("(2,)", "OUTPUTS has 2, but the arguments are x, y"),
        ("(-1,)", "OUTPUTS has -1, but"),
        ("(True,)", "OUTPUTS has True, but"),
        ("()", 'OUTPUTS has to be names or positions of arguments, such as ("x",), not ()'),
        ("3.5", "OUTPUTS has to be names or positions"),
    ],
)
def test_wrong_outputs_are_refused(tmp_path, outputs, words):
    with pytest.raises(ProblemFileError) as caught:
        loaded(tmp_path, f"{IN_PLACE}OUTPUTS = {outputs}\n")
    assert words in str(caught.value)
    assert ", line 11: " in str(caught.value)


def test_calls_that_write_are_timed_with_new_arguments(tmp_path):
    text = IN_PLACE + "SIZES['L'] = {'n': 1_000_000}\nOUTPUTS = ('x',)\n"
    text += "def alone(x, y):\n    assert not x.any()\n    x += y\nTIERS = {'alone': alone}\n"
    out = tmp_path / "out.json"
    options = ["--lossbench-problem", written(tmp_path, text), "--benchmark-max-time=0.05"]
    quick = [
        "-p",
        "no:cacheprovider",
        f"--benchmark-json={out}",
        "-k",
        "numpy or alone",
        "--lossbench-dtype=float64",
    ]
    process = run_pytest("bench", *options, *quick, cwd=ROOT)
    assert process.returncode == 0, process.stdout + process.stderr
    found = {
        one["param"]: one["stats"]
        for one in json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
    }
    assert len(found) == 4
    for cell, stats in found.items():
        assert (stats["iterations"] == 1) is ("-L-" in cell)
    assert found["double-numpy-S-float64"]["median"] < 20e-6


# --- wrong files


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def loop(x:\n", 1, "'(' was never closed"),
        ("\nx = 1\n  y = 2\n", 3, "unexpected indent"),
        ("x = '\0'\n", 1, "null bytes"),
        ("x = '\xff'\n".encode("latin-1"), 1, "codec can't decode"),
        ("import numpy\nimport no_such_library\n", 2, "ModuleNotFoundError: No module named"),
        ("def f():\n    return 1 / 0\nf()\n", 2, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        (INPUTS, 4, "the file ends without a tier: a function loop, vectorized, jit or parallel"),
        (LOOP.replace("loop", "lop") + INPUTS, 7, "(line 2 has lop)"),
        (LOOP, 3, "the file ends without a function make_inputs(size, dtype, rng)"),
        (WHOLE.replace("make_inputs", "make_input"), 10, "(line 9 has make_input)"),
        (WHOLE.replace("make_inputs(size", "make_inputs(size, how"), 9, "make_inputs raised Typ"),
        (WHOLE.replace('size["n"]', 'size["d"]'), 10, "make_inputs raised KeyError: 'd'"),
        (WHOLE.replace("(dtype),)", "(dtype))"), 9, "the arguments as a tuple, not a ndarray"),
        (LOOP + "make_inputs = 3\n" + "SIZES = {}\n", 4, "make_inputs has to be a function, not 3"),
        (WHOLE.replace("SIZES", "SIZE"), 10, "ends without SIZES, such as SIZES = {"),
        (WHOLE + "SIZES = [1, 2]\n", 11, "SIZES has to be a dict such as {"),
        (WHOLE + "SIZES = {}\n", 11, "SIZES has to be a dict such as {"),
        (WHOLE + "SIZES = {'S': 100}\n", 11, 'SIZES["S"] has to be a dict of numbers and strings'),
        (WHOLE + "SIZES = {'S': {'n': [1]}}\n", 11, "of numbers and strings such as {"),
        (WHOLE + "WORK = ('k',)\n", 11, """WORK has 'k', no whole number of SIZES["S"]"""),
        (WHOLE + "SIZES['S']['k'] = 1.5\nWORK = 'k'\n", 12, "WORK has 'k', no whole number"),
        (WHOLE + "WORK = 3\n", 11, 'WORK has to be names of numbers such as ("n",), not 3'),
        (WHOLE + "PREPARE = [loop]\n", 11, 'PREPARE has to be a dict {"tier": function}'),
        (WHOLE + "PREPARE = {'jit': loop}\n", 11, "PREPARE has 'jit', but the tiers are loop, n"),
        (WHOLE + "PREPARE = {'loop': 3}\n", 11, 'PREPARE["loop"] has to be a function, not 3'),
        (WHOLE + "SIZES = {'a b': {'n': 1}}\n", 11, "a size's name has to consist of letters,"),
        (WHOLE + "loop = 'x'\n", 11, "loop has to be a function, not 'x'"),
        (WHOLE + "TIERS = [loop]\n", 11, 'TIERS has to be a dict {"name": function}'),
        (WHOLE + "TIERS = {'a,b': loop}\n", 11, "a name in TIERS has to consist of letters"),
        (WHOLE + "TIERS = {'mine': 3}\n", 11, 'TIERS["mine"] has to be a function, not 3'),
        (WHOLE + "TIERS = {'torch': loop}\n", 11, 'torch is the name of a built-in peer; use "my-'),
        (WHOLE + "TIERS = {'numpy': loop}\n", 11, "function vectorized is already the tier numpy"),
        (WHOLE + "ORACLE = 'lop'\n", 11, "ORACLE is 'lop', but the tiers are loop, numpy"),
        (NUMPY + INPUTS, 7, 'without a function loop; say which tier the others have to agree'),
        (WHOLE + "NAME = 'a b'\n", 11, "NAME has to consist of letters, digits and _.-, not 'a b"),
        (WHOLE + "LISTS = 'loop'\n", 11, "LISTS has to be True or False, not 'loop'"),
        (WHOLE + "TOLERANCE = 'low'\n", 11, "TOLERANCE has to be a number of at least 0"),
        (WHOLE + "TOLERANCE = {'float16': 1}\n", 11, "TOLERANCE has to be a number of at least 0"),
        (WHOLE + "TOLERANCE = -1\n", 11, "TOLERANCE has to be a number of at least 0"),
        (WHOLE + "GROWTH = 'n'\n", 11, "GROWTH has to be the power of n with which the time"),
        (WHOLE + "def cost(size, itemsize):\n    return 3\n", 11, "cost has to return (bytes"),
        (WHOLE + "def cost(size, itemsize):\n    return size['k'], 1\n", 12, "cost raised Key"),
        (WHOLE + "if True:\n    try:\n        GROWTH = []\n    finally: pass\n", 13, "GROWTH has"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_line_and_what_is_wrong(tmp_path, text, line, words):
    path = tmp_path / "wrong.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProblemFileError) as caught:
        problems_in([look_at(path)])
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert words in message
    assert "\n" not in message


MISSPELT = {
    "vectorised": "vectorized", "Vectorized": "vectorized", "vectorzed": "vectorized",
    "vecotrized": "vectorized", "paralell": "parallel", "parallell": "parallel", "jti": "jit",
    "jitt": "jit", "JIT": "jit", "hard_input": "hard_inputs", "hardinputs": "hard_inputs",
    "hard_imputs": "hard_inputs", "csot": "cost", "coost": "cost", "Cost": "cost",
    "smaple": "sample", "sampel": "sample", "Sample": "sample",
}  # fmt: skip
MISSPELT_CONSTANTS = {
    "TOLERENCE = 1e-3": "TOLERANCE", "Tolerance = {'float64': 1e-3}": "TOLERANCE",
    "TOLERANCES = {'float32': 1}": "TOLERANCE", "tolerance: float = 1": "TOLERANCE",
    "GROWHT = 2": "GROWTH", "GROTH = 1.5": "GROWTH", "LSITS = True": "LISTS",
    "LIST = True": "LISTS", "NAEM = 'x'": "NAME", "TIER = {}": "TIERS", "Tiers = {}": "TIERS",
    "ORACEL = 'numpy'": "ORACLE", "oracle = 'numpy'": "ORACLE",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "known"),
    [(f"def {name}(*given): return given", known) for name, known in MISSPELT.items()]
    + [*MISSPELT_CONSTANTS.items(), ("if True:\n  paralel = loop", "parallel")],
)
def test_a_misspelt_name_is_refused(tmp_path, text, known):
    base = LOOP + INPUTS
    with pytest.raises(ProblemFileError) as caught:
        loaded(tmp_path, f"{base}{text}\n")
    name = re.search(r"def (\w+)|(\w+)(: float)? =", text)
    line = f"line {base.count(chr(10)) + text.count(chr(10)) + 1}"
    words = f"{name[1] or name[2]} looks like a misspelling of {known}: rename it"
    assert str(caught.value) == f"{tmp_path / 'double.py'}, {line}: {words}"


def test_a_misspelt_oracle_of_one_s_own_is_refused(tmp_path):
    text = NUMPY + INPUTS + LOOP.replace("loop", "lopo") + "ORACLE = 'numpy'\n"
    with pytest.raises(ProblemFileError, match="line 9: lopo looks like a misspelling of loop"):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("def loop2(x): return x", "loop"),
        ("def costs(size): return size", "cost"),
        ("costs = [1, 2]", "cost"),
        ("def samples(x): return x", "sample"),
        ("samples = 3", "sample"),
        ("def jit2(x): return x", "jit"),
        ("TOLERANCE_2 = 1e-3", "TOLERANCE"),
        ("lists = [[1], [2, 3]]", "LISTS"),
        ("class Sample: pass", "sample"),
        ("def vectorised(x): return 2 * x\ndef vectorized(x): return vectorised(x)", "vectorized"),
        ("def simple(a, b): return a\ndef helper(a): return simple(a, a)", "sample"),
        ("tolerance = 1e-3\ndef helper(a): return a < tolerance", "TOLERANCE"),
        ("sized = 3", "SIZES"),
        ("TOLERENCE = 1e-3\nTOLERANCE = 1e-3", "TOLERANCE"),
    ],
)
def test_other_names_near_a_known_one_get_a_line(tmp_path, text, near):
    one = loaded(tmp_path, f"{LOOP}{INPUTS}{text}\n")
    name = re.search(r"(?:def |class )?(\w+)", text)[1]
    words = f"line 8: lossbench ignores the name {name}; did you mean {near}?"
    assert one.remarks == (f"{tmp_path / 'double.py'}, {words}",)


@pytest.mark.parametrize(
    "text",
    [
        "def jitter(x): return x",
        "def fit(x): return x",
        "def cost_of(x): return x",
        "def most(x): return x",
        "def pool(x): return x",
        "x, n, d, c = 1, 2, 3, 4",
        "def _vectorised(x): return x",
        "from numpy import vectorize as vectorised",
        "import json as csot",
        "def f(x):\n    vectorised = tolerence = x\n    return vectorised",
        "def vectorised(x): return [2 * v for v in x]\nTIERS = {'mine': vectorised}",
        "names = {'a': 1}\ndel names",
        "shape, total, result, weights, scores, labels = range(6)",
    ],
)
def test_names_of_one_s_own_are_left_alone(tmp_path, text):
    assert loaded(tmp_path, f"{LOOP}{INPUTS}{text}\n").remarks == ()


@pytest.mark.parametrize(
    "path", [*EXAMPLES, ROOT / "bench/problems/template.py"], ids=lambda path: path.stem
)
def test_our_own_files_have_no_near_misses(path):
    (one,) = problems_in([look_at(path)])
    assert one.remarks == ()


def test_a_file_s_functions_are_refused_when_they_go_wrong_later(tmp_path):
    text = (
        WHOLE
        + "def hard_inputs(dtype):\n    return [1]\ndef sample(arguments, rng):\n    return 1\n"
    )
    one = loaded(tmp_path, text)
    with pytest.raises(
        ProblemFileError, match="line 11: hard_inputs has to return a list of pairs"
    ):
        one.hard_inputs("float64")
    with pytest.raises(ProblemFileError, match="line 13: sample has to return a tuple of smaller"):
        one.sample((), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.py", "there is no file {}/nowhere.py"),
        ("double.txt", "{}/double.txt is not a Python file: its name has to end in .py"),
        ("folder.py", "{}/folder.py cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_none(tmp_path, name, words):
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ProblemFileError) as caught:
        look_at(tmp_path / name)
    assert str(caught.value) == words.format(tmp_path)


def test_a_file_name_that_is_no_name_needs_one(tmp_path):
    with pytest.raises(ProblemFileError, match="ends without a NAME, and 'my double' does not"):
        loaded(tmp_path, WHOLE, "my double.py")
    assert loaded(tmp_path, WHOLE + "NAME = 'mine'\n", "my double.py").name == "mine"


def test_a_file_does_not_take_a_module_s_place(tmp_path):
    with pytest.raises(
        ProblemFileError, match=r"json.py would hide the module json: give the file"
    ):
        loaded(tmp_path, WHOLE, "json.py")
    assert sys.modules["json"] is json


@pytest.mark.slow
def test_what_a_run_has_cached_is_loaded_by_a_program_of_one_s_own(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    text = WHOLE + "from numba import njit\n@njit(cache=True)\ndef jit(x):\n    return 2 * x\n"
    written(tmp_path, text)
    program = (
        "import double, numpy; y = double.jit(numpy.ones(1)); "
        "print(y, *double.jit.stats.cache_hits.values())"
    )
    variables = os.environ | {"NUMBA_CACHE_DIR": numba_cache(), "PYTHONPATH": str(ROOT)}
    for command, words in (
        (["-m", "bench", "check", "--problem", "double.py", "--size", "S"], "3 cells: 3 ok."),
        (["-c", program], "[2.] 1"),
        (["-m", "bench", "check", "--problem", "double.py", "--size", "S"], "3 cells: 3 ok."),
    ):
        process = subprocess.run(
            [sys.executable, *command],
            capture_output=True, text=True, cwd=tmp_path, env=variables, check=False,
        )  # fmt: skip
        assert process.returncode == 0, process.stdout + process.stderr
        assert words in process.stdout


def test_two_files_have_two_names(tmp_path):
    (tmp_path / "other").mkdir()
    files = [look_at(written(folder, WHOLE)) for folder in (tmp_path, tmp_path / "other")]
    with pytest.raises(ProblemFileError, match="both named double: give one of them another NAME"):
        problems_in(files)
    third = look_at(written(tmp_path / "other", WHOLE + "NAME = 'other'\n"))
    with pytest.raises(ProblemFileError, match="have the same file name: rename one of them"):
        problems_in([files[0], third])
    fourth = look_at(written(tmp_path, WHOLE, "fourth.py"))
    assert [one.name for one in problems_in([files[0], fourth])] == ["double", "fourth"]


# --- modules beside the file

HELPED = WHOLE.replace("2 * x", "times(x)") + "from helper import times\n"
TIMES = "def times(x):\n    return {factor} * x\n"


def in_folder(folder, text, helper, name="double.py"):
    folder.mkdir()
    (folder / "helper.py").write_text(helper, encoding="utf-8")
    return written(folder, text, name)


def test_two_files_have_their_own_helpers_of_one_name(tmp_path):
    texts = [HELPED, HELPED.replace("2 * value", "3 * value") + "NAME = 'triple'\n"]
    files = [
        look_at(in_folder(tmp_path / name, text, TIMES.format(factor=factor), f"{name}.py"))
        for name, text, factor in zip(("two", "three"), texts, (2, 3), strict=True)
    ]
    for one in problems_in(files):
        assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


LAZY = """
import numpy as np
import bench
def loop(x):
    from helper import times
    return times(x)
def vectorized(x):
    return FACTOR * x
SIZES = {"S": {"n": 3}}
def make_inputs(size, dtype, rng):
    import helper
    assert helper.times(1) == FACTOR
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""
LISTED = """
NAME, tiers = "listed", {"loop": bench.Tier(lambda: loop), "numpy": bench.Tier(lambda: vectorized)}
PROBLEMS = [bench.Problem(NAME, tiers, SIZES, make_inputs)]
"""


@pytest.mark.parametrize("deep", [False, True], ids=["in the file", "in its helper"])
@pytest.mark.parametrize("more", ["", LISTED], ids=["one problem", "a list"])
def test_what_is_imported_in_a_call_is_the_file_s_own(tmp_path, deep, more):
    files = []
    for name, factor in (("two", 2), ("three", 3)):
        times = TIMES.format(factor=factor)
        lazy = "def times(x):\n    from deeper import times\n    return times(x)\n"
        text = LAZY.replace("FACTOR", str(factor)) + more.replace("listed", f"listed-{name}")
        path = in_folder(tmp_path / name, text, lazy if deep else times, f"{name}.py")
        (tmp_path / name / "deeper.py").write_text(times, encoding="utf-8")
        files.append(look_at(path))
    for one in problems_in(files) * 2:
        assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


def test_a_module_is_run_once_when_two_files_take_turns(tmp_path):
    helper = "seen = []\ndef times(x):\n    seen.append(0)\n    return {factor} * x\n"
    files = [
        look_at(
            in_folder(
                tmp_path / name,
                LAZY.replace("FACTOR", str(factor)),
                helper.format(factor=factor),
                f"{name}.py",
            )
        )
        for name, factor in (("two", 2), ("three", 3))
    ]
    kept = []
    for one in problems_in(files) * 2:
        one.inputs("S", "float64")
        kept.append(sys.modules["helper"])
    assert [len(module.seen) for module in kept] == [3, 3, 3, 3]
    assert kept[:2] == kept[2:]


def test_a_helper_belongs_to_the_file_of_a_run(tmp_path):
    package = tmp_path / "mine" / "helpers"
    path = in_folder(tmp_path / "mine", HELPED, "from helpers.deep import times\n")
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "deep.py").write_text(TIMES.format(factor=2), encoding="utf-8")
    file = look_at(path)
    folder = run_folder.begin(tmp_path / "results", Options(sizes=("S",), files=(file,)))
    assert sorted(one.name for one in (folder / "double.modules").rglob("*.py")) == [
        *("__init__.py", "deep.py", "helper.py")
    ]
    (package / "deep.py").write_text(TIMES.format(factor=3), encoding="utf-8")
    assert look_at(path) != file
    words = "double.py, or a module that it imports (helper.py, helpers/__init__.py, helpers/deep."
    with pytest.raises(ProblemFileError, match=re.escape(words)):
        problems_in([file])
    (as_it_was,) = stored_problems_in([file], folder)
    assert {verdict.status for verdict in statuses(as_it_was).values()} == {"ok"}
    (package / "other.py").write_text("", encoding="utf-8")
    (package / "other.py").unlink()
    (package / "deep.py").write_text(TIMES.format(factor=2), encoding="utf-8")
    assert look_at(path) == file


def test_what_a_file_does_not_import_is_not_a_part_of_it(tmp_path):
    path = in_folder(tmp_path / "mine", WHOLE, TIMES)
    before = look_at(path)
    (tmp_path / "mine" / "helper.py").write_text("x = 1\n", encoding="utf-8")
    assert look_at(path) == before


def test_a_file_named_like_a_module_that_it_imports_finds_it(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "doubling.py").write_text(TIMES.format(factor=2), encoding="utf-8")
    monkeypatch.syspath_prepend(elsewhere)
    text = WHOLE.replace("2 * x", "times(x)") + "from doubling import times\n"
    one = loaded(tmp_path, text, "doubling.py")
    assert (one.name, one.source) == ("doubling", str(tmp_path / "doubling.py"))
    assert {verdict.status for verdict in statuses(one).values()} == {"ok"}


# --- the folder of a run


def test_a_run_of_a_file_is_resumed_with_the_file_it_began_with(tmp_path):
    path = written(tmp_path, WHOLE)
    options = Options(sizes=("S",), files=(look_at(path),))
    folder = run_folder.begin(tmp_path / "results", options)
    assert run_folder.options_of(folder).files == options.files
    assert (folder / "double.py").read_text(encoding="utf-8") == WHOLE
    path.write_text(WHOLE + "TOLERANCE = 1\n", encoding="utf-8")
    with pytest.raises(
        ProblemFileError, match=r"double.py has changed since the run began: .*copy"
    ):
        problems_in(run_folder.options_of(folder).files)
    (as_it_was,) = stored_problems_in(run_folder.options_of(folder).files, folder)
    assert as_it_was.source == str(folder / "double.py")
    path.unlink()
    with pytest.raises(ProblemFileError, match=r"there is no file .*double.py"):
        problems_in(run_folder.options_of(folder).files)
    assert [
        one.name for one in stored_problems_in(run_folder.options_of(folder).files, folder)
    ] == ["double"]
    (folder / "double.py").unlink()
    with pytest.raises(ProblemFileError, match=r"there is no file .*double.py"):
        stored_problems_in(run_folder.options_of(folder).files, folder)


# --- as a person uses it


@pytest.fixture(scope="module")
def template_run(tmp_path_factory):
    """The template, as it is written, in a run."""
    folder = tmp_path_factory.mktemp("template")
    made = lossbench("new", "my_kernel.py", cwd=folder)
    assert made.returncode == 0, made.stderr
    what = ["--problem", "my_kernel.py", "--size", "S", "--threads", "1", "--passes", "2"]
    return made, lossbench("run", *what, cwd=folder), folder


@pytest.mark.slow
def test_the_template_runs_as_it_is(template_run):
    made, process, folder = template_run
    assert (
        "Written to my_kernel.py. To check and time it: lossbench run --problem my_k" in made.stdout
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == ""
    assert "5 cells: 5 ok." in process.stdout
    (run_folder,) = (folder / "results").iterdir()
    frame = bench.load(run_folder)
    assert frame["tier"].tolist() == ["loop", "numpy", "numba", "numba-parallel", "dot"]
    assert set(frame["status"]) == {"ok"}
    assert frame[["median_s", "speedup_vs_loop", "gb_per_s", "n"]].notna().all(axis=None)
    environment = json.loads((run_folder / "environment.json").read_text(encoding="utf-8"))
    assert environment["options"]["files"][0]["path"] == str(folder / "my_kernel.py")


@pytest.mark.slow
def test_a_torn_run_of_a_file_is_resumed_and_reported(template_run, tmp_path):
    _, _, folder = template_run
    (whole,) = (folder / "results").iterdir()
    torn = tmp_path / whole.name
    torn.mkdir()
    for name in ("environment.json", "my_kernel.py"):
        (torn / name).write_bytes((whole / name).read_bytes())
    lines = (whole / "cells.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (torn / "cells.jsonl").write_text("".join(lines[:8]), encoding="utf-8")
    assert len(bench.load(torn)) == 5, "put together from its cells"
    process = answered("run", "--resume", torn, cwd=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (torn / "cells.jsonl").read_text(encoding="utf-8").startswith("".join(lines[:8]))
    assert (bench.load(torn)["passes"] == 2).all()


def test_a_run_whose_file_has_changed_is_not_resumed(tmp_path):
    path = written(tmp_path, WHOLE)
    folder = run_folder.begin(tmp_path / "results", Options(sizes=("S",), files=(look_at(path),)))
    path.write_text(WHOLE + "\n", encoding="utf-8")
    process = answered("run", "--resume", folder, cwd=tmp_path)
    assert process.returncode == 2
    assert "double.py has changed since the run began" in " ".join(process.stderr.split())


def test_new_does_not_overwrite(tmp_path):
    path = tmp_path / "mine.py"
    write_template(path)
    before = path.write_text("mine", encoding="utf-8") and path.read_text(encoding="utf-8")
    with pytest.raises(ProblemFileError, match=r"mine.py already exists: choose another name"):
        write_template(path)
    assert path.read_text(encoding="utf-8") == before
    for name in ("mine", "my kernel.py", "mine.txt"):
        with pytest.raises(ProblemFileError, match="name of the file has to consist of letters"):
            write_template(tmp_path / name)
    with pytest.raises(ProblemFileError, match="cannot be written: No such file or directory"):
        write_template(tmp_path / "nowhere" / "mine.py")


def test_a_wrong_kernel_is_refused_and_the_run_exits_1(tmp_path):
    written(tmp_path, WHOLE + "TIERS = {'wrong': lambda x: 2 * x + 1e-9}\n")
    arguments = ["--problem", "double.py", "--size", "S", "--passes", "1"]
    process = answered("run", *arguments, cwd=tmp_path)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "disagrees: double wrong S float64: the result[0] is " in process.stdout
    (folder,) = (tmp_path / "results").iterdir()
    frame = bench.load(folder).set_index("tier")
    assert frame["status"].to_dict() == {"loop": "ok", "numpy": "ok", "wrong": "disagrees"}
    assert frame.loc["wrong", ["median_s", "speedup_vs_loop"]].isna().all()
    assert frame.loc["numpy", "median_s"] > 0
    checked = answered("check", *arguments[:4], cwd=tmp_path)
    assert checked.returncode == 1
    assert "disagrees: double-wrong-S-float64: the result[0] is " in checked.stdout


def test_a_misspelt_name_ends_with_2_and_a_near_one_with_a_line(tmp_path):
    written(tmp_path, LOOP + INPUTS + NUMPY.replace("zed", "sed"))
    check = ["check", "--problem", "double.py", "--size", "S"]
    refused = answered(*check, cwd=tmp_path)
    assert refused.returncode == 2
    words = "double.py, line 9: vectorised looks like a misspelling of vectorized: rename it"
    assert words in " ".join(refused.stderr.split())
    written(tmp_path, WHOLE + "costs = {'S': 1}\ndef loop2(x):\n    return x\n")
    what = ["--problem", "double.py", "--size", "S", "--passes", "1"]
    for process in (answered(*check, cwd=tmp_path), answered("run", *what, cwd=tmp_path)):
        assert process.returncode == 0, process.stdout + process.stderr
        for line, name, known in ((11, "costs", "cost"), (12, "loop2", "loop")):
            words = f"double.py, line {line}: lossbench ignores the name {name}; did you mean"
            assert f"{words} {known}?\n" in process.stdout


MISSING = "def missing(x):\n    import no_such_library\nTIERS = {'missing': missing}\n"
UNCOMPARED = "Nothing was compared with the oracle in: double\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (LOOP + INPUTS + MISSING, [], 2),
        (WHOLE + MISSING, ["--tier", "missing"], 2),
        (WHOLE + MISSING, ["--tier", "loop"], 0),
        (LOOP + INPUTS, [], 0),
    ],
)
def test_where_nothing_is_compared_a_line_says_so(tmp_path, text, options, code):
    written(tmp_path, text)
    what = ["--problem", "double.py", "--size", "S", *options]
    runs_of = ["--passes", "1"]
    checked = answered("check", *what, cwd=tmp_path)
    timed = answered("run", *what, *runs_of, cwd=tmp_path)
    for process in (checked, timed):
        assert process.returncode == code, process.stdout + process.stderr
        assert UNCOMPARED in process.stdout


def test_what_is_compared_and_then_too_slow_is_compared(tmp_path):
    slow = "import time\ndef vectorized(x):\n    time.sleep(0.3)\n    return 2 * x\n"
    written(tmp_path, LOOP + slow + INPUTS)
    what = ["--problem", "double.py", "--size", "S", "--budget", "0.1"]
    process = answered("check", *what, cwd=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "1 ok, 1 skipped" in process.stdout
    assert UNCOMPARED not in process.stdout


@pytest.mark.slow
def test_pytest_bench_times_a_file(tmp_path):
    written(tmp_path, WHOLE + "TIERS = {'wrong': lambda x: 2 * x + 1e-9}\n")
    out = tmp_path / "out.json"
    options = ["--lossbench-problem", tmp_path / "double.py", f"--benchmark-json={out}"]
    quick = ["--benchmark-max-time=0.01", "-p", "no:cacheprovider"]
    process = run_pytest("bench", *options, *quick, cwd=ROOT)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "4 passed" in process.stdout
    assert "2 failed" in process.stdout
    names = {one["name"] for one in json.loads(out.read_text(encoding="utf-8"))["benchmarks"]}
    assert names == {
        f"test_speed[double-{tier}-{size}-float64]"
        for tier in ("loop", "numpy") for size in ("S", "M")
    }  # fmt: skip


def test_pytest_bench_refuses_a_wrong_file(tmp_path):
    written(tmp_path, LOOP)
    options = ["--lossbench-problem", "double.py", "-p", "no:cacheprovider"]
    process = run_pytest(ROOT / "bench", "-c", os.devnull, *options, cwd=tmp_path)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert (
        "ERROR: double.py, line 3: the file ends without a function make_inputs" in process.stderr
    )


@pytest.mark.parametrize("command", ["run", "check", "list"])
def test_a_wrong_file_is_a_line_and_exit_code_2(tmp_path, command):
    written(tmp_path, WHOLE + "ORACLE = 'lop'\n")
    process = answered(command, "--problem", "double.py", cwd=tmp_path)
    assert process.returncode == 2
    words = "double.py, line 11: ORACLE is 'lop', but the tiers are loop, numpy"
    assert words in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_a_file_that_goes_wrong_in_the_middle_of_a_run_costs_what_it_is_asked_for(tmp_path):
    late = WHOLE.replace('rng.standard_normal(size["n"])', "rng.standard_normal({3: 3}[size['n']])")
    written(tmp_path, late)
    process = answered("run", "--problem", "double.py", "--passes", "1", cwd=tmp_path)
    assert process.returncode == 1
    words = "its inputs cannot be made: double.py, line 10: make_inputs raised KeyError: 100"
    assert f"failed: double loop M float64: {words}" in " ".join(process.stdout.split())
    assert "4 cells: 2 ok, 2 failed." in process.stdout
    assert process.stderr == ""
    checked = answered("check", "--problem", "double.py", cwd=tmp_path)
    assert checked.returncode == 1
    assert f"failed: double-loop-M-float64: {words}" in " ".join(checked.stdout.split())
    options = ["--lossbench-problem", tmp_path / "double.py", "-p", "no:cacheprovider"]
    timed = run_pytest("bench", *options, "-k", "loop-M-float64", cwd=ROOT)
    assert timed.returncode == 1
    assert "double.py, line 10: make_inputs raised KeyError: 100" in timed.stdout
    assert "Traceback" not in timed.stdout


def test_list_shows_a_file_s_tiers_and_sizes(tmp_path):
    written(tmp_path, WHOLE.replace('"n"', '"points"') + "TIERS = {'mine': loop}\n")
    process = answered("list", "--problem", "double.py", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    for words in ("loop numpy mine", "S M", "size of double", "points", "100"):
        assert words in process.stdout


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_agree(path):
    size = ["--size", "S", "--dtype", "float64,float32", "--threads", "1"]
    process = answered("check", "--problem", path, *size, cwd=ROOT)
    assert process.returncode == 0, process.stdout + process.stderr


def test_the_readme_s_file_runs(tmp_path):
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
    (text,) = (block.partition("```")[0] for block in blocks if "def make_inputs" in block)
    for dtype in DTYPES:
        verdicts = statuses(loaded(tmp_path, text), "M", dtype)
        assert [verdicts[tier].status for tier in ("loop", "numpy", "numba")] == ["ok"] * 3


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} == {"ladder", "nearest_neighbours", "stencil"}
