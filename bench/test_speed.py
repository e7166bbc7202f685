"""Time each cell by pytest-benchmark: `pytest bench`.

pytest bench -k svm_loss-numba-M-float64 --benchmark-json=out.json
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest

from bench.agreement.calls import quickest
from bench.agreement.given import Given
from bench.common import threads
from bench.measurement import conditions
from bench.measurement.costs import floors
from bench.measurement.schedule import PASS_S
from bench.model import WRONG, Arguments, Cell, Kernel, Problem, Verdict, is_threaded

# The tiers of the built-in problems that are plain Python. In a user's file, any tier may compile.
NEVER_COMPILED = ("loop", "numpy")
# Where each call needs new arguments, they are made before each round. At most so many rounds.
MOST_ROUNDS = 10_000
# A round of a call this long is one call; of a shorter one as many as take this long, so that
# reading the clock (0.2 µs) does not count.
ROUND_OF_COPIES_S = 20e-6


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
        may_compile = bool(its_problem.source) or cell.tier not in NEVER_COMPILED
        seconds = _seconds(verdict, kernel, given, is_first_call and may_compile)
        if is_warm_up and (seconds > PASS_S or pass_number > 1):
            pytest.skip("warm after its first call")
        rounds = _rounds(seconds, request.config)
        before, empty_call_s = conditions.start(), None
        if given.needs_new_copies:
            calls = _calls_in_a_round(seconds, given)
            rounds = _rounds_of_copies(calls * seconds, calls, given, request.config)
            empty_call_s = _empty_call_s(calls, given)
            in_turn = _in_turn(kernel)
            benchmark.pedantic(in_turn, setup=lambda: ((given.several(calls),), {}), rounds=rounds)
            _divide(benchmark.stats, calls)
        elif rounds:
            benchmark.pedantic(kernel, given.next(), rounds=rounds)
        else:
            benchmark(kernel, *given.next())
        meanwhile = replace(conditions.conditions_since(before), empty_call_s=empty_call_s)
    harm = given.harm()
    if harm or is_warm_up:
        benchmark.has_error = True  # no row in pytest-benchmark's JSON
    if harm:  # agreement makes only a few calls
        refuse_late(harm)
    if benchmark.stats:  # there are none with --benchmark-disable
        record(benchmark.stats.iterations, benchmark.stats.stats.data, meanwhile)


def _seconds(verdict: Verdict, kernel: Kernel, given: Given, may_compile: bool) -> float:
    """Return the approximate time of a call, after one that compiles and wakes the threads."""
    is_short = (verdict.seconds or 0.0) <= PASS_S
    if may_compile or (is_short and verdict.cell.tier != "loop"):
        kernel(*given.next())
    if not is_threaded(verdict.cell.tier):
        return verdict.seconds or 0.0
    # Its verdict was made beside another process, and threads that share cores wait for turns.
    return quickest(lambda: _time_of(kernel, given))


def _time_of(kernel: Kernel, given: Given) -> float:
    return _seconds_of(kernel, *given.next())


def _seconds_of(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
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


def _calls_in_a_round(seconds: float, given: Given) -> int:
    """Return how many calls a round has if each needs new arguments.

    Their arguments together take half of the L2 cache at most: they were written just before, and
    more of them would have to be read from memory.
    """
    size = sum(getattr(item, "nbytes", 0) for item in given.next())
    fitting = _half_of_l2() // size if size else MOST_ROUNDS
    return max(1, min(fitting, math.ceil(ROUND_OF_COPIES_S / max(seconds, 1e-9))))


@cache  # some systems start a process to ask for the caches
def _half_of_l2() -> int:
    return next(level.measured for level in floors.levels() if level.name == "L2")


def _rounds_of_copies(seconds: float, calls: int, given: Given, config: pytest.Config) -> int:
    """Return the number of rounds, of some seconds, if each call needs new arguments."""
    copying = quickest(lambda: _seconds_of(given.several, calls))
    longest = float(config.getoption("benchmark_max_time"))
    return max(1, min(MOST_ROUNDS, int(longest / (seconds + copying))))


def _empty_call_s(calls: int, given: Given) -> float:
    """Return the seconds of a call that does nothing, in rounds of so many calls."""
    arguments = given.several(calls)
    do_nothing = _in_turn(lambda *_: None)
    return quickest(lambda: _seconds_of(do_nothing, arguments)) / calls


def _in_turn(kernel: Kernel) -> Callable[[Iterable[Arguments]], Any]:
    """Return a function that calls a kernel with one tuple of arguments after the other."""

    def call_in_turn(several: Iterable[Arguments]) -> None:
        for arguments in several:
            kernel(*arguments)

    return call_in_turn


def _divide(stats: Any, calls: int) -> None:
    """Make times of a call of the times of rounds, as pytest-benchmark does without a setup."""
    if stats:  # there are none with --benchmark-disable
        stats.iterations = calls
        stats.stats.data[:] = [seconds / calls for seconds in stats.stats.data]


def _extra_info(its_problem: Problem, verdict: Verdict) -> dict[str, Any]:
    cell = verdict.cell
    agreement = {k: v for k, v in asdict(verdict).items() if k not in {"cell", "estimated_s"}}
    cost = its_problem.cost_of(cell.size, cell.dtype)
    return {**asdict(cell), "agreement": agreement, "cost": asdict(cost) if cost else None}
