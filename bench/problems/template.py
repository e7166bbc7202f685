"""One computation, written in several ways, for lossbench to check and time.

lossbench check --problem THIS_FILE         # do all versions agree?
lossbench run --problem THIS_FILE           # check them, then time them
pytest bench --lossbench-problem THIS_FILE  # the same, with pytest-benchmark's options

This file runs as it is: it computes the mean squared difference of two vectors. Replace that with
your own computation and delete what you do not need. `loop`, one version to compare with it,
SIZES and make_inputs are enough.
"""

import numpy as np
from numba import njit, prange

# The name in tables and on the command line, if it is not the name of the file.
# NAME = "my_kernel"


# --- Tiers: the versions of the computation
#
# All tiers take the same arguments and return the same result: numbers, arrays, lists, or a tuple
# of these. A tier must not change its arguments, but for OUTPUTS (below). If a tier returns before
# its result is computed, lossbench waits for the result and times that too: it calls
# block_until_ready(), else compute(), else __array__().


def loop(predicted, target):
    """Plain Python. The other tiers must agree with it, so keep it easy to read and check."""
    total = 0.0
    for i in range(len(predicted)):
        total += (predicted[i] - target[i]) ** 2
    return total / len(predicted)


# True: `loop` gets nested lists, x[i][j], which plain Python reads fastest.
# False, the default: `loop` gets arrays, x[i, j], as the other tiers do. Python reads a number from
# an array several times more slowly, so every speed-up looks larger. With float32 arrays it also
# computes in float32; with lists it computes in float64.
LISTS = True


def vectorized(predicted, target):
    """NumPy: the tier `numpy`."""
    return np.mean((predicted - target) ** 2)


# cache=True: a run has several processes, which can then load the compiled code.
@njit(cache=True)
def jit(predicted, target):
    """Numba: the tier `numba`. It is compiled before it is timed."""
    total = 0.0
    for i in range(predicted.size):
        total += (predicted[i] - target[i]) ** 2
    return total / predicted.size


@njit(cache=True, parallel=True)
def parallel(predicted, target):
    """Numba with threads: the tier `numba-parallel`, timed on all cores."""
    total = 0.0
    for i in prange(predicted.size):
        total += (predicted[i] - target[i]) ** 2
    return total / predicted.size


def dot(predicted, target):
    """NumPy in another way. Its name says nothing to lossbench, so it is listed in TIERS."""
    difference = predicted - target
    return difference @ difference / len(difference)


# More tiers, under the names to show. A name that ends in "-parallel" is timed on all cores. A tier
# that raises ImportError, because its library is not installed, is shown as unavailable.
TIERS = {"dot": dot}

# The oracle: the tier that the others must agree with, if it is not `loop`.
# ORACLE = "numpy"


# --- Inputs

# Any names; numbers, truth values and strings. The table has columns for n, c and d.
SIZES = {
    "S": {"n": 100},
    "M": {"n": 10_000},
    "L": {"n": 1_000_000},
}


# The dtypes that make_inputs is asked for; all of these are measured by default.
# DTYPES = ("int32", "complex128")


def make_inputs(size, dtype, rng):
    """Return the arguments of the tiers, as a tuple.

    `size` is an entry of SIZES, such as {"n": 100}. `dtype` is "float64" or "float32" (--dtype).
    `rng` is a NumPy random generator that gives the same numbers in every process.
    """
    predicted = rng.standard_normal(size["n"]).astype(dtype)
    target = rng.standard_normal(size["n"]).astype(dtype)
    return predicted, target


# --- Optional

# The arguments that tiers write to, if they do. They are compared with the oracle's, together with
# what is returned, and each call gets new copies.
# OUTPUTS = ("target",)

# A number a agrees with the oracle's b if |a - b| <= TOLERANCE * (|b| + the largest |b|). These are
# the defaults. Whole numbers must be equal. NaN, infinities and masked entries must be in the same
# places. A tuple has one tolerance for each output.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def hard_inputs(dtype):
    """Return labelled arguments on which a tier may go wrong. They are checked, but not timed."""
    one = np.ones(1, dtype)
    return [("one number", (one, 2 * one)), ("large numbers", (1e4 * one, -1e4 * one))]


def cost(size, itemsize):
    """Return the least number of bytes that a call must move and of operations that it must do.

    `itemsize` is 8 for float64 and 4 for float32. The table then shows GB/s and the share of what
    this machine can do at best. An optional third number counts the exps among the operations.
    """
    return 2 * size["n"] * itemsize, 3 * size["n"]


GROWTH = 1.0  # the time should grow with n to this power

# Without `cost` and GROWTH: the whole numbers of a size to whose product the time is proportional.
# All of them, if this is not said either.
# WORK = ("n",)

# What a tier takes instead of the arguments, made outside the timing: a function that gets them and
# returns a tuple.
# PREPARE = {"dot": lambda predicted, target: (predicted.astype("f8"), target.astype("f8"))}


def sample(arguments, rng):
    """Return a part of the arguments, for sizes at which the oracle takes too long for all of them.

    The other tiers are then compared with the oracle on this part, and with `vectorized` on all
    of the arguments. Without this function, the oracle gets the inputs of the smallest size.
    """
    predicted, target = arguments
    some = rng.choice(len(predicted), 100)
    return predicted[some], target[some]
