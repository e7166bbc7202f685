"""Is a tier right? Every tier of a cell's group is held against the loops before it is timed.

What the loops and the inputs are is left to the problem, what a cell costs to `measurement`.
"""

import math
import textwrap
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench import results, steps, threads
from bench.given import Given
from bench.model import (
    PEERS,
    Arguments,
    Cell,
    Kernel,
    Output,
    Problem,
    Status,
    Tolerance,
    Verdict,
    seeded,
)
from bench.problem_file import ProblemFileError
from bench.results import Numbers
from bench.units import duration
from bench.values import CannotCopyError, same

# What all of a result is held against where the loops can only do a sample of it.
SECOND_ORACLE = "numpy"
# The part of the budget that one call may take which only foretells the time of a larger size.
CALIBRATION = 0.25
# A call is timed so many times, or for so long, to plan by.
REPEATS = 5
REPEATS_S = 0.1
# The time of a small size is mostly dispatch, which foretells too much for a larger one. The loops
# have none; another tier is called unless it is foretold to take so many budgets.
BENEFIT_OF_THE_DOUBT = 10.0
# Bits of the largest whole number that a message spells out.
LONGEST_SHOWN = 512
# What a step is at that is not a cell's own call, in the place of its size and of its tier.
HARD_INPUT, A_SAMPLE, INPUTS = "hard input", "a sample of", "inputs"


@dataclass(frozen=True)
class Comparison:
    """How far a result is from what was expected; without a message, it is near enough."""

    message: str = ""
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0


@dataclass(frozen=True)
class _Returned:
    """What a call returned, in how many seconds, and whether that had to be waited for."""

    value: Any
    seconds: float
    waits: bool


@dataclass(frozen=True)
class _Expected:
    """Arguments, and what a tier to be trusted made of them."""

    arguments: Arguments
    value: Any
    tier: str


class _RefusalError(Exception):
    """A cell cannot be timed, for this status and message."""

    def __init__(self, status: Status, message: str, **found: Any) -> None:
        super().__init__(message)
        self.status: Status = status
        self.message = message
        self.found = found


def check(problem: Problem, cells: Sequence[Cell], budget: float) -> list[Verdict]:
    """Judge the cells of one problem, size and dtype.

    Parameters
    ----------
    problem : Problem
        That of the cells.
    cells : sequence of Cell
        Of one `group`.
    budget : float
        Seconds that one call may take. Where the oracle would need more it gets a sample of the
        inputs; another tier is skipped.

    Returns
    -------
    list of Verdict
        One for each cell, in their order.
    """
    try:
        return _check(problem, cells, budget)
    except ProblemFileError as error:  # of what is no tier: hard inputs, a sample, the cost
        return [Verdict(cell, "failed", str(error)) for cell in cells]


def _check(problem: Problem, cells: Sequence[Cell], budget: float) -> list[Verdict]:
    oracle = replace(cells[0], tier=problem.oracle, threads=1)
    try:
        arguments = _inputs(problem, oracle)
    except _RefusalError as refusal:
        message = f"its inputs cannot be made: {refusal.message}"
        return [Verdict(cell, refusal.status, message) for cell in cells]
    try:
        own, expected = _ask_oracle(problem, oracle, arguments, budget)
    except _RefusalError as refusal:
        return [_without_oracle(cell, oracle, refusal) for cell in cells]
    return [
        own if cell == oracle else _judge(problem, cell, arguments, expected, budget)
        for cell in cells
    ]


def _ask_oracle(
    problem: Problem, oracle: Cell, arguments: Arguments, budget: float
) -> tuple[Verdict, list[_Expected]]:
    """Return the oracle's own verdict and what the other tiers are held against."""
    slow: Verdict | None = None
    try:
        predicted = _predicted(problem, oracle, CALIBRATION * budget)
        if predicted is not None and predicted > budget:
            slow = _over_budget(oracle, predicted, budget)
        else:
            returned = _call(problem, oracle, arguments)
            _outputs(problem, returned.value, oracle.dtype)  # refuses what cannot be compared
            # That of a first call says little: what it loads or compiles, it does once.
            again = returned
            if returned.seconds <= budget or oracle.tier != "loop":
                again = _quickest(problem, oracle, arguments)
    except _RefusalError as refusal:
        if refusal.status != "skipped":
            raise
        slow = Verdict(oracle, refusal.status, refusal.message)
    if slow:
        return slow, _sampled(problem, oracle, arguments, budget)
    expected = [_Expected(arguments, returned.value, oracle.tier)]
    if again.seconds > budget:
        return _over_budget(oracle, again.seconds, budget), expected
    own = Verdict(oracle, "ok", "", "full", 0.0, 0.0, again.seconds, waits=again.waits)
    return own, expected


def _sampled(
    problem: Problem, oracle: Cell, arguments: Arguments, budget: float
) -> list[_Expected]:
    """Return the oracle's result for a sample, and NumPy's for all where it holds for that."""
    rng = seeded(f"{problem.name}/{oracle.size}/sample")
    sample = (
        problem.sample(arguments, rng)
        if problem.sample
        else _inputs(problem, replace(oracle, size=problem.smallest_size))
    )
    if sample is None:
        return []
    step = replace(oracle, size=f"{A_SAMPLE} {oracle.size}")
    confirmed = _Expected(sample, _call(problem, step, sample).value, oracle.tier)
    if SECOND_ORACLE not in problem.tiers:
        return [confirmed]
    second = replace(oracle, tier=SECOND_ORACLE)
    if _judge(problem, second, arguments, [confirmed], budget).status != "ok":
        return [confirmed]
    return [confirmed, _Expected(arguments, _call(problem, second, arguments).value, second.tier)]


def _without_oracle(cell: Cell, oracle: Cell, refusal: _RefusalError) -> Verdict:
    if cell == oracle:
        return Verdict(cell, refusal.status, refusal.message)
    return Verdict(cell, "failed", f"nothing to agree with: {oracle.tier}: {refusal.message}")


def _over_budget(cell: Cell, seconds: float, budget: float) -> Verdict:
    message = f"about {duration(seconds, 2)} a call, over the budget of {budget:g} s"
    return Verdict(cell, "skipped", message, estimated_s=seconds)


def _judge(
    problem: Problem,
    cell: Cell,
    arguments: Arguments,
    expected: Sequence[_Expected],
    budget: float,
) -> Verdict:
    """Hold a tier against the hard inputs, then against what is expected of this size."""
    if not expected:
        message = f"{problem.oracle} is over its budget and the inputs cannot be sampled"
        return Verdict(cell, "skipped", message)
    try:
        differing = _stand_hard_inputs(problem, cell.tier, cell.dtype, cell.threads)
        predicted = _predicted(problem, cell, BENEFIT_OF_THE_DOUBT * CALIBRATION * budget)
        if predicted is not None and predicted > BENEFIT_OF_THE_DOUBT * budget:
            return _over_budget(cell, predicted, budget)
        found = _compare_all(problem, cell, expected)
        again = _quickest(problem, cell, arguments)
        if again.seconds > budget and expected[-1].arguments is not arguments:
            again = _quickest(problem, cell, arguments)  # its first call may have compiled
    except _RefusalError as refusal:
        return Verdict(cell, refusal.status, refusal.message, **refusal.found)
    checked: Literal["full", "sample"] = "full" if expected[0].arguments is arguments else "sample"
    if again.seconds > budget:
        return replace(_over_budget(cell, again.seconds, budget), checked=checked)
    message = f"other special values: {', '.join(differing)}" if differing else ""
    errors = found.max_abs_error, found.max_rel_error
    return Verdict(cell, "ok", message, checked, *errors, again.seconds, waits=again.waits)


def _compare_all(problem: Problem, cell: Cell, expected: Sequence[_Expected]) -> Comparison:
    """Return the largest errors, or refuse the tier for the first that is too large."""
    largest = Comparison()
    for one in expected:
        if one.tier == cell.tier and cell.threads == 1:
            continue  # it is its own, as what is trusted is computed at one thread
        value = _call(problem, cell, one.arguments).value
        outputs = _outputs(problem, one.value, cell.dtype)
        found = compare(outputs, value, one.value, one.arguments, cell.dtype, one.tier)
        largest = Comparison(
            found.message,
            max(largest.max_abs_error, found.max_abs_error),
            max(largest.max_rel_error, found.max_rel_error),
        )
        if found.message:
            errors = {
                "max_abs_error": largest.max_abs_error,
                "max_rel_error": largest.max_rel_error,
            }
            raise _RefusalError("disagrees", found.message, **errors)
    return largest


# --- hard inputs, once a run


@cache
def _hard_results(problem: Problem, dtype: str) -> list[Any]:
    """Return what the oracle makes of the hard inputs."""
    found = []
    for label, arguments in problem.hard_inputs(dtype):
        cell = _hard_cell(problem, problem.oracle, label, dtype, 1)
        try:
            found.append(_call(problem, cell, arguments).value)
        except _RefusalError as refusal:
            message = f"nothing to agree with: {cell.tier}: {cell.size}: {refusal.message}"
            raise _RefusalError("failed", message) from refusal
    return found


def _hard_cell(problem: Problem, tier: str, label: str, dtype: str, count: int) -> Cell:
    return Cell(problem.name, tier, f"{HARD_INPUT} “{label}”", dtype, count)


def _stand_hard_inputs(problem: Problem, tier: str, dtype: str, count: int) -> tuple[str, ...]:
    """Refuse a tier that fails a hard input; return those that a peer may fail, and does."""
    refusal, differing = _hard_refusal(problem, tier, dtype, count)
    if refusal:
        raise refusal
    return differing


@cache
def _hard_refusal(
    problem: Problem, tier: str, dtype: str, count: int
) -> tuple[_RefusalError | None, tuple[str, ...]]:
    """Return why a tier fails the hard inputs of a problem, if it does; and where a peer may."""
    differing: list[str] = []
    wanted = _hard_results(problem, dtype)
    for (label, arguments), want in zip(problem.hard_inputs(dtype), wanted, strict=True):
        cell = _hard_cell(problem, tier, label, dtype, count)
        excused = tier in PEERS and _has_special_values(arguments)
        try:
            with np.errstate(all="ignore"):  # NaN or an infinity may be the answer that is wanted
                _compare_all(problem, cell, [_Expected(arguments, want, problem.oracle)])
        except _RefusalError as refusal:
            if refusal.status == "unavailable":
                return refusal, ()
            if excused:
                differing.append(label)
                continue
            message = f"{cell.size}: {refusal.message}"
            return _RefusalError(refusal.status, message, **refusal.found), ()
    return None, tuple(differing)


def _has_special_values(arguments: Arguments) -> bool:
    arrays = [item for item in arguments if isinstance(item, np.ndarray)]
    return not all(np.isfinite(array).all() for array in arrays)


# --- one call


def _call(problem: Problem, cell: Cell, arguments: Arguments) -> _Returned:
    """Call a tier, or refuse it; its result is kept as it is when the call ends."""
    kernel, given = _loaded(problem, cell, arguments)
    returned = _timed(problem, cell, kernel, given)
    with _refusing(problem):
        value = results.settled(returned.value)
    _untouched(problem, given)
    return replace(returned, value=value)


def _loaded(problem: Problem, cell: Cell, arguments: Arguments) -> tuple[Kernel, Given]:
    """Return a tier's kernel and what it is given."""
    _take(cell, preparing=True)
    with _refusing(problem):
        return problem.tiers[cell.tier].load(), Given(problem, cell.tier, arguments)


def _timed(problem: Problem, cell: Cell, kernel: Kernel, given: Given) -> _Returned:
    arguments = given.next()
    _take(cell, preparing=problem.tiers[cell.tier].compiles_unseen)
    with _refusing(problem), threads.limited(cell.threads):
        start = time.perf_counter()
        value = kernel(*arguments)
        seconds = time.perf_counter() - start
        # A peer waits by itself
        waits = cell.tier not in PEERS and results.is_lazy(value)
        if waits:
            start = time.perf_counter()
            value = results.waited(value)
            seconds += time.perf_counter() - start
    return _Returned(value, seconds, waits)


def _inputs(problem: Problem, cell: Cell) -> Arguments:
    """Return the arguments of a cell's size, or refuse it."""
    _take(replace(cell, tier=INPUTS, threads=1), preparing=True)
    with _refusing(problem):
        return problem.inputs(cell.size, cell.dtype)


def _take(cell: Cell, *, preparing: bool) -> None:
    """Say what is done next, or refuse what ended a process of this run before."""
    try:
        steps.take(cell, preparing=preparing)
    except steps.EndedError as ended:
        raise _RefusalError(ended.how.status, ended.how.message) from ended


@contextmanager
def _refusing(problem: Problem) -> Iterator[None]:
    """Turn whatever a kernel does wrong into its row's message, a missing library too."""
    try:
        yield
    except ImportError as error:
        raise _RefusalError("unavailable", error_text(error)) from error
    except CannotCopyError as error:
        raise _RefusalError("failed", str(error)) from error
    except Exception as error:
        raise _RefusalError("failed", error_text(error) + _line(error, problem)) from error


def error_text(error: BaseException) -> str:
    """Return an error in one line of bearable length."""
    kind = "" if isinstance(error, ProblemFileError) else f"{type(error).__name__}: "
    return textwrap.shorten(f"{kind}{error}", 300)


def _line(error: Exception, problem: Problem) -> str:
    """Return the line of a person's own file that an error was raised in."""
    if isinstance(error, ProblemFileError):
        return ""  # says so itself
    frames = traceback.extract_tb(error.__traceback__) if problem.source else []
    lines = [frame.lineno for frame in frames if frame.filename == problem.source]
    return f" ({Path(problem.source).name}, line {lines[-1]})" if lines else ""


def _untouched(problem: Problem, given: Given) -> None:
    """Refuse a tier that changed what it was given."""
    with _refusing(problem):
        harm = given.harm()
    if harm:
        raise _RefusalError("disagrees", harm)


# --- how long a call would take


def _predicted(problem: Problem, cell: Cell, limit: float) -> float | None:
    """Return the seconds foretold by the operations of the next smaller size; None without one.

    From the smallest size up, each is called unless the one before foretells more than the limit;
    at one thread, as threads that find their cores taken wait for turns longer than they work.
    """
    work = problem.work(cell.tier, cell.size)
    rate: float | None = None
    amounts = sorted((problem.work(cell.tier, size), size) for size in problem.sizes)
    for its_work, size in amounts:
        if its_work >= work or (rate is not None and rate * its_work > limit):
            break
        smaller = replace(cell, size=size, threads=1)
        # The first call may compile
        again = _quickest(problem, smaller, _inputs(problem, smaller), unused=1)
        rate = again.seconds / its_work
    return None if rate is None else rate * work


def _quickest(problem: Problem, cell: Cell, arguments: Arguments, unused: int = 0) -> _Returned:
    """Return the quickest of a few calls of a tier after some unused, all on the same arguments."""
    kernel, given = _loaded(problem, cell, arguments)
    waits = False

    def time_a_call() -> float:
        nonlocal waits
        returned = _timed(problem, cell, kernel, given)
        waits |= returned.waits
        return returned.seconds

    for _ in range(unused):
        time_a_call()
    seconds = quickest(time_a_call)
    _untouched(problem, given)
    return _Returned(None, seconds, waits)


def quickest(time_a_call: Callable[[], float]) -> float:
    """Return the least of what a few calls take, of one if it is long."""
    seconds = [time_a_call()]
    while len(seconds) < REPEATS and sum(seconds) < REPEATS_S:
        seconds.append(time_a_call())
    return min(seconds)


# --- comparing results


def _outputs(problem: Problem, expected: Any, dtype: str) -> tuple[Output, ...]:
    """Return what a tier has to return, which the oracle's result may say."""
    if isinstance(problem.outputs, tuple):
        return problem.outputs
    try:
        return problem.outputs(expected, dtype)
    except TypeError as error:
        raise _RefusalError("failed", str(error)) from error


def compare(
    outputs: Sequence[Output],
    value: Any,
    want: Any,
    arguments: Arguments,
    dtype: str,
    trusted: str,
) -> Comparison:
    """Hold what a tier returned against what a trusted one did.

    Parameters
    ----------
    outputs : sequence of Output
        What has to be there. With one output the value is that output, with more a tuple of them.
    value, want : anything
        What the tier and the trusted one returned.
    arguments : tuple
        What they were given; the tolerance depends on it.
    dtype : str
        The cell's.
    trusted : str
        The word for the trusted one in the message.

    Returns
    -------
    Comparison
        With a message that names the first output that is missing, of another shape or dtype, or
        too far off.
    """
    if len(outputs) == 1:
        value, want = (value,), (want,)
    names = ", ".join(output.name for output in outputs)
    if not isinstance(value, tuple):
        return Comparison(f"returned a {type(value).__name__}, not a tuple of {names}")
    if len(value) != len(outputs):
        missing = [output.name for output in outputs[len(value) :]]
        lacks = f": {', '.join(missing)} missing" if missing else ""
        return Comparison(f"returned {len(value)} of {len(outputs)} outputs ({names}){lacks}")
    largest = Comparison()
    for output, got, wanted in zip(outputs, value, want, strict=True):
        found = _compare_output(output, got, wanted, arguments, dtype, trusted)
        largest = Comparison(
            largest.message or found.message,
            max(largest.max_abs_error, found.max_abs_error),
            max(largest.max_rel_error, found.max_rel_error),
        )
    return largest


def _compare_output(
    output: Output, got: Any, want: Any, arguments: Arguments, dtype: str, trusted: str
) -> Comparison:
    if output.kind == "exact":
        message = "" if same(got, want) else f"{output.name} is {got!r}, {trusted} has {want!r}"
        return Comparison(message)
    wanted = results.numbers_of(want)
    fault = _wrong_form(output, got, wanted.values.shape, dtype)
    if fault:
        return Comparison(f"{output.name} is {fault}")
    numbers = results.numbers_of(got)
    places = np.argwhere(numbers.masked != wanted.masked)
    if len(places):
        is_masked = numbers.masked[tuple(places[0])]
        words = f"is masked, {trusted}'s is not" if is_masked else f"is not masked, {trusted}'s is"
        entries = _of_all(places, numbers)
        return Comparison(f"{output.name}{_index(places[0])} {words}; {entries} differ in this")
    return _compare_numbers(output, numbers, wanted, output.tolerance(arguments, dtype), trusted)


def _wrong_form(output: Output, got: Any, shape: tuple[int, ...], dtype: str) -> str:
    """Return what an output is where it is not what it should be."""
    if output.kind == "scalar":
        return "" if isinstance(got, float) else f"{_described(got)}, not a float"
    if output.kind == "numbers":
        return _no_numbers(got, shape)
    wanted = np.dtype(dtype if output.kind == "array" else "float64")
    if not isinstance(got, np.ndarray) or got.dtype != wanted or got.shape != shape:
        return f"{_described(got)}, not a {wanted} array of shape {shape}"
    return ""


def _no_numbers(got: Any, shape: tuple[int, ...]) -> str:
    try:
        array = results.numbers_of(got).values
    except ValueError as error:  # ragged lists
        return f"{_described(got)} that is no array: {error}"
    except TypeError as error:
        return f"{_described(got)}, {error}"
    return "" if array.shape == shape else f"of shape {array.shape}, not {shape}"


def _described(got: Any) -> str:
    if isinstance(got, np.ndarray):
        return f"a {got.dtype} array of shape {got.shape}"
    return "None" if got is None else f"a {type(got).__name__}"


def _compare_numbers(
    output: Output, numbers: Numbers, wanted: Numbers, tolerance: Tolerance, trusted: str
) -> Comparison:
    """Compare entry by entry; NaN and infinities have to be in the same places."""
    values, others = numbers.floats, wanted.floats
    finite = np.isfinite(values) & np.isfinite(others)
    equal = (values == others) | (np.isnan(values) & np.isnan(others))
    distance = np.where(finite, results.distances(numbers, wanted), np.where(equal, 0.0, math.inf))
    size = np.where(np.isfinite(others), np.abs(others), 0.0)
    allowed = np.broadcast_to(tolerance.rtol * size + tolerance.atol, distance.shape)
    allowed = np.where(numbers.whole & wanted.whole, 0.0, allowed)
    relative = np.divide(distance, size, out=np.zeros_like(distance), where=size > 0.0)
    errors = float(distance.max(initial=0.0)), float(relative.max(initial=0.0))
    beyond = np.argwhere(distance > allowed)
    if not len(beyond):
        return Comparison("", *errors)
    first = tuple(beyond[0])
    got, want = (_shown(one.values[first]) for one in (numbers, wanted))
    return Comparison(
        f"{output.name}{_index(first)} is {got}, {trusted} has {want} "
        f"(allowed {allowed[first]:.1e}); {_of_all(beyond, numbers)} too far off",
        *errors,
    )


def _index(place: Iterable[int]) -> str:
    words = ", ".join(map(str, place))
    return f"[{words}]" if words else ""


def _of_all(places: NDArray[Any], numbers: Numbers) -> str:
    return f"{len(places)} of {numbers.values.size} entries"


def _shown(number: Any) -> str:
    """Return a number in words: a whole one with all its digits, unless they are hundreds."""
    if isinstance(number, float | np.floating):
        return f"{number:.17g}"
    bits = int(number).bit_length()
    return str(number) if bits <= LONGEST_SHOWN else f"a whole number of {bits} bits"
