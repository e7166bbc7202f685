"""The linear classifier scores = X·W + b: its loss, gradients and training.

Matrix products are BLAS's; the losses of the scores are the blocks of `losses`; training runs
compiled from its first epoch to its last. Regularization λ adds λ·ΣW² (the biases are left out).
Kernels here take contiguous arrays of one dtype, which the public functions make.

Flags and variants are left to `compiler`, checks to `_check_in_kernels` and `_overloads`.
"""

import math
from typing import Any

import numpy as np
from numba import prange, types
from numba.extending import overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _check_values, elementary
from kernels.simd._check_in_kernels import (
    at_least,
    at_least_zero,
    at_most,
    check_linear,
    check_steps,
    choice,
    entries,
    finite,
    refuse_labels,
    step_size,
)
from kernels.simd._check_types import (
    accept_integer,
    accept_labels,
    accept_real,
    accept_reals,
    accept_text,
    common_dtype,
    is_none,
)
from kernels.simd._overloads import (
    as_contiguous,
    as_dtype,
    as_float64,
    as_labels,
    as_real,
    batch_of,
    or_default,
    or_zeros,
    pick,
)
from kernels.simd._rows import label_of
from kernels.simd.compiler import dual_kernel, kernel, variants, worth_threads
from kernels.simd.losses import (
    LABELS,
    softmax_gradient_block,
    softmax_loss_block,
    svm_block,
    svm_gradient_block,
)
from kernels.simd.vectors import pointer

FEATURES = 64
"""Features in a block of finite differences: their sums for a few classes stay in cache."""

SMALL_PRODUCT = 256
"""Multiplications of a matrix product that take less time than BLAS needs to begin."""

LARGEST_SHIFT = 300.0
"""Above it exp(shift)², which the difference of two softmax losses holds, would overflow."""


def _vector(matrix: Any) -> Any:
    return types.Array(matrix.dtype, 1, "C")


# --- scores, losses and analytic gradients of arrays that were checked


@kernel
def linear_scores(W, b, X):
    """Scores X·W + b, (N, C)."""
    if X.size * b.size > SMALL_PRODUCT:
        scores = X @ W
        for i in range(scores.shape[0]):
            for c in range(scores.shape[1]):
                scores[i, c] += b[c]
        return scores
    scores = np.empty((X.shape[0], b.size), W.dtype)
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


@kernel
def loss_of(scores, labels, W, objective):
    """Loss of the classifier that has these scores, regularization included."""
    svm, margin, regularization = objective
    if svm:
        data_loss = svm_block(scores, labels, margin, 0, labels.size)
    else:
        data_loss = softmax_loss_block(scores, labels, 0, labels.size)
    return data_loss / labels.size + penalty(W, regularization)


@kernel
def analytic_gradient(W, b, X, labels, objective):
    """Loss, dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i."""
    svm, margin, regularization = objective
    scores = linear_scores(W, b, X)
    dscores = np.empty_like(scores)
    if svm:
        data_loss = svm_gradient_block(scores, labels, margin, 0, labels.size, dscores)
    else:
        data_loss = softmax_gradient_block(scores, labels, 0, labels.size, dscores)
    dW = X.T @ dscores
    dW += W.dtype.type(2.0 * regularization) * W
    sums = np.zeros(b.size)
    for i in range(dscores.shape[0]):
        for c in range(b.size):
            sums[c] += dscores[i, c]
    return data_loss / labels.size + penalty(W, regularization), dW, as_dtype(sums, b)


# --- finite differences, updated instead of computed anew


@kernel
def softmax_shares(scores, own, others):
    """Fill `own` with each class's share of its row's sum of exps, `others` with all the rest's.

    The rest is added up from both sides, not taken as 1 − share, which would lose its digits.
    """
    classes = scores.shape[1]
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for c in range(1, classes):
            largest = elementary.maximum_nsz(largest, scores[i, c])
        before = 0.0
        for c in range(classes):
            own[i, c] = math.exp(scores[i, c] - largest)
            others[i, c] = before
            before += own[i, c]
        after = 0.0
        for c in range(classes - 1, -1, -1):
            others[i, c] += after
            after += own[i, c]
        for c in range(classes):
            own[i, c] /= before
            others[i, c] /= before


@kernel
def far_change(row, c, shift, central):
    """Change of a row's logsumexp by a shift of class c whose exp would overflow."""
    below = row[c] - shift if central else row[c]
    above = row[c] + shift
    largest = -math.inf
    for j in range(row.size):
        if j != c:
            largest = max(largest, row[j])
    highest, lowest = max(largest, above), max(largest, below)
    high, low = math.exp(above - highest), math.exp(below - lowest)
    for j in range(row.size):
        if j != c:
            high += math.exp(row[j] - highest)
            low += math.exp(row[j] - lowest)
    return (highest - lowest) + (math.log(high) - math.log(low))


@kernel
def rises(shifts, central, low, rise):
    """Fill `low` with the lower of the exps that each shift compares, `rise` with their difference.

    The two are exp(δ) and exp(−δ), or exp(δ) and 1. Returns whether a shift is too large for them.
    """
    far = 0
    for k in range(shifts.size):
        size = abs(shifts[k])
        far |= size > LARGEST_SHIFT
        if central:
            up = elementary.expm1(min(size, LARGEST_SHIFT))
            low[k] = 1.0 / (1.0 + up)
            rise[k] = up + up * low[k]
        else:
            low[k] = elementary.exp(min(shifts[k], 0.0))
            rise[k] = abs(elementary.expm1(min(shifts[k], LARGEST_SHIFT)))
    return far != 0


@kernel(inline=True)
def near_change(own, others, low, rise, shift):
    """Change of a row's logsumexp by a shift of a class, from the shares before it.

    With p the share of the class and r that of the others, a shift δ multiplies the row's sum of
    exps by r + p·exp(δ). The difference of two such logarithms is one log1p of a ratio:
    log(high) − log(low) = log1p((high − low) / low), taken with high ≥ low, which cancels nothing.
    """
    return math.copysign(elementary.log1p(own * rise / (others + own * low)), shift)


@kernel
def softmax_changes(scores, i, own, others, label, shifts, low, rise, central, change):
    """Add what a sample's softmax loss differs by to `change` (C, K), for shifts of each class.

    `low` and `rise` are scratch of the shifts' size.
    """
    if scores[i, label] == -math.inf:  # both losses are inf, and have no difference
        change += math.nan
        return
    far = rises(shifts, central, low, rise)
    for c in range(scores.shape[1]):
        p, r = own[i, c], others[i, c]
        if not far:  # nearly always; a loop with the test in it would not vectorise
            for k in range(shifts.size):
                change[c, k] += near_change(p, r, low[k], rise[k], shifts[k])
        else:
            for k in range(shifts.size):
                if abs(shifts[k]) <= LARGEST_SHIFT:
                    change[c, k] += near_change(p, r, low[k], rise[k], shifts[k])
                else:
                    change[c, k] += far_change(scores[i], c, shifts[k], central)
    travel = 2.0 if central else 1.0
    for k in range(shifts.size):
        change[label, k] -= travel * shifts[k]


@kernel
def excess(scores, i, c, label, margin):
    """What a score lacks to being `margin` below the correct one."""
    return (scores[i, c] - scores[i, label]) + margin


@kernel
def has_no_hinge(scores, i, label, margin):
    """Whether the hinge loss of a row is NaN."""
    worst = 0.0
    for c in range(scores.shape[1]):
        if c != label:
            worst = elementary.maximum_nsz(worst, excess(scores, i, c, label, margin))
    return math.isnan(worst)


@kernel
def svm_changes(scores, i, label, margin, shifts, central, change):
    """Add what a sample's hinge loss differs by to `change` (C, K), for shifts of each class.

    Where c is a wrong class, one term of the sum moves; where it is the label, all the others do.
    """
    if has_no_hinge(scores, i, label, margin):
        change += math.nan
        return
    back = 1.0 if central else 0.0
    for c in range(scores.shape[1]):
        if c != label:
            here = excess(scores, i, c, label, margin)
            for k in range(shifts.size):
                below = elementary.maximum_nsz(here - back * shifts[k], 0.0)
                change[c, k] += elementary.maximum_nsz(here + shifts[k], 0.0) - below
                below = elementary.maximum_nsz(here + back * shifts[k], 0.0)
                change[label, k] += elementary.maximum_nsz(here - shifts[k], 0.0) - below


@kernel
def block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db):
    """Fill a block of rows of dW; the block after the last one is the biases.

    A bias is the weight of a feature that is 1 in every sample.
    """
    svm, margin, regularization = objective
    h, central = step
    span = 2.0 * h if central else h
    start = block * FEATURES
    of_biases = start >= X.shape[1]
    width = 1 if of_biases else min(FEATURES, X.shape[1] - start)
    room = np.zeros((3 + W.shape[1], width))
    shifts, low, rise, change = room[0], room[1], room[2], room[3:]
    shifts[:] = h
    for i in range(labels.size):
        label = label_of(labels, i, W.shape[1])
        if not of_biases:
            for k in range(width):
                shifts[k] = h * X[i, start + k]
        if svm:
            svm_changes(scores, i, label, margin, shifts, central, change)
        else:
            softmax_changes(scores, i, own, others, label, shifts, low, rise, central, change)
    for c in range(W.shape[1]):
        if of_biases:
            db[c] = change[c, 0] / labels.size / span
        else:
            for k in range(width):
                above = W[start + k, c] + h
                below = W[start + k, c] - h if central else W[start + k, c]
                # (above² − below²) / (above − below), of which the difference would lose digits
                its_penalty = regularization * (above + below)
                dW[start + k, c] = change[c, k] / labels.size / span + its_penalty


@kernel
def block_count(features):
    """Blocks of finite differences: the features', and one for the biases."""
    return (features + FEATURES - 1) // FEATURES + 1


@kernel
def shares_of(scores, svm):
    """Shares of the scores' exps (for the hinge, which has no use for them, anything)."""
    if svm:
        return scores, scores
    own, others = np.empty_like(scores), np.empty_like(scores)
    softmax_shares(scores, own, others)
    return own, others


@kernel
def numerical_gradient(W, b, X, labels, objective, step, with_biases):
    """Loss, and its differences by W and, where they are wanted, b, of float64 arrays."""
    scores = linear_scores(W, b, X)
    own, others = shares_of(scores, objective[0])
    dW, db = np.empty_like(W), np.empty_like(b)
    blocks = block_count(X.shape[1])
    for block in range(blocks if with_biases else blocks - 1):
        block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db)
    return loss_of(scores, labels, W, objective), dW, db


# --- linear_loss


@kernel
def check_objective(function, margin, regularization):
    """Refuse a margin or a regularization out of range."""
    at_least_zero(function, "margin", margin)
    finite(function, "regularization", regularization)


@kernel(entry=True)
def linear_loss_kernel(W, b, X, labels, svm, margin, regularization):
    """`linear_loss` with its checks of values."""
    check_linear("linear_loss", W.shape, b.size, X.shape, labels, "W", "b")
    check_objective("linear_loss", margin, regularization)
    return loss_of(linear_scores(W, b, X), labels, W, (svm, margin, regularization))


def _objective_signature(matrix: Any) -> tuple[Any, ...]:
    objective = (types.boolean, types.float64, types.float64)
    return matrix, _vector(matrix), matrix, LABELS, *objective


_linear_loss = variants(linear_loss_kernel, _objective_signature)


def linear_loss(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> float:
    """Loss of the linear classifier, regularization included.

    Parameters
    ----------
    W : (D, C) float
        Weights.
    b : (C,) float
        Biases.
    X : (N, D) float
        Samples. W, b and X compute in float32 where all three are, else in float64.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    loss : "svm" or "softmax"
        Which loss of the scores X·W + b.
    margin : float
        Of the hinge; finite and at least 0.
    regularization : float
        λ of λ·ΣW²; finite.

    Returns
    -------
    float
        Mean loss over the samples plus the penalty.

    Raises
    ------
    TypeError
        Values that are not real numbers, labels that are not integers.
    ValueError
        Dimensions or lengths that do not fit or are 0, a label out of range, a bad option.

    Examples
    --------
    >>> round(linear_loss([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0]), 4)
    0.6931
    """
    W, b, X, labels = _arrays("linear_loss", W, b, X, labels)
    svm, margin, regularization = _options("linear_loss", loss, margin, regularization)
    return float(_linear_loss(W)(W, b, X, labels, svm, margin, regularization))


def _arrays(
    function: str,
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    names: tuple[str, str] = ("W", "b"),
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """W, b, X contiguous and of one dtype, and the labels; their values are not yet checked."""
    X = _check_arguments.real_array(function, "X", X, ("N", "D"))
    W = _check_arguments.real_array(function, names[0], W, ("D", "C"))
    b = _check_arguments.real_array(function, names[1], b, ("C",))
    labels = _check_arguments.label_array(function, labels, W.shape[1])
    W, b, X = (np.ascontiguousarray(array) for array in _check_arguments.one_dtype(W, b, X))
    return W, b, X, labels


def _options(
    function: str, loss: str, margin: float, regularization: float
) -> tuple[bool, float, float]:
    """Whether the loss is the hinge, and the numbers as floats, whose values kernels check."""
    _check_values.choice(function, "loss", loss, _check_values.LOSSES)
    margin = _check_arguments.real(function, "margin", margin)
    regularization = _check_arguments.real(function, "regularization", regularization)
    return loss == "svm", margin, regularization


def _accept_linear(function, W, b, X, labels, loss, margin, regularization):
    """Refuse, at compile time, what `linear_loss` cannot take; return the dtype of the work."""
    accept_reals(function, "W", W, ("D", "C"))
    accept_reals(function, "b", b, ("C",))
    accept_reals(function, "X", X, ("N", "D"))
    accept_labels(function, labels)
    accept_text(function, "loss", loss)
    accept_real(function, "margin", margin)
    accept_real(function, "regularization", regularization)
    return common_dtype(W, b, X)


@overload(linear_loss)
def _linear_loss_in_jit(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    dtype = _accept_linear("linear_loss", W, b, X, labels, loss, margin, regularization)

    def call(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
        choice("linear_loss", "loss", loss, _check_values.LOSSES)
        return linear_loss_kernel(
            as_contiguous(W, dtype),
            as_contiguous(b, dtype),
            as_contiguous(X, dtype),
            as_labels("linear_loss", labels, W.shape[1]),
            loss == "svm",
            as_real(margin),
            as_real(regularization),
        )

    return call


# --- linear_gradient


@kernel(entry=True)
def linear_gradient_kernel(W, b, X, labels, svm, margin, regularization):
    """`linear_gradient` with its checks of values."""
    check_linear("linear_gradient", W.shape, b.size, X.shape, labels, "W", "b")
    check_objective("linear_gradient", margin, regularization)
    return analytic_gradient(W, b, X, labels, (svm, margin, regularization))


_linear_gradient = variants(linear_gradient_kernel, _objective_signature)


def linear_gradient(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """Loss of the linear classifier and its analytic derivatives by W and b.

    dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i.

    Parameters
    ----------
    W, b, X, labels, loss, margin, regularization
        As in `linear_loss`.

    Returns
    -------
    loss : float
        As `linear_loss` gives it.
    dW : (D, C) array
        Derivative by the weights, in the dtype of the computation.
    db : (C,) array
        Derivative by the biases.

    Raises
    ------
    TypeError, ValueError
        As `linear_loss`.

    Examples
    --------
    >>> linear_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])[1:]
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    W, b, X, labels = _arrays("linear_gradient", W, b, X, labels)
    svm, margin, regularization = _options("linear_gradient", loss, margin, regularization)
    result: tuple[float, NDArray[Any], NDArray[Any]] = _linear_gradient(W)(
        W, b, X, labels, svm, margin, regularization
    )
    return result


@overload(linear_gradient)
def _linear_gradient_in_jit(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    dtype = _accept_linear("linear_gradient", W, b, X, labels, loss, margin, regularization)

    def call(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
        choice("linear_gradient", "loss", loss, _check_values.LOSSES)
        return linear_gradient_kernel(
            as_contiguous(W, dtype),
            as_contiguous(b, dtype),
            as_contiguous(X, dtype),
            as_labels("linear_gradient", labels, W.shape[1]),
            loss == "svm",
            as_real(margin),
            as_real(regularization),
        )

    return call


# --- linear_numerical_gradient


@dual_kernel(
    lambda W: (
        *_objective_signature(W),
        types.float64,
        types.boolean,
        W,
        _vector(W),
    )
)
def linear_numerical_gradient_kernel(
    W, b, X, labels, svm, margin, regularization, h, central, dW, db
):
    """`linear_numerical_gradient` of float64 arrays with its checks of values; fills dW and db."""
    function = "linear_numerical_gradient"
    check_linear(function, W.shape, b.size, X.shape, labels, "W", "b")
    check_objective(function, margin, regularization)
    step_size(function, h)
    check_steps(function, "W", W, h, central)
    check_steps(function, "b", b, h, central)
    scores = linear_scores(W, b, X)
    own, others = shares_of(scores, svm)
    objective, step = (svm, margin, regularization), (h, central)
    for block in prange(block_count(X.shape[1])):
        block_differences(block, W, X, labels, scores, own, others, objective, step, dW, db)


def linear_numerical_gradient(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
    h: float = 1e-5,
    method: str = "central",
    *,
    parallel: bool = False,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Finite differences of the loss by W and b, all of them for about the price of a few losses.

    A change of W[d, c] moves column c of the scores only, by h·X[:, d]. So the two losses of each
    difference are not computed anew: what they differ by is, from the unmoved scores.

    Parameters
    ----------
    W, b, X, labels, loss, margin, regularization
        As in `linear_loss`.
    h : float
        The step, finite and above 0, in the unit of the parameters.
    method : "central" or "forward"
        As in `numerical_gradient`.
    parallel : bool
        Whether to use Numba's threads, on blocks of features: the same bits, at any number of
        them. In jitted code, a constant.

    Returns
    -------
    dW : (D, C) array
        Differences by the weights, computed in float64, in the dtype of the inputs.
    db : (C,) array
        Differences by the biases.

    Raises
    ------
    TypeError, ValueError
        As `linear_loss`; also for a bad `h` or `method`.

    Notes
    -----
    This is the finite difference that `numerical_gradient` would give, at any step, not the
    analytic gradient.

    An `h` so small that rounding swallows it in an entry of W or b is a ValueError, as there.

    Examples
    --------
    >>> dW, db = linear_numerical_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])
    >>> dW.round(6), db.round(6)
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    function = "linear_numerical_gradient"
    W, b, X, labels = _arrays(function, W, b, X, labels)
    options = _options(function, loss, margin, regularization)
    h = _check_arguments.real(function, "h", h)
    _check_values.choice(function, "method", method, _check_values.METHODS)
    dtype = W.dtype
    W, b, X = (array.astype(np.float64, copy=False) for array in (W, b, X))
    dW, db = np.empty_like(W), np.empty_like(b)
    threaded = worth_threads(parallel, X.size * b.size)
    run = linear_numerical_gradient_kernel.variant(threaded, W)
    run(W, b, X, labels, *options, h, method == "central", dW, db)
    return dW.astype(dtype, copy=False), db.astype(dtype, copy=False)


@overload(linear_numerical_gradient, prefer_literal=True)
def _linear_numerical_gradient_in_jit(
    W,
    b,
    X,
    labels,
    loss="softmax",
    margin=1.0,
    regularization=0.0,
    h=1e-5,
    method="central",
    parallel=False,
):
    function = "linear_numerical_gradient"
    dtype = _accept_linear(function, W, b, X, labels, loss, margin, regularization)
    accept_real(function, "h", h)
    accept_text(function, "method", method)
    run = pick(function, linear_numerical_gradient_kernel, parallel)

    def call(
        W,
        b,
        X,
        labels,
        loss="softmax",
        margin=1.0,
        regularization=0.0,
        h=1e-5,
        method="central",
        parallel=False,
    ):
        choice(function, "loss", loss, _check_values.LOSSES)
        choice(function, "method", method, _check_values.METHODS)
        dW, db = np.empty(W.shape), np.empty(b.shape)
        run(
            as_contiguous(W, np.float64),
            as_contiguous(b, np.float64),
            as_contiguous(X, np.float64),
            as_labels(function, labels, W.shape[1]),
            loss == "svm",
            as_real(margin),
            as_real(regularization),
            as_real(h),
            method == "central",
            dW,
            db,
        )
        return dW.astype(dtype), db.astype(dtype)

    return call


# --- train_linear


@kernel
def splitmix64(value):
    """One output of SplitMix64 for a state; the constants are the paper's."""
    value += np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def shuffled(samples, seed_bits, epoch):
    """Order of an epoch: the stable sort of the samples by a hash of (seed, epoch, sample)."""
    epoch_key = splitmix64(splitmix64(seed_bits) ^ np.uint64(epoch))
    keys = np.empty(samples, np.uint64)
    for i in range(samples):
        keys[i] = splitmix64(epoch_key ^ np.uint64(i))
    return np.argsort(keys, kind="mergesort")


@kernel
def descend(parameters, velocity, slopes, learning_rate, momentum):
    """One momentum step, in place."""
    rate, share = parameters.dtype.type(learning_rate), parameters.dtype.type(momentum)
    values, speeds, changes = pointer(parameters, 0), pointer(velocity, 0), pointer(slopes, 0)
    for i in range(parameters.size):
        speeds[i] = share * speeds[i] - rate * changes[i]
        values[i] += speeds[i]


@kernel
def batch_gradient(W, b, X, labels, objective, numerical, step, with_biases):
    """Loss before the update, dW and, where they are wanted, db."""
    if numerical:
        wide = as_float64(W), as_float64(b), as_float64(X)
        loss, dW, db = numerical_gradient(*wide, labels, objective, step, with_biases)
        return loss, as_dtype(dW, W), as_dtype(db, W)
    return analytic_gradient(W, b, X, labels, objective)


@kernel(entry=True)
def train_kernel(X, labels, W, b, losses, objective, numerical, step, descent, batching):
    """`train_linear` with its checks of values; trains W and b in place and fills `losses`."""
    check_linear("train_linear", W.shape, b.size, X.shape, labels, "W0", "b0")
    check_objective("train_linear", objective[1], objective[2])
    step_size("train_linear", step[0])
    train_bias, learning_rate, momentum = descent
    finite("train_linear", "learning_rate", learning_rate)
    finite("train_linear", "momentum", momentum)
    batch_size, seed_bits = batching
    at_least("train_linear", "batch_size", batch_size, 1)
    W_velocity, b_velocity = np.zeros_like(W), np.zeros_like(b)
    samples = labels.size
    one_batch = batch_size >= samples
    batch_X, batch_labels = X, labels
    order = np.empty(0, np.int64)
    for epoch in range(losses.size):
        if not one_batch:
            losses[epoch] = loss_of(linear_scores(W, b, X), labels, W, objective)
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
                W, b, batch_X, batch_labels, objective, numerical, step, train_bias
            )
            if one_batch:
                losses[epoch] = batch_loss
            descend(W, W_velocity, dW, learning_rate, momentum)
            if train_bias:
                descend(b, b_velocity, db, learning_rate, momentum)


def _train_signature(X: Any) -> tuple[Any, ...]:
    losses = types.Array(types.float64, 1, "C")
    objective = types.Tuple((types.boolean, types.float64, types.float64))
    step = types.Tuple((types.float64, types.boolean))
    descent = types.Tuple((types.boolean, types.float64, types.float64))
    batching = types.Tuple((types.int64, types.uint64))
    return (
        X,
        LABELS,
        X,
        _vector(X),
        losses,
        objective,
        types.boolean,
        step,
        descent,
        batching,
    )


_train = variants(train_kernel, _train_signature)


def train_linear(
    X: ArrayLike,
    labels: ArrayLike,
    classes: int | None = None,
    loss: str = "softmax",
    gradient: str = "analytic",
    margin: float = 1.0,
    h: float = 1e-5,
    method: str = "central",
    train_bias: bool = True,
    learning_rate: float = 0.01,
    epochs: int = 100,
    batch_size: int | None = None,
    momentum: float = 0.0,
    regularization: float = 0.0,
    seed: int = 0,
    W0: ArrayLike | None = None,
    b0: ArrayLike | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Train a linear classifier by (mini-batch) gradient descent with momentum.

    Each update is v ← momentum·v − learning_rate·gradient, then parameter ← parameter + v.

    Parameters
    ----------
    X : (N, D) float
        Samples.
    labels : (N,) integers in [0, classes)
        The right class of each sample.
    classes : int, optional
        C; the largest label + 1 where it is not given.
    loss, margin, regularization
        As in `linear_loss`.
    gradient : "analytic" or "numerical"
        How each update's gradient is had: `linear_gradient` or `linear_numerical_gradient`.
    h, method
        Of the numerical gradient, as in `numerical_gradient`.
    train_bias : bool
        Whether the biases move.
    learning_rate : float
        Finite.
    epochs : int
        Passes over the samples, at least 0.
    batch_size : int, optional
        Samples an update, at least 1. Not given (or N and more): all of them, one update an epoch.
    momentum : float
        Share of the last step that is taken again; finite.
    seed : int
        Of the order of the samples, where there are batches.
    W0 : (D, C) float, optional
        Weights at the start; zeros where not given.
    b0 : (C,) float, optional
        Biases at the start; zeros where not given.

    Returns
    -------
    W : (D, C) array
        The trained weights: float32 where X, W0 and b0 (those given) are, else float64.
    b : (C,) array
        The trained biases.
    losses : (epochs,) float64 array
        Loss over all samples before each epoch's updates.

    Raises
    ------
    TypeError
        Values that are not real numbers, labels and counts that are not integers.
    ValueError
        Dimensions or lengths that do not fit or are 0, a label out of range, a bad option.

    Notes
    -----
    The order of epoch e is the stable sort of the samples by SplitMix64 of (seed, e, i): the same
    in the texts and in the library.

    Source: Stanford CS231n, lecture 3; SplitMix64: Steele, Lea and Flood, OOPSLA 2014.

    Examples
    --------
    >>> W, b, losses = train_linear([[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0)
    >>> W.round(4), losses.round(4)
    (array([[-0.7689,  0.7689]]), array([0.6931, 0.3133]))
    """
    function = "train_linear"
    X = _check_arguments.real_array(function, "X", X, ("N", "D"))
    known = (
        _check_values.MAX_COUNT
        if classes is None
        else _check_arguments.count(function, "classes", classes, 1)
    )
    labels = _check_arguments.label_array(function, labels, known)
    classes = _class_count(labels) if classes is None else known
    W0 = np.zeros((X.shape[1], classes), X.dtype) if W0 is None else W0
    b0 = np.zeros(classes, X.dtype) if b0 is None else b0
    W, b, X, labels = _arrays(function, W0, b0, X, labels, ("W0", "b0"))
    _check_values.entries(function, "W0", W.shape[1], classes, "columns", "class")
    objective = _options(function, loss, margin, regularization)
    _check_values.choice(function, "gradient", gradient, _check_values.GRADIENTS)
    _check_values.choice(function, "method", method, _check_values.METHODS)
    step = _check_arguments.real(function, "h", h), method == "central"
    epochs = _check_arguments.count(function, "epochs", epochs, 0)
    batch_size = len(X) if batch_size is None else _batch_size(batch_size, len(X))
    seed_bits = _check_arguments.integer(function, "seed", seed) % 2**64
    batching = batch_size, seed_bits
    descent = (
        bool(train_bias),
        _check_arguments.real(function, "learning_rate", learning_rate),
        _check_arguments.real(function, "momentum", momentum),
    )
    W, b, losses = W.copy(), b.copy(), np.empty(epochs)
    numerical = gradient == "numerical"
    _train(X)(X, labels, W, b, losses, objective, numerical, step, descent, batching)
    return W, b, losses


def _batch_size(batch_size: int, samples: int) -> int:
    """Size of a batch, at most all samples, also where int64 does not hold it."""
    batch_size = _check_arguments.integer("train_linear", "batch_size", batch_size)
    _check_values.at_least("train_linear", "batch_size", batch_size, 1)
    return min(batch_size, samples)


def _class_count(labels: NDArray[np.int64]) -> int:
    """Classes that there are where nobody says: the largest label + 1, at least 1."""
    largest = max(int(labels.max(initial=0)), 0)
    if largest >= _check_values.MAX_COUNT:
        _check_arguments.refuse_first_label("train_linear", labels, _check_values.MAX_COUNT)
    return largest + 1


@overload(train_linear)
def _train_linear_in_jit(
    X,
    labels,
    classes=None,
    loss="softmax",
    gradient="analytic",
    margin=1.0,
    h=1e-5,
    method="central",
    train_bias=True,
    learning_rate=0.01,
    epochs=100,
    batch_size=None,
    momentum=0.0,
    regularization=0.0,
    seed=0,
    W0=None,
    b0=None,
):
    function = "train_linear"
    accept_reals(function, "X", X, ("N", "D"))
    accept_labels(function, labels)
    given = [X]
    for argument, array, axes in (("W0", W0, ("D", "C")), ("b0", b0, ("C",))):
        if not is_none(array):
            accept_reals(function, argument, array, axes)
            given.append(array)
    for argument, count in (("classes", classes), ("batch_size", batch_size)):
        if not is_none(count):
            accept_integer(function, argument, count)
    for argument, count in (("epochs", epochs), ("seed", seed)):
        accept_integer(function, argument, count)
    for argument, text in (("loss", loss), ("gradient", gradient), ("method", method)):
        accept_text(function, argument, text)
    for argument, number in (
        ("margin", margin),
        ("h", h),
        ("learning_rate", learning_rate),
        ("momentum", momentum),
        ("regularization", regularization),
    ):
        accept_real(function, argument, number)
    dtype = common_dtype(*given)

    def call(
        X,
        labels,
        classes=None,
        loss="softmax",
        gradient="analytic",
        margin=1.0,
        h=1e-5,
        method="central",
        train_bias=True,
        learning_rate=0.01,
        epochs=100,
        batch_size=None,
        momentum=0.0,
        regularization=0.0,
        seed=0,
        W0=None,
        b0=None,
    ):
        choice(function, "loss", loss, _check_values.LOSSES)
        choice(function, "gradient", gradient, _check_values.GRADIENTS)
        choice(function, "method", method, _check_values.METHODS)
        at_least(function, "epochs", epochs, 0)
        at_most(function, "epochs", epochs, _check_values.MAX_COUNT)
        at_most(function, "classes", or_default(classes, 1), _check_values.MAX_COUNT)
        whole_labels = as_labels(function, labels, or_default(classes, _check_values.MAX_COUNT))
        count = class_count(classes, whole_labels)
        at_least(function, "classes", count, 1)
        W = or_zeros(W0, (X.shape[1], count), dtype)
        b = or_zeros(b0, (count,), dtype)
        entries(function, "W0", W.shape[1], count, "columns", "class")
        losses = np.empty(epochs)
        train_kernel(
            as_contiguous(X, dtype),
            whole_labels,
            W,
            b,
            losses,
            (loss == "svm", as_real(margin), as_real(regularization)),
            gradient == "numerical",
            (as_real(h), method == "central"),
            (bool(train_bias), as_real(learning_rate), as_real(momentum)),
            (batch_of(batch_size, X.shape[0]), np.uint64(seed)),
        )
        return W, b, losses

    return call


def class_count(classes: Any, labels: Any) -> int:
    """Give the number of classes, of the labels where nobody says; for jitted code."""
    raise NotImplementedError


@overload(class_count)
def _class_count_in_jit(classes, labels):
    if is_none(classes):
        return lambda classes, labels: count_classes(labels)
    return lambda classes, labels: np.int64(classes)


@kernel
def count_classes(labels):
    """Classes that there are where nobody says: the largest label + 1, at least 1."""
    largest = 0
    for label in labels:
        largest = max(largest, label)
    if largest >= _check_values.MAX_COUNT:
        refuse_labels("train_linear", labels, _check_values.MAX_COUNT)
    return largest + 1
