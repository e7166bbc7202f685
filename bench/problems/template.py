"""One computation, written in several ways, for lossbench to hold against each other and time.

lossbench check --problem THIS_FILE        are they all right?
lossbench run --problem THIS_FILE          ... and how fast are they?
pytest bench --lossbench-problem THIS_FILE the same, with pytest-benchmark's options

It runs as it is, on the mean squared difference of two vectors. Put your own computation in its
place, and leave out what you do not need: a tier or two, make_inputs and SIZES are enough.
"""

import numpy as np
from numba import njit, prange

# NAME = "my_kernel"  # in tables and on the command line; without it, the name of the file


# --- the tiers: each takes the same arguments and returns the same result
#
# A tier leaves its arguments as they are. It returns numbers, arrays, lists, or a tuple of these;
# an object that is computed later is waited for inside the timing, by its block_until_ready(),
# else its compute(), else its __array__().


def loop(predicted, target):
    """Plain Python. The others have to agree with it, so write it to be read and checked by eye."""
    total = 0.0
    for i in range(len(predicted)):
        total += (predicted[i] - target[i]) ** 2
    return total / len(predicted)


# True: `loop` gets nested lists, x[i][j], which plain Python is quickest on. False, or no such
# line: it gets the arrays of make_inputs, x[i, j], as the others do; to read one number out of an
# array takes Python several times as long, and every speed-up looks as much larger; and with
# float32 arrays it computes in float32, where lists hold Python's own floats.
LISTS = True


def vectorized(predicted, target):
    """NumPy: the tier `numpy`."""
    return np.mean((predicted - target) ** 2)


# cache=True: each pass of a run is a process of its own, and need not compile anew.
@njit(cache=True)
def jit(predicted, target):
    """Numba: the tier `numba`. A call before the timed ones compiles it."""
    total = 0.0
    for i in range(predicted.size):
        total += (predicted[i] - target[i]) ** 2
    return total / predicted.size


@njit(cache=True, parallel=True)
def parallel(predicted, target):
    """Numba with threads: the tier `numba-parallel`, timed at all cores."""
    total = 0.0
    for i in prange(predicted.size):
        total += (predicted[i] - target[i]) ** 2
    return total / predicted.size


def dot(predicted, target):
    """Another way, which has no name of its own here."""
    difference = predicted - target
    return difference @ difference / len(difference)


# More tiers, by the name you want to see. One whose name ends in "-parallel" is given threads; one
# that raises ImportError, since its library is not installed, is shown as unavailable.
TIERS = {"dot": dot}

# ORACLE = "numpy"  # the tier to agree with, if not the loop


# --- what they are given

# Any names, any whole numbers; n, c and d are columns of the table.
SIZES = {
    "S": {"n": 100},
    "M": {"n": 10_000},
    "L": {"n": 1_000_000},
}


def make_inputs(size, dtype, rng):
    """Return the arguments of a tier, as a tuple.

    `size` is an entry of SIZES, `dtype` is "float64" or "float32" (--dtype), `rng` a NumPy
    generator that gives the same numbers in every process.
    """
    predicted = rng.standard_normal(size["n"]).astype(dtype)
    target = rng.standard_normal(size["n"]).astype(dtype)
    return predicted, target


# --- what may be left out

# How far a result a may be from the oracle's b: |a - b| <= TOLERANCE * (|b| + the largest |b|).
# These are the defaults. Whole numbers have to be equal, and masked entries in the same places.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def hard_inputs(dtype):
    """Return labelled arguments at which a tier may go wrong; they are checked and not timed."""
    one = np.ones(1, dtype)
    return [("one number", (one, 2 * one)), ("large numbers", (1e4 * one, -1e4 * one))]


def cost(size, itemsize):
    """Return the bytes that a call has to move and the operations it has to do, at the least.

    `itemsize` is 8 for float64 and 4 for float32. The table shows bytes over time in GB/s, and the
    share of this machine's floor; a third number says how many of the operations are exps.
    """
    return 2 * size["n"] * itemsize, 3 * size["n"]


GROWTH = 1.0  # the time is expected to grow with n to this power


def sample(arguments, rng):
    """Return fewer of the arguments, for where the oracle would take too long for all of them.

    The other tiers are then held against it on these, and against `vectorized` on all. Without this
    function, the inputs of the smallest size are taken.
    """
    predicted, target = arguments
    some = rng.choice(len(predicted), 100)
    return predicted[some], target[some]
