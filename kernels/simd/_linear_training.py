"""Training of the linear classifier, compiled from the first epoch to the last."""

from typing import Any

import numpy as np
from numba import types

from kernels.simd import _check_values
from kernels.simd._check_in_kernels import (
    at_least,
    check_linear,
    check_steps,
    finite,
    refuse_labels,
    step_size,
)
from kernels.simd._linear import (
    analytic_gradient,
    check_objective,
    linear_objective,
    vector,
)
from kernels.simd._linear_differences import numerical_gradient
from kernels.simd._overloads import as_dtype, as_float64
from kernels.simd._ways import known_loss
from kernels.simd.compiler import LABELS, kernel
from kernels.simd.vectors import pointer


@kernel
def splitmix64(value):
    """One output of SplitMix64 for a state; the constants are the paper's."""
    value += np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def shuffled(samples, seed_bits, epoch):
    """Order of an epoch: the samples, stably sorted by a hash of (seed, epoch, sample)."""
    epoch_key = splitmix64(splitmix64(seed_bits) ^ np.uint64(epoch))
    keys = np.empty(samples, np.uint64)
    for i in range(samples):
        keys[i] = splitmix64(epoch_key ^ np.uint64(i))
    return np.argsort(keys, kind="mergesort")


@kernel
def descend(parameters, velocity, slopes, learning_rate, momentum):
    """One step with momentum, in place."""
    rate, share = parameters.dtype.type(learning_rate), parameters.dtype.type(momentum)
    values, speeds, changes = pointer(parameters, 0), pointer(velocity, 0), pointer(slopes, 0)
    for i in range(parameters.size):
        speeds[i] = share * speeds[i] - rate * changes[i]
        values[i] += speeds[i]


@kernel(known=("svm", "way", "numerical"))
def batch_gradient(W, b, X, labels, objective, step, with_biases, svm, way, numerical):
    """Loss before the update, dW and, if `with_biases`, db."""
    if numerical:
        wide = as_float64(W), as_float64(b), as_float64(X)
        loss, dW, db = numerical_gradient(*wide, labels, objective, step, with_biases, svm, way)
        return loss, as_dtype(dW, W), as_dtype(db, W)
    return analytic_gradient(W, b, X, labels, objective, svm, way)


@kernel(entry=True)
def train_kernel(
    X, labels, W, b, losses, objective, step, descent, batching, svm, way, numerical, one_batch
):
    """`train_linear` with checks of the values; trains W and b in place and fills `losses`."""
    check_linear("train_linear", W.shape, b.size, X.shape, labels, "W0", "b0")
    check_objective("train_linear", *objective)
    step_size("train_linear", step[0])
    train_bias, learning_rate, momentum = descent
    finite("train_linear", "learning_rate", learning_rate)
    finite("train_linear", "momentum", momentum)
    batch_size, seed_bits = batching
    at_least("train_linear", "batch_size", batch_size, 1)
    W_velocity, b_velocity = np.zeros_like(W), np.zeros_like(b)
    samples = labels.size
    batch_X, batch_labels = X, labels
    order = np.empty(0, np.int64)
    for epoch in range(losses.size):
        if not one_batch:
            losses[epoch] = linear_objective(W, b, X, labels, objective, svm, way)
            order = shuffled(samples, seed_bits, epoch)
        for start in range(0, samples, batch_size):
            if not one_batch:
                batch = order[start : min(start + batch_size, samples)]
                batch_X, batch_labels = X[batch], labels[batch]
            if numerical:
                check_steps("train_linear", "W", W, *step)
                if train_bias:
                    check_steps("train_linear", "b", b, *step)
            batch_loss, dW, db = batch_gradient(
                W, b, batch_X, batch_labels, objective, step, train_bias, svm, way, numerical
            )
            if one_batch:
                losses[epoch] = batch_loss
            descend(W, W_velocity, dW, learning_rate, momentum)
            if train_bias:
                descend(b, b_velocity, db, learning_rate, momentum)


def train_signature(X: Any, known: tuple[Any, ...]) -> tuple[Any, ...]:
    """Signature of `train_kernel` for a type of samples; see `compiler.Signature`.

    Known are (svm, classes), whether the gradient is numerical, and whether there is one batch.
    """
    loss, *others = known
    losses = types.Array(types.float64, 1, "C")
    objective = types.Tuple((types.float64, types.float64))
    step = types.Tuple((types.float64, types.boolean))
    descent = types.Tuple((types.boolean, types.float64, types.float64))
    batching = types.Tuple((types.int64, types.uint64))
    return (
        X,
        LABELS,
        X,
        vector(X),
        losses,
        objective,
        step,
        descent,
        batching,
        *known_loss(X, *loss),
        *map(types.Omitted, others),
    )


@kernel
def count_classes(labels):
    """Number of classes by default: the largest label + 1, at least 1."""
    largest = 0
    for label in labels:
        largest = max(largest, label)
    if largest >= _check_values.MAX_COUNT:
        refuse_labels("train_linear", labels, _check_values.MAX_COUNT)
    return largest + 1
