"""Time each cell by pytest-benchmark: `pytest bench`.

pytest bench -k svm_loss-numba-M-float64 --benchmark-json=out.json
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from bench.agreement.calls import quickest
from bench.agreement.given import Given
from bench.common import threads
from bench.measurement import conditions
from bench.measurement.schedule import PASS_S
from bench.model import WRONG, Cell, Kernel, Problem, Verdict, is_threaded

# Where each call needs a copy of its arguments, a round is one call. At most so many rounds.
MOST_ROUNDS = 10_000


# pytest-benchmark warns if a test did not use its fixture. A refused cell does not, and says why.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used at all")
def test_speed(
    cell: Cell,
    its_problem: Problem,
    verdict: Verdict,
    given: Given,
    kernel: Kernel,
    pass_number: int,
    is_warm_up: bool,
    is_first_call: bool,
    benchmark: Any,
    record: Callable[..., None],
    refuse_late: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    # Refuse before timing: once benchmark() has run, the row is in pytest-benchmark's JSON.
    if verdict.status != "ok":
        refuse = pytest.fail if verdict.status in WRONG else pytest.skip
        refuse(f"{cell.id}: {verdict.status}: {verdict.message}")
    benchmark.extra_info.update(_extra_info(its_problem, verdict), **{"pass": pass_number})
    with threads.limited(cell.threads):
        seconds = _seconds(verdict, kernel, given, is_first_call)
        if is_warm_up and (seconds > PASS_S or pass_number > 1):
            pytest.skip("warm after its first call")
        rounds = _rounds(seconds, request.config)
        before = conditions.start()
        if given.needs_new_copies:
            rounds = _rounds_of_copies(seconds, given, request.config)
            benchmark.pedantic(kernel, setup=lambda: (given.next(), {}), rounds=rounds)
        elif rounds:
            benchmark.pedantic(kernel, given.next(), rounds=rounds)
        else:
            benchmark(kernel, *given.next())
        meanwhile = conditions.conditions_since(before)
    harm = given.harm()
    if harm or is_warm_up:
        benchmark.has_error = True  # no row in pytest-benchmark's JSON
    if harm:  # agreement makes only a few calls
        refuse_late(harm)
    if benchmark.stats:  # there are none with --benchmark-disable
        record(benchmark.stats.iterations, benchmark.stats.stats.data, meanwhile)


def _seconds(verdict: Verdict, kernel: Kernel, given: Given, is_first_call: bool) -> float:
    """Return the approximate time of a call, after one that compiles and wakes the threads."""
    tier, short = verdict.cell.tier, (verdict.seconds or 0.0) <= PASS_S
    if tier != "loop" and (short or (is_first_call and tier != "numpy")):
        kernel(*given.next())
    if not is_threaded(verdict.cell.tier):
        return verdict.seconds or 0.0
    # Its verdict was made beside another process, and threads that share cores wait for turns.
    return quickest(lambda: _time_of(kernel, given))


def _time_of(kernel: Kernel, given: Given) -> float:
    arguments = given.next()
    start = time.perf_counter()
    kernel(*arguments)
    return time.perf_counter() - start


def _rounds(seconds: float, config: pytest.Config) -> int:
    """Return the number of rounds of a slow cell; 0 lets pytest-benchmark choose.

    In pytest-benchmark the minimum of rounds overrides the maximum of time, and calibration adds to
    it: a call of half a second would be made six times.
    """
    longest = float(config.getoption("benchmark_max_time"))
    if seconds * int(config.getoption("benchmark_min_rounds")) <= longest:
        return 0
    return max(1, int(longest / seconds))


def _rounds_of_copies(seconds: float, given: Given, config: pytest.Config) -> int:
    """Return the number of rounds of a cell whose rounds each start with a copy."""
    copying = quickest(lambda: _time_of(lambda *_: given.next(), given))
    longest = float(config.getoption("benchmark_max_time"))
    return max(1, min(MOST_ROUNDS, int(longest / (seconds + copying))))


def _extra_info(its_problem: Problem, verdict: Verdict) -> dict[str, Any]:
    cell = verdict.cell
    agreement = {k: v for k, v in asdict(verdict).items() if k not in {"cell", "estimated_s"}}
    cost = its_problem.cost_of(cell.size, cell.dtype)
    return {**asdict(cell), "agreement": agreement, "cost": asdict(cost) if cost else None}
