"""Gradient descent under `@njit`. Not cached: it takes a function, as those of `gradients` do."""

import numpy as np
from numba import njit


@njit
def gradient_descent(gradient, x0, learning_rate=0.01, steps=100):
    """Return the path as an array, (steps + 1, …x0's shape).

    Each step is the loop's, with array arithmetic in the place of nested lists.
    """
    path = np.empty((steps + 1, *x0.shape), x0.dtype)
    path[0] = x0
    for k in range(steps):
        path[k + 1] = path[k] - learning_rate * gradient(path[k])
    return path
