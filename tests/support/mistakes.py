"""Calls of the library with one mistake each, and the class and message of the error."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from tiers import LABELLED, LINEAR, OF_SCORES

INF, NAN = math.inf, math.nan


def mean(x):
    return np.asarray(x).sum() / np.asarray(x).size


def even_slopes(x):
    return np.ones_like(np.asarray(x)) / np.asarray(x).size


SCORES = {"scores": [[1.0, 2.0], [3.0, 4.0]]}
LABELS = {"labels": [0, 1]}
LINEAR_ARRAYS = {
    "W": [[1.0, 2.0, 0.5]],
    "b": [0.0, 0.0, 1.0],
    "X": [[1.0], [-2.0]],
    "labels": [0, 2],
}

GOOD: dict[str, dict[str, Any]] = {
    **{operation: SCORES | LABELS if operation in LABELLED else SCORES for operation in OF_SCORES},
    **dict.fromkeys(LINEAR, LINEAR_ARRAYS),
    "train_linear": {"X": [[1.0], [-2.0]], "labels": [0, 1], "classes": 2, "epochs": 2},
    "numerical_gradient": {"f": mean, "x": [1.0, 2.0]},
    "relative_error": {"a": [1.0, 2.0], "b": [1.0, 2.0]},
    "check_gradient": {"f": mean, "gradient": even_slopes, "x": [1.0, 2.0]},
    "gradient_descent": {"gradient": even_slopes, "x0": [1.0, 2.0], "steps": 1},
}
"""Arguments of a valid call, by operation."""


@dataclass(frozen=True)
class Mistake:
    """One call that is refused."""

    operation: str
    change: dict[str, Any]
    error: type[Exception]
    words: str

    def __str__(self):
        ((argument, value),) = self.change.items()
        return f"{self.operation}-{argument}-{type(value).__name__}-{self.words[:60]}"


MISTAKES: list[Mistake] = []


def refused(operations, argument, value, error, words):
    """Add a mistake to the table, for each of some operations."""
    MISTAKES.extend(
        Mistake(operation, {argument: value}, error, f"{argument} {words}")
        for operation in operations
    )


ALL_LINEAR = (*LINEAR, "train_linear")
WITH_LABELS = (*LABELLED, *ALL_LINEAR)
WITH_MARGIN = ("svm_loss", "svm_loss_gradient", *ALL_LINEAR)
WITH_H = ("numerical_gradient", "check_gradient", "linear_numerical_gradient", "train_linear")
WITH_METHOD = ("numerical_gradient", "linear_numerical_gradient", "train_linear")

# --- kinds of arrays: for every argument of two by two real numbers
for operations, argument in (
    (OF_SCORES, "scores"),
    (ALL_LINEAR, "X"),
    (LINEAR, "W"),
    (("train_linear",), "W0"),
    (("numerical_gradient", "check_gradient"), "x"),
    (("gradient_descent",), "x0"),
    (("relative_error",), "a"),
    (("relative_error",), "b"),
):
    for value, kind in (
        ([[True, False], [False, True]], "booleans"),
        (np.eye(2, dtype=bool), "booleans"),
        ([[1j, 2.0], [3.0, 4.0]], "complex numbers"),
        (np.eye(2, dtype=np.complex64), "complex numbers"),
        ([["1", "2"], ["3", "4"]], "strings"),
        (np.array([["1", "2"], ["3", "4"]]), "strings"),
        (np.array([[b"1", b"2"], [b"3", b"4"]]), "strings"),
        ([[None, 1.0], [1.0, 2.0]], "objects"),
        (np.array([[None, 1.0], [1.0, 2.0]]), "objects"),
        (np.array([[1.0, 2.0], [3.0, 4.0]], dtype=object), "objects"),
    ):
        refused(operations, argument, value, TypeError, f"must be real numbers, got {kind}")
    for value in (
        [[1.0, 2.0], [3.0]],
        [[1.0], [2.0, 3.0]],
        [[1.0, 2.0], 3.0],
        [1.0, [2.0, 3.0]],
        [[1.0, [2.0]], [3.0, 4.0]],
    ):
        refused(
            operations,
            argument,
            value,
            ValueError,
            "must be rectangular, got rows of different lengths",
        )

for value, kind in (
    ([0.0, 1.0], "floats"),
    (np.array([0.0, 1.0], np.float32), "floats"),
    ([True, False], "booleans"),
    (np.array([True, False]), "booleans"),
    ([0j, 1j], "complex numbers"),
    (["0", "1"], "strings"),
    ([None, 1], "objects"),
    (np.array([0, 1], dtype=object), "objects"),
):
    refused(WITH_LABELS, "labels", value, TypeError, f"must be integers, got {kind}")
refused(
    WITH_LABELS,
    "labels",
    [0, [1]],
    ValueError,
    "must be rectangular, got rows of different lengths",
)
refused(
    WITH_LABELS,
    "labels",
    [[0], 1],
    ValueError,
    "must be rectangular, got rows of different lengths",
)

# --- dimensions
for operations, argument, axes in (
    (OF_SCORES, "scores", "(N, C)"),
    (ALL_LINEAR, "X", "(N, D)"),
    (LINEAR, "W", "(D, C)"),
    (("train_linear",), "W0", "(D, C)"),
):
    for value, dimensions in (
        (1.0, 0),
        ([], 1),
        ([1.0, 2.0], 1),
        ([[[1.0]]], 3),
        (np.float64(1), 0),
        (np.zeros((2, 2, 2)), 3),
    ):
        refused(
            operations,
            argument,
            value,
            ValueError,
            f"must have 2 dimensions {axes}, got {dimensions}",
        )
for operations, argument, axis in (
    (WITH_LABELS, "labels", "(N,)"),
    (LINEAR, "b", "(C,)"),
    (("train_linear",), "b0", "(C,)"),
):
    for value, dimensions in ((0, 0), ([[0, 1]], 2), (np.zeros((2, 1), int), 2)):
        refused(
            operations,
            argument,
            value,
            ValueError,
            f"must have 1 dimension {axis}, got {dimensions}",
        )

# --- emptiness and lengths
for value, shape in (
    ([[]], "(1, 0)"),
    (np.empty((0, 3)), "(0, 3)"),
    (np.empty((2, 0)), "(2, 0)"),
    (np.empty((0, 0)), "(0, 0)"),
):
    refused(
        OF_SCORES,
        "scores",
        value,
        ValueError,
        f"must have at least one sample and one class, got shape {shape}",
    )
    refused(
        ALL_LINEAR,
        "X",
        value,
        ValueError,
        f"must have at least one sample and one feature, got shape {shape}",
    )
refused(
    LINEAR,
    "W",
    np.empty((1, 0)),
    ValueError,
    "must have at least one feature and one class, got shape (1, 0)",
)
for value, length in (([], 0), ([0], 1), ([0, 1, 0], 3), (np.array([0], np.uint8), 1)):
    refused(
        WITH_LABELS,
        "labels",
        value,
        ValueError,
        f"must have 2 entries, one per sample, got {length}",
    )
refused(LINEAR, "W", [[1.0, 2.0, 0.5]] * 2, ValueError, "must have 1 rows, one per feature, got 2")
for value, length in (([0.0, 1.0], 2), ([0.0] * 4, 4), ([], 0)):
    refused(LINEAR, "b", value, ValueError, f"must have 3 entries, one per class, got {length}")
refused(
    ("train_linear",),
    "W0",
    [[1.0, 2.0]] * 3,
    ValueError,
    "must have 1 rows, one per feature, got 3",
)
refused(
    ("train_linear",),
    "W0",
    [[1.0, 2.0, 3.0]],
    ValueError,
    "must have 2 columns, one per class, got 3",
)
refused(
    ("train_linear",),
    "b0",
    [1.0, 2.0, 3.0],
    ValueError,
    "must have 2 entries, one per class, got 3",
)
for value, shape in (([1.0], "(1,)"), ([[1.0, 2.0]], "(1, 2)"), (1.0, "()")):
    MISTAKES.append(
        Mistake(
            "relative_error",
            {"b": value},
            ValueError,
            f"a and b must have the same shape, got (2,) and {shape}",
        )
    )
for value, shape in (([], "(0,)"), (np.empty((2, 0)), "(2, 0)")):
    refused(
        ("check_gradient",),
        "x",
        value,
        ValueError,
        f"must have at least one entry, got shape {shape}",
    )

# --- labels out of range
for operations, classes in ((LABELLED, 2), (LINEAR, 3), (("train_linear",), 2)):
    for value, label, index in (
        ([0, -1], -1, 1),
        ([classes, 0], classes, 0),
        (np.array([-1, 0], np.int8), -1, 0),
        (np.array([0, 2**40]), 2**40, 1),
        (np.array([2**63 - 1, 0], np.uint64), 2**63 - 1, 0),
        (np.array([0, -(2**63)]), -(2**63), 1),
    ):
        refused(
            operations,
            "labels",
            value,
            ValueError,
            f"must be in [0, {classes}), got {label} at index {index}",
        )

# --- numbers
NOT_REAL = (
    (True, "booleans"),
    (1j, "complex numbers"),
    ("1", "strings"),
    (None, "objects"),
    (np.bool_(True), "booleans"),
    ([1.0], "objects"),
    (np.array([1.0, 2.0]), "objects"),
)
for operations, argument in (
    (WITH_MARGIN, "margin"),
    (WITH_H, "h"),
    (ALL_LINEAR, "regularization"),
    (("train_linear", "gradient_descent"), "learning_rate"),
    (("train_linear",), "momentum"),
    (("check_gradient",), "tolerance"),
):
    for value, kind in NOT_REAL:
        refused(operations, argument, value, TypeError, f"must be a real number, got {kind}")
for operations, argument in ((WITH_MARGIN, "margin"), (("check_gradient",), "tolerance")):
    for value, sort in (
        (-1.0, "a negative number"),
        (-1, "a negative number"),
        (NAN, "nan"),
        (INF, "an infinity"),
        (-INF, "an infinity"),
    ):
        refused(
            operations, argument, value, ValueError, f"must be finite and at least 0, got {sort}"
        )
for value, sort in (
    (0.0, "0"),
    (0, "0"),
    (-1.0, "a negative number"),
    (NAN, "nan"),
    (INF, "an infinity"),
    (-INF, "an infinity"),
):
    refused(WITH_H, "h", value, ValueError, f"must be finite and above 0, got {sort}")
for operations, argument in (
    (ALL_LINEAR, "regularization"),
    (("train_linear", "gradient_descent"), "learning_rate"),
    (("train_linear",), "momentum"),
):
    for value, sort in ((NAN, "nan"), (INF, "an infinity"), (-INF, "an infinity")):
        refused(operations, argument, value, ValueError, f"must be finite, got {sort}")

# --- counts
for operation, argument, least in (
    ("train_linear", "epochs", 0),
    ("train_linear", "batch_size", 1),
    ("train_linear", "classes", 1),
    ("gradient_descent", "steps", 0),
):
    for value in (least - 1, -7, np.int32(-7), -(2**63)):
        refused(
            (operation,), argument, value, ValueError, f"must be at least {least}, got {int(value)}"
        )
for operation, argument in (
    ("train_linear", "epochs"),
    ("train_linear", "batch_size"),
    ("train_linear", "classes"),
    ("train_linear", "seed"),
    ("gradient_descent", "steps"),
):
    for value, kind in (
        (1.0, "floats"),
        (np.float32(1), "floats"),
        (True, "booleans"),
        ("1", "strings"),
        ([1], "objects"),
        (np.array([1, 2]), "objects"),
    ):
        refused((operation,), argument, value, TypeError, f"must be an integer, got {kind}")

# --- words
for operations, argument, known in (
    (ALL_LINEAR, "loss", ("svm", "softmax")),
    (WITH_METHOD, "method", ("central", "forward")),
    (("train_linear",), "gradient", ("analytic", "numerical")),
):
    for value in ("hinge", "", known[0].upper(), f"{known[1]} "):
        refused(
            operations,
            argument,
            value,
            ValueError,
            f"must be '{known[0]}' or '{known[1]}', got '{value}'",
        )
