"""The losses of one row of scores, at vector speed where the row is long.

A loop here vectorises only if its body has no branch, its index is known not to be negative (an
unsigned one is; a signed one gets Python's wrap-around) and its sum may be reordered (`REORDER`).
What must not be reordered, (s_j − s_y) + margin above all, stands in a function of its own, which
keeps its own flags when it is inlined. What exp and maximum are is left to `simd`, many short rows
to `columns`.
"""

import math

import numpy as np

from kernels.jit import simd
from kernels.jit._compile import REORDER, kernel

CHUNK = 4096
"""Terms summed in the dtype of the scores before the sum goes on in float64. Spread over the vector
lanes, so many float32 roundings cost less than 1e-6 of the sum."""


@kernel(inline=True)
def chunk(start, scores):
    """Columns of a chunk, counted without a sign."""
    return range(np.uint64(start), np.uint64(min(start + CHUNK, scores.shape[1])))


# --- hinge


@kernel(inline=True)
def excess(score, correct, margin):
    """What a score lacks to being `margin` below the correct one; in this order and no other."""
    return (score - correct) + margin


@kernel(inline=True, fastmath=REORDER)
def hinge_sum(scores, i, start, label, correct, margin):
    """Sum of max(0, excess) over a chunk but for the label, in the dtype of the scores.

    The label's term is selected away: a branch would not vectorise, and taking the margin off the
    sum again would lose digits, and all of them where the label's score is +inf. The columns are
    compared in 32 bits, the width of a float32, for as many lanes; no row has 2³² of them.
    """
    zero = scores.dtype.type(0.0)
    total = zero
    for j in chunk(start, scores):
        term = simd.maximum_nsz(excess(scores[i, j], correct, margin), zero)
        total += zero if np.uint32(j) == np.uint32(label) else term
    return np.float64(total)


@kernel(inline=True)
def hinge(scores, i, label, margin):
    """Hinge loss of a row, in float64; NaN where the row holds one."""
    correct = scores[i, label]
    total = 0.0
    for start in range(0, scores.shape[1], CHUNK):
        total += hinge_sum(scores, i, start, label, correct, margin)
    return math.nan if math.isnan(correct) else total


@kernel(inline=True, fastmath=REORDER)
def hinge_fill(scores, i, start, label, correct, margin, weight, out):
    """`hinge_sum`, and `weight` into `out` where a margin is active; also returns their number."""
    zero, one = scores.dtype.type(0.0), scores.dtype.type(1.0)
    total, active = zero, zero
    for j in chunk(start, scores):
        term = simd.maximum_nsz(excess(scores[i, j], correct, margin), zero)
        term = zero if np.uint32(j) == np.uint32(label) else term
        total += term
        is_active = term > zero
        out[i, j] = weight if is_active else zero
        active += one if is_active else zero
    return np.float64(total), np.float64(active)


@kernel(inline=True)
def hinge_gradient(scores, i, label, margin, weight, out):
    """Fill a row of `out` with the hinge's derivatives times `weight` (1/N); return the loss."""
    correct = scores[i, label]
    total, active = 0.0, 0.0
    for start in range(0, scores.shape[1], CHUNK):
        part, count = hinge_fill(scores, i, start, label, correct, margin, weight, out)
        total += part
        active += count
    out[i, label] = -active * weight
    if math.isnan(total) or math.isnan(correct):
        total = math.nan
        for j in range(out.shape[1]):
            out[i, j] = math.nan
    return total


# --- softmax


@kernel(inline=True)
def maximum(scores, i):
    """Largest value of a row, NaN if it holds one.

    `max` and `if` would not vectorise: what they make of a NaN depends on the order.
    """
    largest = scores[i, 0]
    for j in range(scores.shape[1]):
        largest = simd.maximum_nsz(largest, scores[i, j])
    return largest


@kernel(inline=True, fastmath=REORDER)
def exp_sum(scores, i, start, largest):
    """Sum of exp(s_j − largest) over a chunk, in the dtype of the scores."""
    total = scores.dtype.type(0.0)
    for j in chunk(start, scores):
        total += simd.exp(scores[i, j] - largest)
    return np.float64(total)


@kernel(inline=True, fastmath=REORDER)
def exp_fill(scores, i, start, largest, out):
    """`exp_sum`, and the exps into `out`."""
    total = scores.dtype.type(0.0)
    for j in chunk(start, scores):
        value = simd.exp(scores[i, j] - largest)
        out[i, j] = value
        total += value
    return np.float64(total)


@kernel(inline=True)
def total_exp(scores, i, largest):
    """Sum of exp(s_j − largest) over a row, in float64."""
    total = 0.0
    for start in range(0, scores.shape[1], CHUNK):
        total += exp_sum(scores, i, start, largest)
    return total


@kernel(inline=True)
def softmax_loss(scores, i, label):
    """Return log Σ exp(s_j − m) − (s_y − m), with m the row's maximum, in float64."""
    largest = maximum(scores, i)
    return simd.log(total_exp(scores, i, largest)) - np.float64(scores[i, label] - largest)


@kernel(inline=True)
def log_softmax(scores, i, out):
    """Fill a row of `out` with (s_j − m) − log Σ exp(s_k − m), with m the row's maximum."""
    largest = maximum(scores, i)
    log_total = out.dtype.type(simd.log(total_exp(scores, i, largest)))
    for j in range(scores.shape[1]):
        out[i, j] = (scores[i, j] - largest) - log_total


@kernel(inline=True)
def softmax(scores, i, weight, out):
    """Fill a row of `out` with probabilities times `weight`; return maximum and sum of exps."""
    largest = maximum(scores, i)
    total = 0.0
    for start in range(0, scores.shape[1], CHUNK):
        total += exp_fill(scores, i, start, largest, out)
    scale = out.dtype.type(weight / total)
    for j in range(out.shape[1]):
        out[i, j] *= scale
    return largest, total


@kernel(inline=True)
def softmax_gradient(scores, i, label, weight, out):
    """Fill a row of `out` with the softmax loss's derivatives times `weight`; return the loss."""
    at_label = scores[i, label]  # read before `out` is filled, which may be the scores themselves
    largest, total = softmax(scores, i, weight, out)
    out[i, label] -= out.dtype.type(weight)
    return simd.log(total) - np.float64(at_label - largest)
