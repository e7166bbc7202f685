"""Finite differences of a caller's function.

Numba compiles these kernels anew for each jitted function. A plain function is called by the same
code as plain Python.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, prange, typeof
from numba.core.errors import TypingError
from numba.extending import is_jitted
from numpy.typing import NDArray

from kernels.simd import _check_results
from kernels.simd._check_in_kernels import refuse_lost_step
from kernels.simd._check_types import accept_value, point_type
from kernels.simd._overloads import real_of
from kernels.simd.compiler import in_python, kernel, one_at_a_time
from kernels.simd.thresholds import SHARES_PER_THREAD


@kernel
def differs(number, other):
    """Whether two numbers differ; two NaNs do not."""
    return number != other and (number == number or other == other)


@kernel
def differ(numbers, others):
    """Whether two flat arrays of the same size differ."""
    for i in range(numbers.size):  # noqa: SIM110 - Numba has no generators
        if differs(numbers[i], others[i]):
            return True
    return False


@kernel(calls_function=True)
def fill_slopes(f, point, h, central, here, first, last, slopes):
    """Fill the slopes of some entries; return whether one copy of the point was enough.

    It is not if `f` changes its argument, or if the step is lost to rounding. Comparing all entries
    after each call would take longer than many functions do. So all entries are compared after the
    first calls and at the end, and after each other call only the next entry.
    """
    original, argument = point.reshape(-1), point.copy()
    entries = argument.reshape(-1)
    for i in range(first, last):
        following = i + 1 if i + 1 < entries.size else 0
        entry = float(original[i])
        wanted = original[following]
        above, below = entry + h, entry - h if central else entry
        taken = above - below  # NaN for NaN and infinite entries, as then is the slope
        entries[i] = above
        rise = real_of(f(argument)) - here
        entries[i] = entry
        if taken == 0.0 or differs(entries[following], wanted):
            return False
        if i == first and differ(entries, original):
            return False
        if central:
            entries[i] = below
            rise -= real_of(f(argument))
            entries[i] = entry
            if differs(entries[following], wanted):
                return False
        slopes[i] = rise / taken
    return not differ(entries, original)


@kernel(calls_function=True)
def try_slopes(f, point, h, central, here, first, last, slopes):
    """`fill_slopes`; also returns False if `f` raised, which its own changes may have caused.

    `slopes_of_copies` then calls `f` again and raises. A thread could not raise the exception.
    """
    try:
        return fill_slopes(f, point, h, central, here, first, last, slopes)
    except Exception:  # noqa: BLE001 - raised again by `slopes_of_copies`
        return False


@kernel(entry=True, calls_function=True)
def slopes_in_place(f, point, h, central, slopes):
    """`fill_slopes` of all entries of a contiguous float64 array."""
    here = 0.0 if central else real_of(f(point.copy()))
    return try_slopes(f, point, h, central, here, 0, point.size, slopes)


@kernel(entry=True, calls_function=True, parallel=True)
def slopes_in_threads(f, point, h, central, slopes):
    """`slopes_in_place` with the entries shared among threads, which does not change a slope."""
    count = point.size
    here = 0.0 if central else real_of(f(point.copy()))
    shares = max(1, min(count, SHARES_PER_THREAD * get_num_threads()))
    filled = np.empty(shares, np.bool_)  # `zeros` and `all` would be compiled for threads, too
    for share in prange(shares):
        first, last = share * count // shares, (share + 1) * count // shares
        filled[share] = try_slopes(f, point, h, central, here, first, last, slopes)
    for share in range(shares):  # noqa: SIM110 - Numba has no generators
        if not filled[share]:
            return False
    return True


@kernel(entry=True, calls_function=True)
def slopes_of_copies(name, f, point, h, central, slopes):
    """Fill the slopes of all entries, with a fresh copy of the point for each call of `f`.

    It takes up to 80 times as long (if `f` reads two entries of a thousand).
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
            argument = point.copy()
            argument.reshape(-1)[i] = below if side else above
            values[1 - side] = real_of(f(argument))
        slopes[i] = (values[1] - values[0]) / taken


@kernel(entry=True, calls_function=True)
def number_slope(name, f, point, h, central):
    """Finite difference of `f` at a float."""
    above, below = point + h, point - h if central else point
    taken = above - below
    if taken == 0.0:
        refuse_lost_step(name, "x", 0)
    return (real_of(f(above)) - real_of(f(below))) / taken


class _Kernels(NamedTuple):
    """The functions that take the differences, compiled or not."""

    number: Any
    in_place: Any
    of_copies: Any


COMPILED = _Kernels(number_slope, slopes_in_place, slopes_of_copies)
PLAIN = _Kernels(*map(in_python, COMPILED))
THREADED = COMPILED._replace(in_place=slopes_in_threads)


@kernel(calls_function=True)
def array_slopes(name, in_place, of_copies, f, point, h, central):
    """Finite differences of `f` at a contiguous float64 array, as a flat array."""
    slopes = np.empty(point.size)
    if not in_place(f, point, h, central, slopes):
        of_copies(name, f, point, h, central, slopes)
    return slopes


array_slopes_in_python = in_python(array_slopes)


def differences(
    name: str,
    f: Callable[[Any], float],
    x: NDArray[Any],
    h: float,
    method: str,
    parallel: bool = False,
) -> NDArray[np.float64]:
    """Finite differences at an array that was checked, in its shape and in float64."""
    if not is_jitted(f):
        return _differences_with(PLAIN, name, _on_views(name, f), x, h, method)
    try:
        return _differences_with(THREADED if parallel else COMPILED, name, f, x, h, method)
    except TypingError:
        accept_value(name, "f", f, point_type(typeof(x)), TypeError)
        raise


def _differences_with(
    kernels: "_Kernels", name: str, f: Any, x: NDArray[Any], h: float, method: str
) -> NDArray[np.float64]:
    central = method == "central"
    if x.ndim == 0:
        return np.asarray(kernels.number(name, f, float(x), h, central))
    point = np.array(x, dtype=np.float64, order="C")
    in_place = one_at_a_time(kernels.in_place) if kernels is THREADED else kernels.in_place
    slopes = array_slopes_in_python(name, in_place, kernels.of_copies, f, point, h, central)
    return np.asarray(slopes).reshape(x.shape)


def _on_views(name: str, f: Callable[[Any], float]) -> Callable[[Any], float]:
    """Wrap a plain function: it gets a view, whose shape and flags it may change."""

    def f_on_view(point: Any) -> float:
        argument = point.view() if isinstance(point, np.ndarray) else point
        return _check_results.value_of(name, "f", f(argument))

    return f_on_view
