"""Check values in compiled code, by the functions of `_check_values`.

Each kernel calls these checks first, so Python callers and jitted callers get the same ones. None
that raises is called inside a `prange`, where raising is not safe.
"""

import numpy as np

from kernels.simd import _check_values
from kernels.simd.compiler import kernel

entries = kernel(_check_values.entries)
not_empty = kernel(_check_values.not_empty)
refuse_label = kernel(_check_values.refuse_label)
at_least_zero = kernel(_check_values.at_least_zero)
step_size = kernel(_check_values.step_size)
refuse_lost_step = kernel(_check_values.refuse_lost_step)
finite = kernel(_check_values.finite)
at_least = kernel(_check_values.at_least)
at_most = kernel(_check_values.at_most)
choice = kernel(_check_values.choice)
same_shape = kernel(_check_values.same_shape)
returned_shape = kernel(_check_values.returned_shape)
result_shape = kernel(_check_values.result_shape)
some_entries = kernel(_check_values.some_entries)
same_steps = kernel(_check_values.same_steps)
refuse_shared_entries = kernel(_check_values.refuse_shared_entries)
refuse_overlap = kernel(_check_values.refuse_overlap)


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
    """Whether labels [start, stop) are all in [0, classes)."""
    wrong = 0
    for i in range(np.uint64(start), np.uint64(stop)):  # unsigned, without a branch: it vectorises
        wrong |= not np.uint64(labels[i]) < np.uint64(classes)  # a negative one is large
    return wrong == 0


@kernel
def refuse_labels(function, labels, classes):
    """Refuse the first label outside [0, classes)."""
    for index, label in enumerate(labels):
        if label < 0 or label >= classes:
            refuse_label(function, label, index, classes)


@kernel
def check_linear(function, W_shape, biases, X_shape, labels, W_name, b_name):
    """Refuse weights, biases, samples and labels whose shapes do not fit, and bad labels."""
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
    choice(function, "method", method, _check_values.METHODS)


@kernel
def check_steps(function, argument, values, h, central):
    """Refuse a step that is lost to rounding in one of the entries."""
    for index, entry in enumerate(values.flat):
        value = np.float64(entry)
        taken = (value + h) - (value - h if central else value)
        if taken == 0.0:  # NaN where the entry is not finite
            refuse_lost_step(function, argument, index)
