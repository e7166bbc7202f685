"""Jitted functions that call each public function, as a user's own code would.

Every argument is given at run time, so that each caller is compiled once for all its tests.
"""

import inspect

import numpy as np
from mistakes import GOOD
from numba import njit
from tiers import jitted

import kernels
import reference


@njit
def svm_loss(scores, labels, margin):
    return kernels.svm_loss(scores, labels, margin)


@njit
def softmax_loss(scores, labels):
    return kernels.softmax_loss(scores, labels)


@njit
def softmax(scores):
    return kernels.softmax(scores)


@njit
def log_softmax(scores):
    return kernels.log_softmax(scores)


@njit
def svm_loss_gradient(scores, labels, margin):
    return kernels.svm_loss_gradient(scores, labels, margin)


@njit
def softmax_loss_gradient(scores, labels):
    return kernels.softmax_loss_gradient(scores, labels)


@njit
def linear_loss(W, b, X, labels, loss, margin, regularization):
    return kernels.linear_loss(W, b, X, labels, loss, margin, regularization)


@njit
def linear_gradient(W, b, X, labels, loss, margin, regularization):
    return kernels.linear_gradient(W, b, X, labels, loss, margin, regularization)


@njit
def linear_numerical_gradient(W, b, X, labels, loss, margin, regularization, h, method):
    return kernels.linear_numerical_gradient(
        W, b, X, labels, loss, margin, regularization, h, method
    )


@njit
def train_linear(
    X,
    labels,
    classes,
    loss,
    gradient,
    margin,
    h,
    method,
    train_bias,
    learning_rate,
    epochs,
    batch_size,
    momentum,
    regularization,
    seed,
    W0,
    b0,
):
    return kernels.train_linear(
        X,
        labels,
        classes,
        loss,
        gradient,
        margin,
        h,
        method,
        train_bias,
        learning_rate,
        epochs,
        batch_size,
        momentum,
        regularization,
        seed,
        W0,
        b0,
    )


@njit
def numerical_gradient(f, x, h, method):
    return kernels.numerical_gradient(f, x, h, method)


@njit
def relative_error(a, b):
    return kernels.relative_error(a, b)


@njit
def check_gradient(f, gradient, x, h, tolerance):
    return kernels.check_gradient(f, gradient, x, h, tolerance)


@njit
def gradient_descent(gradient, x0, learning_rate, steps):
    return kernels.gradient_descent(gradient, x0, learning_rate, steps)


# Where the default is None, which jitted code takes too, but as another type
INSTEAD_OF_NONE = {"batch_size": 2, "W0": [[0.5, -0.5]], "b0": [0.0, 0.0]}


def arguments(operation):
    """All arguments of a valid call, in the types that jitted code takes."""
    parameters = inspect.signature(getattr(reference, operation)).parameters
    defaults = {name: one.default for name, one in parameters.items()}
    given = {**defaults, **INSTEAD_OF_NONE, **GOOD[operation]}
    return {name: as_compiled(given[name]) for name in parameters}


def as_compiled(value):
    """An argument in a type that jitted code takes: an array for a list, a jitted function."""
    if callable(value):
        return jitted(value)
    return np.array(value) if isinstance(value, list) else value
