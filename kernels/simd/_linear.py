"""The linear classifier's scores, loss and analytic gradient, and their kernels.

They take contiguous arrays of one dtype, which the public functions of `linear` make. Matrix
products are BLAS's, or for few classes those of `_products`; the losses of the scores are those of
`_losses`. Scores are made for a block of samples at a time, and blocks are added in order: no array
is as large as samples times classes.
"""

from typing import Any

import numpy as np
from numba import types

from kernels.simd._arrays import add_product, least, multiply, new_array, rows_of
from kernels.simd._check_in_kernels import at_least_zero, check_linear, finite
from kernels.simd._losses import (
    MAX_LANES,
    softmax_gradient_block,
    softmax_loss_block,
    svm_block,
    svm_gradient_block,
)
from kernels.simd._products import add_to_slopes, fill_products
from kernels.simd._ways import known_loss
from kernels.simd.compiler import LABELS, kernel
from kernels.simd.thresholds import (
    LINEAR_BLOCK_BYTES,
    LINEAR_BLOCK_MIN_ROWS,
    LOOP_MAX_PRODUCTS,
    TILES_MAX_CLASSES,
    TILES_MIN_FEATURES,
    TILES_MIN_PRODUCTS,
    TILES_MIN_SAMPLES,
)
from kernels.simd.vectors import pointer


@kernel
def rows_at_once(samples, row_bytes, least_rows):
    """Samples in a block, each of which takes so many bytes; they depend on the shapes only.

    A multiple of the rows that `_columns` takes at once, if a block holds that many.
    """
    rows = LINEAR_BLOCK_BYTES // row_bytes
    if rows >= MAX_LANES:
        rows -= rows % MAX_LANES
    if rows < least_rows:
        rows = least_rows
    return least(rows, samples)


@kernel
def samples_at_once(W, samples):
    """Samples in a block of scores in W's dtype; see `LINEAR_BLOCK_MIN_ROWS`."""
    features, classes = W.shape
    return rows_at_once(samples, classes * W.itemsize, least(features, LINEAR_BLOCK_MIN_ROWS))


@kernel
def goes_by_tiles(X, classes):
    """Whether a product of samples is faster by tiles than by BLAS; see `TILES_MAX_CLASSES`."""
    samples, features = X.shape
    if classes > TILES_MAX_CLASSES or samples * features * classes <= TILES_MIN_PRODUCTS:
        return False
    return samples >= TILES_MIN_SAMPLES and features >= TILES_MIN_FEATURES


@kernel
def fill_scores(W, b, X, scores):
    """Fill the scores X·W + b, (N, C)."""
    if goes_by_tiles(X, b.size):
        fill_products(W, b, X, scores)
        return
    if X.size * b.size > LOOP_MAX_PRODUCTS:
        multiply(X, W, scores)
        for i in range(scores.shape[0]):
            for c in range(scores.shape[1]):
                scores[i, c] += b[c]
        return
    for i in range(scores.shape[0]):
        for c in range(scores.shape[1]):
            total = b[c]
            for d in range(X.shape[1]):
                total += X[i, d] * W[d, c]
            scores[i, c] = total


@kernel
def penalty(W, regularization):
    """λ·ΣW², summed in float64."""
    total, weights = 0.0, pointer(W, 0)
    for i in range(W.size):
        total += np.float64(weights[i]) * np.float64(weights[i])
    return regularization * total


@kernel(known=("svm", "way"))
def losses_of(scores, labels, margin, svm, way):
    """Sum of the losses of some scores."""
    if svm:
        return svm_block(scores, labels, margin, 0, labels.size, way)
    return softmax_loss_block(scores, labels, 0, labels.size, way)


@kernel(known=("svm", "way"))
def linear_objective(W, b, X, labels, objective, svm, way):
    """Loss of the classifier, regularization included."""
    margin, regularization = objective
    samples = labels.size
    rows = samples_at_once(W, samples)
    scores, data_loss = new_array((rows, b.size), W.dtype), 0.0
    for start in range(0, samples, rows):
        stop = least(start + rows, samples)
        some = rows_of(scores, 0, stop - start)
        fill_scores(W, b, rows_of(X, start, stop), some)
        data_loss += losses_of(some, rows_of(labels, start, stop), margin, svm, way)
    return data_loss / samples + penalty(W, regularization)


@kernel(known=("svm", "way"))
def gradients_of(scores, labels, margin, weight, dscores, svm, way):
    """Fill the derivatives by some scores, times `weight`; return the sum of their losses."""
    stop = labels.size
    if svm:
        return svm_gradient_block(scores, labels, margin, weight, 0, stop, dscores, way)
    return softmax_gradient_block(scores, labels, weight, 0, stop, dscores, way)


@kernel(known=("svm", "way"))
def analytic_gradient(W, b, X, labels, objective, svm, way):
    """Loss, dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i."""
    margin, regularization = objective
    samples = labels.size
    rows = samples_at_once(W, samples)
    scores = new_array((rows, b.size), W.dtype)
    # of many samples it is the scores' own array: half the memory, and more of it in cache
    many = samples * b.size * W.itemsize > LINEAR_BLOCK_BYTES
    dscores = scores if many else new_array((rows, b.size), W.dtype)
    dW, sums, data_loss = new_array(W.shape, W.dtype), zeros(b.size), 0.0
    for start in range(0, samples, rows):
        stop = least(start + rows, samples)
        its_X, its_labels = rows_of(X, start, stop), rows_of(labels, start, stop)
        some, its_slopes = rows_of(scores, 0, stop - start), rows_of(dscores, 0, stop - start)
        fill_scores(W, b, its_X, some)
        weight = 1.0 / samples
        data_loss += gradients_of(some, its_labels, margin, weight, its_slopes, svm, way)
        if goes_by_tiles(its_X, b.size):
            add_to_slopes(its_X, its_slopes, start == 0, dW)
        elif start == 0:
            multiply(its_X.T, its_slopes, dW)
        else:
            add_product(its_X.T, its_slopes, dW)
        add_rows(its_slopes, sums)
    add_penalty_slopes(W, regularization, dW)
    return data_loss / samples + penalty(W, regularization), dW, rounded(sums, b)


@kernel
def add_penalty_slopes(W, regularization, dW):
    """Add 2λW to dW."""
    factor = W.dtype.type(2.0 * regularization)
    weights, slopes = pointer(W, 0), pointer(dW, 0)
    for i in range(W.size):
        slopes[i] += factor * weights[i]


@kernel
def zeros(size):
    """Float64 zeros."""
    numbers = new_array(size, np.float64)
    for c in range(size):
        numbers[c] = 0.0
    return numbers


@kernel
def add_rows(dscores, sums):
    """Add the rows to float64 sums of the columns."""
    for i in range(dscores.shape[0]):
        for c in range(sums.size):
            sums[c] += dscores[i, c]


@kernel
def rounded(sums, like):
    """The sums in the dtype of an array."""
    result = new_array(sums.size, like.dtype)
    for c in range(sums.size):
        result[c] = sums[c]
    return result


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
    return linear_objective(W, b, X, labels, (margin, regularization), svm, way)


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
