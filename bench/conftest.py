"""What `pytest bench` needs around test_speed.py: its cells, their verdicts, and the machine.

Which cells there are is left to `measurement`, whether they are right to `agreement`.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench import environment, names, plan, problem, records
from bench.agreement import Verdict, check
from bench.plan import Options
from bench.problem import DTYPES, Arguments, Cell
from bench.problems import PROBLEMS
from bench.problems.inputs import SIZES
from bench.records import Record

VERDICTS = pytest.StashKey[dict[Cell, Verdict]]()
CELLS = pytest.StashKey[list[Cell]]()

# pytest-benchmark's own 5 µs would make 100,000 rounds of a small kernel in its default second.
MIN_ROUND_S = 1e-3
THEIR_MIN_ROUND_S = 5e-6
# Inputs up to this size are kept between the cells that share them.
KEPT_BYTES = 64_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say what is measured."""
    group = parser.getgroup("lossbench")

    def choice(name: str, words: str) -> None:
        group.addoption(
            f"--lossbench-{name}", action="append", default=[], metavar="A,B", help=words
        )

    by_default = ", ".join(plan.DEFAULT_SIZES)
    choice("size", f"sizes to time (default: {by_default}; all with -k)")
    choice("dtype", "dtypes to time (default: float64; all with -k)")
    choice("tier", "tiers to time, or peers (default: all but the peers; all with -k)")
    choice("threads", "thread counts of the parallel tiers (default: 1 and all cores)")
    group.addoption(
        "--lossbench-budget",
        type=float,
        default=plan.DEFAULT_BUDGET,
        metavar="SECONDS",
        help="what one call may take; a cell over it is skipped (default: %(default)g)",
    )
    # How `lossbench run` drives a pass
    group.addoption("--lossbench-plan", type=Path, help="the cells of a pass, as JSON, in order")
    group.addoption("--lossbench-cells", type=Path, help="file that a line a cell is added to")
    group.addoption("--lossbench-pass", type=int, default=1, help="number of the pass")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to share the machine, and find out what is to be timed."""
    if hasattr(config, "workerinput") or config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "bench times one cell at a time: run it without pytest-xdist (-n 0), "
            "as cells that run side by side slow each other down"
        )
    cells_file: Path | None = config.getoption("--lossbench-cells", None)
    known = records.read(cells_file) if cells_file else []
    config.stash[VERDICTS] = records.verdicts(known)
    config.stash[CELLS] = _cells(config)


def _cells(config: pytest.Config) -> list[Cell]:
    plan_file: Path | None = config.getoption("--lossbench-plan", None)
    if plan_file:
        return [Cell(**cell) for cell in json.loads(plan_file.read_text(encoding="utf-8"))]
    # With -k the person has chosen already: whatever name is asked for has to be there.
    everything = bool(config.getoption("keyword", ""))
    default_sizes = tuple(SIZES) if everything else plan.DEFAULT_SIZES
    default_dtypes = DTYPES if everything else plan.DEFAULT_DTYPES
    default_tiers = tuple({tier for one in PROBLEMS for tier in one.tiers}) if everything else ()

    def given(name: str) -> list[str]:
        values: list[str] = config.getoption(f"--lossbench-{name}", [])
        return values

    try:
        options = Options(
            sizes=names.chosen("size", given("size"), tuple(SIZES)) or default_sizes,
            dtypes=names.chosen("dtype", given("dtype"), DTYPES) or default_dtypes,
            tiers=plan.tiers_named(given("tier")) or default_tiers,
            threads=names.counts("threads", given("threads")),
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    return plan.cells_of(PROBLEMS, options)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each cell, in the order of the plan."""
    if "cell" not in metafunc.fixturenames:
        return
    options: dict[str, Any] = {}
    if float(metafunc.config.getoption("benchmark_min_time")) == THEIR_MIN_ROUND_S:
        options["min_time"] = MIN_ROUND_S
    metafunc.parametrize(
        "cell",
        [
            pytest.param(
                cell,
                id=cell.id,
                marks=pytest.mark.benchmark(group=" ".join(cell.group), **options),
            )
            for cell in metafunc.config.stash[CELLS]
        ],
    )


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add what a measurement depends on to pytest-benchmark's JSON."""
    machine_info["lossbench"] = environment.facts(threading_layer=True)


@pytest.fixture
def verdict(cell: Cell, request: pytest.FixtureRequest) -> Verdict:
    """Agreement of the cell: its group is judged once a session, before any of it is timed."""
    known = request.config.stash[VERDICTS]
    if cell not in known:
        in_session = (item.callspec.params["cell"] for item in request.session.items)  # type: ignore[attr-defined]
        group = [other for other in in_session if other.group == cell.group and other not in known]
        budget = request.config.getoption("--lossbench-budget", plan.DEFAULT_BUDGET)
        found = check(_problem(cell), group, budget)
        known.update((one.cell, one) for one in found)
    return known[cell]


@pytest.fixture
def arguments(cell: Cell, verdict: Verdict) -> Arguments:
    """Inputs as the cell's tier takes them; none are made for a cell that is not timed."""
    if verdict.status != "ok":
        return ()
    return problem.tier_arguments(_problem(cell), cell.tier, _inputs(*cell.group))


@pytest.fixture
def kernel(cell: Cell, verdict: Verdict) -> problem.Kernel | None:
    """Return the function to time; none for a cell that is not timed."""
    return _problem(cell).tiers[cell.tier]() if verdict.status == "ok" else None


@pytest.fixture
def record(
    verdict: Verdict, request: pytest.FixtureRequest
) -> Callable[[int, Sequence[float]], None]:
    """Return the function that writes what was found about the cell, where a run wants it."""
    path: Path | None = request.config.getoption("--lossbench-cells", None)
    number: int = request.config.getoption("--lossbench-pass", 1)

    def write(iterations: int = 0, times: Sequence[float] = ()) -> None:
        if path:
            records.append(path, Record(number, verdict, iterations, tuple(times)))

    return write


def _problem(cell: Cell) -> problem.Problem:
    return next(one for one in PROBLEMS if one.name == cell.problem)


def _inputs(name: str, size: str, dtype: str) -> Arguments:
    """Return the inputs of a group, kept if they are small: the cells come in any order."""
    one = next(one for one in PROBLEMS if one.name == name)
    if problem.cost(one, size, dtype).bytes_moved > KEPT_BYTES:
        return problem.inputs(one, size, dtype)
    return _kept_inputs(one, size, dtype)


@cache
def _kept_inputs(one: problem.Problem, size: str, dtype: str) -> Arguments:
    return problem.inputs(one, size, dtype)
