"""Finite differences and gradient checks under `@njit`; `f` is jitted, a point is an array."""

import numpy as np
from numba.extending import overload

from kernels._cache import cached
from kernels.jit import lists as lists  # registers what the texts call
from reference import gradients
from reference.gradients import slopes_of_row


@cached
def numerical_gradient(f, x, h=1e-5, method="central"):
    """Finite-difference gradient of `f` at `x`, a float array, in its shape and dtype.

    "central" is (f(x + h·e) − f(x − h·e)) / 2h for each entry e, "forward" (f(x + h·e) − f(x)) / h.

    >>> from numba import njit
    >>> numerical_gradient(njit(lambda x: x[0] ** 2 + 3 * x[1]), np.array([2.0, 1.0])).round(6)
    array([4., 3.])
    """
    point = np.empty(x.shape)
    point[...] = x
    slopes = slopes_of_row(f, (point,), point.reshape(-1), h, method)
    return slopes.reshape(x.shape).astype(x.dtype)


@overload(gradients.numerical_gradient)
def _numerical_gradient(f, x, h=1e-5, method="central"):
    return numerical_gradient.py_func


relative_error = cached(gradients.relative_error)
check_gradient = cached(gradients.check_gradient)
