"""Finite differences of the linear classifier's loss, without computing the losses.

A change of W[d, c] moves column c of the scores only, by h·X[:, d]. So the two losses of a
difference need not be computed: their difference follows from the scores before the change.
"""

import math

import numpy as np
from numba import prange, types

from kernels.simd import elementary
from kernels.simd._arrays import least, rows_of
from kernels.simd._check_in_kernels import check_linear, check_steps, step_size
from kernels.simd._layout import label_of
from kernels.simd._linear import (
    check_objective,
    fill_scores,
    losses_of,
    penalty,
    rows_at_once,
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


@kernel
def changes_of(block, classes, features, several, dW, db):
    """Array for the sums of a block's changes (C, K).

    With several blocks of samples, it is the part of the results that the block fills at last.
    """
    start = block * DIFFERENCE_BLOCK_FEATURES
    width = 1 if start >= features else least(DIFFERENCE_BLOCK_FEATURES, features - start)
    if not several:
        return np.empty((classes, width))
    if start >= features:
        return db.reshape(classes, 1)
    return dW[start : start + width].reshape(classes, width)


@kernel(known=("svm",))
def add_changes(block, X, labels, scores, own, others, margin, h, central, change, svm):
    """Add the differences of some samples' losses to `change` (C, K), for a block of features.

    A bias is the weight of a feature that is 1 in every sample.
    """
    start, width = block * DIFFERENCE_BLOCK_FEATURES, change.shape[1]
    of_biases = start >= X.shape[1]
    room = np.empty((3, width))
    shifts, low, rise = room[0], room[1], room[2]
    shifts[:] = h
    for i in range(labels.size):
        label = label_of(labels, i, scores.shape[1])
        if not of_biases:
            for k in range(width):
                shifts[k] = h * X[i, start + k]
        if svm:
            svm_changes(scores, i, label, margin, shifts, central, change)
        else:
            softmax_changes(scores, i, own, others, label, shifts, low, rise, central, change)


@kernel
def divide_changes(block, W, samples, regularization, h, central, sums, dW, db):
    """Fill the differences of a block of features, or of the biases, from the sums of changes."""
    span = 2.0 * h if central else h
    start = block * DIFFERENCE_BLOCK_FEATURES
    if start >= W.shape[0]:
        for c in range(db.size):
            db[c] = sums[c, 0] / samples / span
        return
    for k in range(sums.shape[1]):
        for c in range(sums.shape[0]):
            above = W[start + k, c] + h
            below = W[start + k, c] - h if central else W[start + k, c]
            # (above² − below²) / (above − below), without differences, which would lose digits
            its_penalty = regularization * (above + below)
            dW[start + k, c] = sums[c, k] / samples / span + its_penalty


@kernel(known=("svm",))
def block_differences(block, part, W, X, labels, scored, objective, step, dW, db, svm):
    """Add some samples to the differences by a block of features; after the last, divide them.

    The block after the last fills db.
    """
    (scores, own, others), (margin, regularization), (h, central) = scored, objective, step
    start, samples = part
    several = labels.size < samples
    change = changes_of(block, db.size, W.shape[0], several, dW, db)
    if start == 0:
        change[:] = 0.0
    add_changes(block, X, labels, scores, own, others, margin, h, central, change, svm)
    if start + labels.size == samples:
        sums = change.copy() if several else change  # a copy of dW's memory, which is now filled
        divide_changes(block, W, samples, regularization, h, central, sums, dW, db)


@kernel
def block_count(features):
    """Number of blocks: those of the features, and one for the biases."""
    return (features + DIFFERENCE_BLOCK_FEATURES - 1) // DIFFERENCE_BLOCK_FEATURES + 1


@kernel
def scored_at_once(labels, b):
    """Samples in a block: each takes a row of scores and two of shares."""
    return rows_at_once(labels.size, 3 * b.size * b.itemsize, 1)


@kernel(known=("svm",))
def score_buffers(rows, classes, svm):
    """Arrays for the scores of a block and their shares; the hinge does not use the shares."""
    scores = np.empty((rows, classes))
    if svm:
        return scores, scores, scores
    return scores, np.empty_like(scores), np.empty_like(scores)


@kernel(known=("svm",))
def score_samples(W, b, X, buffers, svm):
    """Fill the first rows of the buffers with the scores of some samples, and return them."""
    n = X.shape[0]
    scores, own, others = (
        rows_of(buffers[0], 0, n),
        rows_of(buffers[1], 0, n),
        rows_of(buffers[2], 0, n),
    )
    fill_scores(W, b, X, scores)
    if not svm:
        softmax_shares(scores, own, others)
    return scores, own, others


@kernel(known=("svm", "way"))
def numerical_gradient(W, b, X, labels, objective, step, with_biases, svm, way):
    """Loss, and its finite differences by W and, if `with_biases`, by b; for float64 arrays."""
    margin, regularization = objective
    samples, rows, data_loss = labels.size, scored_at_once(labels, b), 0.0
    dW, db, buffers = np.empty_like(W), np.empty_like(b), score_buffers(rows, b.size, svm)
    blocks = block_count(X.shape[1])
    for start in range(0, samples, rows):
        stop, part = least(start + rows, samples), (start, samples)
        its_X, its_labels = rows_of(X, start, stop), rows_of(labels, start, stop)
        scored = score_samples(W, b, its_X, buffers, svm)
        data_loss += losses_of(scored[0], its_labels, margin, svm, way)
        for block in range(blocks if with_biases else blocks - 1):
            block_differences(
                block, part, W, its_X, its_labels, scored, objective, step, dW, db, svm
            )
    return data_loss / samples + penalty(W, regularization), dW, db


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
    objective, step = (margin, regularization), (h, central)
    samples, rows = labels.size, scored_at_once(labels, b)
    buffers = score_buffers(rows, b.size, svm)
    for start in range(0, samples, rows):
        stop, part = least(start + rows, samples), (start, samples)
        its_X, its_labels = rows_of(X, start, stop), rows_of(labels, start, stop)
        scored = score_samples(W, b, its_X, buffers, svm)
        for block in prange(block_count(X.shape[1])):
            block_differences(
                block, part, W, its_X, its_labels, scored, objective, step, dW, db, svm
            )
