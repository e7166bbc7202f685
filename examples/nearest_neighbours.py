"""Pairwise distances: the step that takes most of the time of k-nearest neighbours.

lossbench run --problem examples/nearest_neighbours.py

Distances from every query to every training point, as in the course's first assignment. There are
two ways: sum the squared differences, or compute |q|² − 2 q·t + |t|², which is a matrix product.
The second is faster, and loses digits where two points are close.
"""

import math

import numpy as np
from numba import njit, prange

LISTS = True


def loop(queries, training):
    """Two loops over the points and one over their features."""
    distances = []
    for query in queries:
        row = []
        for point in training:
            total = 0.0
            for j in range(len(query)):
                total += (query[j] - point[j]) ** 2
            row.append(math.sqrt(total))
        distances.append(row)
    return distances


def vectorized(queries, training):
    """Broadcasting: no loop, but an array of all differences (queries × points × features)."""
    differences = queries[:, np.newaxis, :] - training[np.newaxis, :, :]
    return np.sqrt((differences**2).sum(axis=2))


def products(queries, training):
    """|q|² − 2 q·t + |t|², by BLAS. Rounding may make a small square negative."""
    squares = (queries**2).sum(axis=1)[:, np.newaxis] + (training**2).sum(axis=1)
    return np.sqrt(np.maximum(squares - 2 * queries @ training.T, 0))


@njit(cache=True)
def jit(queries, training):
    """The loops, compiled: the result is the only array."""
    distances = np.empty((len(queries), len(training)), queries.dtype)
    for i in range(len(queries)):
        for k in range(len(training)):
            total = queries.dtype.type(0)  # a plain 0.0 would make float32 sums float64
            for j in range(queries.shape[1]):
                total += (queries[i, j] - training[k, j]) ** 2
            distances[i, k] = np.sqrt(total)
    return distances


@njit(cache=True, fastmath={"reassoc", "nsz"})
def reordered(queries, training):
    """`jit` with permission to reorder the sum: without it, the sum does not vectorise."""
    distances = np.empty((len(queries), len(training)), queries.dtype)
    for i in range(len(queries)):
        for k in range(len(training)):
            total = queries.dtype.type(0)
            for j in range(queries.shape[1]):
                difference = queries[i, j] - training[k, j]
                total += difference * difference
            distances[i, k] = np.sqrt(total)
    return distances


@njit(cache=True, fastmath={"reassoc", "nsz"}, parallel=True)
def parallel(queries, training):
    """`reordered`, with the queries divided among the cores."""
    distances = np.empty((len(queries), len(training)), queries.dtype)
    for i in prange(len(queries)):
        for k in range(len(training)):
            total = queries.dtype.type(0)
            for j in range(queries.shape[1]):
                difference = queries[i, j] - training[k, j]
                total += difference * difference
            distances[i, k] = np.sqrt(total)
    return distances


TIERS = {"products": products, "numba-reordered": reordered}

SIZES = {
    "S": {"queries": 20, "n": 50, "d": 16},
    "M": {"queries": 100, "n": 500, "d": 64},
    "L": {"queries": 100, "n": 5000, "d": 64},
}

GROWTH = 1.0  # in the number of training points


def make_inputs(size, dtype, rng):
    """Return query and training points, (queries, d) and (n, d)."""
    queries = rng.standard_normal((size["queries"], size["d"])).astype(dtype)
    training = rng.standard_normal((size["n"], size["d"])).astype(dtype)
    return queries, training


def hard_inputs(dtype):
    """Return one point, and points along an axis, whose distances are whole numbers."""
    axis = np.arange(4, dtype=dtype)[:, np.newaxis] * np.array([1, 0, 0], dtype)
    return [("one query and one point", (axis[:1], axis[2:3])), ("an axis", (axis, axis))]


def cost(size, itemsize):
    """Return bytes and operations: a difference, a product and a sum per feature, then a root."""
    pairs = size["queries"] * size["n"]
    numbers = (size["queries"] + size["n"]) * size["d"] + pairs
    return numbers * itemsize, pairs * (3 * size["d"] + 1)


def sample(arguments, rng):
    """Return a few queries and points, for sizes where the loops would take too long."""
    queries, training = arguments
    return queries[rng.choice(len(queries), 10)], training[rng.choice(len(training), 100)]
