"""Finite differences of the linear classifier's loss, without computing the losses.

A change of W[d, c] moves column c of the scores only, by h·X[:, d]. So the two losses of a
difference need not be computed: their difference follows from the scores before the change.
"""

import math

import numpy as np
from numba import prange, types

from kernels.simd import elementary
from kernels.simd._check_in_kernels import check_linear, check_steps, step_size
from kernels.simd._layout import label_of
from kernels.simd._linear import (
    check_objective,
    linear_scores,
    loss_of,
    vector,
)
from kernels.simd.compiler import LABELS, dual_kernel, kernel
from kernels.simd.thresholds import DIFFERENCE_BLOCK_FEATURES

LARGEST_SHIFT = 300.0
"""Above it exp(shift)², which is part of the difference of two softmax losses, would overflow."""


@kernel
def softmax_shares(scores, own, others):
    """Fill `own` with the share of each class in its row's sum of exps, `others` with the rest.

    The rest is summed from both sides: 1 − share would lose digits.
    """
    classes = scores.shape[1]
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for c in range(1, classes):
            largest = elementary.maximum_nsz(largest, scores[i, c])
        before = 0.0
        for c in range(classes):
            own[i, c] = math.exp(scores[i, c] - largest)
            others[i, c] = before
            before += own[i, c]
        after = 0.0
        for c in range(classes - 1, -1, -1):
            others[i, c] += after
            after += own[i, c]
        for c in range(classes):
            own[i, c] /= before
            others[i, c] /= before


@kernel
def far_change(row, c, shift, central):
    """Change of a row's logsumexp by a shift of class c, if exp of the shift would overflow."""
    below = row[c] - shift if central else row[c]
    above = row[c] + shift
    largest = -math.inf
    for j in range(row.size):
        if j != c:
            largest = max(largest, row[j])
    highest, lowest = max(largest, above), max(largest, below)
    high, low = math.exp(above - highest), math.exp(below - lowest)
    for j in range(row.size):
        if j != c:
            high += math.exp(row[j] - highest)
            low += math.exp(row[j] - lowest)
    return (highest - lowest) + (math.log(high) - math.log(low))


@kernel
def rises(shifts, central, low, rise):
    """Fill `low` with the smaller of two exps for each shift δ, and `rise` with their difference.

    The two are exp(δ) and exp(−δ), or exp(δ) and 1. Returns whether a shift is too large for exp.
    """
    far = 0
    for k in range(shifts.size):
        size = abs(shifts[k])
        far |= size > LARGEST_SHIFT
        if central:
            up = elementary.expm1(min(size, LARGEST_SHIFT))
            low[k] = 1.0 / (1.0 + up)
            rise[k] = up + up * low[k]
        else:
            low[k] = elementary.exp(min(shifts[k], 0.0))
            rise[k] = abs(elementary.expm1(min(shifts[k], LARGEST_SHIFT)))
    return far != 0


@kernel(inline=True)
def near_change(own, others, low, rise, shift):
    """Change of a row's logsumexp by a shift of a class, from the shares before the shift.

    With p the share of the class and r that of the others, a shift δ multiplies the row's sum of
    exps by r + p·exp(δ). The difference of two such logarithms is one log1p:
    log(high) − log(low) = log1p((high − low) / low), with high ≥ low, so that nothing cancels.
    """
    return math.copysign(elementary.log1p(own * rise / (others + own * low)), shift)


@kernel
def softmax_changes(scores, i, own, others, label, shifts, low, rise, central, change):
    """Add the differences of a sample's softmax loss to `change` (C, K), for shifts of each class.

    `low` and `rise` are buffers of the size of the shifts.
    """
    if scores[i, label] == -math.inf:  # both losses are inf, and their difference is NaN
        change += math.nan
        return
    far = rises(shifts, central, low, rise)
    for c in range(scores.shape[1]):
        p, r = own[i, c], others[i, c]
        if not far:  # almost always; with the test inside, the loop would not vectorise
            for k in range(shifts.size):
                change[c, k] += near_change(p, r, low[k], rise[k], shifts[k])
        else:
            for k in range(shifts.size):
                if abs(shifts[k]) <= LARGEST_SHIFT:
                    change[c, k] += near_change(p, r, low[k], rise[k], shifts[k])
                else:
                    change[c, k] += far_change(scores[i], c, shifts[k], central)
    travel = 2.0 if central else 1.0
    for k in range(shifts.size):
        change[label, k] -= travel * shifts[k]


@kernel
def excess(scores, i, c, label, margin):
    """The hinge's term of a class before the maximum with 0."""
    return (scores[i, c] - scores[i, label]) + margin


@kernel
def has_no_hinge(scores, i, label, margin):
    """Whether the hinge loss of a row is NaN."""
    worst = 0.0
    for c in range(scores.shape[1]):
        if c != label:
            worst = elementary.maximum_nsz(worst, excess(scores, i, c, label, margin))
    return math.isnan(worst)


@kernel
def svm_changes(scores, i, label, margin, shifts, central, change):
    """Add the differences of a sample's hinge loss to `change` (C, K), for shifts of each class.

    A shift of a wrong class changes one term of the sum; a shift of the label changes all others.
    """
    if has_no_hinge(scores, i, label, margin):
        change += math.nan
        return
    back = 1.0 if central else 0.0
    for c in range(scores.shape[1]):
        if c != label:
            here = excess(scores, i, c, label, margin)
            for k in range(shifts.size):
                below = elementary.maximum_nsz(here - back * shifts[k], 0.0)
                change[c, k] += elementary.maximum_nsz(here + shifts[k], 0.0) - below
                below = elementary.maximum_nsz(here + back * shifts[k], 0.0)
                change[label, k] += elementary.maximum_nsz(here - shifts[k], 0.0) - below


@kernel(known=("svm",))
def block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db, svm):
    """Fill a block of rows of dW; the block after the last fills db.

    A bias is the weight of a feature that is 1 in every sample.
    """
    margin, regularization = objective
    h, central = step
    span = 2.0 * h if central else h
    start = block * DIFFERENCE_BLOCK_FEATURES
    of_biases = start >= X.shape[1]
    width = 1 if of_biases else min(DIFFERENCE_BLOCK_FEATURES, X.shape[1] - start)
    room = np.zeros((3 + W.shape[1], width))
    shifts, low, rise, change = room[0], room[1], room[2], room[3:]
    shifts[:] = h
    for i in range(labels.size):
        label = label_of(labels, i, W.shape[1])
        if not of_biases:
            for k in range(width):
                shifts[k] = h * X[i, start + k]
        if svm:
            svm_changes(scores, i, label, margin, shifts, central, change)
        else:
            softmax_changes(scores, i, own, others, label, shifts, low, rise, central, change)
    for c in range(W.shape[1]):
        if of_biases:
            db[c] = change[c, 0] / labels.size / span
        else:
            for k in range(width):
                above = W[start + k, c] + h
                below = W[start + k, c] - h if central else W[start + k, c]
                # (above² − below²) / (above − below), without differences, which would lose digits
                its_penalty = regularization * (above + below)
                dW[start + k, c] = change[c, k] / labels.size / span + its_penalty


@kernel
def block_count(features):
    """Number of blocks: those of the features, and one for the biases."""
    return (features + DIFFERENCE_BLOCK_FEATURES - 1) // DIFFERENCE_BLOCK_FEATURES + 1


@kernel(known=("svm",))
def shares_of(scores, svm):
    """Shares of the scores' exps; the hinge does not use them, and gets any arrays."""
    if svm:
        return scores, scores
    own, others = np.empty_like(scores), np.empty_like(scores)
    softmax_shares(scores, own, others)
    return own, others


@kernel(known=("svm", "way"))
def numerical_gradient(W, b, X, labels, objective, step, with_biases, svm, way):
    """Loss, and its finite differences by W and, if `with_biases`, by b; for float64 arrays."""
    scores = linear_scores(W, b, X)
    own, others = shares_of(scores, svm)
    dW, db = np.empty_like(W), np.empty_like(b)
    blocks = block_count(X.shape[1])
    for block in range(blocks if with_biases else blocks - 1):
        block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db, svm)
    return loss_of(scores, labels, W, objective, svm, way), dW, db


@dual_kernel(
    lambda W, svm: (
        *(W, vector(W), W, LABELS),
        *(types.float64, types.float64, types.float64, types.boolean),
        *(W, vector(W), types.Omitted(svm)),
    )
)
def linear_numerical_gradient_kernel(
    W, b, X, labels, margin, regularization, h, central, dW, db, svm
):
    """`linear_numerical_gradient` of float64 arrays, with checks of the values; fills dW and db."""
    function = "linear_numerical_gradient"
    check_linear(function, W.shape, b.size, X.shape, labels, "W", "b")
    check_objective(function, margin, regularization)
    step_size(function, h)
    check_steps(function, "W", W, h, central)
    check_steps(function, "b", b, h, central)
    scores = linear_scores(W, b, X)
    own, others = shares_of(scores, svm)
    objective, step = (margin, regularization), (h, central)
    for block in prange(block_count(X.shape[1])):
        block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db, svm)
