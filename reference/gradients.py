"""Finite differences of any function, one entry at a time, and the check of a gradient.

A point `x` is a number or nested lists; `f` gets a copy of it in floats, with one entry changed.
"""

import math

from reference.lists import flat, floats, indices, zeros_like


def numerical_gradient(f, x, h=1e-5, method="central"):
    """Finite-difference gradient of `f` at `x`, in x's shape.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    >>> slopes = numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0])
    >>> [round(slope, 6) for slope in slopes]
    [4.0, 3.0]
    """
    if not hasattr(x, "__len__"):
        return numerical_gradient(lambda point: f(point[0]), [x], h, method)[0]
    point = floats(x)
    return slopes_in(f, point, point, h, method)


def slopes_in(f, point, part, h, method):
    """Derivatives of f(point) by the entries of `part`, the point or a list inside it."""
    if hasattr(part[0], "__len__"):
        return [slopes_in(f, point, row, h, method) for row in part]
    return slopes_of_row(f, (point,), part, h, method)


def slopes_of_row(f, arguments, row, h, method):
    """Derivatives of f(*arguments) by each number of `row`, a list inside the arguments."""
    back = h if method == "central" else 0.0
    slopes = zeros_like(row)
    for i in range(len(row)):
        original = row[i]
        row[i] = original + h
        above = f(*arguments)
        row[i] = original - back
        below = f(*arguments)
        row[i] = original  # put back
        slopes[i] = (above - below) / (h + back)
    return slopes


def relative_error(a, b):
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries of two like shapes.

    >>> relative_error([1.0, 2.0], [1.0, 3.0])
    0.2
    """
    return largest_error(flat(a), flat(b))[0]


def largest_error(a, b):
    """Largest relative error of two lists, and its index; NaN counts as the largest."""
    worst, place = 0.0, 0
    for i in range(len(a)):
        error = abs(a[i] - b[i]) / max(1e-8, abs(a[i]) + abs(b[i]))
        if error > worst or (math.isnan(error) and not math.isnan(worst)):
            worst, place = error, i
    return worst, place


def check_gradient(f, gradient, x, h=1e-5, tolerance=1e-6):
    """Compare `gradient(x)` with the central difference of `f`.

    Returns the largest relative error, the entry (a tuple of indices) it is at, and whether it is
    within `tolerance`.

    >>> check_gradient(lambda x: x[0] ** 2, lambda x: [3 * x[0]], [1.0])[1:]
    ((0,), False)
    """
    point = floats(x)
    measured = numerical_gradient(f, point, h)
    error, place = largest_error(flat(gradient(point)), flat(measured))
    return error, indices(place, point), error <= tolerance
