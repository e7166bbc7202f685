"""Tolerances for the difference between a tier and the loops, from DESIGN."""

import numpy as np

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def assert_agrees(actual, expected, *, dtype="float64", scale=1.0, rounding=0.0):
    """Assert abs(a − b) ≤ tol · (abs(b) + scale) + rounding, and the same NaN and infinities."""
    actual = np.asarray(actual, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    infinite = np.isinf(actual) | np.isinf(expected)
    np.testing.assert_array_equal(actual[infinite], expected[infinite])
    finite = np.isfinite(expected)
    allowed = TOLERANCE[dtype] * (np.abs(expected) + scale) + rounding
    excess = np.abs(actual[finite] - expected[finite]) - allowed[finite]
    assert np.all(excess <= 0), (
        f"off by {excess.max(initial=0)} more than allowed:\n{actual}\n{expected}"
    )


def computed_dtype(*arrays):
    """Name of the dtype that arrays compute in."""
    single = all(np.asarray(array).dtype.name == "float32" for array in arrays)
    return "float32" if single else "float64"


def rounding_of(scores, dtype):
    """Largest error of the difference of two scores, rounded twice on either side."""
    scores = np.asarray(scores, dtype=np.float64)
    return 4 * np.finfo(dtype).eps * np.abs(scores[np.isfinite(scores)]).max(initial=0.0)


def kink_allowance(scores, labels, margin, dtype):
    """What a hinge gradient may be off by: either side of a kink that is only a rounding away.

    At the kink itself, where the margin is exactly 0, nothing is allowed.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    rows = np.arange(len(scores))
    excess = (scores - scores[rows, labels][:, np.newaxis]) + margin
    unsure = (excess != 0) & (np.abs(excess) <= rounding_of(scores, dtype))
    unsure[rows, labels] = False
    allowed = unsure.astype(np.float64)
    allowed[rows, labels] = unsure.sum(axis=1)
    return allowed / len(scores)


def difference_noise(largest, h):
    """Largest error of a finite difference, if abs(f) is at most `largest`."""
    return 50 * np.finfo(np.float64).eps * largest / h
