"""The losses of many short rows: groups of rows are transposed, so that each column is a vector.

A short row leaves most lanes of a vector empty, and its maximum and sum go across lanes. A group of
rows (16 of float32, 8 of float64) is transposed instead: then each step is one vector, with a lane
per row. Longer rows fill vectors by themselves (`_rows_hinge`, `_rows_softmax`).
"""

import math

from kernels.simd import elementary
from kernels.simd._arrays import least
from kernels.simd._layout import columns_in, input_group, labels_of, scratch, store_group
from kernels.simd._rows_softmax import larger
from kernels.simd.compiler import kernel
from kernels.simd.thresholds import SURE_EXP_SUM
from kernels.simd.vectors import (
    cast_to,
    count_true,
    lane_indices,
    lanes,
    load,
    offset,
    pointer,
    reduce_add,
    select,
    splat,
    store,
    to_float64,
    transpose,
    transpose_back,
    transpose_whole,
    transpose_whole_back,
)

# --- transposition


@kernel(inline=True)
def into_columns(group, classes, columns):
    """Transpose a group of rows; faster for the lengths that are constants here."""
    if classes == 2:
        transpose_whole(group, 2, columns)
    elif classes == 3:
        transpose_whole(group, 3, columns)
    elif classes == 4:
        transpose_whole(group, 4, columns)
    elif classes == 5:
        transpose_whole(group, 5, columns)
    else:
        into_columns_by_parts(group, classes, columns)


@kernel
def into_columns_by_parts(group, classes, columns):
    """Transpose a group of rows of any length."""
    line = lanes(group, 1)
    j = 0
    while classes - j > line // 2:
        transpose(offset(group, j), classes, 1, offset(columns, j * line))
        j += line
    if classes - j > line // 4:
        transpose(offset(group, j), classes, 2, offset(columns, j * line))
    elif classes > j:
        transpose(offset(group, j), classes, 4, offset(columns, j * line))


@kernel(inline=True)
def into_rows(columns, classes, group):
    """Transpose columns back into rows; a line behind the last row may be overwritten."""
    if classes == 2:
        transpose_whole_back(columns, 2, group)
    elif classes == 3:
        transpose_whole_back(columns, 3, group)
    elif classes == 4:
        transpose_whole_back(columns, 4, group)
    elif classes == 5:
        transpose_whole_back(columns, 5, group)
    else:
        into_rows_by_parts(columns, classes, group)


@kernel
def into_rows_by_parts(columns, classes, group):
    """Transpose columns back, the last ones first: what spills into the next row is overwritten."""
    line = lanes(columns, 1)
    left = classes % line
    j = classes - left
    if left > line // 2:
        transpose_back(offset(columns, j * line), 1, offset(group, j), classes)
    elif left > line // 4:
        transpose_back(offset(columns, j * line), 2, offset(group, j), classes)
    elif left > 0:
        transpose_back(offset(columns, j * line), 4, offset(group, j), classes)
    while j > 0:
        j -= line
        transpose_back(offset(columns, j * line), 1, offset(group, j), classes)


@kernel(inline=True)
def valid_sum(losses, count):
    """Sum of the first `count` losses of a group, in float64."""
    lane = lane_indices(losses)
    return reduce_add(to_float64(select(lane < count, losses, 0.0)))


# --- the columns of a group


@kernel(inline=True)
def at_labels(columns, classes, lane_label):
    """The score of each row's label."""
    line = lanes(columns, 1)
    scores = load(columns, 0, 1)
    for j in range(1, classes):
        scores = select(lane_label == j, load(columns, j * line, 1), scores)
    return scores


@kernel(inline=True)
def maxima(columns, classes):
    """Largest score of each row; it may skip a NaN, which the exps that follow keep."""
    line = lanes(columns, 1)
    largest = load(columns, 0, 1)
    for j in range(1, classes):
        largest = larger(largest, load(columns, j * line, 1))
    return largest


@kernel(inline=True)
def exp_sums(columns, classes, largest):
    """The sum of exp(s_j − largest) of each row."""
    line = lanes(columns, 1)
    totals = splat(columns, 1, 0.0)
    for j in range(classes):
        totals += elementary.exp_nonpositive(load(columns, j * line, 1) - largest)
    return totals


@kernel(inline=True)
def exps(columns, classes, largest):
    """`exp_sums`, and the exps in place of the scores."""
    line = lanes(columns, 1)
    totals = splat(columns, 1, 0.0)
    for j in range(classes):
        value = elementary.exp_nonpositive(load(columns, j * line, 1) - largest)
        store(columns, j * line, value)
        totals += value
    return totals


@kernel(inline=True)
def softmax_losses_of(columns, classes, lane_label, totals, below):
    """The softmax loss of each row, log Σ exp(s_j − m) + (m − s_y), from its exps and their sum.

    If the label is sure (`SURE_EXP_SUM`), it is log1p of the sum of the other exps.
    """
    losses = elementary.log(totals) + below
    sure = totals < SURE_EXP_SUM
    if count_true(sure) > 0:
        others = sums_without_label(columns, classes, lane_label)
        losses = select(sure & (below == 0.0), elementary.log1p(others), losses)
    return losses


@kernel(inline=True)
def sums_without_label(columns, classes, lane_label):
    """The sum of each row without its label's column."""
    line = lanes(columns, 1)
    totals = splat(columns, 1, 0.0)
    for j in range(classes):
        totals += select(lane_label == j, 0.0, load(columns, j * line, 1))
    return totals


@kernel(inline=True)
def scale(columns, classes, factors):
    """Multiply each row by its factor."""
    line = lanes(columns, 1)
    for j in range(classes):
        store(columns, j * line, load(columns, j * line, 1) * factors)


@kernel(inline=True)
def hinge_terms(scores, correct, margin):
    """max(0, (s − s_y) + margin), which keeps a NaN.

    Written as a comparison, which LLVM joins with the mask of the label.
    """
    excess = (scores - correct) + margin  # in this order, exact at a kink
    return select(excess <= 0.0, 0.0, excess)


@kernel(inline=True)
def hinges(columns, classes, lane_label, margin):
    """The hinge loss of each row; NaN if the row has a NaN and more than one class."""
    line = lanes(columns, 1)
    correct = at_labels(columns, classes, lane_label)
    totals = splat(columns, 1, 0.0)
    for j in range(classes):
        totals += select(
            lane_label == j, 0.0, hinge_terms(load(columns, j * line, 1), correct, margin)
        )
    return totals


@kernel(inline=True)
def hinge_slopes(columns, classes, lane_label, margin, weight):
    """`hinges`, and the derivatives times `weight` in place of the scores."""
    line = lanes(columns, 1)
    zero = splat(columns, 1, 0.0)
    correct = at_labels(columns, classes, lane_label)
    totals, active = zero, zero
    for j in range(classes):
        term = select(
            lane_label == j, 0.0, hinge_terms(load(columns, j * line, 1), correct, margin)
        )
        totals += term
        active += select(term > 0.0, 1.0, zero)
        store(columns, j * line, select(term > 0.0, weight, zero))
    for j in range(classes):
        slope = select(lane_label == j, active * -weight, load(columns, j * line, 1))
        store(columns, j * line, select(totals != totals, math.nan, slope))
    return totals


# --- rows [start, stop) in groups, for `_losses`


@kernel
def hinge_losses(scores, labels, margin, start, stop):
    """Sum of the hinge losses of some rows."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    total = 0.0
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        lane_label = labels_of(labels, first, count, splat(columns, 1, 0.0))
        total += valid_sum(hinges(columns, classes, lane_label, cast_to(columns, margin)), count)
    return total


@kernel
def softmax_losses(scores, labels, start, stop):
    """Sum of the softmax losses of some rows."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    total = 0.0
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        lane_label = labels_of(labels, first, count, splat(columns, 1, 0.0))
        largest = maxima(columns, classes)
        below = largest - at_labels(columns, classes, lane_label)
        totals = exps(columns, classes, largest)
        total += valid_sum(softmax_losses_of(columns, classes, lane_label, totals, below), count)
    return total


@kernel
def log_softmax(scores, start, stop, out):
    """Fill some rows of `out` with (s_j − m) − log Σ exp(s_k − m), with m the row's maximum."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        largest = maxima(columns, classes)
        log_totals = elementary.log(exp_sums(columns, classes, largest))
        for j in range(classes):
            store(columns, j * line, (load(columns, j * line, 1) - largest) - log_totals)
        into_rows(columns, classes, pointer(space, 0))
        store_group(space, out, first, count)


@kernel
def softmax(scores, start, stop, out):
    """Fill some rows of `out` with probabilities."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        totals = exps(columns, classes, maxima(columns, classes))
        scale(columns, classes, splat(columns, 1, 1.0) / totals)
        into_rows(columns, classes, pointer(space, 0))
        store_group(space, out, first, count)


@kernel
def softmax_gradients(scores, labels, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    weight = cast_to(columns, weight)
    total = 0.0
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        lane_label = labels_of(labels, first, count, splat(columns, 1, 0.0))
        largest = maxima(columns, classes)
        below = largest - at_labels(columns, classes, lane_label)
        totals = exps(columns, classes, largest)
        total += valid_sum(softmax_losses_of(columns, classes, lane_label, totals, below), count)
        factors = weight / totals
        for j in range(classes):
            slope = load(columns, j * line, 1) * factors
            store(columns, j * line, select(lane_label == j, slope - weight, slope))
        into_rows(columns, classes, pointer(space, 0))
        store_group(space, out, first, count)
    return total


@kernel
def hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, space = scores.shape[1], scratch(scores)
    columns = columns_in(space, classes)
    line = lanes(columns, 1)
    margin, weight = cast_to(columns, margin), cast_to(columns, weight)
    total = 0.0
    for first in range(start, stop, line):
        count = least(line, stop - first)
        into_columns(input_group(scores, first, count, space), classes, columns)
        lane_label = labels_of(labels, first, count, splat(columns, 1, 0.0))
        total += valid_sum(hinge_slopes(columns, classes, lane_label, margin, weight), count)
        into_rows(columns, classes, pointer(space, 0))
        store_group(space, out, first, count)
    return total
