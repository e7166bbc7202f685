"""Inputs of the built-in problems: sizes, the post's numbers, seeded data, samples, hard inputs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model import Arguments, Size

SIZES: dict[str, dict[str, int]] = {
    "lecture": {"n": 3, "d": 4, "c": 3},  # the post's
    "S": {"n": 64, "d": 16, "c": 10},  # a mini-batch
    "M": {"n": 1000, "d": 3072, "c": 10},  # CIFAR-10, as in the course
    "L": {"n": 20_000, "c": 1000},  # ImageNet's classes
    "wide": {"n": 64, "c": 50_257},  # a language model's vocabulary
    "tall": {"n": 1_000_000, "c": 3},  # many short rows
}
LECTURE = SIZES["lecture"]

LECTURE_SCORES = ((3.2, 5.1, -1.7), (1.3, 4.9, 2.0), (2.2, 2.5, -3.1))
LECTURE_LABELS = (0, 1, 2)
# The post holds its weights as (C, D); ours are (D, C).
LECTURE_W = ((0.2, 1.5, 0.0), (-0.5, 1.3, 0.25), (0.1, 2.1, 0.2), (2.0, 0.0, -0.3))
LECTURE_B = (1.0, 1.0, 1.0)
LECTURE_X = (56.0, 23.0, 24.0, 2.0)

INTEGER_BYTES = 8  # of a label

# The loops do about ten million plain steps per second, so such a sample takes milliseconds.
SAMPLED_SCORES = 20_000
SAMPLED_ROWS = 8
SAMPLED_FEATURES = 16


def pick(sizes: dict[str, dict[str, int]], *keys: str) -> dict[str, dict[str, int]]:
    """Return the sizes with only the numbers that a problem uses."""
    return {name: {key: size[key] for key in keys} for name, size in sizes.items()}


def scores_and_labels(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    """Return logits of a usual spread and labels; at the lecture's size, the lecture's."""
    if size["n"] == LECTURE["n"] and size["c"] == LECTURE["c"]:
        return np.array(LECTURE_SCORES, dtype), np.array(LECTURE_LABELS, np.int64)
    shape = size["n"], size["c"]
    return (3 * rng.standard_normal(shape)).astype(dtype), rng.integers(0, size["c"], size["n"])


def classifier(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    """Return (W, b, X, labels); at the lecture's size, the post's one x with each label."""
    n, d, c = size["n"], size["d"], size["c"]
    if {"n": n, "d": d, "c": c} == LECTURE:
        X = np.array([LECTURE_X] * size["n"], dtype)
        W, b = np.array(LECTURE_W, dtype), np.array(LECTURE_B, dtype)
        return W, b, X, np.array(LECTURE_LABELS, np.int64)
    W = rng.standard_normal((d, c)) / np.sqrt(d)
    b = 0.1 * rng.standard_normal((c,))
    X = rng.standard_normal((n, d))
    return W.astype(dtype), b.astype(dtype), X.astype(dtype), rng.integers(0, c, n)


def some(count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return at most `most` random indices below `count`, in order."""
    return np.sort(rng.choice(count, min(count, most), replace=False))


def sampled_rows(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    """Cut scores, and arrays with one entry per sample, to a few rows."""
    n, c = arguments[0].shape
    rows = some(n, max(SAMPLED_ROWS // 2, SAMPLED_SCORES // c), rng)
    return tuple(item[rows] if isinstance(item, np.ndarray) else item for item in arguments)


def layouts(arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    """Yield the same values in other layouts, and read-only.

    Numba compiles anew for each type, and a read-only array is another: so it is in Fortran order,
    too.
    """
    kinds = {"strided arrays": _strided, "read-only arrays in Fortran order": _frozen}
    for label, lay in kinds.items():
        laid = (lay(item) if isinstance(item, np.ndarray) else item for item in arguments)
        yield label, tuple(laid)


def _strided(array: NDArray[Any]) -> NDArray[Any]:
    twice = np.zeros([2 * length for length in array.shape], array.dtype)
    view = twice[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    return view


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    frozen = np.array(array, order="F")
    frozen.flags.writeable = False
    return frozen


def hard_scores(dtype: str) -> Iterator[tuple[str, NDArray[Any], NDArray[np.int64]]]:
    """Yield scores and labels, with a description, on which a loss or its gradient may go wrong."""
    rng = np.random.default_rng(0)
    plain = 3 * rng.standard_normal((5, 4))
    labels = np.array([3, 0, 1, 2, 3])
    nan, inf = np.nan, np.inf
    for label, scores, its_labels in (
        ("logits of ±1e4", np.sign(plain) * 1e4 + plain, labels),
        ("ties", np.array([[0.0, 0.0, 0.0], [2.5, 2.5, -1.0]]), [0, 2]),
        # Dyadic, so that each difference is exact and the hinge is exactly 0 at its kink
        ("scores at the kink", np.array([[0.5, -0.5, 1.5, -0.5], [2.0, 1.0, 1.0, 1.25]]), [0, 0]),
        ("one class (C = 1)", plain[:, :1], [0] * 5),
        ("one sample (N = 1)", plain[:1], labels[:1]),
        ("one sample of one class", plain[:1, :1], [0]),
        ("labels of one class only", plain, [2] * 5),
        ("a NaN at the label", _with(plain, (1, 0), nan), labels),
        ("a NaN beside the label", _with(plain, (1, 2), nan), labels),
        ("a NaN where C = 1", _with(plain[:, :1], (1, 0), nan), [0] * 5),
        ("+inf at the label", _with(plain, (1, 0), inf), labels),
        ("+inf beside the label", _with(plain, (1, 2), inf), labels),
        ("+inf at the label and beside it", _with(plain, (1, slice(0, 2)), inf), labels),
        ("-inf at the label", _with(plain, (1, 0), -inf), labels),
        ("-inf beside the label", _with(plain, (1, 2), -inf), labels),
        ("a row of -inf", _with(plain, (1, slice(None)), -inf), labels),
    ):
        yield label, np.array(scores, dtype), np.array(its_labels, np.int64)
    for label, (scores, its_labels) in layouts((plain.astype(dtype), labels)):
        yield label, scores, its_labels


def _with(scores: NDArray[Any], where: Any, value: float) -> NDArray[Any]:
    changed: NDArray[Any] = scores.copy()
    changed[where] = value
    return changed
