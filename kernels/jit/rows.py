"""The losses of one long row of scores, as vectors: a line of numbers at a time.

A row is `flat[at : at + classes]`, at least a line long. What is left of it after its last whole
line is the line that ends with it: the numbers in it that were done already are masked. That line
is read first of all, since what is filled may be the scores themselves.

What exp and maximum are is left to `simd`, vectors to `vectors`, shorter rows to `columns`.
"""

import math

import numpy as np

from kernels.jit import simd
from kernels.jit._compile import kernel
from kernels.jit.vectors import (
    as_in,
    filled,
    lane_numbers,
    lanes,
    largest_of,
    load,
    select,
    store,
    sum_of,
)

PACE = 4
"""Lines that go through an exp side by side: one waits for each of its own steps."""

CHUNK = 4096
"""Terms summed in the dtype of the scores before the sum goes on in float64. Spread over the lanes,
so many float32 roundings cost less than 1e-6 of the sum."""


@kernel(inline=True)
def whole_lines(row, classes):
    """Numbers of a row that are in whole lines."""
    return classes - classes % lanes(row, 1)


# --- hinge


@kernel(inline=True)
def terms(scores, correct, margin, excluded):
    """max(0, (s − s_y) + margin), 0 where excluded; NaN, which no number is above, stays."""
    excess = (scores - correct) + margin
    return select(excluded, 0.0, select(excess <= 0.0, 0.0, excess))


@kernel(inline=True)
def hinge(row, classes, label, margin):
    """Hinge loss of a row, in float64; NaN where the row holds one.

    The label's term is selected away: a branch would cost more, and taking the margin off the sum
    again would lose digits, and all of them where the label's score is +inf.
    """
    correct = row[label]
    line, many = lanes(row, 1), lanes(row, 4)
    own = lane_numbers(filled(row, 1, 0.0)) - label
    own_of_many = lane_numbers(filled(row, 4, 0.0)) - label
    total = 0.0
    j = 0
    while j + many <= classes:
        part = filled(row, 4, 0.0)
        stop = min(j + CHUNK, classes)
        while j + many <= stop:
            part += terms(load(row, j, 4), correct, margin, own_of_many == -j)
            j += many
        total += np.float64(sum_of(part))
    part = filled(row, 1, 0.0)
    while j + line <= classes:
        part += terms(load(row, j, 1), correct, margin, own == -j)
        j += line
    if j < classes:
        first = classes - line
        excluded = (own == -first) | (own < j - first - label)
        part += terms(load(row, first, 1), correct, margin, excluded)
    total += np.float64(sum_of(part))
    return math.nan if math.isnan(correct) else total


@kernel(inline=True)
def hinge_gradient(row, classes, label, margin, weight, out):
    """Fill a row of `out` with the hinge's derivatives times `weight` (1/N); return the loss."""
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
        part, count = zero, zero
        while j < stop:
            term = terms(load(row, j, 1), correct, margin, lane == label - j)
            slope = select(term > 0.0, weight, zero)
            part += term
            count += select(term > 0.0, 1.0, zero)
            store(out, j, slope)
            j += line
        total += np.float64(sum_of(part))
        active += np.float64(sum_of(count))
    if whole < classes:
        first = classes - line
        term = terms(last, correct, margin, lane == label - first)
        store(out, first, select(term > 0.0, weight, zero))
        fresh = lane >= whole - first
        total += np.float64(sum_of(select(fresh, term, zero)))
        active += np.float64(sum_of(select(fresh & (term > 0.0), 1.0, zero)))
    out[label] = -active * weight
    if math.isnan(total) or math.isnan(correct):
        total = math.nan
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
            part += simd.exp_nonpositive(load(row, j, PACE) - largest)
            j += many
        total += np.float64(sum_of(part))
    part = zero
    while j < whole:
        part += simd.exp_nonpositive(load(row, j, 1) - largest)
        j += line
    if whole < classes:
        first = classes - line
        value = simd.exp_nonpositive(load(row, first, 1) - largest)
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
            value = simd.exp_nonpositive(load(row, j, PACE) - largest)
            store(out, j, value)
            part += value
            j += many
        total += np.float64(sum_of(part))
    part = zero
    while j < whole:
        value = simd.exp_nonpositive(load(row, j, 1) - largest)
        store(out, j, value)
        part += value
        j += line
    if whole < classes:
        first = classes - line
        value = simd.exp_nonpositive(last - largest)
        store(out, first, value)
        part += select(lane_numbers(zero) >= whole - first, value, zero)
    return total + np.float64(sum_of(part))


@kernel(inline=True)
def scale(out, classes, factor):
    """Multiply a row."""
    line = lanes(out, 1)
    last = load(out, classes - line, 1)
    whole = whole_lines(out, classes)
    for j in range(0, whole, line):
        store(out, j, load(out, j, 1) * factor)
    store(out, classes - line, last * factor)


@kernel(inline=True)
def softmax_loss(row, classes, label):
    """Return log Σ exp(s_j − m) − (s_y − m), with m the row's maximum, in float64."""
    largest = maximum(row, classes)
    below = np.float64(row[label] - largest)
    return simd.log(exp_sum(row, classes, largest)) - below


@kernel(inline=True)
def log_softmax(row, classes, out):
    """Fill a row of `out` with (s_j − m) − log Σ exp(s_k − m), with m the row's maximum."""
    line = lanes(row, 1)
    largest = maximum(row, classes)
    log_total = as_in(out, simd.log(exp_sum(row, classes, largest)))
    last = load(row, classes - line, 1)
    for j in range(0, whole_lines(row, classes), line):
        store(out, j, (load(row, j, 1) - largest) - log_total)
    store(out, classes - line, (last - largest) - log_total)


@kernel(inline=True)
def softmax(row, classes, weight, out):
    """Fill a row of `out` with probabilities times `weight`; return maximum and sum of exps."""
    largest = maximum(row, classes)
    total = exp_fill(row, classes, largest, out)
    scale(out, classes, as_in(out, weight / total))
    return largest, total


@kernel(inline=True)
def softmax_gradient(row, classes, label, weight, out):
    """Fill a row of `out` with the softmax loss's derivatives times `weight`; return the loss."""
    at_label = row[label]  # read before `out` is filled, which may be the scores themselves
    largest, total = softmax(row, classes, weight, out)
    out[label] -= as_in(out, weight)
    return simd.log(total) - np.float64(at_label - largest)
