"""`pytest bench` by itself: its selection, its options, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def pytest_bench(*arguments, variables=None):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | (variables or {}),
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_one_cell_by_name(tmp_path):
    out = tmp_path / "out.json"
    process = pytest_bench("-k", "svm_loss-numba-lecture-float64", f"--benchmark-json={out}")
    assert process.returncode == 0, process.stdout + process.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    (benchmark,) = report["benchmarks"]
    assert benchmark["name"] == "test_speed[svm_loss-numba-lecture-float64]"
    assert benchmark["extra_info"]["agreement"]["status"] == "ok"
    assert benchmark["extra_info"]["tier"] == "numba"
    assert benchmark["options"]["min_time"] == 1e-3
    machine = report["machine_info"]["lossbench"]
    assert machine["libraries"]["llvmlite"]
    assert machine["threading_layer"]
    assert machine["cpu"]


@pytest.mark.slow
def test_with_k_all_sizes_and_dtypes_are_there():
    process = pytest_bench("--collect-only", "-q", "-k", "svm_loss-numba-L-float32")
    assert "bench/test_speed.py::test_speed[svm_loss-numba-L-float32]" in process.stdout


def test_without_k_the_default_cells_are_there():
    process = pytest_bench("--collect-only", "-q", "--lossbench-threads", "1,2")
    assert process.returncode == 0
    assert "214 tests collected" in process.stdout
    assert "float32" not in process.stdout


def test_nothing_is_timed_without_the_compiler():
    process = pytest_bench("-k", "svm_loss-numba", variables={"NUMBA_DISABLE_JIT": "1"})
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: NUMBA_DISABLE_JIT is set" in process.stderr


@pytest.mark.slow
def test_cells_by_option():
    options = ["--lossbench-size=S", "--lossbench-dtype=float32", "--lossbench-tier=loop,numpy"]
    process = pytest_bench("--collect-only", "-q", *options)
    assert "30 tests collected" in process.stdout
    wrong = pytest_bench("--collect-only", "--lossbench-size=XL")
    assert wrong.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: unknown size 'XL'; choose from L, " in wrong.stderr


@pytest.mark.slow
def test_saved_runs_are_compared(tmp_path):
    cell = ["-k", "svm_loss-numpy-lecture-float64", f"--benchmark-storage={tmp_path}"]
    quick = ["--benchmark-max-time=0.01", "--benchmark-min-time=0.0001"]
    saved = pytest_bench(*cell, *quick, "--benchmark-autosave")
    assert saved.returncode == 0, saved.stdout + saved.stderr
    (path,) = tmp_path.rglob("0001_*.json")
    report = json.loads(path.read_text(encoding="utf-8"))
    report["machine_info"]["lossbench"]["cpu"] = "an abacus"
    path.write_text(json.dumps(report), encoding="utf-8")
    compared = pytest_bench(*cell, *quick, "--benchmark-compare", "--benchmark-autosave")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "(0001_" in compared.stdout
    assert "another machine: cpu: an abacus → " in " ".join(compared.stderr.split())
    (again,) = tmp_path.rglob("0002_*.json")
    machine = json.loads(again.read_text(encoding="utf-8"))["machine_info"]["lossbench"]
    assert report["machine_info"]["lossbench"] == machine | {"cpu": "an abacus"}


ONE_SIZE = """
def loop(x):
    return sum(x)
{more}
SIZES = {{"{size}": {{"n": 5}}}}
def make_inputs(size, dtype, rng):
    return (rng.random(size["n"]),)
"""


def test_a_selection_without_a_cell_is_refused(tmp_path):
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    files[0].write_text(ONE_SIZE.format(more="vectorized = loop", size="A"), encoding="utf-8")
    files[1].write_text(ONE_SIZE.format(more="", size="B"), encoding="utf-8")
    given = [f"--lossbench-problem={file}" for file in files]
    process = pytest_bench(*given, "--lossbench-size=B", "--lossbench-tier=numpy")
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no problem has that size and tier" in process.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "outcome"), [("--benchmark-disable", "1 passed"), ("--benchmark-skip", "1 skipped")]
)
def test_benchmarks_can_be_switched_off(option, outcome):
    process = pytest_bench("-k", "svm_loss-numpy-lecture-float64", option)
    assert process.returncode == 0, process.stdout + process.stderr
    assert outcome in process.stdout


@pytest.mark.slow
def test_a_slow_cell_is_called_as_often_as_fits(tmp_path):
    out = tmp_path / "out.json"
    options = ["--benchmark-max-time=0.001", f"--benchmark-json={out}"]
    process = pytest_bench("-k", "svm_loss-loop-M-float64", *options)
    assert process.returncode == 0, process.stdout + process.stderr
    (benchmark,) = json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
    assert (benchmark["stats"]["rounds"], benchmark["stats"]["iterations"]) == (1, 1)


@pytest.mark.slow
def test_a_cell_over_its_budget_is_skipped_with_the_reason():
    options = ["-k", "svm_loss-loop-M-float64", "-rs", "--lossbench-budget=1e-7"]
    process = pytest_bench(*options)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "1 skipped" in process.stdout
    assert "over the budget of 1e-07 s" in " ".join(process.stdout.split())


def test_side_by_side_is_refused():
    process = pytest_bench("--numprocesses=2", "--dist=load")
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "run it without pytest-xdist" in process.stderr


ANY_VALUES = """
import random, time

class Promise:
    def __init__(self, value):
        self.value = value
    def compute(self):
        time.sleep(0.002)
        return self.value

calls = 0
def loop(x, rng):
    return sum(x)
def lazy(x, rng):
    return Promise(sum(x))
def writes_late(x, rng):
    global calls
    calls += 1
    if calls == 100:
        x.append(0.0)
    return sum(x[:3])
def draws(x, rng):
    return sum(x) + 0.0 * {draw}
TIERS = {{"lazy": lazy, "writes-late": writes_late, "draws": draws}}
SIZES = {{"S": {{"n": 3}}}}
def make_inputs(size, dtype, rng):
    return [1.5, 2.5, 3.0], {rng}
"""


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """Benchmarks by tier, and the outcome: with arguments that are seen into, and with others."""

    def timing(name, **parts):
        folder = tmp_path_factory.mktemp(name)
        (folder / f"{name}.py").write_text(ANY_VALUES.format(**parts), encoding="utf-8")
        options = ["--benchmark-max-time=0.1", f"--benchmark-json={folder / 'out.json'}"]
        process = pytest_bench(f"--lossbench-problem={folder / name}.py", *options)
        report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        found = {one["extra_info"]["tier"]: one for one in report["benchmarks"]}
        return found, process

    seen = timing("seen", rng="0", draw="rng")
    return seen, timing("unseen", rng="random.Random(1)", draw="rng.random()")


@pytest.mark.slow
def test_a_lazy_result_is_waited_for_in_the_timing_and_only_that(timed):
    for found, _ in timed:
        assert found["lazy"]["extra_info"]["agreement"]["waits"] is True
        assert found["lazy"]["stats"]["min"] >= 0.002
        assert found["loop"]["extra_info"]["agreement"]["waits"] is False


@pytest.mark.slow
def test_a_tier_that_changes_its_arguments_while_it_is_timed_has_no_time(timed):
    found, process = timed[0]
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "seen-writes-late-S-float64: disagrees: wrote to its argument 1 of 2" in process.stdout
    assert found.keys() == {"loop", "lazy", "draws"}


def test_a_generator_is_new_in_each_call_and_lists_need_not_be(timed):
    (seen, _), (unseen, process) = timed
    assert process.returncode == 0, process.stdout
    assert seen["draws"]["stats"]["iterations"] > 1
    # So few that their arguments stay in cache, as those of a pass all do.
    stats = unseen["draws"]["stats"]
    assert 1 <= stats["iterations"] < seen["draws"]["stats"]["iterations"]
    assert stats["iterations"] * stats["rounds"] > 20
