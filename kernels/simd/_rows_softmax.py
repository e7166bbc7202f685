"""The softmax, its logarithm, loss and gradient, row by row, in vectors of one or more lines.

A row is at least a line long. Its last vector overlaps the one before, and the numbers that were
done already are masked. It is loaded before the row is written: the output may be the scores
themselves.
"""

import math

import numpy as np

from kernels.simd import elementary
from kernels.simd._arrays import least, new_array
from kernels.simd._layout import input_row, label_of, output_row, row_buffer, store_row, whole_lines
from kernels.simd.compiler import kernel
from kernels.simd.thresholds import CHUNK_TERMS, LINES_PER_STEP, SURE_EXP_SUM
from kernels.simd.vectors import (
    lane_indices,
    lanes,
    load,
    pointer,
    reduce_add,
    reduce_max,
    select,
    splat,
    store,
)

# --- one row


@kernel(inline=True)
def larger(a, b):
    """The larger of two, lane by lane; a NaN in `b` is ignored."""
    return select(b > a, b, a)


@kernel(inline=True)
def maximum(row, classes):
    """Largest number of a row; it may skip a NaN, which the exps that follow keep."""
    line, step = lanes(row, 1), lanes(row, LINES_PER_STEP)
    largest = load(
        row, classes - line, 1
    )  # it overlaps the vector before, which does no harm to a maximum
    j = 0
    if classes >= step:
        largest_of_step = load(row, 0, LINES_PER_STEP)
        j = step
        while j + step <= classes:
            largest_of_step = larger(largest_of_step, load(row, j, LINES_PER_STEP))
            j += step
        largest = larger(largest, reduce_max(largest_of_step))
    while j + line <= classes:
        largest = larger(largest, load(row, j, 1))
        j += line
    return reduce_max(largest)


@kernel(inline=True)
def exp_sum(row, classes, largest):
    """Sum of exp(s_j − largest) over a row, in float64."""
    line, step = lanes(row, 1), lanes(row, LINES_PER_STEP)
    zero = splat(row, 1, 0.0)
    whole = whole_lines(row, classes)
    total = 0.0
    j = 0
    while j + step <= whole:
        stop = least(j + CHUNK_TERMS, whole)
        part = splat(row, LINES_PER_STEP, 0.0)
        while j + step <= stop:
            part += elementary.exp_nonpositive(load(row, j, LINES_PER_STEP) - largest)
            j += step
        total += np.float64(reduce_add(part))
    part = zero
    while j < whole:
        part += elementary.exp_nonpositive(load(row, j, 1) - largest)
        j += line
    if whole < classes:
        first = classes - line
        value = elementary.exp_nonpositive(load(row, first, 1) - largest)
        part += select(lane_indices(zero) >= whole - first, value, zero)
    return total + np.float64(reduce_add(part))


@kernel(inline=True)
def store_exps(row, classes, largest, out):
    """`exp_sum`; writes the exps into `out`."""
    line, step = lanes(row, 1), lanes(row, LINES_PER_STEP)
    zero = splat(row, 1, 0.0)
    last = load(row, classes - line, 1)
    whole = whole_lines(row, classes)
    total = 0.0
    j = 0
    while j + step <= whole:
        stop = least(j + CHUNK_TERMS, whole)
        part = splat(row, LINES_PER_STEP, 0.0)
        while j + step <= stop:
            value = elementary.exp_nonpositive(load(row, j, LINES_PER_STEP) - largest)
            store(out, j, value)
            part += value
            j += step
        total += np.float64(reduce_add(part))
    part = zero
    while j < whole:
        value = elementary.exp_nonpositive(load(row, j, 1) - largest)
        store(out, j, value)
        part += value
        j += line
    if whole < classes:
        first = classes - line
        value = elementary.exp_nonpositive(last - largest)
        store(out, first, value)
        part += select(lane_indices(zero) >= whole - first, value, zero)
    return total + np.float64(reduce_add(part))


@kernel(inline=True)
def scale(out, classes, factor):
    """Multiply a row by a factor."""
    line, step = lanes(out, 1), lanes(out, LINES_PER_STEP)
    last = load(out, classes - line, 1)
    j = 0
    while j + step <= classes:
        store(out, j, load(out, j, LINES_PER_STEP) * factor)
        j += step
    while j + line <= classes:
        store(out, j, load(out, j, 1) * factor)
        j += line
    store(out, classes - line, last * factor)


@kernel(inline=True)
def subtract(row, classes, largest, log_total, out):
    """Fill a row of `out` with (s_j − largest) − log_total."""
    line = lanes(row, 1)
    last = load(row, classes - line, 1)
    for j in range(0, whole_lines(row, classes), line):
        store(out, j, (load(row, j, 1) - largest) - log_total)
    store(out, classes - line, (last - largest) - log_total)


@kernel
def log_sum(numbers):
    """Sum of the logarithms of some float64 numbers."""
    row = pointer(numbers, 0)
    line = lanes(row, 1)
    whole = whole_lines(row, numbers.size)
    total = splat(row, 1, 0.0)
    for j in range(0, whole, line):
        total += elementary.log(load(row, j, 1))
    rest = 0.0
    for j in range(whole, numbers.size):
        rest += elementary.log(row[j])
    return reduce_add(total) + rest


# --- rows [start, stop), for `_losses`


@kernel
def softmax_losses(scores, labels, start, stop):
    """Sum of the softmax losses log Σ exp(s_j − m) − (s_y − m), with m a row's maximum."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    totals = new_array(stop - start, np.float64)
    below, sure = 0.0, 0.0
    for i in range(start, stop):
        row, label = input_row(scores, i, buffer), label_of(labels, i, classes)
        largest = maximum(row, classes)
        below_largest = np.float64(largest - row[label])
        total = exp_sum(row, classes, largest)
        if total < SURE_EXP_SUM and below_largest == 0.0:
            sure += math.log1p(exp_sum_without_label(row, classes, largest, label))
            total = 1.0
        below += below_largest
        totals[i - start] = total
    return log_sum(totals) + (below + sure)


@kernel
def exp_sum_without_label(row, classes, largest, label):
    """`exp_sum` of a row without its label."""
    line = lanes(row, 1)
    zero = splat(row, 1, 0.0)
    from_label = lane_indices(zero) - label
    whole = whole_lines(row, classes)
    part = zero
    for j in range(0, whole, line):
        value = elementary.exp_nonpositive(load(row, j, 1) - largest)
        part += select(from_label == -j, zero, value)
    total = np.float64(reduce_add(part))
    for j in range(whole, classes):
        if j != label:
            total += np.float64(elementary.exp_nonpositive(row[j] - largest))
    return total


@kernel
def sum_without_label(row, classes, label):
    """Sum of a row without its label, in float64."""
    line = lanes(row, 1)
    zero = splat(row, 1, 0.0)
    from_label = lane_indices(zero) - label
    whole = whole_lines(row, classes)
    part = zero
    for j in range(0, whole, line):
        part += select(from_label == -j, zero, load(row, j, 1))
    total = np.float64(reduce_add(part))
    for j in range(whole, classes):
        if j != label:
            total += np.float64(row[j])
    return total


@kernel
def log_softmax(scores, start, stop, out):
    """Fill some rows of `out` with (s_j − m) − log Σ exp(s_k − m), with m a row's maximum."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        largest = maximum(row, classes)
        log_total = scores.dtype.type(elementary.log(exp_sum(row, classes, largest)))
        subtract(row, classes, largest, log_total, target)
        store_row(out_buffer, out, i)


@kernel
def softmax(scores, start, stop, out):
    """Fill some rows of `out` with probabilities."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        total = store_exps(row, classes, maximum(row, classes), target)
        scale(target, classes, scores.dtype.type(1.0 / total))
        store_row(out_buffer, out, i)


@kernel
def softmax_gradients(scores, labels, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    totals = new_array(stop - start, np.float64)
    below, sure = 0.0, 0.0
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        label, largest = label_of(labels, i, classes), maximum(row, classes)
        below_largest = np.float64(largest - row[label])  # read first: the output may be the row
        total = store_exps(row, classes, largest, target)
        totals[i - start] = total
        if total < SURE_EXP_SUM and below_largest == 0.0:
            sure += math.log1p(sum_without_label(target, classes, label))
            totals[i - start] = 1.0
        below += below_largest
        scale(target, classes, scores.dtype.type(weight / total))
        target[label] -= scores.dtype.type(weight)
        store_row(out_buffer, out, i)
    return log_sum(totals) + (below + sure)
