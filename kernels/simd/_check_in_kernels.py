"""The checks of values in compiled form: the very functions of `_check`, and a few joined.

Called first thing in each kernel, so that they hold for Python callers and jitted ones alike, and
never inside a `prange`, where raising is not safe.
"""

import numpy as np

from kernels.simd import _check
from kernels.simd.compiler import kernel

entries = kernel(_check.entries)
not_empty = kernel(_check.not_empty)
refuse_label = kernel(_check.refuse_label)
at_least_zero = kernel(_check.at_least_zero)
step_size = kernel(_check.step_size)
refuse_lost_step = kernel(_check.refuse_lost_step)
finite = kernel(_check.finite)
at_least = kernel(_check.at_least)
at_most = kernel(_check.at_most)
choice = kernel(_check.choice)
same_shape = kernel(_check.same_shape)
returned_shape = kernel(_check.returned_shape)
result_shape = kernel(_check.result_shape)
some_entries = kernel(_check.some_entries)
same_steps = kernel(_check.same_steps)
apart_from_itself = kernel(_check.apart_from_itself)
refuse_overlap = kernel(_check.refuse_overlap)


@kernel
def check_scores(function, shape):
    """Refuse scores without a sample or a class."""
    not_empty(function, "scores", shape, "sample", "class")


@kernel
def check_labels(function, labels, samples, classes):
    """Refuse another number of labels than of samples, and a label outside [0, classes)."""
    check_count(function, labels, samples)
    if not labels_fit(labels, 0, samples, classes):
        refuse_labels(function, labels, classes)


@kernel
def check_count(function, labels, samples):
    """Refuse another number of labels than of samples."""
    entries(function, "labels", labels.size, samples, "entries", "sample")


@kernel
def labels_fit(labels, start, stop, classes):
    """Whether some labels are in [0, classes)."""
    wrong = 0
    for i in range(np.uint64(start), np.uint64(stop)):  # no sign, no branch: it vectorises
        wrong |= (labels[i] < 0) | (labels[i] >= classes)
    return wrong == 0


@kernel
def refuse_labels(function, labels, classes):
    """Refuse the first label outside [0, classes)."""
    for index, label in enumerate(labels):
        if label < 0 or label >= classes:
            refuse_label(function, label, index, classes)


@kernel
def check_linear(function, W_shape, biases, X_shape, labels, W_name, b_name):
    """Refuse weights, biases, samples and labels that do not fit each other."""
    samples, features = X_shape
    classes = W_shape[1]
    not_empty(function, "X", X_shape, "sample", "feature")
    entries(function, W_name, W_shape[0], features, "rows", "feature")
    not_empty(function, W_name, W_shape, "feature", "class")
    entries(function, b_name, biases, classes, "entries", "class")
    check_labels(function, labels, samples, classes)


@kernel
def check_step(function, h, method):
    """Refuse a step or a method of a finite difference."""
    step_size(function, h)
    choice(function, "method", method, _check.METHODS)


@kernel
def check_steps(function, argument, values, h, central):
    """Refuse a step that rounding swallows in one of the entries that it is to change."""
    for index, entry in enumerate(values.flat):
        value = np.float64(entry)
        taken = (value + h) - (value - h if central else value)
        if taken == 0.0:  # NaN where the entry is not finite
            refuse_lost_step(function, argument, index)
