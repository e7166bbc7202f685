"""The linear classifier scores = X·W + b in NumPy: its loss, gradients and training.

Regularization λ adds λ·ΣW² (the biases are left out). The losses of the scores are those of
`losses`; checks and their words are left to `kernels.simd._check`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check
from kernels.vectorized import losses as score_losses

BLOCK = 1 << 16
"""Entries of X whose finite differences are taken at once: the temporaries stay in cache."""

LARGEST_SHIFT = 300.0
"""Above it exp(shift)², which the difference of two softmax losses holds, would overflow."""

_QUIET = np.errstate(over="ignore", invalid="ignore")
"""Infinities and NaN say themselves what happened, as in the other tiers; training may diverge."""


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
    arrays = _linear_arrays("linear_loss", W, b, X, labels)
    return _total_loss(*arrays, _objective("linear_loss", loss, margin, regularization))


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
    arrays = _linear_arrays("linear_gradient", W, b, X, labels)
    return _gradient(*arrays, _objective("linear_gradient", loss, margin, regularization))


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

    Examples
    --------
    >>> dW, db = linear_numerical_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])
    >>> dW.round(6), db.round(6)
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    function = "linear_numerical_gradient"
    W, b, X, labels = _linear_arrays(function, W, b, X, labels)
    objective = _objective(function, loss, margin, regularization)
    h, method = _difference_options(function, h, method)
    return _numerical_gradient(W, b, X, labels, objective, h, method)


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
    in the loops, in NumPy and in Numba.

    Source: Stanford CS231n, lecture 3; SplitMix64: Steele, Lea and Flood, OOPSLA 2014.

    Examples
    --------
    >>> W, b, losses = train_linear([[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0)
    >>> W.round(4), losses.round(4)
    (array([[-0.7689,  0.7689]]), array([0.6931, 0.3133]))
    """
    function = "train_linear"
    X = _check.real_array(function, "X", X, ("N", "D"))
    _check.not_empty(function, "X", X.shape, "sample", "feature")
    labels = _check.label_array(function, labels)
    _check.entries(function, "labels", len(labels), len(X), "entries", "sample")
    if classes is None:
        classes = max(int(labels.max()), 0) + 1
    classes = _check.integer(function, "classes", classes)
    _check.at_least(function, "classes", classes, 1)
    W0 = np.zeros((X.shape[1], classes), X.dtype) if W0 is None else W0
    b0 = np.zeros(classes, X.dtype) if b0 is None else b0
    W, b, X, labels = _linear_arrays(function, W0, b0, X, labels, ("W0", "b0"), classes)
    objective = _objective(function, loss, margin, regularization)
    _check.choice(function, "gradient", gradient, _check.GRADIENTS)
    h, method = _difference_options(function, h, method)
    learning_rate = _check.real(function, "learning_rate", learning_rate)
    _check.finite(function, "learning_rate", learning_rate)
    epochs = _check.integer(function, "epochs", epochs)
    _check.at_least(function, "epochs", epochs, 0)
    batch_size = (
        len(X) if batch_size is None else _check.integer(function, "batch_size", batch_size)
    )
    _check.at_least(function, "batch_size", batch_size, 1)
    momentum = _check.real(function, "momentum", momentum)
    _check.finite(function, "momentum", momentum)
    seed_bits = _check.seed_bits(_check.integer(function, "seed", seed))

    W, b = W.copy(), b.copy()
    W_velocity, b_velocity = np.zeros_like(W), np.zeros_like(b)
    losses = np.empty(epochs)
    one_batch = batch_size >= len(X)
    for epoch in range(epochs):
        if not one_batch or gradient == "numerical":
            losses[epoch] = _total_loss(W, b, X, labels, objective)
        order = np.arange(len(X)) if one_batch else shuffled(len(X), seed_bits, epoch)
        for start in range(0, len(X), batch_size):
            batch = slice(None) if one_batch else order[start : start + batch_size]
            if gradient == "numerical":
                dW, db = _numerical_gradient(W, b, X[batch], labels[batch], objective, h, method)
            else:
                batch_loss, dW, db = _gradient(W, b, X[batch], labels[batch], objective)
                if one_batch:
                    losses[epoch] = batch_loss
            _descend(W, W_velocity, dW, learning_rate, momentum)
            if train_bias:
                _descend(b, b_velocity, db, learning_rate, momentum)
    return W, b, losses


def shuffled(samples: int, seed_bits: np.uint64, epoch: int) -> NDArray[np.int64]:
    """Order of an epoch: the stable sort of the samples by a hash of (seed, epoch, sample)."""
    epoch_key = _splitmix64(_splitmix64(np.array([seed_bits])) ^ np.uint64(epoch))
    keys = _splitmix64(epoch_key ^ np.arange(samples, dtype=np.uint64))
    return np.argsort(keys, kind="stable")


def _splitmix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One output of SplitMix64 for each state; the constants are the paper's."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@_QUIET
def _descend(
    parameters: NDArray[Any],
    velocity: NDArray[Any],
    slopes: NDArray[Any],
    learning_rate: float,
    momentum: float,
) -> None:
    """One momentum step, in place."""
    velocity *= momentum
    velocity -= learning_rate * slopes
    parameters += velocity


@dataclass(frozen=True)
class _Objective:
    """What is minimised, checked."""

    loss: str
    margin: float
    regularization: float


def _objective(function: str, loss: str, margin: float, regularization: float) -> _Objective:
    _check.choice(function, "loss", loss, _check.LOSSES)
    margin = _check.real(function, "margin", margin)
    _check.at_least_zero(function, "margin", margin)
    regularization = _check.real(function, "regularization", regularization)
    _check.finite(function, "regularization", regularization)
    return _Objective(loss, margin, regularization)


def _difference_options(function: str, h: float, method: str) -> tuple[float, str]:
    h = _check.real(function, "h", h)
    _check.step_size(function, h)
    _check.choice(function, "method", method, _check.METHODS)
    return h, method


def _linear_arrays(
    function: str,
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    names: tuple[str, str] = ("W", "b"),
    classes: int | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """W, b, X, labels as checked arrays that fit each other, the first three in one dtype."""
    X = _check.real_array(function, "X", X, ("N", "D"))
    _check.not_empty(function, "X", X.shape, "sample", "feature")
    W = _check.real_array(function, names[0], W, ("D", "C"))
    _check.entries(function, names[0], len(W), X.shape[1], "rows", "feature")
    _check.not_empty(function, names[0], W.shape, "feature", "class")
    classes = W.shape[1] if classes is None else classes
    _check.entries(function, names[0], W.shape[1], classes, "columns", "class")
    b = _check.real_array(function, names[1], b, ("C",))
    _check.entries(function, names[1], len(b), classes, "entries", "class")
    labels = _check.label_array(function, labels)
    _check.entries(function, "labels", len(labels), len(X), "entries", "sample")
    score_losses.label_range(function, labels, classes)
    W, b, X = _check.one_dtype(W, b, X)
    return W, b, X, labels


@_QUIET
def _total_loss(
    W: NDArray[Any],
    b: NDArray[Any],
    X: NDArray[Any],
    labels: NDArray[np.int64],
    objective: _Objective,
) -> float:
    """`linear_loss` of checked arrays."""
    scores = X @ W + b
    if objective.loss == "svm":
        data_loss = score_losses.mean_svm_loss(scores, labels, objective.margin)
    else:
        data_loss = score_losses.mean_softmax_loss(scores, labels)
    return data_loss + _penalty(W, objective)


def _penalty(W: NDArray[Any], objective: _Objective) -> float:
    return objective.regularization * float(np.square(W, dtype=np.float64).sum())


@_QUIET
def _gradient(
    W: NDArray[Any],
    b: NDArray[Any],
    X: NDArray[Any],
    labels: NDArray[np.int64],
    objective: _Objective,
) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """`linear_gradient` of checked arrays."""
    scores = X @ W + b
    if objective.loss == "svm":
        data_loss, dscores = score_losses.mean_svm_loss_gradient(
            scores, labels, objective.margin, np.empty_like(scores)
        )
    else:
        data_loss, dscores = score_losses.mean_softmax_loss_gradient(scores, labels, scores)
    dW = X.T @ dscores
    dW += 2.0 * objective.regularization * W
    return data_loss + _penalty(W, objective), dW, dscores.sum(axis=0)


@_QUIET
def _numerical_gradient(
    W: NDArray[Any],
    b: NDArray[Any],
    X: NDArray[Any],
    labels: NDArray[np.int64],
    objective: _Objective,
    h: float,
    method: str,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """`linear_numerical_gradient` of checked arrays: blocks of features, then the biases."""
    dtype = W.dtype
    W, b, X = (array.astype(np.float64, copy=False) for array in (W, b, X))
    scores = X @ W + b
    changes = _svm_changes if objective.loss == "svm" else _softmax_changes
    span = 2.0 * h if method == "central" else h
    dW = np.empty_like(W)
    width = max(1, BLOCK // len(X))
    for start in range(0, X.shape[1], width):
        shifts = h * X[:, start : start + width]
        dW[start : start + width] = changes(scores, labels, objective, shifts, method) / span
    db = changes(scores, labels, objective, np.full((len(X), 1), h), method)[0] / span
    below = W - h if method == "central" else W
    dW += objective.regularization * ((W + h) ** 2 - below**2) / span
    return dW.astype(dtype), db.astype(dtype)


def _softmax_changes(
    scores: NDArray[np.float64],
    labels: NDArray[np.int64],
    objective: _Objective,  # noqa: ARG001  (one signature with _svm_changes)
    shifts: NDArray[np.float64],
    method: str,
) -> NDArray[np.float64]:
    """Mean softmax loss with column c moved up, less that with it moved down (or left), (K, C).

    With p the probability of class c and r that of the others, a shift δ multiplies the sum of the
    exps by r + p·exp(δ). The difference of two such logarithms is one log1p of a ratio:
    log(high) − log(low) = log1p((high − low) / low), taken with high ≥ low, which cancels nothing.
    """
    far = np.abs(shifts) > LARGEST_SHIFT
    near = np.clip(shifts, -LARGEST_SHIFT, LARGEST_SHIFT)  # what is far is computed apart, below
    if method == "central":
        low, rise = np.exp(-np.abs(near)), 2.0 * np.sinh(np.abs(near))
        travel = 2.0 * shifts
    else:
        low, rise = np.exp(np.minimum(near, 0.0)), np.abs(np.expm1(near))
        travel = shifts
    sign = np.sign(shifts)
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    totals = exps.sum(axis=1)
    lost = scores[np.arange(len(labels)), labels] == -np.inf  # both losses are inf: no difference
    result = np.empty((shifts.shape[1], scores.shape[1]))
    for c in range(scores.shape[1]):
        others = np.delete(exps, c, axis=1).sum(axis=1)
        p, r = (exps[:, c] / totals)[:, np.newaxis], (others / totals)[:, np.newaxis]
        change = sign * np.log1p(p * rise / (r + p * low))
        if far.any():
            change[far] = _far_changes(scores, c, shifts, method)[far]
        change[labels == c] -= travel[labels == c]
        change[lost] = np.nan
        result[:, c] = change.mean(axis=0)
    return result


def _far_changes(
    scores: NDArray[np.float64], c: int, shifts: NDArray[np.float64], method: str
) -> NDArray[np.float64]:
    """Change of logsumexp of the scores by shifts of column c whose exp would overflow."""
    moved = scores[:, [c]]
    rest = np.delete(scores, c, axis=1)
    others = np.logaddexp.reduce(rest, axis=1, initial=-np.inf, keepdims=True)
    below = moved - shifts if method == "central" else moved
    return np.asarray(np.logaddexp(others, moved + shifts) - np.logaddexp(others, below))


def _svm_changes(
    scores: NDArray[np.float64],
    labels: NDArray[np.int64],
    objective: _Objective,
    shifts: NDArray[np.float64],
    method: str,
) -> NDArray[np.float64]:
    """Mean hinge loss with column c moved up, less that with it moved down (or left), (K, C).

    Where c is a wrong class, one term of the sum moves; where it is the label, all the others do.
    """
    samples, classes = scores.shape
    margins = scores - scores[np.arange(samples), labels][:, np.newaxis] + objective.margin
    broken = np.isnan(margins).any(axis=1)
    back = shifts if method == "central" else np.zeros_like(shifts)
    result = np.empty((shifts.shape[1], classes))
    for c in range(classes):
        change = np.empty_like(shifts)
        own = labels == c
        wrong = margins[~own, c][:, np.newaxis]
        change[~own] = _rise(wrong + shifts[~own], wrong - back[~own])
        change[own] = 0.0
        for j in range(classes):
            if j != c:
                term = margins[own, j][:, np.newaxis]
                change[own] += _rise(term - shifts[own], term + back[own])
        change[broken] = np.nan
        result[:, c] = change.mean(axis=0)
    return result


def _rise(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(above, 0.0) - np.maximum(below, 0.0))
