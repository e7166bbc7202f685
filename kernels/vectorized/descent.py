"""Gradient descent with its whole path."""

import numpy as np


def gradient_descent(gradient, x0, learning_rate=0.01, steps=100):
    """Return the path x_0, x_1, … with x_{k+1} = x_k − learning_rate · gradient(x_k).

    `x0` is a float or a float array; the path has `steps` + 1 points of that shape and dtype.

    >>> gradient_descent(lambda x: 2 * x, -4.0, learning_rate=0.25, steps=2)
    array([-4., -2., -1.])
    """
    x0 = np.asarray(x0)
    path = np.empty((steps + 1, *x0.shape), x0.dtype)
    path[0] = x0
    for k in range(steps):
        path[k + 1] = path[k] - learning_rate * gradient(path[k])
    return path
