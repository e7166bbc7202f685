"""`kernels.jit` is the loops' own text under `@njit`, and works in a caller's jitted code."""

import numpy as np
import pytest
from closeness import assert_agrees
from inputs import seeded_classification, seeded_linear
from numba import njit
from tiers import LOOPS, OPERATIONS, parts

import reference
from kernels import jit

OWN_TEXTS = ("numerical_gradient", "gradient_descent")  # kernels/jit/__init__.py says why


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in OWN_TEXTS])
def test_the_loops_themselves_are_compiled(operation):
    assert getattr(jit, operation).py_func is getattr(reference, operation)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_flags_are_the_default_ones(operation):
    flags = {"nopython", "boundscheck"}  # which @njit sets itself
    assert set(getattr(jit, operation).targetoptions) <= flags


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_is_cached(operation):
    assert getattr(jit, operation).stats.cache_path is not None


SCORES, LABELS = seeded_classification(6, 4)
WEIGHTS = seeded_linear(6, 3, 4)
EVERY_OPTION = {"loss": "svm", "margin": 0.5, "regularization": 0.1}


@njit
def losses(scores, labels):
    return jit.svm_loss(scores, labels), jit.softmax_loss(scores, labels)


@njit
def svm_gradient(scores, labels, margin):
    return jit.svm_loss_gradient(scores, labels, margin=margin)


@njit
def probabilities(scores):
    return jit.softmax(scores), jit.log_softmax(scores)


@njit
def linear(W, b, X, labels):
    loss = jit.linear_loss(W, b, X, labels, "svm", 0.5, 0.1)
    _, dW, db = jit.linear_gradient(W, b, X, labels, "svm", 0.5, 0.1)
    return loss, dW, db


@njit
def trained(X, labels):
    return jit.train_linear(X, labels, classes=4, epochs=3, batch_size=2, seed=-1)


def assert_same(actual, expected):
    for value, wanted in zip(parts(actual), parts(expected), strict=True):
        assert_agrees(value, wanted)


def test_losses_in_jitted_code():
    expected = LOOPS.svm_loss(SCORES, LABELS), LOOPS.softmax_loss(SCORES, LABELS)
    assert_same(losses(SCORES, LABELS), expected)
    assert_same(svm_gradient(SCORES, LABELS, 0.5), LOOPS.svm_loss_gradient(SCORES, LABELS, 0.5))
    assert_same(probabilities(SCORES), (LOOPS.softmax(SCORES), LOOPS.log_softmax(SCORES)))


@pytest.mark.slow
def test_the_linear_classifier_in_jitted_code():
    assert_same(linear(*WEIGHTS), LOOPS.linear_gradient(*WEIGHTS, **EVERY_OPTION))
    _, _, X, labels = WEIGHTS
    expected = LOOPS.train_linear(X, labels, classes=4, epochs=3, batch_size=2, seed=-1)
    assert_same(trained(X, labels), expected)


@njit
def bowl(x):
    return (x * x).sum()


@njit
def bowl_slope(x):
    return 2.0 * x


@njit
def of_functions(x):
    slopes = jit.numerical_gradient(bowl, x, 0.5)
    error, entry, within = jit.check_gradient(bowl, bowl_slope, x)
    return slopes, jit.gradient_descent(bowl_slope, x, 0.25, 2), error, entry, within


@pytest.mark.slow
def test_functions_of_functions_in_jitted_code():
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    slopes, path, error, entry, within = of_functions(x)
    np.testing.assert_array_equal(slopes, 2 * x)  # exact: a square and a step of ½
    np.testing.assert_array_equal(path, [x, x / 2, x / 4])
    assert error < 1e-8
    assert (len(entry), within) == (2, True)
