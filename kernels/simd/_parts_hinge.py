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

# --- one row


@kernel(inline=True)
def terms(scores, masks, correct, margin):
    """max(0, (s − s_y) + margin), which keeps a NaN; 0 where a mask is 0, at the label.

    margin − (s_y − s) has the same bits, and x86 reads its second operand from memory. For the
    zero, see `_rows_hinge.hinge_terms`.
    """
    excess = and_bits(margin - (correct - scores), masks)
    zero = splat_like(excess, margin - margin)
    return select(excess < zero, zero, excess)


@kernel(inline=True)
def hinge(row, classes, masks, correct, margin, totals):
    """Add the terms of a row to sums in lanes."""
    totals4, totals2 = totals
    zero8, zero4, zero2 = zeros(row, 8), zeros(row, 4), zeros(row, 2)
    j = 0
    if classes >= 8:
        total = zero8
        while j < classes & -8:
            total += terms(load_like(row, j, zero8), load_like(masks, j, zero8), correct, margin)
            j += 8
        totals4 += to_float64(fold(total))
    if classes & 4:
        j = classes & -8
        term4 = terms(load_like(row, j, zero4), load_like(masks, j, zero4), correct, margin)
        totals4 += to_float64(term4)
    if classes & 2:
        j = classes & -4
        term2 = terms(load_like(row, j, zero2), load_like(masks, j, zero2), correct, margin)
        totals2 += to_float64(term2)
    if classes & 1:
        j = classes - 1
        term1 = terms(load_first(row, j, zero2), load_first(masks, j, zero2), correct, margin)
        totals2 += to_float64(term1)
    return totals4, totals2


@kernel(inline=True)
def hinge_gradient(row, classes, masks, correct, margin, weight, out, totals):
    """`hinge`; writes the derivatives times `weight`, but for the label's, which is returned.

    A NaN is its own derivative, for `propagate_nan` to find. Each part is read before it is
    written: the output may be the scores themselves. Active classes count as −1.
    """
    totals4, totals2 = totals
    zero8, zero4, zero2 = zeros(row, 8), zeros(row, 4), zeros(row, 2)
    active, j = minus_ones(zero2 > 0.0, zero2), 0
    if classes >= 8:
        total, active8 = zero8, minus_ones(zero8 > 0.0, zero8)
        while j < classes & -8:
            term8 = terms(load_like(row, j, zero8), load_like(masks, j, zero8), correct, margin)
            store(out, j, select(term8 > 0.0, weight, term8))
            total += term8
            active8 += minus_ones(term8 > 0.0, term8)
            j += 8
        totals4 += to_float64(fold(total))
        active = fold(fold(active8))
    if classes & 4:
        j = classes & -8
        term4 = terms(load_like(row, j, zero4), load_like(masks, j, zero4), correct, margin)
        store(out, j, select(term4 > 0.0, weight, term4))
        totals4 += to_float64(term4)
        active += fold(minus_ones(term4 > 0.0, term4))
    if classes & 2:
        j = classes & -4
        term2 = terms(load_like(row, j, zero2), load_like(masks, j, zero2), correct, margin)
        store(out, j, select(term2 > 0.0, weight, term2))
        totals2 += to_float64(term2)
        active += minus_ones(term2 > 0.0, term2)
    if classes & 1:
        j = classes - 1
        term1 = terms(load_first(row, j, zero2), load_first(masks, j, zero2), correct, margin)
        out[j] = first(select(term1 > 0.0, weight, term1))
        totals2 += to_float64(term1)
        active += minus_ones(term1 > 0.0, term1)
    return (totals4, totals2), cast_to(row, reduce_add(active)) * weight


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
