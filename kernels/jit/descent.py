"""Gradient descent under `@njit`."""

import numpy as np

from kernels._cache import cached


@cached
def gradient_descent(gradient, x0, learning_rate=0.01, steps=100):
    """Return the path x_0, x_1, … with x_{k+1} = x_k − learning_rate · gradient(x_k).

    `x0` is a float array (0-d for a number); the path has `steps` + 1 points of its shape.

    >>> from numba import njit
    >>> gradient_descent(njit(lambda x: 2 * x), np.array(-4.0), learning_rate=0.25, steps=2)
    array([-4., -2., -1.])
    """
    path = np.empty((steps + 1, *x0.shape), x0.dtype)
    path[0] = x0
    for k in range(steps):
        path[k + 1] = path[k] - learning_rate * gradient(path[k])
    return path
