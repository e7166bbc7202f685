"""Options and fixtures of `pytest bench`: the cells to time, their verdicts and arguments."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench import model
from bench.agreement.check import check
from bench.agreement.given import Given
from bench.agreement.results import waiting
from bench.common import code, encoding
from bench.measurement import machine, records
from bench.measurement.conditions import Conditions, reuse_freed_memory
from bench.measurement.records import Record
from bench.measurement.schedule import PAUSED, SHOWN
from bench.model import PEERS, Arguments, Cell, Problem, Status, Verdict
from bench.problems import selection
from bench.problems.user_file import look_at, problems_in
from bench.problems.user_source import error_text
from bench.workers import job, watchdog
from bench.workers.job import Job
from bench.workers.watchdog import Step

# Options that take names, with what `--help` says of each.
CHOICES = {
    "size": f"sizes to time (default: {', '.join(model.DEFAULT_SIZES)}; all with -k, or of a file)",
    "dtype": "dtypes to time (default: float64; all with -k)",
    "tier": "tiers to time, or peers (default: all but the peers; all with -k)",
    "threads": "thread counts of the parallel tiers (default: all cores)",
}
VERDICTS = pytest.StashKey[dict[Cell, Verdict]]()
JOB = pytest.StashKey[Job]()
PROBLEMS = pytest.StashKey[dict[str, Problem]]()
CALLED = pytest.StashKey[set[Cell]]()
# The pass of a cell that `pytest bench` times outside a run.
BY_HAND = 1

# pytest-benchmark's own 5 µs would make 100,000 rounds of a small kernel in its default second.
MIN_ROUND_S = 1e-3
THEIR_MIN_ROUND_S = 5e-6
# How often a worker looks whether the table of the first pass has been shown.
PAUSE_POLL_S = 0.05
# Inputs up to this size are kept between the cells that share them.
KEPT_BYTES = 64_000_000
# Raised by the tests here for a cell that is not timed, or if a file cannot be written.
OURS = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that select what is measured."""
    group = parser.getgroup("lossbench")

    for name, words in CHOICES.items():
        group.addoption(
            f"--lossbench-{name}", action="append", default=[], metavar="A,B", help=words
        )
    group.addoption(
        "--lossbench-problem",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with your own problem, instead of the built-in ones",
    )
    group.addoption(
        "--lossbench-budget",
        type=float,
        default=model.DEFAULT_BUDGET,
        metavar="SECONDS",
        help="time for one call; a cell over it is skipped (default: %(default)g)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run beside pytest-xdist, and find what is to be timed."""
    if hasattr(config, "workerinput") or config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "bench times one cell at a time: run it without pytest-xdist (-n 0), "
            "as cells that run side by side slow each other down"
        )
    encoding.replace_unencodable()
    reuse_freed_memory()
    os.environ["NUMBA_CACHE_DIR"] = code.numba_cache()
    try:
        machine.refuse_without_jit()
        work = config.stash[JOB] = job.begin() or _job_by_hand(config)
        known = records.read(Path(work.details["path"])) if work.details else []
        found = problems_in(work.options.files)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    if not work.cells:
        raise pytest.UsageError("no problem has that size and tier: see `lossbench list`")
    config.stash[VERDICTS] = records.verdicts(known)
    config.stash[CALLED] = set()
    config.stash[PROBLEMS] = {one.name: one for one in found}


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print the remarks on a user's file."""
    return [remark for one in config.stash[PROBLEMS].values() for remark in one.remarks]


def _job_by_hand(config: pytest.Config) -> Job:
    """Return the job that the options of `pytest bench` ask for."""

    def given(name: str) -> list[str]:
        values: list[str] = config.getoption(f"--lossbench-{name}", [])
        return values

    files = tuple(look_at(config.invocation_params.dir / file) for file in given("problem"))
    found = problems_in(files)
    options = selection.select(
        found,
        files,
        sizes=given("size"),
        dtypes=given("dtype"),
        tiers=given("tier"),
        threads=given("threads"),
        # With -k the user has chosen already, so that every cell has to be there.
        everything=bool(config.getoption("keyword", "")),
    )
    options = replace(options, budget=config.getoption("--lossbench-budget"))
    return Job(selection.cells_of(found, options), options)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per cell, in the order of the job."""
    if "cell" not in metafunc.fixturenames:
        return
    options: dict[str, Any] = {}
    if float(metafunc.config.getoption("benchmark_min_time")) == THEIR_MIN_ROUND_S:
        options["min_time"] = MIN_ROUND_S
    work = metafunc.config.stash[JOB]
    passes = work.details.get("passes") or [BY_HAND] * len(work.cells)
    warm_ups = work.details.get("warm_ups", 0)
    metafunc.parametrize(
        ("cell", "pass_number", "is_warm_up"),
        [
            pytest.param(
                cell,
                number,
                i < warm_ups,
                id=_id(cell, number if work.details else None, is_warm_up=i < warm_ups),
                marks=pytest.mark.benchmark(group=" ".join(cell.group), **options),
            )
            for i, (cell, number) in enumerate(zip(work.cells, passes, strict=True))
        ],
    )


def _id(cell: Cell, number: int | None, *, is_warm_up: bool) -> str:
    if number is None:
        return cell.id
    return f"{cell.id} (warm-up)" if is_warm_up else f"{cell.id} (pass {number})"


def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, Any] | None:
    """Return the facts that the run knows already; by hand, pytest-benchmark asks for its own."""
    facts = config.stash[JOB].details.get("machine")
    if facts is None:
        return None
    if facts["threading_layer"] is None:  # only a worker knows it
        facts = facts | machine.facts_of_process()
    return {"lossbench": facts}


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add what a measurement depends on to pytest-benchmark's JSON."""
    if "lossbench" in machine_info:
        return
    machine_info["lossbench"] = machine.facts(threading_layer=True)
    # The present clock frequency is no property of the machine: it differs from minute to minute.
    for name in ("hz_actual", "hz_actual_friendly"):
        machine_info.get("cpu", {}).pop(name, None)


@pytest.hookimpl(wrapper=True)
def pytest_benchmark_compare_machine_info(
    benchmarksession: Any, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> Any:
    """Warn that the machines differ if pytest-benchmark's own warning fails.

    It does for a storage outside the working folder (pytest-benchmark 5.3).
    """
    try:
        return (yield)
    except ValueError:
        saved = compared_benchmark["machine_info"].get("lossbench")
        differences = machine.differences_of(saved, machine_info["lossbench"], PEERS)
        benchmarksession.logger.warning(
            "The saved benchmarks are from another machine: "
            + ("; ".join(differences) or "pytest-benchmark's own facts differ")
        )


@pytest.fixture
def its_problem(cell: Cell, request: pytest.FixtureRequest) -> Problem:
    """Return the problem of the cell."""
    return request.config.stash[PROBLEMS][cell.problem]


@pytest.fixture
def verdict(cell: Cell, its_problem: Problem, request: pytest.FixtureRequest) -> Verdict:
    """The verdict on the cell; its group is judged once per session, before it is timed."""
    known = request.config.stash[VERDICTS]
    judged = replace(cell, twin=False)
    if judged not in known:
        in_session = (item.callspec.params["cell"] for item in request.session.items)  # type: ignore[attr-defined]
        group = [other for other in in_session if other.group == cell.group and other not in known]
        budget = request.config.stash[JOB].options.budget
        known.update((one.cell, one) for one in check(its_problem, group, budget))
    return replace(known[judged], cell=cell)


@pytest.fixture
def is_first_call(cell: Cell, request: pytest.FixtureRequest) -> bool:
    """Whether this process has not called the cell's kernel yet."""
    called, judged = request.config.stash[CALLED], replace(cell, twin=False)
    is_first = judged not in called
    called.add(judged)
    return is_first


@pytest.fixture
def given(cell: Cell, its_problem: Problem, verdict: Verdict) -> Given | None:
    """Return the arguments of the cell's calls; None for a cell that is not timed."""
    if verdict.status != "ok":
        return None
    return Given(its_problem, cell.tier, _inputs(its_problem, cell.size, cell.dtype))


@pytest.fixture
def kernel(
    cell: Cell,
    its_problem: Problem,
    verdict: Verdict,
    given: Given | None,  # noqa: ARG001  (made before, as the call is the next step)
) -> model.Kernel | None:
    """Return the kernel, with its lazy result awaited; None for a cell that is not timed."""
    if verdict.status != "ok":
        return None
    tier = its_problem.tiers[cell.tier]
    loaded = tier.load()
    with _ending_if_it_cannot_write():
        watchdog.take(Step(cell), preparing=tier.compiles_unseen)
    return waiting(loaded) if verdict.waits else loaded


@pytest.fixture
def record(
    verdict: Verdict, pass_number: int, is_warm_up: bool, request: pytest.FixtureRequest
) -> Callable[..., None]:
    """Return the function that writes the record of the cell, in a worker."""

    def write(iterations: int, times: Sequence[float], conditions: Conditions) -> None:
        if not is_warm_up:
            found = Record(pass_number, verdict, iterations, tuple(times), conditions)
            _write(request.config, found)

    return write


@pytest.fixture
def refuse_late(
    verdict: Verdict, pass_number: int, request: pytest.FixtureRequest
) -> Callable[[str], None]:
    """Return the function that refuses a cell because of its timed calls."""

    def refuse(message: str) -> None:
        _write_late(request.config, pass_number, verdict, "disagrees", message)
        pytest.fail(f"{verdict.cell.id}: disagrees: {message}")

    return refuse


def _write_late(
    config: pytest.Config, number: int, verdict: Verdict, status: Status, message: str
) -> None:
    """Record that a cell which was right in agreement is wrong now, and time it no more."""
    # A twin that fails is a cell that fails.
    cell, words = replace(verdict.cell, twin=False), f"in pass {number}: {message}"
    wrong = replace(verdict, cell=cell, status=status, message=words)
    config.stash[VERDICTS][cell] = wrong
    _write(config, Record(number, wrong))


def _write(config: pytest.Config, found: Record) -> None:
    details = config.stash[JOB].details
    if details:
        with _ending_if_it_cannot_write():
            records.append(Path(details["path"]), found)


@contextmanager
def _ending_if_it_cannot_write() -> Iterator[None]:
    """End the session if its files cannot be written: no cell is to blame."""
    try:
        yield
    except OSError as error:
        pytest.exit(str(error), returncode=watchdog.CANNOT_WRITE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Log which cell is next."""
    with _ending_if_it_cannot_write():
        watchdog.take(Step(_cell_of(item)), preparing=True)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the first pass of a run, wait while its table is shown: nothing is timed meanwhile."""
    pause = item.config.stash[JOB].details.get("pause")
    if pause and nextitem and _pass_of(item) == 1 < _pass_of(nextitem):
        watchdog.pause()
        with _ending_if_it_cannot_write():
            Path(pause, PAUSED).touch()
        while not Path(pause, SHOWN).exists():
            time.sleep(PAUSE_POLL_S)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Record that a cell failed, if its kernel or its inputs raised an exception."""
    raised = call.excinfo.value if call.excinfo else None
    known = item.config.stash[VERDICTS].get(replace(_cell_of(item), twin=False))
    if known and raised is not None and call.when != "teardown" and not isinstance(raised, OURS):
        _write_late(item.config, _pass_of(item), known, "failed", error_text(raised))
    return (yield)


def pytest_sessionfinish() -> None:
    """Give pytest-benchmark time to write its report."""
    watchdog.finish()


def _cell_of(item: pytest.Item) -> Cell:
    cell: Cell = item.callspec.params["cell"]  # type: ignore[attr-defined]
    return cell


def _pass_of(item: pytest.Item) -> int:
    number: int = item.callspec.params["pass_number"]  # type: ignore[attr-defined]
    return number


def _inputs(one: Problem, size: str, dtype: str) -> Arguments:
    """Return the inputs of a group. Small ones are cached, as the cells come in any order."""
    cost = one.cost_of(size, dtype)
    if cost is None or (cost.working_set or cost.bytes_moved) > KEPT_BYTES:
        return one.inputs(size, dtype)
    return _kept_inputs(one, size, dtype)


@cache
def _kept_inputs(one: Problem, size: str, dtype: str) -> Arguments:
    return one.inputs(size, dtype)
