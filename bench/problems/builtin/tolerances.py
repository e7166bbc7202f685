"""How far a tier may be from the loops: the tolerances, and the scales they are relative to."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model import Arguments, Tolerance

# Room for the rounding of sums in another order, and for nothing else.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
# An excess (s_j − s_y) + margin is rounded twice and its terms were rounded when they were made.
ROUNDINGS = 4
# A finite difference divides the rounding of two values of f by h; 50 covers that of the sums in f.
DIFFERENCE_ROUNDINGS = 50


def within(dtype: str, scale: float, rounding: float = 0.0) -> Tolerance:
    """Return tol · (abs(b) + scale), plus the rounding of the inputs."""
    return Tolerance(TOLERANCE[dtype], TOLERANCE[dtype] * scale + rounding)


def rounding_of(values: NDArray[Any], dtype: str) -> float:
    """Return the largest error of a difference of two of these values."""
    finite = np.abs(values[np.isfinite(values)])
    return ROUNDINGS * float(np.finfo(dtype).eps) * float(finite.max(initial=0.0))


def difference_noise(dtype: str, largest: float, h: float) -> float:
    """Return the largest rounding of a finite difference, if abs(f) is at most `largest`."""
    return DIFFERENCE_ROUNDINGS * float(np.finfo(dtype).eps) * largest / h


def of_nats(arguments: Arguments, dtype: str) -> Tolerance:
    """For a loss in nats and for log-probabilities: scale 1."""
    return within(dtype, 1.0, rounding_of(arguments[0], dtype))


def of_hinge(arguments: Arguments, dtype: str) -> Tolerance:
    """For a hinge loss: the scale is the margin."""
    return within(dtype, margin_of(arguments), rounding_of(arguments[0], dtype))


def of_probabilities(arguments: Arguments, dtype: str) -> Tolerance:
    """For a softmax: the scale is 1/C, and a score's rounding is relative in its exp."""
    relative = TOLERANCE[dtype] + rounding_of(arguments[0], dtype)
    return Tolerance(relative, TOLERANCE[dtype] / arguments[0].shape[1])


def of_softmax_gradient(arguments: Arguments, dtype: str) -> Tolerance:
    """For the gradient of a mean softmax loss with respect to the scores: the scale is 1/N."""
    n = len(arguments[0])
    return within(dtype, 1 / n, rounding_of(arguments[0], dtype) / n)


def of_hinge_gradient(arguments: Arguments, dtype: str) -> Tolerance:
    """For the gradient of a mean hinge loss: scale 1/N, and near a kink both sides are right.

    A hinge of exactly 0 is at its kink in every tier (the difference is exact), and its entry must
    be inactive. One that differs from 0 by less than its rounding may count as active or not: that
    changes the entries of its class and of the label by 1/N.
    """
    scores, labels = arguments[0], arguments[1]
    n, rows = len(scores), np.arange(len(scores))
    wide = scores.astype(np.float64)
    with np.errstate(invalid="ignore"):
        excess = (wide - wide[rows, labels][:, np.newaxis]) + margin_of(arguments)
        unsure = (excess != 0) & (np.abs(excess) <= rounding_of(scores, dtype))
    unsure[rows, labels] = False
    allowed = unsure / n
    allowed[rows, labels] = unsure.sum(axis=1) / n
    return Tolerance(TOLERANCE[dtype], TOLERANCE[dtype] / n + allowed)


def margin_of(arguments: Arguments) -> float:
    """Return the margin of (scores, labels[, margin])."""
    return float(arguments[2]) if len(arguments) > 2 else 1.0


def exact(arguments: Arguments, dtype: str) -> Tolerance:  # noqa: ARG001 - one signature for all
    """For integers and truth values."""
    return Tolerance(0.0, 0.0)
