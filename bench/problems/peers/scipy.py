"""SciPy's softmax, log_softmax and finite differences.

Left out: the central difference of `scipy.differentiate`, which calls its function with many points
at once, so a black box of one point would need a loop of ours; and check_gradient, because
`scipy.optimize.check_grad` returns the root of a sum of squares and no entry.
"""

from typing import Any

import numpy as np
from scipy import optimize, special

from bench.model import Arguments


def prepare(operation: str, arguments: Arguments) -> Arguments:
    """Return contiguous arrays; W in float64, as the black box takes it."""
    if operation == "numerical_gradient":
        f, W, *how = arguments
        return f, np.ascontiguousarray(W, np.float64), *how, W.dtype
    return tuple(np.ascontiguousarray(item) for item in arguments)


def softmax(scores: Any) -> Any:
    """Return probabilities."""
    return special.softmax(scores, axis=1)


def log_softmax(scores: Any) -> Any:
    """Return the logarithms of probabilities."""
    return special.log_softmax(scores, axis=1)


def numerical_gradient(f: Any, W: Any, h: float, method: str, dtype: Any) -> Any:
    """Differentiate a black box."""

    def loss(x: Any) -> Any:
        return f(x.reshape(W.shape))

    slope = optimize.approx_fprime(W.ravel(), loss, h)
    if method == "central":
        # Convention: theirs steps forward; the mean with a step back is the central difference.
        slope = (slope + optimize.approx_fprime(W.ravel(), loss, -h)) / 2
    return slope.reshape(W.shape).astype(dtype)
