"""Finite differences and gradient checks under `@njit`; `f` is jitted, a point is an array.

Not cached: Numba never finds a compiled function again that takes a function.
"""

import numpy as np
from numba import njit
from numba.extending import overload

from kernels._cache import cached
from kernels.jit import lists as lists
from reference import gradients
from reference.gradients import slopes_of_row


@njit
def numerical_gradient(f, x, h=1e-5, method="central"):
    """Derivatives of f at an array of any shape; the loop over the entries is the text's."""
    point = np.empty(x.shape)
    point[...] = x
    slopes = slopes_of_row(f, (point,), point.reshape(-1), h, method)
    return slopes.reshape(x.shape).astype(x.dtype)


@overload(gradients.numerical_gradient)
def _numerical_gradient(f, x, h=1e-5, method="central"):
    return numerical_gradient.py_func


relative_error = cached(gradients.relative_error)
check_gradient = njit(gradients.check_gradient)
