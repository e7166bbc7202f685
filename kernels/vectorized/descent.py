"""Gradient descent that keeps its whole path. Checks are left to `kernels.simd._check`."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check


def gradient_descent(
    gradient: Callable[[Any], ArrayLike],
    x0: ArrayLike,
    learning_rate: float = 0.01,
    steps: int = 100,
) -> NDArray[Any]:
    """Path x_{k+1} = x_k − learning_rate · gradient(x_k), start included.

    Parameters
    ----------
    gradient : function of an array in x0's shape (of a float where x0 is one), returning that shape
        Gets a private copy of each point.
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
        Values that are not real numbers, `steps` that is not an integer.
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
    function = "gradient_descent"
    x0 = _check.real_array(function, "x0", x0)
    learning_rate = _check.real(function, "learning_rate", learning_rate)
    _check.finite(function, "learning_rate", learning_rate)
    steps = _check.integer(function, "steps", steps)
    _check.at_least(function, "steps", steps, 0)
    path = np.empty((steps + 1, *x0.shape), x0.dtype)
    path[0] = x0
    for k in range(steps):
        point = path[k].copy() if x0.ndim else float(path[k])
        slope = _check.real_array(function, "gradient", gradient(point))
        _check.returned_shape(function, "gradient", slope.shape, x0.shape)
        with np.errstate(over="ignore", invalid="ignore"):  # a path may diverge
            path[k + 1] = path[k] - learning_rate * slope
    return path
