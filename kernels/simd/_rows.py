"""The losses of long rows of scores, a row at a time and in it a line of numbers at a time.

A row is a pointer and at least a line long. What is left of it after its last whole line is done
with the line that ends with it, in which the numbers that were done already are masked. Where a row
is filled that line is read first of all, as what is filled may be the scores themselves. The hinge
of short rows masks what is beyond their end instead, and takes rows of any length.

What exp and maximum are is left to `elementary`, vectors to `vectors`, short rows to `_columns`.
"""

import math

import numpy as np

from kernels.simd import elementary
from kernels.simd._layout import put_row, room_for_row, row_buffer, row_of
from kernels.simd.compiler import kernel
from kernels.simd.vectors import (
    count_of,
    filled,
    lane_numbers,
    lanes,
    largest_of,
    load,
    load_where,
    pointer,
    select,
    store,
    store_where,
    sum_of,
    widened,
)

FLOAT32_MAX = float(np.finfo(np.float32).max)

PACE = 4
"""Lines that go through an exp side by side: one waits for each of its own steps."""

FEW_LINES = 13
"""Lines of a row in which the hinge's sum stays in lanes from row to row."""

SURE = 1.0 + 2.0**-7
"""A label is sure if its score is the row's maximum m and the sum of exp(s_j - m) is below this.

The sum of the others would drown in the label's own exp, which is 1: it is taken without that, and
the loss is its log1p. Scores of 0 and -40 give 4.2e-18, where log(1 + 4.2e-18) is 0."""

CHUNK = 4096
"""Terms summed in the dtype of the scores before the sum goes on in float64. Spread over the lanes,
so many float32 roundings cost less than 1e-6 of the sum."""


@kernel(inline=True)
def whole_lines(row, classes):
    """Numbers of a row that are in whole lines."""
    return classes - classes % lanes(row, 1)


@kernel(inline=True)
def label_of(labels, i, classes):
    """The label of a row, below `classes` whatever another thread made of it after its check."""
    return np.int64(min(np.uint64(labels[i]), np.uint64(classes - 1)))


# --- hinge


@kernel(inline=True)
def terms(scores, correct, margin):
    """max(0, (s − s_y) + margin); NaN, which is not below 0, stays."""
    excess = (scores - correct) + margin  # in this order, exact at a kink
    return select(excess <= 0.0, 0.0, excess)


@kernel(inline=True)
def terms_where(wrong, scores, correct, margin):
    """`terms` of some lanes, 0 in the others.

    Masked before the maximum, which is then one instruction: LLVM would join a mask put on `terms`
    to their own compare, and make three of it.
    """
    excess = select(wrong, (scores - correct) + margin, 0.0)
    return select(excess < 0.0, 0.0, excess)


@kernel(inline=True)
def label_block(label, start, stop, many):
    """Where the lines that hold the label start, `stop` where they are not in [start, stop)."""
    block = label - label % many
    return block if start <= block < stop else stop


@kernel(inline=True)
def hinge(row, classes, label, margin):
    """Hinge loss of a row, in float64; NaN where the row holds one: the label's is in all terms.

    The label's term is masked in the lines that hold it, which are taken between those before and
    those after them. Taking the margin off the sum of all instead would lose digits, and all of
    them where the label's score is +inf.
    """
    correct = row[label]
    line, many = lanes(row, 1), lanes(row, 4)
    own = lane_numbers(filled(row, 1, 0.0)) - label
    own_of_many = lane_numbers(filled(row, 4, 0.0)) - label
    total = 0.0
    j = 0
    while j + many <= classes:
        part = filled(row, 4, 0.0)
        stop = min(j + CHUNK, classes - classes % many)
        block = label_block(label, j, stop, many)
        while j < block:
            part += terms(load(row, j, 4), correct, margin)
            j += many
        if j < stop:
            part += select(own_of_many == -j, 0.0, terms(load(row, j, 4), correct, margin))
            j += many
        while j < stop:
            part += terms(load(row, j, 4), correct, margin)
            j += many
        total += np.float64(sum_of(part))
    part = filled(row, 1, 0.0)
    while j + line <= classes:
        part += select(own == -j, 0.0, terms(load(row, j, 1), correct, margin))
        j += line
    if j < classes:
        first = classes - line
        term = select(own == -first, 0.0, terms(load(row, first, 1), correct, margin))
        part += select(own < j - first - label, 0.0, term)
    total += np.float64(sum_of(part))
    return total


@kernel(inline=True)
def short_hinge(row, classes, label, margin):
    """`hinge` of a row of a few lines and of more than one class: the sums of lanes, in float64.

    To add up the lanes of each row would take longer than their terms. A NaN of the label's own
    score is in the terms of the others.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = filled(row, 1, 0.0)
    lane = lane_numbers(zero)
    last = (classes - 1) // line * line
    there = lane < classes - last
    ends = load_where(row, last, there, zero)
    part = terms_where(there & (lane != label - last), ends, correct, margin)
    for j in range(0, last, line):
        part += terms_where(lane != label - j, load(row, j, 1), correct, margin)
    return widened(part)


@kernel(inline=True)
def short_hinge_gradient(row, classes, label, margin, weight, out):
    """`short_hinge`, and the derivatives times `weight` into a row of `out`.

    A term of NaN is its own derivative, for `spread_nan` to find. A row is filled from front to
    back, which memory takes best, and not beyond its end: what is there may be another thread's.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = filled(row, 1, 0.0)
    lane = lane_numbers(zero)
    last = (classes - 1) // line * line
    there = lane < classes - last
    ends = load_where(row, last, there, zero)
    final = terms_where(there & (lane != label - last), ends, correct, margin)
    part, active = final, count_of(final > 0.0)
    for j in range(0, last, line):
        term = terms_where(lane != label - j, load(row, j, 1), correct, margin)
        part += term
        active += count_of(term > 0.0)
        store(out, j, select(term > 0.0, weight, term))
    store_where(out, last, select(final > 0.0, weight, final), there)
    out[label] = active * -weight
    return widened(part)


@kernel
def spread_nan(out, start, stop):
    """Fill each of some rows that holds a NaN with NaN."""
    classes = out.shape[1]
    for i in range(start, stop):
        total = 0.0
        for j in range(classes):
            total += out[i, j]
        if math.isnan(total):
            for j in range(classes):
                out[i, j] = math.nan


@kernel(inline=True)
def fill_slopes(out, j, term, weight):
    """Fill a line of `out` with `weight` where a term is above 0; return 1 there, else 0."""
    zero = filled(out, 1, 0.0)
    store(out, j, select(term > 0.0, weight, zero))
    return select(term > 0.0, 1.0, zero)


@kernel(inline=True)
def hinge_gradient(row, classes, label, margin, weight, out):
    """Fill a row of `out` with the hinge's derivatives times `weight` (1/N); return the loss.

    The label's own slope is written over at the end.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = filled(row, 1, 0.0)
    lane = lane_numbers(zero)
    last = load(row, classes - line, 1)
    whole = whole_lines(row, classes)
    total, active = 0.0, 0.0
    j = 0
    while j < whole:
        stop = min(j + CHUNK, whole)
        block = label_block(label, j, stop, line)
        part, count = zero, zero
        while j < block:
            term = terms(load(row, j, 1), correct, margin)
            part += term
            count += fill_slopes(out, j, term, weight)
            j += line
        if j < stop:
            term = select(lane == label - j, 0.0, terms(load(row, j, 1), correct, margin))
            part += term
            count += fill_slopes(out, j, term, weight)
            j += line
        while j < stop:
            term = terms(load(row, j, 1), correct, margin)
            part += term
            count += fill_slopes(out, j, term, weight)
            j += line
        total += np.float64(sum_of(part))
        active += np.float64(sum_of(count))
    if whole < classes:
        first = classes - line
        term = select(lane == label - first, 0.0, terms(last, correct, margin))
        fresh = lane >= whole - first
        total += np.float64(sum_of(select(fresh, term, zero)))
        active += np.float64(sum_of(select(fresh, fill_slopes(out, first, term, weight), zero)))
    out[label] = -active * weight
    if math.isnan(total):
        for j in range(classes):
            out[j] = math.nan
    return total


# --- softmax


@kernel(inline=True)
def larger(a, b):
    """The larger of two, lane by lane; a NaN in `b` is passed over."""
    return select(b > a, b, a)


@kernel(inline=True)
def maximum(row, classes):
    """Largest number of a row; NaN may be passed over, as the exps that follow keep it."""
    line, many = lanes(row, 1), lanes(row, 4)
    largest = load(row, classes - line, 1)  # what it has in common with others does no harm
    j = 0
    if classes >= many:
        largest_of_many = load(row, 0, 4)
        j = many
        while j + many <= classes:
            largest_of_many = larger(largest_of_many, load(row, j, 4))
            j += many
        largest = larger(largest, largest_of(largest_of_many))
    while j + line <= classes:
        largest = larger(largest, load(row, j, 1))
        j += line
    return largest_of(largest)


@kernel(inline=True)
def exp_sum(row, classes, largest):
    """Sum of exp(s_j − largest) over a row, in float64."""
    line, many = lanes(row, 1), lanes(row, PACE)
    zero = filled(row, 1, 0.0)
    whole = whole_lines(row, classes)
    total = 0.0
    j = 0
    while j + many <= whole:
        stop = min(j + CHUNK, whole)
        part = filled(row, PACE, 0.0)
        while j + many <= stop:
            part += elementary.exp_nonpositive(load(row, j, PACE) - largest)
            j += many
        total += np.float64(sum_of(part))
    part = zero
    while j < whole:
        part += elementary.exp_nonpositive(load(row, j, 1) - largest)
        j += line
    if whole < classes:
        first = classes - line
        value = elementary.exp_nonpositive(load(row, first, 1) - largest)
        part += select(lane_numbers(zero) >= whole - first, value, zero)
    return total + np.float64(sum_of(part))


@kernel(inline=True)
def exp_fill(row, classes, largest, out):
    """`exp_sum`, and the exps into `out`."""
    line, many = lanes(row, 1), lanes(row, PACE)
    zero = filled(row, 1, 0.0)
    last = load(row, classes - line, 1)
    whole = whole_lines(row, classes)
    total = 0.0
    j = 0
    while j + many <= whole:
        stop = min(j + CHUNK, whole)
        part = filled(row, PACE, 0.0)
        while j + many <= stop:
            value = elementary.exp_nonpositive(load(row, j, PACE) - largest)
            store(out, j, value)
            part += value
            j += many
        total += np.float64(sum_of(part))
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
        part += select(lane_numbers(zero) >= whole - first, value, zero)
    return total + np.float64(sum_of(part))


@kernel(inline=True)
def scale(out, classes, factor):
    """Multiply a row."""
    line, many = lanes(out, 1), lanes(out, PACE)
    last = load(out, classes - line, 1)
    j = 0
    while j + many <= classes:
        store(out, j, load(out, j, PACE) * factor)
        j += many
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
    total = filled(row, 1, 0.0)
    for j in range(0, whole, line):
        total += elementary.log(load(row, j, 1))
    rest = 0.0
    for j in range(whole, numbers.size):
        rest += elementary.log(row[j])
    return sum_of(total) + rest


# --- what `losses` calls: rows [start, stop), one after the other


@kernel
def short_hinge_losses(scores, labels, margin, start, stop):
    """`hinge_losses` of rows of a few lines and of more than one class."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    margin = scores.dtype.type(margin)
    totals = widened(filled(row_of(scores, start, buffer), 1, 0.0))
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        totals += short_hinge(row_of(scores, i, buffer), classes, label, margin)
    return sum_of(totals)


@kernel
def hinge_losses(scores, labels, margin, start, stop):
    """Sum of the hinge losses of some rows."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    margin = scores.dtype.type(margin)
    total = 0.0
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        total += hinge(row_of(scores, i, buffer), classes, label, margin)
    return total


@kernel
def wide_hinge_losses(scores, labels, margin, start, stop):
    """`hinge_losses` with terms in float64: for float32 of which a term or a sum overflowed."""
    classes = scores.shape[1]
    total = 0.0
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        correct = np.float64(scores[i, label])
        for j in range(classes):
            if j != label:
                excess = (np.float64(scores[i, j]) - correct) + margin
                total += max(excess, 0.0)  # in this order a NaN stays
    return total


@kernel
def may_overflow(scores, margin, start, stop):
    """Whether a term of some rows, or a sum of them, may be too large for float32."""
    largest = 0.0
    for i in range(start, stop):
        for j in range(scores.shape[1]):
            largest = elementary.maximum_nsz(largest, abs(scores[i, j]))
    return not scores.shape[1] * (2.0 * largest + margin) < FLOAT32_MAX


@kernel
def short_hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """`hinge_gradients` of rows of a few lines and of more than one class."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    margin, weight = scores.dtype.type(margin), scores.dtype.type(weight)
    totals = widened(filled(room_for_row(out, start, out_buffer), 1, 0.0))
    for i in range(start, stop):
        row, room = row_of(scores, i, buffer), room_for_row(out, i, out_buffer)
        label = label_of(labels, i, classes)
        totals += short_hinge_gradient(row, classes, label, margin, weight, room)
        put_row(out_buffer, out, i)
    total = sum_of(totals)
    if math.isnan(total):
        spread_nan(out, start, stop)
    return total


@kernel
def hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    margin, weight = scores.dtype.type(margin), scores.dtype.type(weight)
    total = 0.0
    for i in range(start, stop):
        row, room = row_of(scores, i, buffer), room_for_row(out, i, out_buffer)
        label = label_of(labels, i, classes)
        total += hinge_gradient(row, classes, label, margin, weight, room)
        put_row(out_buffer, out, i)
    return total


@kernel
def softmax_losses(scores, labels, start, stop):
    """Sum of the softmax losses log Σ exp(s_j − m) − (s_y − m), with m a row's maximum."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    totals = np.empty(stop - start)
    below, sure = 0.0, 0.0
    for i in range(start, stop):
        row, label = row_of(scores, i, buffer), label_of(labels, i, classes)
        largest = maximum(row, classes)
        its_below = np.float64(largest - row[label])
        total = exp_sum(row, classes, largest)
        if total < SURE and its_below == 0.0:
            sure += math.log1p(exp_sum_beside(row, classes, largest, label))
            total = 1.0
        below += its_below
        totals[i - start] = total
    return log_sum(totals) + (below + sure)


@kernel
def exp_sum_beside(row, classes, largest, label):
    """`exp_sum` of a row but for its label."""
    line = lanes(row, 1)
    zero = filled(row, 1, 0.0)
    own = lane_numbers(zero) - label
    whole = whole_lines(row, classes)
    part = zero
    for j in range(0, whole, line):
        value = elementary.exp_nonpositive(load(row, j, 1) - largest)
        part += select(own == -j, zero, value)
    total = np.float64(sum_of(part))
    for j in range(whole, classes):
        if j != label:
            total += np.float64(elementary.exp_nonpositive(row[j] - largest))
    return total


@kernel
def sum_beside(row, classes, label):
    """Sum of a row but for its label, in float64."""
    line = lanes(row, 1)
    zero = filled(row, 1, 0.0)
    own = lane_numbers(zero) - label
    whole = whole_lines(row, classes)
    part = zero
    for j in range(0, whole, line):
        part += select(own == -j, zero, load(row, j, 1))
    total = np.float64(sum_of(part))
    for j in range(whole, classes):
        if j != label:
            total += np.float64(row[j])
    return total


@kernel
def log_softmax(scores, start, stop, out):
    """Fill some rows of `out` with (s_j − m) − log Σ exp(s_k − m), with m a row's maximum."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    for i in range(start, stop):
        row, room = row_of(scores, i, buffer), room_for_row(out, i, out_buffer)
        largest = maximum(row, classes)
        log_total = scores.dtype.type(elementary.log(exp_sum(row, classes, largest)))
        subtract(row, classes, largest, log_total, room)
        put_row(out_buffer, out, i)


@kernel
def softmax(scores, start, stop, out):
    """Fill some rows of `out` with probabilities."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    for i in range(start, stop):
        row, room = row_of(scores, i, buffer), room_for_row(out, i, out_buffer)
        total = exp_fill(row, classes, maximum(row, classes), room)
        scale(room, classes, scores.dtype.type(1.0 / total))
        put_row(out_buffer, out, i)


@kernel
def softmax_gradients(scores, labels, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    totals = np.empty(stop - start)
    below, sure = 0.0, 0.0
    for i in range(start, stop):
        row, room = row_of(scores, i, buffer), room_for_row(out, i, out_buffer)
        label, largest = label_of(labels, i, classes), maximum(row, classes)
        its_below = np.float64(largest - row[label])  # before the row is filled: it may be its own
        total = exp_fill(row, classes, largest, room)
        totals[i - start] = total
        if total < SURE and its_below == 0.0:
            sure += math.log1p(sum_beside(room, classes, label))
            totals[i - start] = 1.0
        below += its_below
        scale(room, classes, scores.dtype.type(weight / total))
        room[label] -= scores.dtype.type(weight)
        put_row(out_buffer, out, i)
    return log_sum(totals) + (below + sure)
