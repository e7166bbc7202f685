"""Finite differences of any function, and what they are for: checking a gradient.

A kernel here takes a function: Numba compiles it anew for each jitted one; for any other it runs
as plain Python. Flags are in `compiler`, checks in `_check_in_kernels` and `_overloads`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, prange, typeof
from numba.core.errors import TypingError
from numba.extending import is_jitted, overload, register_jitable
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _check_results, _check_values
from kernels.simd._check_in_kernels import (
    at_least_zero,
    check_step,
    refuse_lost_step,
    returned_shape,
    same_shape,
    some_entries,
    step_size,
)
from kernels.simd._check_types import (
    accept_function,
    accept_gradient,
    accept_point,
    accept_real,
    accept_text,
    accept_value,
    is_number,
    point_type,
)
from kernels.simd._overloads import (
    as_real,
    given,
    like_array,
    like_number,
    number_of,
    pick,
    private_point,
    real_of,
)
from kernels.simd.compiler import Twins, kernel, one_at_a_time
from kernels.simd.thresholds import SHARES_PER_THREAD


@register_jitable
def differs(number, wanted):
    """Whether a number is not the wanted one; NaN is like NaN."""
    return number != wanted and (number == number or wanted == wanted)


@register_jitable
def differ(numbers, wanted):
    """Whether one of some numbers is not the wanted one."""
    for i in range(numbers.size):  # noqa: SIM110 - Numba has no generators
        if differs(numbers[i], wanted[i]):
            return True
    return False


@register_jitable
def fill_slopes(f, point, h, central, here, first, last, slopes):
    """Fill the slopes of some entries; return whether that was possible with one copy of the point.

    It is not where `f` changes its argument, nor where the step is lost to rounding. To look at all
    entries after each call would take longer than many an `f`: that is done after the first calls
    and at the end, and in between, after each call, the next entry is looked at.
    """
    original, mine = point.reshape(-1), point.copy()
    entries = mine.reshape(-1)
    for i in range(first, last):
        following = i + 1 if i + 1 < entries.size else 0
        entry = float(original[i])
        wanted = original[following]
        above, below = entry + h, entry - h if central else entry
        taken = above - below  # NaN, as the slope then is, of NaN and of infinities
        entries[i] = above
        rise = real_of(f(mine)) - here
        entries[i] = entry
        if taken == 0.0 or differs(entries[following], wanted):
            return False
        if i == first and differ(entries, original):
            return False
        if central:
            entries[i] = below
            rise -= real_of(f(mine))
            entries[i] = entry
            if differs(entries[following], wanted):
                return False
        slopes[i] = rise / taken
    return not differ(entries, original)


@register_jitable
def try_slopes(f, point, h, central, here, first, last, slopes):
    """`fill_slopes`; False, too, where `f` raised something, for which its own changes may account.

    `slopes_of_copies` finds out. A thread could not pass on what was raised.
    """
    try:
        return fill_slopes(f, point, h, central, here, first, last, slopes)
    except Exception:  # noqa: BLE001 - raised again, where it is no fault of ours
        return False


def slopes_in_place(f, point, h, central, slopes):
    """`fill_slopes` of all entries of a contiguous float64 array."""
    here = 0.0 if central else real_of(f(point.copy()))
    return try_slopes(f, point, h, central, here, 0, point.size, slopes)


@kernel(calls_function=True, parallel=True)
def slopes_in_threads(f, point, h, central, slopes):
    """`slopes_in_place` with the entries shared out: each slope is the same in any share."""
    count = point.size
    here = 0.0 if central else real_of(f(point.copy()))
    shares = max(1, min(count, SHARES_PER_THREAD * get_num_threads()))
    filled = np.zeros(shares, np.bool_)
    for share in prange(shares):
        first, last = share * count // shares, (share + 1) * count // shares
        filled[share] = try_slopes(f, point, h, central, here, first, last, slopes)
    return filled.all()


def slopes_of_copies(name, f, point, h, central, slopes):
    """Fill the slopes of all entries, with a fresh copy of the point for each call of `f`.

    That takes up to 80 times as long, where `f` reads two entries of a thousand.
    """
    here = 0.0 if central else real_of(f(point.copy()))
    for i in range(point.size):
        entry = float(point.reshape(-1)[i])
        above, below = entry + h, entry - h if central else entry
        taken = above - below
        if taken == 0.0:
            refuse_lost_step(name, "x", i)
        values = [here, here]  # below, above
        for side in range(2 if central else 1):
            mine = point.copy()
            mine.reshape(-1)[i] = below if side else above
            values[1 - side] = real_of(f(mine))
        slopes[i] = (values[1] - values[0]) / taken


def number_slope(name, f, point, h, central):
    """Finite difference of `f` at a float."""
    above, below = point + h, point - h if central else point
    taken = above - below
    if taken == 0.0:
        refuse_lost_step(name, "x", 0)
    return (real_of(f(above)) - real_of(f(below))) / taken


compiled_slopes_in_place = kernel(slopes_in_place, calls_function=True)
compiled_slopes_of_copies = kernel(slopes_of_copies, calls_function=True)
compiled_number_slope = kernel(number_slope, calls_function=True)


class _Ways(NamedTuple):
    """How the differences of a function are taken."""

    number: Any
    in_place: Any
    of_copies: Any


PLAIN = _Ways(number_slope, slopes_in_place, slopes_of_copies)
COMPILED = _Ways(compiled_number_slope, compiled_slopes_in_place, compiled_slopes_of_copies)
THREADED = COMPILED._replace(in_place=slopes_in_threads)


@register_jitable
def array_slopes(name, in_place, of_copies, f, point, h, central):
    """Finite differences of `f` at a contiguous float64 array, flat."""
    slopes = np.empty(point.size)
    if not in_place(f, point, h, central, slopes):
        of_copies(name, f, point, h, central, slopes)
    return slopes


def _differences(
    name: str,
    f: Callable[[Any], float],
    x: NDArray[Any],
    h: float,
    method: str,
    parallel: bool = False,
) -> NDArray[np.float64]:
    """Finite differences at a checked array, in its shape and in float64."""
    if not is_jitted(f):
        return _differences_by(PLAIN, name, _on_views(name, f), x, h, method)
    try:
        return _differences_by(THREADED if parallel else COMPILED, name, f, x, h, method)
    except TypingError:
        accept_value(name, "f", f, point_type(typeof(x)), TypeError)
        raise


def _differences_by(
    ways: "_Ways", name: str, f: Any, x: NDArray[Any], h: float, method: str
) -> NDArray[np.float64]:
    central = method == "central"
    if x.ndim == 0:
        return np.asarray(ways.number(name, f, float(x), h, central))
    point = np.array(x, dtype=np.float64, order="C")
    in_place = one_at_a_time(ways.in_place) if ways is THREADED else ways.in_place
    slopes = array_slopes(name, in_place, ways.of_copies, f, point, h, central)
    return np.asarray(slopes).reshape(x.shape)


def _on_views(name: str, f: Callable[[Any], float]) -> Callable[[Any], float]:
    """Give a plain function a view of its argument, of which it may change shape and flags."""

    def f_on_view(point: Any) -> float:
        argument = point.view() if isinstance(point, np.ndarray) else point
        return _check_results.value_of(name, "f", f(argument))

    return f_on_view


def numerical_gradient(
    f: Callable[[Any], float],
    x: ArrayLike,
    h: float = 1e-5,
    method: str = "central",
    *,
    parallel: bool = False,
) -> NDArray[Any]:
    """Finite-difference gradient of a black box, one entry moved at a time.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        Gets a private contiguous float64 copy of `x` in which one entry is moved; what it does to
        that copy reaches no other call. An `@njit` function runs compiled, any other is called from
        Python.
    x : array of any shape
        The point; never touched.
    h : float
        The step, finite and above 0, in the unit of `x`.
    method : "central" or "forward"
        Error of the order h² or h.
    parallel : bool
        Whether to share the entries out to Numba's threads: the same bits at any number of them.
        A jitted `f` is then called by several threads at once; any other is called from one. In
        jitted code, a constant.

    Returns
    -------
    array in x's shape
        In x's dtype (float64 for integers).

    Raises
    ------
    TypeError
        `f` that cannot be called, `x` that is not real numbers.
    ValueError
        A bad `h`, an unknown `method`, an `h` so small that rounding swallows it in an entry.

    What `f` raises is passed on.

    Notes
    -----
    Costs two calls of `f` an entry ("forward": one, and one for all). They are made once more, each
    with a fresh copy, where `f` is found to have changed its argument.

    The difference is divided by the step that was really taken, (x + h) − (x − h) or (x + h) − x as
    rounded. Entries that are NaN or infinite give NaN.

    Compiled anew for each jitted `f`: Numba's cache does not find a kernel that takes a function
    again. May be called from `@njit` functions, with a jitted `f`.

    Source: Stanford CS231n, lecture 3; Press et al., Numerical Recipes, 5.7.

    Examples
    --------
    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0]).round(6)
    array([4., 3.])
    """
    _check_arguments.function("numerical_gradient", "f", f)
    x = _check_arguments.real_array("numerical_gradient", "x", x)
    h = _check_arguments.real("numerical_gradient", "h", h)
    _check_values.step_size("numerical_gradient", h)
    _check_values.choice("numerical_gradient", "method", method, _check_values.METHODS)
    return _differences("numerical_gradient", f, x, h, method, parallel).astype(x.dtype)


@overload(numerical_gradient, prefer_literal=True)
def _numerical_gradient_in_jit(f, x, h=1e-5, method="central", parallel=False):
    name = "numerical_gradient"
    accept_function(name, "f", f)
    accept_point(name, "x", x)
    accept_real(name, "h", h)
    accept_text(name, "method", method)
    accept_value(name, "f", f, point_type(x))
    in_place = pick(name, Twins(compiled_slopes_in_place, slopes_in_threads), parallel)
    if is_number(x):

        def call_number(f, x, h=1e-5, method="central", parallel=False):
            step, central = as_real(h), given(method) == "central"
            check_step(name, step, given(method))
            return like_number(compiled_number_slope(name, f, number_of(x), step, central), x)

        return call_number

    def call_array(f, x, h=1e-5, method="central", parallel=False):
        step, central = as_real(h), given(method) == "central"
        check_step(name, step, given(method))
        point, of_copies = private_point(x), compiled_slopes_of_copies
        return like_array(array_slopes(name, in_place, of_copies, f, point, step, central), x)

    return call_array


@kernel
def entry_error(a, b):
    """abs(a − b) / max(1e-8, abs(a) + abs(b)), for infinities 0 if they are equal, else 1."""
    size = abs(a) + abs(b)
    if size < math.inf:
        return abs(a - b) / max(1e-8, size)
    if a == b:
        return 0.0
    if math.isinf(a) or math.isinf(b):
        return 1.0 if size == math.inf else math.nan
    return abs(0.5 * a - 0.5 * b) / (0.5 * abs(a) + 0.5 * abs(b))  # so that the sum is finite


@kernel(entry=True)
def largest_error(a, b):
    """Largest relative error of two flat arrays, and where it is; NaN is largest."""
    worst, where = -1.0, 0
    for i in range(a.size):
        error = entry_error(a[i], b[i])
        if error > worst or (math.isnan(error) and not math.isnan(worst)):
            worst, where = error, i
    return worst, where


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries, without overflow.

    Parameters
    ----------
    a, b : arrays of one shape
        The values to compare, at least one.

    Returns
    -------
    float
        Without unit, 0 for equal arrays, at most 1; NaN where any entry is NaN. An infinity counts
        as 0 beside an equal one, as 1 beside anything else.

    Raises
    ------
    TypeError
        Values that are not real numbers.
    ValueError
        Shapes that differ, no entry.

    Notes
    -----
    Source: Stanford CS231n, notes on gradient checks.

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 3.0])
    0.2
    """
    a = _check_arguments.real_array("relative_error", "a", a)
    b = _check_arguments.real_array("relative_error", "b", b)
    _check_values.same_shape("relative_error", ("a", "b"), a.shape, b.shape)
    _check_values.some_entries("relative_error", "a", a.shape)
    error, _ = largest_error(_flat(a), _flat(b))
    return float(error)


def _flat(array: NDArray[Any]) -> NDArray[np.float64]:
    return array.astype(np.float64, copy=False).reshape(-1)


@overload(relative_error)
def _relative_error_in_jit(a, b):
    accept_point("relative_error", "a", a)
    accept_point("relative_error", "b", b)

    def call(a, b):
        first, second = np.asarray(given(a)), np.asarray(given(b))
        same_shape("relative_error", ("a", "b"), first.shape, second.shape)
        some_entries("relative_error", "a", first.shape)
        error, _ = largest_error(
            first.astype(np.float64).ravel(), second.astype(np.float64).ravel()
        )
        return error

    return call


def check_gradient(
    f: Callable[[Any], float],
    gradient: Callable[[Any], ArrayLike],
    x: ArrayLike,
    h: float = 1e-5,
    tolerance: float = 1e-6,
) -> tuple[float, tuple[int, ...], bool]:
    """Compare a gradient that you wrote with the central difference of its function.

    Parameters
    ----------
    f : function of an array in x's shape (of a float where x is one), returning a float
        The function; jitted or not, as in `numerical_gradient`.
    gradient : function of the same, returning x's shape
        Its claimed gradient; jitted or not.
    x : array of any shape, at least one entry
        Where to compare.
    h : float
        The step of the difference.
    tolerance : float
        The largest relative error to accept.

    Returns
    -------
    error : float
        The largest `relative_error` of an entry.
    entry : tuple of int
        The indices of that entry in `x`.
    within : bool
        Whether the error is within the tolerance; a NaN is not.

    Raises
    ------
    TypeError
        A function that cannot be called, values that are not real numbers.
    ValueError
        A bad `h` or `tolerance`, no entry, a gradient of another shape than x's.

    Examples
    --------
    >>> check_gradient(lambda x: x[0] ** 2, lambda x: 3 * x, [1.0])[1:]
    ((0,), False)
    """
    _check_arguments.function("check_gradient", "f", f)
    _check_arguments.function("check_gradient", "gradient", gradient)
    x = _check_arguments.real_array("check_gradient", "x", x)
    _check_values.some_entries("check_gradient", "x", x.shape)
    h = _check_arguments.real("check_gradient", "h", h)
    _check_values.step_size("check_gradient", h)
    tolerance = _check_arguments.real("check_gradient", "tolerance", tolerance)
    _check_values.at_least_zero("check_gradient", "tolerance", tolerance)
    point = np.array(x, dtype=np.float64, order="C") if x.ndim else float(x)
    claimed = _check_results.gradient_of("check_gradient", "gradient", gradient(point), x.shape)
    slopes = _differences("check_gradient", f, x, h, "central")
    error, index = largest_error(_flat(claimed), _flat(slopes))
    entry = tuple(int(i) for i in np.unravel_index(index, x.shape))
    return float(error), entry, bool(error <= tolerance)


@kernel(calls_function=True)
def claimed_at(gradient, point):
    """What a gradient says at a copy of the point, flat and in float64; and its shape."""
    claimed = gradient(point.copy())
    return claimed.astype(np.float64).ravel(), claimed.shape


@kernel(calls_function=True)
def claimed_at_number(gradient, point):
    """What a gradient says at a number."""
    return float(gradient(point))


@overload(check_gradient)
def _check_gradient_in_jit(f, gradient, x, h=1e-5, tolerance=1e-6):
    name = "check_gradient"
    accept_function(name, "f", f)
    accept_function(name, "gradient", gradient)
    accept_point(name, "x", x)
    accept_real(name, "h", h)
    accept_real(name, "tolerance", tolerance)
    accept_value(name, "f", f, point_type(x))
    accept_gradient(name, "gradient", gradient, point_type(x))
    if is_number(x):

        def call_number(f, gradient, x, h=1e-5, tolerance=1e-6):
            step, limit = as_real(h), as_real(tolerance)
            check_tolerance(name, step, limit)
            claimed = claimed_at_number(gradient, number_of(x))
            slope = compiled_number_slope(name, f, number_of(x), step, True)
            error = entry_error(claimed, slope)
            return error, (), error <= limit

        return call_number

    def call_array(f, gradient, x, h=1e-5, tolerance=1e-6):
        step, limit = as_real(h), as_real(tolerance)
        point = private_point(x)
        some_entries(name, "x", point.shape)
        check_tolerance(name, step, limit)
        claimed, shape = claimed_at(gradient, point)
        returned_shape(name, "gradient", shape, point.shape)
        in_place, of_copies = compiled_slopes_in_place, compiled_slopes_of_copies
        slopes = array_slopes(name, in_place, of_copies, f, point, step, True)
        error, index = largest_error(claimed, slopes)
        where = np.ndindex(point.shape)
        entry = next(where)
        for _ in range(index):
            entry = next(where)
        return error, entry, error <= limit

    return call_array


@kernel
def check_tolerance(name, h, tolerance):
    """Refuse a step or a tolerance of `check_gradient`."""
    step_size(name, h)
    at_least_zero(name, "tolerance", tolerance)
