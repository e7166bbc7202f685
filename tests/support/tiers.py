"""The three texts and the library, each called with arguments of the types it takes."""

import functools
import inspect

import numba
import numpy as np
import pytest
from numba.extending import is_jitted

import kernels
import reference
from kernels import jit, vectorized

OPERATIONS = tuple(reference.__all__)
ARRAYS = {"scores", "labels", "W", "b", "X", "W0", "b0", "x", "x0", "a"}
"""Names of the arguments that are arrays; `b` is one of two errors' arrays, or the biases."""


@functools.cache
def jitted(function):
    return function if is_jitted(function) else numba.njit(function)


class Text:
    """A text, given its own form of the arguments: a test writes them once for all.

    The loops get nested lists, also from a gradient; the others contiguous arrays with int64
    labels; `jit` jitted functions, and all arguments, as it is compiled anew where others are left
    to their defaults. NumPy's warnings are ignored: the values are what counts.
    """

    def __init__(self, module, form, with_defaults=False):
        self.module, self.form, self.with_defaults = module, form, with_defaults

    def __getattr__(self, operation):
        if operation not in OPERATIONS:
            raise AttributeError(operation)
        signature = inspect.signature(getattr(reference, operation))

        def call(*args, **options):
            bound = signature.bind(*args, **options)
            if self.with_defaults:
                bound.apply_defaults()
            for name, value in bound.arguments.items():
                bound.arguments[name] = self.form(name, value)
            with np.errstate(all="ignore"):
                return getattr(self.module, operation)(*bound.args, **bound.kwargs)

        return call


class Library:
    """The library: it takes any types; functions are jitted for it, which is faster."""

    def __getattr__(self, operation):
        if operation not in OPERATIONS:
            raise AttributeError(operation)

        def call(*args, **options):
            options = {name: _jitted_if_callable(value) for name, value in options.items()}
            return getattr(kernels, operation)(*map(_jitted_if_callable, args), **options)

        return call


def as_lists(_name, value):
    if callable(value):
        return lambda point: as_lists(_name, value(point))
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def as_arrays(name, value):
    if name not in ARRAYS or value is None:
        return value
    is_single = getattr(value, "dtype", None) in (np.dtype("f4"), np.dtype(">f4"))
    dtype = np.int64 if name == "labels" else np.float32 if is_single else np.float64
    return np.require(value, dtype, ["C", "A", "W"])


def as_jitted(name, value):
    if (
        isinstance(value, int) and value >= 2**63
    ):  # an int counts as int64 once one was compiled for
        return np.uint64(value)
    return _jitted_if_callable(as_arrays(name, value))


def _jitted_if_callable(value):
    return jitted(value) if callable(value) else value


LOOPS, NUMPY = Text(reference, as_lists), Text(vectorized, as_arrays)
NUMBA = Text(jit, as_jitted, with_defaults=True)
LIBRARY = Library()
TEXTS = {"reference": LOOPS, "vectorized": NUMPY, "jit": NUMBA}
VERSIONS = TEXTS | {"kernels": LIBRARY}
FAST = {name: version for name, version in VERSIONS.items() if version is not LOOPS}

every_version = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
fast_version = pytest.mark.parametrize("version", FAST.values(), ids=FAST)
# The loops compute in Python's floats, whatever the dtype was
every_version_and_dtype = pytest.mark.parametrize(
    ("version", "dtype"),
    [
        pytest.param(version, dtype, id=f"{name}-{dtype}")
        for name, version in VERSIONS.items()
        for dtype in ("float32", "float64")
        if version is not LOOPS or dtype == "float64"
    ],
)

# The operations by their arguments and results
LOSSES = ("svm_loss", "softmax_loss")
PROBABILITIES = ("softmax", "log_softmax")
GRADIENTS = ("svm_loss_gradient", "softmax_loss_gradient")
LABELLED = (*LOSSES, *GRADIENTS)
FILLING = (*PROBABILITIES, *GRADIENTS)
OF_SCORES = (*LOSSES, *PROBABILITIES, *GRADIENTS)
LINEAR = ("linear_loss", "linear_gradient", "linear_numerical_gradient")


def call(version, operation, scores, labels, **options):
    """Call one of `OF_SCORES`, with labels if it takes any."""
    arguments = (scores, labels) if operation in LABELLED else (scores,)
    return getattr(version, operation)(*arguments, **options)


def parts(result):
    """Give the arrays (or numbers) that a result consists of, as a tuple."""
    return result if isinstance(result, tuple) else (result,)
