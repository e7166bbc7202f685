"""Losses of classification scores and their gradients, as whole-array NumPy.

Checks and their words are left to `kernels.simd._check`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check


def svm_loss(scores: ArrayLike, labels: ArrayLike, margin: float = 1.0) -> float:
    r"""Multiclass hinge loss, summed over the wrong classes (Weston-Watkins).

    .. math:: \frac{1}{N} \sum_i \sum_{j \ne y_i} \max(0, (s_{ij} - s_{i y_i}) + \Delta)

    Parameters
    ----------
    scores : (N, C) float
        Classification scores; any strides, float32 and float64 compute as given.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    margin : float
        Δ, finite and at least 0, in the unit of the scores.

    Returns
    -------
    float
        Mean over the samples, summed in float64.

    Raises
    ------
    TypeError
        Scores that are not real numbers, labels that are not integers.
    ValueError
        Dimensions or lengths that do not fit, N = 0, C = 0, a label out of range, a bad margin.

    Notes
    -----
    A NaN in a row makes the loss NaN, also where C = 1. PyTorch's ``multi_margin_loss`` divides
    this sum by C.

    Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition",
    1999; Stanford CS231n, lecture 3.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(svm_loss(scores, [0, 1, 2]), 4)
    5.2667
    """
    scores, labels = scores_and_labels("svm_loss", scores, labels)
    margin = _margin("svm_loss", margin)
    return mean_svm_loss(scores, labels, margin)


def softmax_loss(scores: ArrayLike, labels: ArrayLike) -> float:
    r"""Cross-entropy of the softmax, in nats.

    .. math:: \frac{1}{N} \sum_i \Big( \log \sum_k e^{s_{ik}} - s_{i y_i} \Big)

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits); any strides, float32 and float64 compute as given.
    labels : (N,) integers in [0, C)
        The right class of each sample.

    Returns
    -------
    float
        Mean over the samples, summed in float64.

    Raises
    ------
    TypeError
        Scores that are not real numbers, labels that are not integers.
    ValueError
        Dimensions or lengths that do not fit, N = 0, C = 0, a label out of range.

    Notes
    -----
    NaN or +inf in a row, or a row of −inf only, gives NaN; a label at −inf gives +inf.

    Source: Stanford CS231n, lecture 3; Blanchard, Higham and Higham, "Accurately computing the
    log-sum-exp and softmax functions", IMA J. Numer. Anal., 2021.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(softmax_loss(scores, [0, 1, 2]), 4)
    2.7587
    """
    scores, labels = scores_and_labels("softmax_loss", scores, labels)
    return mean_softmax_loss(scores, labels)


def softmax(scores: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    r"""Probabilities of the classes.

    .. math:: p_{ij} = e^{s_{ij}} / \sum_k e^{s_{ik}}

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits).
    out : (N, C) array, optional
        Filled and returned; writeable, in the dtype of the scores.

    Returns
    -------
    (N, C) array
        In the dtype of the scores (float64 for integers).

    Raises
    ------
    TypeError
        Scores that are not real numbers, `out` of another dtype.
    ValueError
        Another number of dimensions than 2, N = 0, C = 0, `out` of another shape or read-only.

    Notes
    -----
    NaN or +inf in a row, or a row of −inf only, makes the row NaN; −inf is probability 0.

    Examples
    --------
    >>> softmax([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    scores = score_matrix("softmax", scores)
    out = _check.result_array("softmax", scores, out)
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)
    return out


def log_softmax(scores: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    r"""Logarithms of the softmax, in nats.

    .. math:: (s_{ij} - m_i) - \log \sum_k e^{s_{ik} - m_i}, \quad m_i = \max_k s_{ik}

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits).
    out : (N, C) array, optional
        Filled and returned; writeable, in the dtype of the scores.

    Returns
    -------
    (N, C) array
        In the dtype of the scores (float64 for integers).

    Raises
    ------
    TypeError
        Scores that are not real numbers, `out` of another dtype.
    ValueError
        Another number of dimensions than 2, N = 0, C = 0, `out` of another shape or read-only.

    Notes
    -----
    The maximum is taken off before the logarithm: the other order of the same terms loses digits
    where the scores are large. NaN or +inf in a row, or a row of −inf only, makes the row NaN.

    Examples
    --------
    >>> log_softmax([[0.0, 0.0]]).round(4)
    array([[-0.6931, -0.6931]])
    """
    scores = score_matrix("log_softmax", scores)
    out = _check.result_array("log_softmax", scores, out)
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
        out -= np.log(np.exp(out).sum(axis=1, keepdims=True))
    return out


def svm_loss_gradient(
    scores: ArrayLike,
    labels: ArrayLike,
    margin: float = 1.0,
    *,
    out: NDArray[Any] | None = None,
) -> tuple[float, NDArray[Any]]:
    """Hinge loss (see `svm_loss`) and its derivative by each score.

    Parameters
    ----------
    scores : (N, C) float
        Classification scores.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    margin : float
        Finite and at least 0.
    out : (N, C) array, optional
        Filled with the gradient and returned; writeable, in the dtype of the scores.

    Returns
    -------
    loss : float
        As `svm_loss` gives it.
    dscores : (N, C) array
        1/N where a wrong class is within the margin, minus their number over N at the label.

    Raises
    ------
    TypeError, ValueError
        As `svm_loss`; also for an `out` of another dtype or shape, or read-only.

    Notes
    -----
    A margin of exactly 0 counts as inactive. A row whose loss is NaN has a gradient of NaN.

    Examples
    --------
    >>> svm_loss_gradient([[0.0, 0.5]], [0])
    (1.5, array([[-1.,  1.]]))
    """
    scores, labels = scores_and_labels("svm_loss_gradient", scores, labels)
    margin = _margin("svm_loss_gradient", margin)
    out = _check.result_array("svm_loss_gradient", scores, out)
    return mean_svm_loss_gradient(scores, labels, margin, out)


def softmax_loss_gradient(
    scores: ArrayLike, labels: ArrayLike, *, out: NDArray[Any] | None = None
) -> tuple[float, NDArray[Any]]:
    r"""Softmax loss (see `softmax_loss`) and its derivative by each score.

    .. math:: \partial L / \partial s_{ij} = (p_{ij} - [j = y_i]) / N

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits).
    labels : (N,) integers in [0, C)
        The right class of each sample.
    out : (N, C) array, optional
        Filled with the gradient and returned; writeable, in the dtype of the scores.

    Returns
    -------
    loss : float
        As `softmax_loss` gives it.
    dscores : (N, C) array
        The gradient, in the dtype of the scores.

    Raises
    ------
    TypeError, ValueError
        As `softmax_loss`; also for an `out` of another dtype or shape, or read-only.

    Notes
    -----
    A row with NaN or +inf, or of −inf only, has a gradient of NaN.

    Examples
    --------
    >>> softmax_loss_gradient([[0.0, 0.0]], [0])[1]
    array([[-0.5,  0.5]])
    """
    scores, labels = scores_and_labels("softmax_loss_gradient", scores, labels)
    out = _check.result_array("softmax_loss_gradient", scores, out)
    return mean_softmax_loss_gradient(scores, labels, out)


# --- the arithmetic, on arrays that were checked; `linear` uses it too


def mean_svm_loss(scores: NDArray[Any], labels: NDArray[np.int64], margin: float) -> float:
    """`svm_loss` of checked arrays."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _mean(_hinges(scores, labels, margin).sum(axis=1))


def mean_softmax_loss(scores: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """`softmax_loss` of checked arrays."""
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = scores - scores.max(axis=1, keepdims=True)
        at_label = shifted[np.arange(len(labels)), labels]
        np.exp(shifted, out=shifted)
        return _mean(np.log(shifted.sum(axis=1)) - at_label)


def mean_svm_loss_gradient(
    scores: NDArray[Any], labels: NDArray[np.int64], margin: float, out: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    """`svm_loss_gradient` of checked arrays."""
    samples = len(labels)
    with np.errstate(over="ignore", invalid="ignore"):
        hinges = _hinges(scores, labels, margin)
        losses = hinges.sum(axis=1)
        active = hinges > 0.0
        np.divide(active, samples, out=out)
        out[np.arange(samples), labels] = -active.sum(axis=1) / samples
    out[np.isnan(losses)] = np.nan
    return _mean(losses), out


def mean_softmax_loss_gradient(
    scores: NDArray[Any], labels: NDArray[np.int64], out: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    """`softmax_loss_gradient` of checked arrays."""
    rows = np.arange(len(labels))
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
        at_label = out[rows, labels]
        np.exp(out, out=out)
        totals = out.sum(axis=1)
        out /= totals[:, np.newaxis]
        out[rows, labels] -= 1.0
        out /= len(labels)
        return _mean(np.log(totals) - at_label), out


def _hinges(scores: NDArray[Any], labels: NDArray[np.int64], margin: float) -> NDArray[Any]:
    """Hinge terms (N, C): 0 at the label, or NaN where its score is."""
    rows = np.arange(len(labels))
    correct = scores[rows, labels]
    # C order, so that the rows are summed pairwise whatever the order of the scores
    hinges: NDArray[Any] = np.subtract(scores, correct[:, np.newaxis], order="C")
    hinges += margin
    np.maximum(hinges, 0.0, out=hinges)
    hinges[rows, labels] = np.where(np.isnan(correct), correct, 0.0)
    return hinges


def _mean(losses: NDArray[Any]) -> float:
    """Mean over the samples, summed in float64 whatever their dtype."""
    return float(losses.mean(dtype=np.float64))


def score_matrix(function: str, scores: ArrayLike) -> NDArray[Any]:
    """Scores as a checked (N, C) float array."""
    scores = _check.real_array(function, "scores", scores, ("N", "C"))
    _check.not_empty(function, "scores", scores.shape, "sample", "class")
    return scores


def scores_and_labels(
    function: str, scores: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Scores and labels as checked arrays that fit each other."""
    scores = score_matrix(function, scores)
    labels = _check.label_array(function, labels)
    _check.entries(function, "labels", len(labels), len(scores), "entries", "sample")
    label_range(function, labels, scores.shape[1])
    return scores, labels


def label_range(function: str, labels: NDArray[np.int64], classes: int) -> None:
    """Refuse labels outside [0, classes)."""
    if labels.min() < 0 or labels.max() >= classes:
        index = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        _check.refuse_label(function, int(labels[index]), index, classes)


def _margin(function: str, margin: float) -> float:
    margin = _check.real(function, "margin", margin)
    _check.at_least_zero(function, "margin", margin)
    return margin
