"""The ladder: softmax loss in eight rungs, from a plain loop to a tuned kernel.

lossbench run --problem examples/ladder.py

Each rung changes one thing. docs/ladder.md explains each of them, with the times of a run.
scores are (N, C), labels N whole numbers in [0, C); the loss is the mean over the rows of
log Σ exp(s_j − m) − (s_y − m), where m is the largest score of the row and y its label.
"""

import math

import numpy as np
from numba import njit, prange

from kernels import softmax_loss
from kernels.simd import elementary

LISTS = True


def loop(scores, labels):
    """Rung 1: plain Python."""
    loss = 0.0
    for i in range(len(scores)):
        largest = scores[i][0]
        for j in range(len(scores[i])):
            if scores[i][j] > largest:
                largest = scores[i][j]
        total = 0.0
        at_label = 0.0
        for j in range(len(scores[i])):
            total += math.exp(scores[i][j] - largest)
            if j == labels[i]:
                at_label = scores[i][j] - largest
        loss += math.log(total) - at_label
    return loss / len(scores)


def vectorized(scores, labels):
    """Rung 2: whole arrays."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    totals = np.exp(shifted).sum(axis=1)
    return np.mean(np.log(totals) - shifted[np.arange(len(labels)), labels])


@njit(cache=True)
def plain(scores, labels):
    """Rung 3: the loop of rung 1, compiled."""
    loss = 0.0
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for j in range(scores.shape[1]):
            if scores[i, j] > largest:
                largest = scores[i, j]
        total = 0.0
        at_label = 0.0
        for j in range(scores.shape[1]):
            total += math.exp(scores[i, j] - largest)
            if j == labels[i]:
                at_label = scores[i, j] - largest
        loss += math.log(total) - at_label
    return loss / len(labels)


@njit(cache=True, error_model="numpy")
def branch_free(scores, labels):
    """Rung 4: no `if` in a loop. The label's score is read once, after the loop."""
    loss = 0.0
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for j in range(scores.shape[1]):
            largest = max(largest, scores[i, j])
        total = 0.0
        for j in range(scores.shape[1]):
            total += math.exp(scores[i, j] - largest)
        loss += math.log(total) - (scores[i, labels[i]] - largest)
    return loss / len(labels)


@njit(cache=True, error_model="numpy")
def vector_maximum(scores, labels):
    """Rung 5: a maximum that does not depend on the order, so it can use whole vectors."""
    loss = 0.0
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for j in range(scores.shape[1]):
            largest = elementary.maximum_nsz(largest, scores[i, j])
        total = 0.0
        for j in range(scores.shape[1]):
            total += math.exp(scores[i, j] - largest)
        loss += math.log(total) - (scores[i, labels[i]] - largest)
    return loss / len(labels)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def vector_exp(scores, labels):
    """Rung 6: an exp of whole vectors, and a sum that may be added in any order."""
    loss = 0.0
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for j in range(scores.shape[1]):
            largest = elementary.maximum_nsz(largest, scores[i, j])
        total = scores.dtype.type(0)  # a plain 0.0 would make float32 exps float64
        for j in range(scores.shape[1]):
            total += elementary.exp(scores[i, j] - largest)
        loss += elementary.log(np.float64(total)) - (scores[i, labels[i]] - largest)
    return loss / len(labels)


ROWS = 64  # several vectors long, and still in the nearest cache


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def block_loss(scores, labels, start, stop, columns):
    """Sum the losses of some rows, transposed so that each row of `columns` is a class."""
    rows = np.uint64(stop - start)  # an unsigned index needs no test for negative values
    classes = np.uint64(scores.shape[1])
    largest, totals = columns[-2], columns[-1]
    for r in range(rows):
        for j in range(classes):
            columns[j, r] = scores[np.uint64(start) + r, j]
    for r in range(rows):
        largest[r] = columns[0, r]
        totals[r] = 0
    for j in range(classes):
        for r in range(rows):
            largest[r] = elementary.maximum_nsz(largest[r], columns[j, r])
    for j in range(classes):
        for r in range(rows):
            totals[r] += elementary.exp(columns[j, r] - largest[r])
    loss = 0.0
    for r in range(stop - start):
        loss += elementary.log(np.float64(totals[r]))
        loss -= scores[start + r, labels[start + r]] - largest[r]
    return loss


@njit(cache=True, error_model="numpy")
def blocks(scores, labels):
    """Rung 7: 64 rows at once, so every loop runs over 64 numbers, however few the classes are."""
    columns = np.empty((scores.shape[1] + 2, ROWS), scores.dtype)
    loss = 0.0
    for start in range(0, scores.shape[0], ROWS):
        stop = min(start + ROWS, scores.shape[0])
        loss += block_loss(scores, labels, start, stop, columns)
    return loss / len(labels)


@njit(cache=True, error_model="numpy", parallel=True)
def threads(scores, labels):
    """Rung 8: the blocks run on all cores, and their sums are added in a fixed order."""
    losses = np.empty((scores.shape[0] + ROWS - 1) // ROWS)
    for block in prange(losses.size):
        columns = np.empty((scores.shape[1] + 2, ROWS), scores.dtype)
        start = block * ROWS
        stop = min(start + ROWS, scores.shape[0])
        losses[block] = block_loss(scores, labels, start, stop, columns)
    return losses.sum() / len(labels)


# The library does both: rung 6 for long rows, rung 7 for short ones.
TIERS = {
    "plain-njit": plain,
    "branch-free": branch_free,
    "vector-maximum": vector_maximum,
    "vector-exp": vector_exp,
    "blocks": blocks,
    "blocks-parallel": threads,
    "kernels": softmax_loss,
}

# 200,000 scores as many short rows and as few long ones: a rung may help only one of them.
SIZES = {
    "S": {"n": 64, "c": 10},
    "short": {"n": 20_000, "c": 10},
    "long": {"n": 200, "c": 1000},
}

GROWTH = 1.0


def make_inputs(size, dtype, rng):
    """Return scores and labels."""
    scores = 3 * rng.standard_normal((size["n"], size["c"]))
    return scores.astype(dtype), rng.integers(0, size["c"], size["n"])


def hard_inputs(dtype):
    """Return large scores, one class, one row, and rows that fill no block."""
    rng = np.random.default_rng(0)
    scores, labels = make_inputs({"n": 130, "c": 3}, dtype, rng)
    return [
        ("scores of ±1e4", (np.sign(scores) * np.dtype(dtype).type(1e4), labels)),
        ("one class", (scores[:, :1].copy(), np.zeros_like(labels))),
        ("one row", (scores[:1], labels[:1])),
    ]


def cost(size, itemsize):
    """Return bytes, operations and exps: a maximum, a difference, an exp and a sum per score."""
    scores = size["n"] * size["c"]
    return scores * itemsize + 8 * size["n"], 4 * scores, scores
