"""Call a tier, or refuse it with a message that says why it cannot be timed."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from bench.agreement import results
from bench.agreement.closeness import Closeness, closeness, outputs_like
from bench.agreement.given import Given
from bench.agreement.values import ATOMS, CannotCopyError
from bench.common import threads
from bench.model import PEERS, Arguments, Cell, Kernel, Output, Problem, Status
from bench.problems.user_source import ProblemFileError, error_text, line_in
from bench.workers import watchdog
from bench.workers.watchdog import FatalStepError, Step

# To plan a run, a call is timed this many times, or for this long.
REPEATS = 5
REPEATS_S = 0.1


@dataclass(frozen=True)
class Returned:
    """What a call returned, its seconds, and whether the result had to be waited for."""

    value: Any
    seconds: float
    waits: bool


@dataclass(frozen=True)
class Expected:
    """Arguments, and what a trusted tier returned for them."""

    arguments: Arguments
    value: Any
    tier: str


class RefusalError(Exception):
    """A cell cannot be timed; the status and the message say why."""

    def __init__(self, status: Status, message: str, **found: Any) -> None:
        super().__init__(message)
        self.status: Status = status
        self.message = message
        self.found = found


def compare_all(problem: Problem, step: Step, expected: Sequence[Expected]) -> Closeness:
    """Return the largest errors, or refuse the tier for the first that is too large."""
    cell = step.cell
    largest = Closeness()
    for one in expected:
        if one.tier == cell.tier and cell.threads == 1:
            continue  # the trusted result is from this tier, at one thread
        value = call(problem, step, one.arguments).value
        outputs = outputs_of(problem, one.value, cell.dtype)
        if problem.writes:
            value = _as_wanted(value, one.value, len(problem.writes))
        found = closeness(outputs, value, one.value, one.arguments, cell.dtype, one.tier)
        largest = largest.joined(found)
        if found.message:
            errors = {
                "max_abs_error": largest.max_abs_error,
                "max_rel_error": largest.max_rel_error,
            }
            raise RefusalError("disagrees", found.message, **errors)
    return largest


def _as_wanted(value: Arguments, want: Arguments, written: int) -> Arguments:
    """Return a tier's outputs, the first of which it has written, as the trusted tier has them.

    What is returned besides does not count if the trusted tier returns nothing. A tier that returns
    nothing is right where the trusted tier returns the arguments that it has written.
    """
    if len(want) == written:
        return value[:written]
    pairs = [pair for pair in zip(value, want, strict=False) if type(pair[1]) not in ATOMS]
    again = [item for one in want[written:] for item, its in pairs[:written] if its is one]
    returns_them = len(value) == written and len(again) == len(want) - written
    return (*value, *again) if returns_them else value


def call(problem: Problem, step: Step, arguments: Arguments) -> Returned:
    """Call a tier, or refuse it; its outputs are copied when the call ends."""
    kernel, given = _loaded(problem, step, arguments)
    returned = _timed(problem, step, kernel, given)
    with _refusing(problem):
        value = results.settled(given.outputs(returned.value))
    _untouched(problem, given)
    return replace(returned, value=value)


def _loaded(problem: Problem, step: Step, arguments: Arguments) -> tuple[Kernel, Given]:
    """Return a tier's kernel and its arguments."""
    _take(step, preparing=True)
    tier = step.cell.tier
    with _refusing(problem):
        return problem.tiers[tier].load(), Given(problem, tier, arguments)


def _timed(problem: Problem, step: Step, kernel: Kernel, given: Given) -> Returned:
    arguments, cell = given.next(), step.cell
    _take(step, preparing=problem.tiers[cell.tier].compiles_unseen)
    with _refusing(problem), threads.limited(cell.threads):
        start = time.perf_counter()
        value = kernel(*arguments)
        seconds = time.perf_counter() - start
        # The code of a peer waits already
        waits = cell.tier not in PEERS and results.is_lazy(value)
        if waits:
            start = time.perf_counter()
            value = results.waited(value)
            seconds += time.perf_counter() - start
    return Returned(value, seconds, waits)


def inputs_of(problem: Problem, cell: Cell) -> Arguments:
    """Return the arguments of a cell's size, or refuse it."""
    _take(Step(replace(cell, tier=problem.oracle, threads=1), "inputs"), preparing=True)
    with _refusing(problem):
        return problem.inputs(cell.size, cell.dtype)


def _take(step: Step, *, preparing: bool) -> None:
    """Log the next step, or refuse a step that ended a worker of this run before."""
    try:
        watchdog.take(step, preparing=preparing)
    except FatalStepError as error:
        raise RefusalError(error.how.status, error.how.message) from error


@contextmanager
def _refusing(problem: Problem) -> Iterator[None]:
    """Turn an exception, a missing library included, into a refusal with a message."""
    try:
        yield
    except ImportError as error:
        raise RefusalError("unavailable", error_text(error)) from error
    except CannotCopyError as error:
        raise RefusalError("failed", str(error)) from error
    except Exception as error:
        raise RefusalError("failed", error_text(error) + _line(error, problem)) from error


def _line(error: Exception, problem: Problem) -> str:
    """Return the line of a user's file in which an error was raised."""
    if isinstance(error, ProblemFileError):
        return ""  # its message has the line
    line = line_in(problem.source, error) if problem.source else None
    return f" ({Path(problem.source).name}, line {line})" if line else ""


def _untouched(problem: Problem, given: Given) -> None:
    """Refuse a tier that changed what it was given."""
    with _refusing(problem):
        harm = given.harm()
    if harm:
        raise RefusalError("disagrees", harm)


def predicted_s(problem: Problem, cell: Cell, limit: float) -> float | None:
    """Predict a call's seconds from the operations of the next smaller size; None without one.

    From the smallest size up, each is called unless the one before predicts more than the limit.
    One thread is used, because threads on busy cores wait longer than they work.
    """
    work = problem.work(cell.tier, cell.size)
    rate: float | None = None
    amounts = sorted((problem.work(cell.tier, size), size) for size in problem.sizes)
    for its_work, size in amounts:
        if its_work >= work or (rate is not None and rate * its_work > limit):
            break
        smaller = replace(cell, size=size, threads=1)
        seconds = _quickest.get(problem, {}).get(smaller)
        if seconds is None:  # the first call may compile
            seconds = quickest_call(problem, smaller, inputs_of(problem, smaller), unused=1).seconds
        rate = seconds / its_work
    return None if rate is None else rate * work


# Those of this process, so that the predictions for larger sizes need not call again.
_quickest: WeakKeyDictionary[Problem, dict[Cell, float]] = WeakKeyDictionary()


def quickest_call(problem: Problem, cell: Cell, arguments: Arguments, unused: int = 0) -> Returned:
    """Return the fastest of a few calls of a tier on the same arguments, after some unused ones."""
    step = Step(cell)
    kernel, given = _loaded(problem, step, arguments)
    waits = False

    def time_a_call() -> float:
        nonlocal waits
        returned = _timed(problem, step, kernel, given)
        waits |= returned.waits
        return returned.seconds

    for _ in range(unused):
        time_a_call()
    seconds = quickest(time_a_call)
    _quickest.setdefault(problem, {})[cell] = seconds
    _untouched(problem, given)
    return Returned(None, seconds, waits)


def quickest(time_a_call: Callable[[], float]) -> float:
    """Return the shortest time of a few calls, or that of one call if it is long."""
    seconds = [time_a_call()]
    while len(seconds) < REPEATS and sum(seconds) < REPEATS_S:
        seconds.append(time_a_call())
    return min(seconds)


def outputs_of(problem: Problem, expected: Any, dtype: str) -> tuple[Output, ...]:
    """Return the outputs a tier must return; in a user's file, the oracle's result defines them."""
    if isinstance(problem.outputs, tuple):
        return problem.outputs
    try:
        written = [problem.argument(position) for position in problem.writes]
        return outputs_like(problem.outputs, expected, dtype, written)
    except TypeError as error:
        raise RefusalError("failed", str(error)) from error
