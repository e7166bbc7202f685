"""Many short rows of scores at once: a group of rows is turned so that its columns are long.

A row of a few classes leaves most lanes of a vector empty, and its maximum and sum go across lanes.
With 64 rows side by side, every step is a loop over 64 numbers. The turning costs about as much as
the exps do, which is why `rows` takes over where a row fills several vectors by itself.
"""

import math

import numpy as np

from kernels.jit import rows, simd
from kernels.jit._compile import REORDER, kernel

ROWS = 64
"""Rows in a group: some vectors long, and a column of them still next to nothing in the cache."""

FEW_CLASSES = 24
"""With more classes than these, `rows` is as fast or faster (docs/performance.md)."""


@kernel(inline=True)
def turn(scores, start, count, columns):
    """Fill `columns` (C, ROWS) with a group of rows.

    With the number of classes known when it is compiled, the inner loop is unrolled and its strided
    reads become whole vectors, shuffled: twice as fast up to five classes, no faster with more.
    """
    classes = scores.shape[1]
    if classes == 2:
        turn_few(scores, start, count, columns, 2)
    elif classes == 3:
        turn_few(scores, start, count, columns, 3)
    elif classes == 4:
        turn_few(scores, start, count, columns, 4)
    elif classes == 5:
        turn_few(scores, start, count, columns, 5)
    else:
        turn_few(scores, start, count, columns, classes)


@kernel(inline=True)
def turn_few(scores, start, count, columns, classes):
    """`turn`, inlined with a number of classes that may be a constant."""
    for r in range(np.uint64(count)):
        for j in range(np.uint64(classes)):
            columns[j, r] = scores[np.uint64(start) + r, j]


@kernel
def turn_back(columns, start, count, out):
    """Fill a group of rows of `out` from columns."""
    for r in range(np.uint64(count)):
        for j in range(np.uint64(out.shape[1])):
            out[np.uint64(start) + r, j] = columns[j, r]


@kernel
def maxima(columns, count, largest):
    """Fill `largest` with the largest score of each row, NaN where it holds one."""
    for r in range(count):
        largest[r] = columns[0, r]
    for j in range(1, columns.shape[0]):
        for r in range(count):
            largest[r] = simd.maximum_nsz(largest[r], columns[j, r])


@kernel
def exp_sums(columns, count, largest, totals):
    """Fill `totals` with the sums of exp(s_j − largest)."""
    for r in range(count):
        totals[r] = columns.dtype.type(0.0)
    for j in range(columns.shape[0]):
        for r in range(count):
            totals[r] += simd.exp(columns[j, r] - largest[r])


@kernel
def exps(columns, count, largest, totals):
    """`exp_sums`, and the exps in place of the scores."""
    for r in range(count):
        totals[r] = columns.dtype.type(0.0)
    for j in range(columns.shape[0]):
        for r in range(count):
            columns[j, r] = simd.exp(columns[j, r] - largest[r])
            totals[r] += columns[j, r]


@kernel
def scale(columns, count, totals, weight, scales):
    """Multiply the exps of each row by `weight` over their total."""
    for r in range(count):
        scales[r] = columns.dtype.type(weight) / totals[r]
    for j in range(columns.shape[0]):
        for r in range(count):
            columns[j, r] *= scales[r]


@kernel
def at_labels(scores, labels, start, count, largest, below):
    """Fill `below` with how far each label's score is below the largest."""
    for r in range(count):
        below[r] = largest[r] - scores[start + r, labels[start + r]]


@kernel(fastmath=REORDER)
def loss_sum(totals, below, count):
    """Sum of the losses log(total) + below, in float64."""
    total = 0.0
    for r in range(count):
        total += np.float64(simd.log(totals[r]) + below[r])
    return total


@kernel
def scratch(scores):
    """Columns for a group of rows, and four numbers a row."""
    columns = np.empty((scores.shape[1], ROWS), scores.dtype)
    numbers = np.empty((4, ROWS), scores.dtype)
    return columns, numbers[0], numbers[1], numbers[2], numbers[3]


# --- what `losses` calls: rows [start, stop) in groups


@kernel
def softmax_losses(scores, labels, start, stop):
    """Sum of the softmax losses of some rows."""
    columns, largest, totals, below, _ = scratch(scores)
    total = 0.0
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        turn(scores, first, count, columns)
        maxima(columns, count, largest)
        exp_sums(columns, count, largest, totals)
        at_labels(scores, labels, first, count, largest, below)
        total += loss_sum(totals, below, count)
    return total


@kernel
def log_softmax(scores, start, stop, out):
    """Fill some rows of `out` with (s_j − m) − log Σ exp(s_k − m), with m the row's maximum."""
    columns, largest, totals, _, _ = scratch(scores)
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        turn(scores, first, count, columns)
        maxima(columns, count, largest)
        exp_sums(columns, count, largest, totals)
        for r in range(count):
            totals[r] = simd.log(totals[r])
        for j in range(columns.shape[0]):
            for r in range(count):
                columns[j, r] = (columns[j, r] - largest[r]) - totals[r]
        turn_back(columns, first, count, out)


@kernel
def softmax(scores, start, stop, out):
    """Fill some rows of `out` with probabilities."""
    columns, largest, totals, scales, _ = scratch(scores)
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        turn(scores, first, count, columns)
        maxima(columns, count, largest)
        exps(columns, count, largest, totals)
        scale(columns, count, totals, 1.0, scales)
        turn_back(columns, first, count, out)


@kernel
def softmax_gradients(scores, labels, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    columns, largest, totals, below, scales = scratch(scores)
    total = 0.0
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        turn(scores, first, count, columns)
        maxima(columns, count, largest)
        at_labels(scores, labels, first, count, largest, below)
        exps(columns, count, largest, totals)
        total += loss_sum(totals, below, count)
        scale(columns, count, totals, weight, scales)
        for r in range(count):
            columns[labels[first + r], r] -= columns.dtype.type(weight)
        turn_back(columns, first, count, out)
    return total


# --- the hinge's gradient; the hinge alone has too little to do for the turning to pay


@kernel
def hinges(columns, count, correct, own, margin, weight, totals, active):
    """Replace the scores by their derivatives, but for the labels'; fill totals and active ones.

    `own` holds the labels as numbers in the dtype of the scores, for lanes of one width.
    """
    zero, one = columns.dtype.type(0.0), columns.dtype.type(1.0)
    for r in range(count):
        totals[r] = zero
        active[r] = zero
    for j in range(columns.shape[0]):
        label = columns.dtype.type(j)
        for r in range(count):
            term = simd.maximum_nsz(rows.excess(columns[j, r], correct[r], margin), zero)
            term = zero if own[r] == label else term
            is_active = term > zero
            totals[r] += term
            active[r] += one if is_active else zero
            columns[j, r] = weight if is_active else zero


@kernel(fastmath=REORDER)
def sum_in_float64(totals, count):
    """Sum of the totals of a group."""
    total = 0.0
    for r in range(count):
        total += np.float64(totals[r])
    return total


@kernel
def hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    columns, correct, own, totals, active = scratch(scores)
    total = 0.0
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        turn(scores, first, count, columns)
        for r in range(count):
            own[r] = labels[first + r]
            correct[r] = columns[labels[first + r], r]
        hinges(columns, count, correct, own, margin, weight, totals, active)
        for r in range(count):
            columns[labels[first + r], r] = -active[r] * weight
            if math.isnan(totals[r]) or math.isnan(correct[r]):
                totals[r] = math.nan
                columns[:, r] = math.nan
        total += sum_in_float64(totals, count)
        turn_back(columns, first, count, out)
    return total
