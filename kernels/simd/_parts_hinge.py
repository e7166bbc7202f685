"""The hinge loss and its gradient of short rows, in parts: vectors of 8, 4 and 2 lanes, one number.

For processors that do not load and store vectors under a mask at full speed (`_rows_hinge`): ARM
has a branch for each lane there, and AVX2 has slow stores. All widths add to the same few sums.
"""

import math

from kernels.simd._layout import input_row, label_of, output_row, row_buffer, store_row
from kernels.simd._rows_hinge import propagate_nan
from kernels.simd.compiler import kernel
from kernels.simd.thresholds import HINGE
from kernels.simd.vectors import (
    and_bits,
    cast_to,
    first,
    fold,
    label_masks,
    load_first,
    load_like,
    minus_ones,
    offset,
    reduce_add,
    select,
    splat_like,
    store,
    to_float64,
    zeros,
)

LINES = HINGE.short_row_max_lines

# --- one part of a row


@kernel(inline=True)
def terms(scores, masks, correct, margin):
    """max(0, (s − s_y) + margin), which keeps a NaN; 0 where a mask is 0, at the label.

    margin − (s_y − s) has the same bits, and x86 reads its second operand from memory. With a
    constant 0, LLVM would not make one instruction (max) of the last line on AVX2.
    """
    excess = and_bits(margin - (correct - scores), masks)
    zero = splat_like(excess, margin - margin)
    return select(excess < zero, zero, excess)


@kernel(inline=True)
def terms_at(row, j, masks, correct, margin, like):
    """`terms` of as many classes as `like` has lanes, from class j on."""
    return terms(load_like(row, j, like), load_like(masks, j, like), correct, margin)


@kernel(inline=True)
def last_terms(row, classes, masks, correct, margin, like):
    """`terms` of the last class in the first lane; 0 in the others."""
    j = classes - 1
    return terms(load_first(row, j, like), load_first(masks, j, like), correct, margin)


@kernel(inline=True)
def slopes(term, weight):
    """Derivatives times `weight`; a NaN is its own, for `propagate_nan` to find."""
    return select(term > 0.0, weight, term)


@kernel(inline=True)
def active(term):
    """−1 in the lanes whose term is above 0."""
    return minus_ones(term > 0.0, term)


# --- one row


@kernel(inline=True)
def hinge(row, classes, masks, correct, margin, totals):
    """Add the terms of a row to sums in lanes."""
    totals4, totals2 = totals
    zero8, zero4, zero2 = zeros(row, 8), zeros(row, 4), zeros(row, 2)
    if classes >= 8:
        total, j = zero8, 0
        while j < classes & -8:
            total += terms_at(row, j, masks, correct, margin, zero8)
            j += 8
        totals4 += to_float64(fold(total))
    if classes & 4:
        totals4 += to_float64(terms_at(row, classes & -8, masks, correct, margin, zero4))
    if classes & 2:
        totals2 += to_float64(terms_at(row, classes & -4, masks, correct, margin, zero2))
    if classes & 1:
        totals2 += to_float64(last_terms(row, classes, masks, correct, margin, zero2))
    return totals4, totals2


@kernel(inline=True)
def hinge_gradient(row, classes, masks, correct, margin, weight, out, totals):
    """`hinge`; writes the derivatives times `weight`, but for the label's, which is returned.

    Each part is read before it is written: the output may be the scores themselves.
    """
    totals4, totals2 = totals
    zero8, zero4, zero2 = zeros(row, 8), zeros(row, 4), zeros(row, 2)
    count = active(zero2)
    if classes >= 8:
        total, count8, j = zero8, active(zero8), 0
        while j < classes & -8:
            term8 = terms_at(row, j, masks, correct, margin, zero8)
            store(out, j, slopes(term8, weight))
            total += term8
            count8 += active(term8)
            j += 8
        totals4 += to_float64(fold(total))
        count = fold(fold(count8))
    if classes & 4:
        term4 = terms_at(row, classes & -8, masks, correct, margin, zero4)
        store(out, classes & -8, slopes(term4, weight))
        totals4 += to_float64(term4)
        count += fold(active(term4))
    if classes & 2:
        term2 = terms_at(row, classes & -4, masks, correct, margin, zero2)
        store(out, classes & -4, slopes(term2, weight))
        totals2 += to_float64(term2)
        count += active(term2)
    if classes & 1:
        term1 = last_terms(row, classes, masks, correct, margin, zero2)
        out[classes - 1] = first(slopes(term1, weight))
        totals2 += to_float64(term1)
        count += active(term1)
    return (totals4, totals2), cast_to(row, reduce_add(count)) * weight


# --- rows [start, stop), for `_losses`


@kernel(inline=True)
def no_totals(row):
    """Sums in lanes, in float64."""
    return to_float64(zeros(row, 4)), to_float64(zeros(row, 2))


@kernel
def short_hinge_losses(scores, labels, margin, start, stop):
    """Sum of the hinge losses of some rows."""
    classes, buffer = scores.shape[1], row_buffer(scores)
    margin = scores.dtype.type(margin)
    totals = no_totals(input_row(scores, start, buffer))
    masks = label_masks(input_row(scores, start, buffer), LINES)
    for i in range(start, stop):
        row, label = input_row(scores, i, buffer), label_of(labels, i, classes)
        totals = hinge(row, classes, offset(masks, -label), row[label], margin, totals)
    return reduce_add(totals[0]) + reduce_add(totals[1])


@kernel
def short_hinge_gradients(scores, labels, margin, weight, start, stop, out):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of the losses."""
    classes, buffer, out_buffer = scores.shape[1], row_buffer(scores), row_buffer(out)
    margin, weight = scores.dtype.type(margin), scores.dtype.type(weight)
    totals = no_totals(output_row(out, start, out_buffer))
    masks = label_masks(output_row(out, start, out_buffer), LINES)
    for i in range(start, stop):
        row, target = input_row(scores, i, buffer), output_row(out, i, out_buffer)
        label = label_of(labels, i, classes)
        totals, target[label] = hinge_gradient(
            row, classes, offset(masks, -label), row[label], margin, weight, target, totals
        )
        store_row(out_buffer, out, i)
    total = reduce_add(totals[0]) + reduce_add(totals[1])
    if math.isnan(total):
        propagate_nan(out, start, stop)
    return total
