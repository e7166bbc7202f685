"""The three tiers, and how each of them takes a function that a test gives to all."""

import functools

import numba
import pytest

import reference
from kernels import simd, vectorized

TIERS = {"reference": reference, "vectorized": vectorized, "simd": simd}
FAST = {"vectorized": vectorized, "simd": simd}

every_tier = pytest.mark.parametrize("tier", TIERS.values(), ids=TIERS)
fast_tier = pytest.mark.parametrize("tier", FAST.values(), ids=FAST)

# The operations by what they take and give
OPERATIONS = tuple(reference.__all__)
LOSSES = ("svm_loss", "softmax_loss")
PROBABILITIES = ("softmax", "log_softmax")
GRADIENTS = ("svm_loss_gradient", "softmax_loss_gradient")
LABELLED = (*LOSSES, *GRADIENTS)
FILLING = (*PROBABILITIES, *GRADIENTS)
OF_SCORES = (*LOSSES, *PROBABILITIES, *GRADIENTS)
LINEAR = ("linear_loss", "linear_gradient", "linear_numerical_gradient")


def function_for(tier, function):
    """Give a function as the tier wants it: jitted for the jit tier."""
    return jitted(function) if tier is simd else function


@functools.cache
def jitted(function):
    return numba.njit(function)


def call(tier, operation, scores, labels, **options):
    """Call one of `OF_SCORES`, with labels if it takes any."""
    arguments = (scores, labels) if operation in LABELLED else (scores,)
    return getattr(tier, operation)(*arguments, **options)


def parts(result):
    """Give the arrays (or numbers) that a result consists of, as a tuple."""
    return result if isinstance(result, tuple) else (result,)
