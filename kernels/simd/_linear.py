"""The linear classifier's scores, loss and analytic gradient, and their kernels.

They take contiguous arrays of one dtype, which the public functions of `linear` make. Matrix
products are BLAS's; the losses of the scores are those of `_losses`.
"""

from typing import Any

import numpy as np
from numba import types

from kernels.simd._arrays import multiply, new_array
from kernels.simd._check_in_kernels import at_least_zero, check_linear, finite
from kernels.simd._losses import (
    softmax_gradient_block,
    softmax_loss_block,
    svm_block,
    svm_gradient_block,
)
from kernels.simd._ways import known_loss
from kernels.simd.compiler import LABELS, kernel
from kernels.simd.thresholds import LOOP_MAX_PRODUCTS
from kernels.simd.vectors import pointer


@kernel
def linear_scores(W, b, X):
    """Scores X·W + b, (N, C)."""
    scores = new_array((X.shape[0], b.size), W.dtype)
    if X.size * b.size > LOOP_MAX_PRODUCTS:
        multiply(X, W, scores)
        for i in range(scores.shape[0]):
            for c in range(scores.shape[1]):
                scores[i, c] += b[c]
        return scores
    for i in range(scores.shape[0]):
        for c in range(scores.shape[1]):
            total = b[c]
            for d in range(X.shape[1]):
                total += X[i, d] * W[d, c]
            scores[i, c] = total
    return scores


@kernel
def penalty(W, regularization):
    """λ·ΣW², summed in float64."""
    total, weights = 0.0, pointer(W, 0)
    for i in range(W.size):
        total += np.float64(weights[i]) * np.float64(weights[i])
    return regularization * total


@kernel(known=("svm", "way"))
def loss_of(scores, labels, W, objective, svm, way):
    """Loss of the classifier with these scores, regularization included."""
    margin, regularization = objective
    if svm:
        data_loss = svm_block(scores, labels, margin, 0, labels.size, way)
    else:
        data_loss = softmax_loss_block(scores, labels, 0, labels.size, way)
    return data_loss / labels.size + penalty(W, regularization)


@kernel(known=("svm", "way"))
def analytic_gradient(W, b, X, labels, objective, svm, way):
    """Loss, dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i."""
    margin, regularization = objective
    scores = linear_scores(W, b, X)
    dscores = new_array(scores.shape, scores.dtype)
    if svm:
        data_loss = svm_gradient_block(scores, labels, margin, 0, labels.size, dscores, way)
    else:
        data_loss = softmax_gradient_block(scores, labels, 0, labels.size, dscores, way)
    dW, db = new_array(W.shape, W.dtype), new_array(b.size, b.dtype)
    multiply(X.T, dscores, dW)
    add_penalty_slopes(W, regularization, dW)
    fill_sums(dscores, db)
    return data_loss / labels.size + penalty(W, regularization), dW, db


@kernel
def add_penalty_slopes(W, regularization, dW):
    """Add 2λW to dW."""
    factor = W.dtype.type(2.0 * regularization)
    weights, slopes = pointer(W, 0), pointer(dW, 0)
    for i in range(W.size):
        slopes[i] += factor * weights[i]


@kernel
def fill_sums(dscores, db):
    """Fill db with the sums of the columns, added in float64."""
    sums = new_array(db.size, np.float64)
    for c in range(db.size):
        sums[c] = 0.0
    for i in range(dscores.shape[0]):
        for c in range(db.size):
            sums[c] += dscores[i, c]
    for c in range(db.size):
        db[c] = sums[c]


@kernel
def check_objective(function, margin, regularization):
    """Refuse a bad margin or regularization."""
    at_least_zero(function, "margin", margin)
    finite(function, "regularization", regularization)


@kernel(entry=True)
def linear_loss_kernel(W, b, X, labels, margin, regularization, svm, way):
    """`linear_loss` with checks of the values."""
    check_linear("linear_loss", W.shape, b.size, X.shape, labels, "W", "b")
    check_objective("linear_loss", margin, regularization)
    return loss_of(linear_scores(W, b, X), labels, W, (margin, regularization), svm, way)


@kernel(entry=True)
def linear_gradient_kernel(W, b, X, labels, margin, regularization, svm, way):
    """`linear_gradient` with checks of the values."""
    check_linear("linear_gradient", W.shape, b.size, X.shape, labels, "W", "b")
    check_objective("linear_gradient", margin, regularization)
    return analytic_gradient(W, b, X, labels, (margin, regularization), svm, way)


def vector(matrix: Any) -> Any:
    """Numba type of a vector in a matrix's dtype."""
    return types.Array(matrix.dtype, 1, "C")


def objective_signature(matrix: Any, loss: tuple[bool, int]) -> tuple[Any, ...]:
    """Signature of a kernel for a type of matrix and (svm, classes); see `compiler.Signature`."""
    objective = types.float64, types.float64
    return matrix, vector(matrix), matrix, LABELS, *objective, *known_loss(matrix, *loss)
