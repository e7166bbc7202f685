"""The hinge loss and its gradient, row by row, in vectors of one or more lines.

There is a form for short rows and one for long rows. The last vector of a long row overlaps the one
before, and the numbers that were done already are masked: where the output is the scores, they are
slopes by then. In a short row, the lanes beyond its end are masked, which `_parts_hinge` does not.
"""

import math

import numpy as np

from kernels.simd import elementary
from kernels.simd._arrays import least
from kernels.simd._layout import input_row, label_of, output_row, row_buffer, store_row, whole_lines
from kernels.simd.compiler import kernel
from kernels.simd.thresholds import CHUNK_TERMS, LINES_PER_STEP
from kernels.simd.vectors import (
    count_true,
    lane_indices,
    lanes,
    load,
    load_masked,
    reduce_add,
    select,
    splat,
    splat_like,
    store,
    store_masked,
    to_float64,
)

FLOAT32_MAX = float(np.finfo(np.float32).max)

# --- one row


@kernel(inline=True)
def hinge_terms(scores, correct, margin):
    """max(0, (s − s_y) + margin), which keeps a NaN: it is not below 0.

    With a constant 0, LLVM would not make one instruction (max) of it on AVX2, where a line is two
    registers.
    """
    excess = (scores - correct) + margin  # in this order, exact at a kink
    zero = splat_like(excess, margin - margin)
    return select(excess < zero, zero, excess)


@kernel(inline=True)
def masked_hinge_terms(wrong, scores, correct, margin):
    """`hinge_terms` of some lanes, 0 in the others.

    The mask is applied before the maximum, which is then one instruction. LLVM would combine a
    later mask with the comparison, into three instructions.
    """
    excess = select(wrong, (scores - correct) + margin, 0.0)
    return select(excess < 0.0, 0.0, excess)


@kernel(inline=True)
def label_block(label, start, stop, step):
    """Start of the block that holds the label; `stop` if it is not in [start, stop)."""
    block = label - label % step
    return block if start <= block < stop else stop


@kernel(inline=True)
def hinge(row, classes, label, margin):
    """Hinge loss of a row, in float64; NaN if the row holds one, as the label's is in all terms.

    The label's term is masked, in a step between the loops over the blocks before and after it.
    Subtracting the margin from the sum of all terms instead would lose digits, and all of them if
    the label's score is +inf.
    """
    correct = row[label]
    line, step = lanes(row, 1), lanes(row, LINES_PER_STEP)
    from_label = lane_indices(splat(row, 1, 0.0)) - label
    step_from_label = lane_indices(splat(row, LINES_PER_STEP, 0.0)) - label
    total = 0.0
    j = 0
    while j + step <= classes:
        part = splat(row, LINES_PER_STEP, 0.0)
        stop = least(j + CHUNK_TERMS, classes - classes % step)
        block = label_block(label, j, stop, step)
        while j < block:
            part += hinge_terms(load(row, j, LINES_PER_STEP), correct, margin)
            j += step
        if j < stop:
            part += select(
                step_from_label == -j,
                0.0,
                hinge_terms(load(row, j, LINES_PER_STEP), correct, margin),
            )
            j += step
        while j < stop:
            part += hinge_terms(load(row, j, LINES_PER_STEP), correct, margin)
            j += step
        total += np.float64(reduce_add(part))
    part = splat(row, 1, 0.0)
    while j + line <= classes:
        part += select(from_label == -j, 0.0, hinge_terms(load(row, j, 1), correct, margin))
        j += line
    if j < classes:
        first = classes - line
        term = select(from_label == -first, 0.0, hinge_terms(load(row, first, 1), correct, margin))
        part += select(from_label < j - first - label, 0.0, term)
    total += np.float64(reduce_add(part))
    return total


@kernel(inline=True)
def short_hinge(row, classes, label, margin):
    """`hinge` of a short row with more than one class, as a vector of float64 with a sum per lane.

    Adding up the lanes of each row would take longer than its terms. A NaN at the label is in the
    terms of the other classes.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = splat(row, 1, 0.0)
    lane = lane_indices(zero)
    last = (classes - 1) // line * line
    there = lane < classes - last
    ends = load_masked(row, last, there, zero)
    part = masked_hinge_terms(there & (lane != label - last), ends, correct, margin)
    for j in range(0, last, line):
        part += masked_hinge_terms(lane != label - j, load(row, j, 1), correct, margin)
    return to_float64(part)


@kernel(inline=True)
def short_hinge_gradient(row, classes, label, margin, weight, out):
    """`short_hinge`; writes the derivatives times `weight` into a row of `out`.

    A term that is NaN is written as its derivative, for `propagate_nan` to find. A row is written
    front to back, which is fastest, and not beyond its end, where another thread may write.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = splat(row, 1, 0.0)
    lane = lane_indices(zero)
    last = (classes - 1) // line * line
    there = lane < classes - last
    ends = load_masked(row, last, there, zero)
    final = masked_hinge_terms(there & (lane != label - last), ends, correct, margin)
    part, active = final, count_true(final > 0.0)
    for j in range(0, last, line):
        term = masked_hinge_terms(lane != label - j, load(row, j, 1), correct, margin)
        part += term
        active += count_true(term > 0.0)
        store(out, j, select(term > 0.0, weight, term))
    store_masked(out, last, select(final > 0.0, weight, final), there)
    out[label] = active * -weight
    return to_float64(part)


@kernel
def propagate_nan(out, start, stop):
    """Fill every row that holds a NaN with NaN."""
    classes = out.shape[1]
    for i in range(start, stop):
        total = 0.0
        for j in range(classes):
            total += out[i, j]
        if math.isnan(total):
            for j in range(classes):
                out[i, j] = math.nan


@kernel(inline=True)
def store_slopes(out, j, term, weight):
    """Write `weight` into a line of `out` where a term is above 0; return 1 there, else 0."""
    zero = splat(out, 1, 0.0)
    store(out, j, select(term > 0.0, weight, zero))
    return select(term > 0.0, 1.0, zero)


@kernel(inline=True)
def hinge_gradient(row, classes, label, margin, weight, out):
    """Fill a row of `out` with the hinge's derivatives times `weight` (1/N); return the loss.

    The label's derivative is written last, over another value.
    """
    correct = row[label]
    line = lanes(row, 1)
    zero = splat(row, 1, 0.0)
    lane = lane_indices(zero)
    whole = whole_lines(row, classes)
    total, active = 0.0, 0.0
    j = 0
    while j < whole:
        stop = least(j + CHUNK_TERMS, whole)
        block = label_block(label, j, stop, line)
        part, count = zero, zero
        while j < block:
            term = hinge_terms(load(row, j, 1), correct, margin)
            part += term
            count += store_slopes(out, j, term, weight)
            j += line
        if j < stop:
            term = select(lane == label - j, 0.0, hinge_terms(load(row, j, 1), correct, margin))
            part += term
            count += store_slopes(out, j, term, weight)
            j += line
        while j < stop:
            term = hinge_terms(load(row, j, 1), correct, margin)
            part += term
            count += store_slopes(out, j, term, weight)
            j += line
        total += np.float64(reduce_add(part))
        active += np.float64(reduce_add(count))
    if whole < classes:
        first = classes - line
        fresh = lane >= whole - first
        term = select(lane == label - first, 0.0, hinge_terms(load(row, first, 1), correct, margin))
        term = select(fresh, term, zero)
        total += np.float64(reduce_add(term))
        active += np.float64(reduce_add(select(term > 0.0, 1.0, zero)))
        slopes = select(term > 0.0, weight, zero)
        store(out, first, select(fresh, slopes, load(out, first, 1)))
    out[label] = -active * weight
    if math.isnan(total):
        for j in range(classes):
            out[j] = math.nan
    return total


# --- rows [start, stop), for `_losses`


@kernel
def short_hinge_losses(scores, labels, margin, start, stop):
    """`hinge_losses` of short rows with more than one class."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    margin = scores.dtype.type(margin)
    totals = to_float64(splat(input_row(scores, start, buffer), 1, 0.0))
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        totals += short_hinge(input_row(scores, i, buffer), classes, label, margin)
    return reduce_add(totals)


@kernel
def hinge_losses(scores, labels, margin, start, stop):
    """Sum of the hinge losses of some rows."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    margin = scores.dtype.type(margin)
    total = 0.0
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        total += hinge(input_row(scores, i, buffer), classes, label, margin)
    return total


@kernel
def float64_hinge_losses(scores, labels, margin, start, stop):
    """`hinge_losses` with terms in float64, for float32 scores whose terms or sums overflowed."""
    classes = scores.shape[1]
    total = 0.0
    for i in range(start, stop):
        label = label_of(labels, i, classes)
        correct = np.float64(scores[i, label])
        for j in range(classes):
            if j != label:
                excess = (np.float64(scores[i, j]) - correct) + margin
                total += max(excess, 0.0)  # this order of the arguments keeps a NaN
    return total


@kernel
def may_overflow(scores, margin, start, stop):
    """Whether a term of some rows, or a row's sum of terms, may overflow float32."""
    largest = 0.0
    for i in range(start, stop):
        for j in range(scores.shape[1]):
            largest = elementary.maximum_nsz(largest, abs(scores[i, j]))
    return not scores.shape[1] * (2.0 * largest + margin) < FLOAT32_MAX


@kernel
def short_hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """`hinge_gradients` of short rows with more than one class."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    margin, weight = scores.dtype.type(margin), scores.dtype.type(weight)
    totals = to_float64(splat(output_row(out, start, out_buffer), 1, 0.0))
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        label = label_of(labels, i, classes)
        totals += short_hinge_gradient(row, classes, label, margin, weight, target)
        store_row(out_buffer, out, i)
    total = reduce_add(totals)
    if math.isnan(total):
        propagate_nan(out, start, stop)
    return total


@kernel
def hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    margin, weight = scores.dtype.type(margin), scores.dtype.type(weight)
    total = 0.0
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        label = label_of(labels, i, classes)
        total += hinge_gradient(row, classes, label, margin, weight, target)
        store_row(out_buffer, out, i)
    return total
