"""How far from the loops a tier may be: the one home of the constants, and what they scale with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model import Arguments, Tolerance

# Room for the rounding of sums in another order, with digits to spare for nothing else.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
# An excess (s_j − s_y) + margin is rounded twice and its terms were rounded when they were made.
ROUNDINGS = 4
# A finite difference divides the rounding of two values of f by h; 50 covers that of f's own sums.
DIFFERENCE_ROUNDINGS = 50


def within(dtype: str, scale: float, rounding: float = 0.0) -> Tolerance:
    """Return tol · (abs(b) + scale), and the rounding that the inputs bring with them."""
    return Tolerance(TOLERANCE[dtype], TOLERANCE[dtype] * scale + rounding)


def rounding_of(values: NDArray[Any], dtype: str) -> float:
    """Return what the subtraction of two of these values may be off by."""
    finite = np.abs(values[np.isfinite(values)])
    return ROUNDINGS * float(np.finfo(dtype).eps) * float(finite.max(initial=0.0))


def difference_noise(dtype: str, largest: float, h: float) -> float:
    """Return what a finite difference may be off by, where abs(f) is at most `largest`."""
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
    """For the gradient of a mean softmax loss by the scores: the scale is 1/N."""
    n = len(arguments[0])
    return within(dtype, 1 / n, rounding_of(arguments[0], dtype) / n)


def of_hinge_gradient(arguments: Arguments, dtype: str) -> Tolerance:
    """For the gradient of a mean hinge loss: 1/N, and either side near a kink.

    A hinge that is exactly 0 is at its kink in every tier (the difference that makes it so is
    exact), and the entry is held to be inactive. One that is off 0 by less than its rounding may be
    found on either side: 1/N more or less at its class, and as much at the label's.
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
