"""Compare a result with a trusted one, output by output and entry by entry."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.agreement import results
from bench.agreement.results import Numbers, largest, numbers_of
from bench.agreement.values import same
from bench.model import Arguments, Output, Tolerance

# Bits of the largest whole number that a message shows with all its digits.
LONGEST_SHOWN = 512


@dataclass(frozen=True)
class Closeness:
    """How far a result is from the expected one; without a message, it is near enough.

    A remark names an output of another precision than the cell's.
    """

    message: str = ""
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0
    remark: str = ""

    def joined(self, other: "Closeness") -> "Closeness":
        """Return the closeness of two results together: first message, largest errors."""
        return Closeness(
            self.message or other.message,
            max(self.max_abs_error, other.max_abs_error),
            max(self.max_rel_error, other.max_rel_error),
            self.remark or other.remark,
        )


def closeness(
    outputs: Sequence[Output],
    value: Any,
    want: Any,
    arguments: Arguments,
    dtype: str,
    trusted: str,
) -> Closeness:
    """Compare what a tier returned with what a trusted tier returned.

    Parameters
    ----------
    outputs : sequence of Output
        What has to be returned: with one output its value, with several a tuple of values, or a
        dict of them if the trusted tier returned one.
    value, want : anything
        What the tier and the trusted tier returned.
    arguments : tuple
        Those of both calls; the tolerance depends on them.
    dtype : str
        The cell's.
    trusted : str
        The name of the trusted tier in the message.

    Returns
    -------
    Closeness
        Its message names the first output that is missing, has another shape or dtype, or is too
        far off.
    """
    if isinstance(want, dict):
        if not isinstance(value, dict) or value.keys() != want.keys():
            keys = f" with {_keys(value)}" if isinstance(value, dict) else ""
            return Closeness(f"returned {_described(value)}{keys}, not a dict with {_keys(want)}")
        value, want = tuple(value[key] for key in want), tuple(want.values())
    elif len(outputs) == 1 and not (isinstance(want, tuple) and len(want) == 1):
        value, want = (value,), (want,)
    names = ", ".join(output.name for output in outputs)
    if not isinstance(value, tuple):
        return Closeness(f"returned a {type(value).__name__}, not a tuple of {names}")
    if len(value) != len(outputs):
        missing = [output.name for output in outputs[len(value) :]]
        lacks = f": {', '.join(missing)} missing" if missing else ""
        return Closeness(f"returned {len(value)} of {len(outputs)} outputs ({names}){lacks}")
    largest = Closeness()
    for output, got, wanted in zip(outputs, value, want, strict=True):
        found = _compare_output(output, got, wanted, arguments, dtype, trusted)
        largest = largest.joined(found)
    return largest


def _keys(values: Mapping[Any, Any]) -> str:
    return ", ".join(map(repr, values))


def _compare_output(
    output: Output, got: Any, want: Any, arguments: Arguments, dtype: str, trusted: str
) -> Closeness:
    if output.kind == "exact":
        message = "" if same(got, want) else f"{output.name} is {got!r}, {trusted} has {want!r}"
        return Closeness(message)
    wanted = results.numbers_of(want)
    fault = _wrong_form(output, got, wanted.values, dtype)
    if fault:
        return Closeness(f"{output.name} is {fault}")
    numbers = results.numbers_of(got)
    remark = _other_precision(output, got, dtype)
    places = np.argwhere(numbers.masked != wanted.masked)
    if len(places):
        is_masked = numbers.masked[tuple(places[0])]
        words = f"is masked, {trusted}'s is not" if is_masked else f"is not masked, {trusted}'s is"
        entries = _of_all(places, numbers)
        return Closeness(f"{output.name}{_index(places[0])} {words}; {entries} differ in this")
    tolerance = output.tolerance(arguments, dtype)
    return replace(_compare_numbers(output, numbers, wanted, tolerance, trusted), remark=remark)


def _other_precision(output: Output, got: Any, dtype: str) -> str:
    """Say that a user's kernel returned floats of another precision than those of the cell."""
    kinds = [np.dtype(dtype), getattr(got, "dtype", np.dtype(dtype))]
    if output.kind != "numbers" or not all(kind.kind in "fc" for kind in kinds):
        return ""
    wanted, found = (np.zeros(1, kind).real.dtype for kind in kinds)
    return "" if found == wanted else f"{output.name} is {kinds[1]} in {dtype}"


def _wrong_form(output: Output, got: Any, wanted: NDArray[Any], dtype: str) -> str:
    """Describe an output that has the wrong type, dtype or shape; empty if it is right."""
    if output.kind == "scalar":
        return "" if isinstance(got, float) else f"{_described(got)}, not a float"
    if output.kind == "numbers":
        return _no_numbers(got, wanted)
    kind, shape = np.dtype(dtype if output.kind == "array" else "float64"), wanted.shape
    if not isinstance(got, np.ndarray) or got.dtype != kind or got.shape != shape:
        return f"{_described(got)}, not a {kind} array of shape {shape}"
    return ""


def _no_numbers(got: Any, wanted: NDArray[Any]) -> str:
    try:
        array = results.numbers_of(got).values
    except ValueError as error:  # ragged lists
        return f"{_described(got)} that cannot be made an array: {error}"
    except TypeError as error:
        return f"{_described(got)}, {error}"
    if array.dtype.kind == "c" and wanted.dtype.kind != "c":
        return f"{_described(got)}, not real numbers"
    return "" if array.shape == wanted.shape else f"of shape {array.shape}, not {wanted.shape}"


def _described(got: Any) -> str:
    if isinstance(got, np.ndarray):
        return f"a {got.dtype} array of shape {got.shape}"
    return "None" if got is None else f"a {type(got).__name__}"


def _compare_numbers(
    output: Output, numbers: Numbers, wanted: Numbers, tolerance: Tolerance, trusted: str
) -> Closeness:
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
        return Closeness("", *errors)
    first = tuple(beyond[0])
    got, want = (_shown(one.values[first]) for one in (numbers, wanted))
    return Closeness(
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
    """Return a number as text; a whole one has all its digits, unless there are hundreds."""
    if isinstance(number, float | np.floating | complex | np.complexfloating):
        return f"{number:.17g}"
    bits = int(number).bit_length()
    return str(number) if bits <= LONGEST_SHOWN else f"a whole number of {bits} bits"


def outputs_like(
    tolerances: Mapping[str, float | tuple[float, ...]],
    expected: Any,
    dtype: str,
    written: Sequence[str] = (),
) -> tuple[Output, ...]:
    """Return the outputs that each tier must return: numbers in the shapes of the oracle's.

    Parameters
    ----------
    tolerances : mapping of dtype to number, or to a tuple of numbers
        tol in abs(a − b) ≤ tol · (abs(b) + scale), of all outputs or of each. The scale is the
        largest abs(b) of the output, or 1 if the oracle returned only zeros. Integers and truth
        values have to be equal.
    expected : anything
        The oracle's result: a number, an array (or nested lists), a tuple or a dict of these.
    dtype : str
        The cell's.
    written : sequence of str
        The names of the first outputs: arguments that the kernel writes to.

    Raises
    ------
    TypeError
        The result is something else, or there are other tolerances than outputs.
    """
    names, parts = _named_parts(expected, written)
    given = tolerances[dtype]
    each = given if isinstance(given, tuple) else (given,) * len(parts)
    if len(each) != len(parts):
        words = f"TOLERANCE has {len(each)} entries for {len(parts)} outputs: {', '.join(names)}"
        raise TypeError(words)
    return tuple(
        _output_like(name, part, its) for name, part, its in zip(names, parts, each, strict=True)
    )


def _named_parts(expected: Any, written: Sequence[str]) -> tuple[list[str], Sequence[Any]]:
    if isinstance(expected, dict):
        return [f"result[{key!r}]" for key in expected], list(expected.values())
    several = isinstance(expected, tuple) and (len(expected) > 1 or bool(written))
    parts = expected if several else (expected,)
    count = len(parts) - len(written)
    returned = ["the result"] if count == 1 else [f"result {i}" for i in range(1, count + 1)]
    return [*written, *returned], parts


def _output_like(name: str, expected: Any, tolerance: float) -> Output:
    try:
        numbers = numbers_of(expected)
    except (TypeError, ValueError) as error:  # a ValueError for ragged lists
        wanted = "numbers, arrays of them and tuples or dicts of these"
        words = f"{name} is {_not_numbers(expected)}; only {wanted} can be compared"
        raise TypeError(words) from error
    if numbers.whole.all() and numbers.values.dtype.kind not in "fc":
        allowed = Tolerance(0.0, 0.0)
    else:
        allowed = Tolerance(tolerance, tolerance * (largest(numbers) or 1.0))
    return Output(name, "numbers", lambda _arguments, _dtype: allowed)


def _not_numbers(value: Any) -> str:
    if value is None:
        return "None (a kernel has to return what it computed)"
    if isinstance(value, list):
        return "a list that cannot be made an array"
    return f"a {type(value).__name__}"
