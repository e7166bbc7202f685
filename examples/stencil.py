"""A stencil: one step of heat flow; each point becomes the mean of its four neighbours.

lossbench run --problem examples/stencil.py

The arithmetic costs next to nothing. Memory traffic decides: NumPy reads and writes the plate once
for each operation, a compiled loop once in all.
"""

import numpy as np
from numba import njit, prange

LISTS = True


def loop(plate):
    """Four neighbours, point by point; the rim does not change."""
    rows, columns = len(plate), len(plate[0])
    after = [list(row) for row in plate]
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            around = plate[i - 1][j] + plate[i + 1][j] + plate[i][j - 1] + plate[i][j + 1]
            after[i][j] = 0.25 * around
    return after


def vectorized(plate):
    """Four shifted views of the plate, and an array for each sum."""
    after = plate.copy()
    around = plate[:-2, 1:-1] + plate[2:, 1:-1] + plate[1:-1, :-2] + plate[1:-1, 2:]
    after[1:-1, 1:-1] = 0.25 * around
    return after


def in_place(plate):
    """The same sums, added in place: the result is the only array."""
    after = plate.copy()
    inner = after[1:-1, 1:-1]
    np.add(plate[:-2, 1:-1], plate[2:, 1:-1], out=inner)
    inner += plate[1:-1, :-2]
    inner += plate[1:-1, 2:]
    inner *= 0.25
    return after


@njit(cache=True)
def jit(plate):
    """The loops, compiled: each number is read and written once."""
    after = plate.copy()
    quarter = plate.dtype.type(0.25)  # a plain 0.25 would make float32 sums float64
    for i in range(1, plate.shape[0] - 1):
        for j in range(1, plate.shape[1] - 1):
            around = plate[i - 1, j] + plate[i + 1, j] + plate[i, j - 1] + plate[i, j + 1]
            after[i, j] = quarter * around
    return after


@njit(cache=True, parallel=True)
def parallel(plate):
    """The loops, compiled, with the rows divided among the cores."""
    after = plate.copy()
    quarter = plate.dtype.type(0.25)
    for i in prange(1, plate.shape[0] - 1):
        for j in range(1, plate.shape[1] - 1):
            around = plate[i - 1, j] + plate[i + 1, j] + plate[i, j - 1] + plate[i, j + 1]
            after[i, j] = quarter * around
    return after


TIERS = {"numpy-in-place": in_place}

# n × n points; 0.5 and 32 MB in float64
SIZES = {"S": {"n": 32}, "M": {"n": 256}, "L": {"n": 2048}}

GROWTH = 2.0


def make_inputs(size, dtype, rng):
    """Return a plate, (n, n)."""
    return (rng.standard_normal((size["n"], size["n"])).astype(dtype),)


def hard_inputs(dtype):
    """Return plates that are all rim, or nearly; and a NaN, which reaches only its neighbours."""
    plate = np.arange(25, dtype=dtype).reshape(5, 5)
    with_nan = plate.copy()
    with_nan[2, 2] = np.nan
    return [("one point", (plate[:1, :1],)), ("all rim", (plate[:2],)), ("a NaN", (with_nan,))]


def cost(size, itemsize):
    """Return bytes and operations: a read, a write, three sums and a product per point."""
    points = size["n"] ** 2
    return 2 * points * itemsize, 4 * points


def sample(arguments, rng):
    """Return a corner of the plate, for sizes where the loops would take too long for all of it."""
    (plate,) = arguments
    corner = int(rng.integers(50, 100))
    return (plate[:corner, :corner],)
