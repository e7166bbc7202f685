"""Finite differences of any function of an array, and the check of a gradient.

`f` gets a float64 copy of the point with one entry changed.
"""

import numpy as np


def numerical_gradient(f, x, h=1e-5, method="central"):
    """Finite-difference gradient of `f` at `x`, a float array, in its shape and dtype.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], np.array([2.0, 1.0])).round(6)
    array([4., 3.])
    """
    back = h if method == "central" else 0.0
    point = np.array(x, dtype=np.float64)
    slopes = np.empty_like(x)
    for entry in np.ndindex(point.shape):
        original = point[entry]
        point[entry] = original + h
        above = f(point)
        point[entry] = original - back
        below = f(point)
        point[entry] = original
        slopes[entry] = (above - below) / (h + back)
    return slopes


def relative_error(a, b):
    """Largest abs(a − b) / max(1e-8, abs(a) + abs(b)) over the entries of two arrays.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    0.2
    """
    return float((np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))).max())


def check_gradient(f, gradient, x, h=1e-5, tolerance=1e-6):
    """Compare `gradient(x)` with the central difference of `f`.

    Returns the largest relative error, the entry (a tuple of indices) it is at, and whether it is
    within `tolerance`.

    >>> check_gradient(lambda x: x[0] ** 2, lambda x: 3 * x, np.array([1.0]))[1:]
    ((0,), False)
    """
    point = x.astype(np.float64)
    a, b = gradient(point), numerical_gradient(f, point, h)
    errors = np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))
    entry = np.unravel_index(errors.argmax(), errors.shape)  # argmax counts a NaN as the largest
    return float(errors[entry]), tuple(map(int, entry)), bool(errors[entry] <= tolerance)
