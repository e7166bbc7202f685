"""Finite differences of any function, an entry at a time, and what they are for: checking.

A point `x` is a number or nested lists; `f` gets a private copy of it in the same shape. What is
accepted, and the words of an error, is left to `_check`.
"""

import math

from reference import _check

METHODS = ("central", "forward")


def numerical_gradient(f, x, h=1e-5, method="central"):
    """Finite-difference gradient of `f` at `x`, in x's shape.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    >>> slopes = numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0])
    >>> [round(slope, 6) for slope in slopes]
    [4.0, 3.0]
    """
    point = _check.reals("numerical_gradient", "x", x)
    h = _check.step_size("numerical_gradient", h)
    _check.choice("numerical_gradient", "method", method, METHODS)
    if not isinstance(point, list):
        return difference(lambda: f(point + h), lambda: f(point - h), lambda: f(point), h, method)
    return partials(f, point, point, h, method)


def partials(f, point, part, h, method):
    """Derivatives of f(point) by the entries of `part`, which is `point` or a list inside it."""
    if part and isinstance(part[0], list):
        return [partials(f, point, row, h, method) for row in part]
    return [partial(f, point, part, i, h, method) for i in range(len(part))]


def partial(f, point, row, i, h, method):
    """Derivative of f(point) by row[i], a number inside `point`; it is put back."""
    original = row[i]

    def moved(step):
        row[i] = original + step
        value = float(f(point))
        row[i] = original
        return value

    return difference(lambda: moved(h), lambda: moved(-h), lambda: moved(0.0), h, method)


def difference(above, below, here, h, method):
    """Difference quotient of the function values on either side, or on one side."""
    if method == "central":
        return (above() - below()) / (2.0 * h)
    return (above() - here()) / h


def relative_error(a, b):
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries of two like shapes.

    >>> relative_error([1.0, 2.0], [1.0, 3.0])
    0.2
    """
    a = _check.reals("relative_error", "a", a)
    b = _check.reals("relative_error", "b", b)
    _check.same_shape("relative_error", a, b, ("a", "b"))
    _check.some_entries("relative_error", "a", a)
    return largest_error(a, b, ())[0]


def largest_error(a, b, entry):
    """Largest relative error of two like nested lists, and the entry it is at; NaN is largest."""
    if not isinstance(a, list):
        return abs(a - b) / max(1e-8, abs(a) + abs(b)), entry
    worst, where = -1.0, entry
    for i in range(len(a)):
        error, at = largest_error(a[i], b[i], (*entry, i))
        if error > worst or (math.isnan(error) and not math.isnan(worst)):
            worst, where = error, at
    return worst, where


def check_gradient(f, gradient, x, h=1e-5, tolerance=1e-6):
    """Compare `gradient(x)` with the central difference of `f`.

    Returns the largest relative error, the entry (a tuple of indices) it is at, and whether it is
    within `tolerance`.

    >>> check_gradient(lambda x: x[0] ** 2, lambda x: [3 * x[0]], [1.0])[1:]
    ((0,), False)
    """
    point = _check.reals("check_gradient", "x", x)
    _check.some_entries("check_gradient", "x", point)
    h = _check.step_size("check_gradient", h)
    tolerance = _check.at_least_zero("check_gradient", "tolerance", tolerance)
    claimed = gradient(_check.reals("check_gradient", "x", x))
    claimed = _check.reals("check_gradient", "gradient", claimed)
    _check.returned_shape("check_gradient", "gradient", claimed, point)
    measured = numerical_gradient(f, point, h)
    error, entry = largest_error(claimed, measured, ())
    return error, entry, error <= tolerance
