"""The linear classifier scores = X·W + b in NumPy: its loss, gradients and training.

`X` is (N, D), `W` (D, C), `b` (C,), `labels` (N,) integers in [0, C); `loss` is "svm" or "softmax".
Regularization λ adds λ·ΣW² (without the biases).
"""

import numpy as np

from kernels.vectorized.gradients import numerical_gradient
from kernels.vectorized.losses import (
    softmax_loss,
    softmax_loss_gradient,
    svm_loss,
    svm_loss_gradient,
)


def linear_loss(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Loss of the linear classifier, regularization included.

    >>> one = np.ones((1, 1))
    >>> round(linear_loss(np.zeros((1, 2)), np.zeros(2), one, np.array([0])), 4)
    0.6931
    """
    scores = X @ W + b
    value = svm_loss(scores, labels, margin) if loss == "svm" else softmax_loss(scores, labels)
    return value + regularization * float(np.sum(W * W))


def linear_gradient(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Return the loss, dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i.

    >>> one = np.ones((1, 1))
    >>> linear_gradient(np.zeros((1, 2)), np.zeros(2), one, np.array([0]))[1:]
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    scores = X @ W + b
    if loss == "svm":
        value, dscores = svm_loss_gradient(scores, labels, margin)
    else:
        value, dscores = softmax_loss_gradient(scores, labels)
    dW = X.T @ dscores + 2.0 * regularization * W
    db = dscores.sum(axis=0, dtype=np.float64).astype(b.dtype)
    return value + regularization * float(np.sum(W * W)), dW, db


def linear_numerical_gradient(
    W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0, h=1e-5, method="central"
):
    """Finite differences of the loss by W and b: two losses for each entry.

    >>> one = np.ones((1, 1))
    >>> dW, db = linear_numerical_gradient(np.zeros((1, 2)), np.zeros(2), one, np.array([0]))
    >>> dW.round(6), db.round(6)
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    options = labels, loss, margin, regularization
    W64, b64, X64 = W.astype(np.float64), b.astype(np.float64), X.astype(np.float64)
    dW = numerical_gradient(lambda moved: linear_loss(moved, b64, X64, *options), W, h, method)
    db = numerical_gradient(lambda moved: linear_loss(W64, moved, X64, *options), b, h, method)
    return dW, db


def train_linear(
    X, labels, classes=None, loss="softmax", gradient="analytic", margin=1.0, h=1e-5,
    method="central", train_bias=True, learning_rate=0.01, epochs=100, batch_size=None,
    momentum=0.0, regularization=0.0, seed=0, W0=None, b0=None,
):  # fmt: skip
    """Train by (mini-batch) gradient descent with momentum; return W, b and the losses.

    Each update is v ← momentum·v − learning_rate·gradient, then parameter ← parameter + v.
    `losses[e]` is the loss over all samples before epoch e's updates.

    >>> X, labels = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> W, b, losses = train_linear(X, labels, epochs=2, learning_rate=1.0)
    >>> W.round(4), losses.round(4)
    (array([[-0.7689,  0.7689]]), array([0.6931, 0.3133]))
    """
    count = labels.max() + 1 if classes is None else classes
    W = np.zeros((X.shape[1], count), X.dtype) if W0 is None else W0.copy()
    b = np.zeros(count, X.dtype) if b0 is None else b0.copy()
    W_velocity, b_velocity = np.zeros_like(W), np.zeros_like(b)
    size = len(X) if batch_size is None else batch_size
    batches = [slice(None)]  # all samples, not copied
    losses = np.empty(epochs)
    for epoch in range(epochs):
        losses[epoch] = linear_loss(W, b, X, labels, loss, margin, regularization)
        if size < len(X):
            order = shuffled(len(X), seed, epoch)
            batches = [order[start : start + size] for start in range(0, len(X), size)]
        for batch in batches:
            data = X[batch], labels[batch], loss, margin, regularization
            if gradient == "numerical":
                dW, db = linear_numerical_gradient(W, b, *data, h, method)
            else:
                _, dW, db = linear_gradient(W, b, *data)
            W_velocity = momentum * W_velocity - learning_rate * dW
            W += W_velocity
            if train_bias:
                b_velocity = momentum * b_velocity - learning_rate * db
                b += b_velocity
    return W, b, losses


def shuffled(samples, seed, epoch):
    """Order of an epoch: the stable sort of the samples by a hash of (seed, epoch, sample)."""
    epoch_key = splitmix64(splitmix64(np.array([seed % 2**64], np.uint64)) ^ np.uint64(epoch))
    return np.argsort(splitmix64(epoch_key ^ np.arange(samples, dtype=np.uint64)), kind="stable")


def splitmix64(values):
    """One output of SplitMix64 (Steele, Lea and Flood 2014) for each of some uint64."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
