"""Gradient descent that keeps its whole path. Checks are left to `_check`."""

from reference import _check


def gradient_descent(gradient, x0, learning_rate=0.01, steps=100):
    """Return the path x_0, x_1, … with x_{k+1} = x_k − learning_rate · gradient(x_k).

    `x0` is a number or nested lists; the path has `steps` + 1 points of that shape. `gradient` gets
    a private copy of each point.

    >>> gradient_descent(lambda x: 2 * x, -4.0, learning_rate=0.25, steps=2)
    [-4.0, -2.0, -1.0]
    """
    point = _check.reals("gradient_descent", "x0", x0)
    learning_rate = _check.finite("gradient_descent", "learning_rate", learning_rate)
    steps = _check.count("gradient_descent", "steps", steps, 0)
    path = [point]
    for _ in range(steps):
        slope = _check.reals("gradient_descent", "gradient", gradient(copied(point)))
        _check.returned_shape("gradient_descent", "gradient", slope, point)
        point = moved(point, slope, learning_rate)
        path.append(point)
    return path


def copied(point):
    """The point again, sharing no list with it."""
    return [copied(part) for part in point] if isinstance(point, list) else point


def moved(point, slope, learning_rate):
    """The point after one step against the slope."""
    if not isinstance(point, list):
        return point - learning_rate * slope
    return [
        moved(part, its_slope, learning_rate) for part, its_slope in zip(point, slope, strict=True)
    ]
