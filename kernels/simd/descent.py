"""Gradient descent with its whole path; compiled from start to end for a jitted gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import typeof
from numba.core.errors import TypingError
from numba.extending import is_jitted, overload
from numba.np.numpy_support import from_dtype
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _check_results, _check_values
from kernels.simd._check_in_kernels import at_least, finite, returned_shape
from kernels.simd._check_types import (
    accept_function,
    accept_gradient,
    accept_integer,
    accept_point,
    accept_real,
    is_number,
    numpy_dtype,
    point_type,
)
from kernels.simd._overloads import as_real, given, number_of, real_of
from kernels.simd.compiler import kernel


@kernel(entry=True, calls_function=True)
def descend_array(gradient, path, learning_rate):
    """Fill the points of a path after the first one."""
    rate = path.dtype.type(learning_rate)
    for k in range(path.shape[0] - 1):
        slope = gradient(path[k].copy())
        returned_shape("gradient_descent", "gradient", slope.shape, path[k].shape)
        before, after = path[k].reshape(-1), path[k + 1].reshape(-1)
        for i, its_slope in enumerate(
            slope.flat
        ):  # takes half the time to compile of an array expression
            after[i] = before[i] - rate * its_slope


@kernel(entry=True, calls_function=True)
def descend_number(gradient, path, learning_rate):
    """Fill the numbers of a path after the first one."""
    for k in range(path.size - 1):
        path[k + 1] = path[k] - learning_rate * real_of(gradient(np.float64(path[k])))


def _descend_in_python(
    gradient: Callable[[Any], ArrayLike], path: NDArray[Any], learning_rate: float
) -> None:
    """Fill the points of a path after the first one, for a gradient that is not jitted."""
    rate = path.dtype.type(learning_rate)
    for k in range(len(path) - 1):
        point = path[k].copy() if path.ndim > 1 else float(path[k])
        slope = _check_results.gradient_of(
            "gradient_descent", "gradient", gradient(point), path.shape[1:]
        )
        with np.errstate(over="ignore", invalid="ignore"):  # a path may diverge
            path[k + 1] = path[k] - rate * slope


def gradient_descent(
    gradient: Callable[[Any], ArrayLike],
    x0: ArrayLike,
    learning_rate: float = 0.01,
    steps: int = 100,
) -> NDArray[Any]:
    """Path x_{k+1} = x_k − learning_rate · gradient(x_k), start included.

    Parameters
    ----------
    gradient : function of an array in x0's shape, returning that shape
        Gets a private copy of each point (a float where x0 is one). An `@njit` function runs
        compiled, with the whole descent; any other is called from Python.
    x0 : array of any shape, or a float
        The start.
    learning_rate : float
        Step per unit of slope; finite.
    steps : int
        Number of updates, at least 0.

    Returns
    -------
    (steps + 1, …) array
        The points, in x0's dtype (float64 for integers).

    Raises
    ------
    TypeError
        A function that cannot be called, values that are not real numbers, `steps` not an integer.
    ValueError
        `learning_rate` not finite, `steps` below 0, a gradient of another shape than x0's.

    Notes
    -----
    Source: Stanford CS231n, lecture 3.

    Examples
    --------
    >>> gradient_descent(lambda x: 2 * x, -4.0, learning_rate=0.25, steps=2)
    array([-4., -2., -1.])
    """
    _check_arguments.function("gradient_descent", "gradient", gradient)
    x0 = _check_arguments.real_array("gradient_descent", "x0", x0)
    learning_rate = _check_arguments.real("gradient_descent", "learning_rate", learning_rate)
    _check_values.finite("gradient_descent", "learning_rate", learning_rate)
    steps = _check_arguments.count("gradient_descent", "steps", steps, 0)
    path = np.empty((steps + 1, *x0.shape), x0.dtype)
    path[0] = x0
    if not is_jitted(gradient):
        _descend_in_python(gradient, path, learning_rate)
        return path
    try:
        (descend_array if x0.ndim else descend_number)(gradient, path, learning_rate)
    except TypingError:
        point = point_type(typeof(x0), from_dtype(x0.dtype))
        accept_gradient("gradient_descent", "gradient", gradient, point, TypeError)
        raise
    return path


@overload(gradient_descent)
def _gradient_descent_in_jit(gradient, x0, learning_rate=0.01, steps=100):
    accept_function("gradient_descent", "gradient", gradient)
    accept_point("gradient_descent", "x0", x0)
    accept_real("gradient_descent", "learning_rate", learning_rate)
    accept_integer("gradient_descent", "steps", steps)
    dtype = numpy_dtype(x0)
    point = point_type(x0, from_dtype(np.dtype(dtype)))
    accept_gradient("gradient_descent", "gradient", gradient, point)
    if is_number(x0):

        def call_number(gradient, x0, learning_rate=0.01, steps=100):
            rate, count = as_real(learning_rate), given(steps)
            check_descent(rate, count)
            path = np.empty(count + 1, dtype)
            path[0] = number_of(x0)
            descend_number(gradient, path, rate)
            return path

        return call_number

    def call_array(gradient, x0, learning_rate=0.01, steps=100):
        rate, count = as_real(learning_rate), given(steps)
        check_descent(rate, count)
        path = np.empty((count + 1, *given(x0).shape), dtype)
        path[0] = given(x0)
        descend_array(gradient, path, rate)
        return path

    return call_array


@kernel
def check_descent(learning_rate, steps):
    """Refuse a bad rate or number of steps."""
    finite("gradient_descent", "learning_rate", learning_rate)
    at_least("gradient_descent", "steps", steps, 0)
