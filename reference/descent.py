"""Gradient descent with its whole path."""


def gradient_descent(gradient, x0, learning_rate=0.01, steps=100):
    """Return the path x_0, x_1, … with x_{k+1} = x_k − learning_rate · gradient(x_k).

    `x0` is a number or nested lists; the path has `steps` + 1 points of that shape.

    >>> gradient_descent(lambda x: 2 * x, -4.0, learning_rate=0.25, steps=2)
    [-4.0, -2.0, -1.0]
    """
    x = x0
    path = [x]
    for _ in range(steps):
        x = moved(x, gradient(x), learning_rate)
        path.append(x)
    return path


def moved(x, slope, learning_rate):
    """A point after one step against its gradient."""
    if hasattr(x, "__len__"):
        return [moved(x[i], slope[i], learning_rate) for i in range(len(x))]
    return x - learning_rate * slope
