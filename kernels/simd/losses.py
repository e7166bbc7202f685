"""Losses of classification scores and their gradients.

Three layers, as everywhere in this package: a block function takes some rows, and holds the choice
of how; a kernel checks the values and takes the rows in fixed blocks, whose sums it adds in their
order, so that the serial and the parallel kernel give the same bits at any number of threads; the
public function makes arrays of what it was given and calls the compiled variant for them. The
`overload` after each public function is the same thing for callers that are jitted themselves.

The arithmetic is left to `_rows` (a row at a time) and `_columns` (many short rows at once), flags
and variants to `compiler`, checks to `_check_in_kernels` and `_overloads`.
"""

import math
from typing import Any

import numpy as np
from numba import prange, types
from numba.extending import overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _columns, _rows
from kernels.simd._check_in_kernels import (
    at_least_zero,
    check_count,
    check_labels,
    check_scores,
    labels_fit,
    refuse_labels,
    result_shape,
)
from kernels.simd._check_types import accept_labels, accept_out, accept_real, accept_reals
from kernels.simd._layout import is_same_array
from kernels.simd._overloads import (
    apart_from_labels,
    as_floats,
    as_labels,
    as_real,
    as_result,
    pick,
)
from kernels.simd.compiler import dual_kernel, kernel, worth_threads
from kernels.simd.vectors import LINE

LABELS = types.Array(types.int64, 1, "C")
BLOCK = 1 << 14
"""Scores in a block of rows: enough to hide the start of a thread, few enough to share out."""
MOST_LANES = 16
"""Rows that `_columns` takes at once, of float32."""


@kernel
def block_rows(classes):
    """Rows in a block: a function of the shape alone, so that sums do not depend on threads.

    A multiple of the rows that `_columns` takes at once, where there are so many.
    """
    fitting = max(1, BLOCK // classes)
    return fitting if fitting < MOST_LANES else fitting - fitting % MOST_LANES


@kernel
def block_count(samples, classes):
    """Blocks that the samples make."""
    size = block_rows(classes)
    return (samples + size - 1) // size


@kernel
def block_range(block, samples, classes):
    """First row of a block, and the first after it."""
    start = block * block_rows(classes)
    return start, min(start + block_rows(classes), samples)


@kernel
def ordered_sum(values):
    """Sum from the first to the last."""
    total = 0.0
    for value in values:
        total += value
    return total


# --- svm_loss


@kernel
def hinge_by_columns(scores):
    """Whether the hinge goes by columns. Rows of a few lines want more than one class."""
    return scores.shape[1] <= (_columns.FEW_FOR_HINGE if scores.itemsize == 4 else 1)


@kernel
def hinge_by_short_rows(scores):
    """Whether the hinge, where it does not go by columns, goes by rows of a few lines."""
    return scores.shape[1] * scores.itemsize <= _rows.FEW_LINES * LINE


@kernel
def svm_block(scores, labels, margin, start, stop):
    """Sum of the hinge losses of some rows."""
    if hinge_by_columns(scores):
        total = _columns.hinge_losses(scores, labels, margin, start, stop)
    elif hinge_by_short_rows(scores):
        total = _rows.short_hinge_losses(scores, labels, margin, start, stop)
    else:
        total = _rows.hinge_losses(scores, labels, margin, start, stop)
    if scores.itemsize == 4 and not total < math.inf:
        return _rows.wide_hinge_losses(scores, labels, margin, start, stop)
    return total


@dual_kernel(lambda scores: (scores, LABELS, types.float64))
def svm_loss_kernel(scores, labels, margin):
    """`svm_loss` with its checks of values."""
    samples, classes = scores.shape
    check_scores("svm_loss", scores.shape)
    check_count("svm_loss", labels, samples)
    at_least_zero("svm_loss", "margin", margin)
    totals, wrong = np.empty(block_count(samples, classes)), 0
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        if labels_fit(labels, start, stop, classes):
            totals[block] = svm_block(scores, labels, margin, start, stop)
        else:
            wrong += 1
    if wrong:
        refuse_labels("svm_loss", labels, classes)
    return ordered_sum(totals) / samples


def svm_loss(
    scores: ArrayLike, labels: ArrayLike, margin: float = 1.0, *, parallel: bool = False
) -> float:
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
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

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
    A NaN in a row makes the loss NaN, where there is more than one class; with one class there is
    no wrong one, and the loss is 0. Float32 scores whose terms, or sums of terms, float32 cannot
    hold are added up in float64. PyTorch's ``multi_margin_loss`` divides this sum by C.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition",
    1999; Stanford CS231n, lecture 3.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(svm_loss(scores, [0, 1, 2]), 4)
    5.2667
    """
    scores = _check_arguments.real_array("svm_loss", "scores", scores, ("N", "C"))
    labels = _check_arguments.label_array("svm_loss", labels, scores.shape[1])
    margin = _check_arguments.real("svm_loss", "margin", margin)
    return float(
        svm_loss_kernel.variant(worth_threads(parallel, scores.size), scores)(
            scores, labels, margin
        )
    )


@overload(svm_loss, prefer_literal=True)
def _svm_loss_in_jit(scores, labels, margin=1.0, parallel=False):
    accept_reals("svm_loss", "scores", scores, ("N", "C"))
    accept_labels("svm_loss", labels)
    accept_real("svm_loss", "margin", margin)
    run = pick("svm_loss", svm_loss_kernel, parallel)

    def call(scores, labels, margin=1.0, parallel=False):
        return run(
            as_floats(scores), as_labels("svm_loss", labels, scores.shape[1]), as_real(margin)
        )

    return call


# --- softmax_loss


@kernel
def softmax_loss_block(scores, labels, start, stop):
    """Sum of the softmax losses of some rows."""
    if scores.shape[1] <= _columns.FEW_FOR_SOFTMAX:
        return _columns.softmax_losses(scores, labels, start, stop)
    return _rows.softmax_losses(scores, labels, start, stop)


@dual_kernel(lambda scores: (scores, LABELS))
def softmax_loss_kernel(scores, labels):
    """`softmax_loss` with its checks of values."""
    samples, classes = scores.shape
    check_scores("softmax_loss", scores.shape)
    check_count("softmax_loss", labels, samples)
    totals, wrong = np.empty(block_count(samples, classes)), 0
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        if labels_fit(labels, start, stop, classes):
            totals[block] = softmax_loss_block(scores, labels, start, stop)
        else:
            wrong += 1
    if wrong:
        refuse_labels("softmax_loss", labels, classes)
    return ordered_sum(totals) / samples


def softmax_loss(scores: ArrayLike, labels: ArrayLike, *, parallel: bool = False) -> float:
    r"""Cross-entropy of the softmax, in nats.

    .. math:: \frac{1}{N} \sum_i \Big( \log \sum_k e^{s_{ik}} - s_{i y_i} \Big)

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits); any strides, float32 and float64 compute as given.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

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

    The loss of a sure prediction keeps its digits: scores of 0 and −40 give 4.2e-18. A class whose
    probability would be subnormal (below 1.2e-38 in float32, 2.2e-308 in float64) has 0.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Source: Stanford CS231n, lecture 3; Blanchard, Higham and Higham, "Accurately computing the
    log-sum-exp and softmax functions", IMA J. Numer. Anal., 2021.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(softmax_loss(scores, [0, 1, 2]), 4)
    2.7587
    """
    scores = _check_arguments.real_array("softmax_loss", "scores", scores, ("N", "C"))
    labels = _check_arguments.label_array("softmax_loss", labels, scores.shape[1])
    return float(
        softmax_loss_kernel.variant(worth_threads(parallel, scores.size), scores)(scores, labels)
    )


@overload(softmax_loss, prefer_literal=True)
def _softmax_loss_in_jit(scores, labels, parallel=False):
    accept_reals("softmax_loss", "scores", scores, ("N", "C"))
    accept_labels("softmax_loss", labels)
    run = pick("softmax_loss", softmax_loss_kernel, parallel)

    def call(scores, labels, parallel=False):
        return run(as_floats(scores), as_labels("softmax_loss", labels, scores.shape[1]))

    return call


# --- softmax


@kernel
def softmax_block(scores, start, stop, out):
    """Fill some rows of `out` with probabilities."""
    if scores.shape[1] <= _columns.FEW_FOR_SOFTMAX:
        _columns.softmax(scores, start, stop, out)
    else:
        _rows.softmax(scores, start, stop, out)


@dual_kernel(lambda scores: (scores, scores))
def softmax_kernel(scores, out):
    """`softmax` with its checks of values."""
    samples, classes = scores.shape
    check_scores("softmax", scores.shape)
    result_shape("softmax", "out", out.shape, scores.shape)
    for block in prange(block_count(samples, classes)):
        start, stop = block_range(block, samples, classes)
        softmax_block(scores, start, stop, out)
    return out


def softmax(
    scores: ArrayLike, *, out: NDArray[Any] | None = None, parallel: bool = False
) -> NDArray[Any]:
    r"""Probabilities of the classes.

    .. math:: p_{ij} = e^{s_{ij}} / \sum_k e^{s_{ik}}

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits).
    out : (N, C) array, optional
        Filled and returned; writeable, in the dtype of the scores: the scores themselves, or an
        array that shares no memory with them.
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

    Returns
    -------
    (N, C) array
        In the dtype of the scores (float64 for integers).

    Raises
    ------
    TypeError
        Scores that are not real numbers, `out` of another dtype.
    ValueError
        Another number of dimensions than 2, N = 0, C = 0, `out` of another shape, read-only, or
        overlapping the scores in part.

    Notes
    -----
    NaN or +inf in a row, or a row of −inf only, makes the row NaN; −inf is probability 0, and so
    is a probability that would be subnormal.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Examples
    --------
    >>> softmax([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    values = _check_arguments.real_array("softmax", "scores", scores, ("N", "C"))
    out = _check_arguments.result_array("softmax", values, out, scores=scores)
    softmax_kernel.variant(worth_threads(parallel, values.size), values, out)(values, out)
    return out


@overload(softmax, prefer_literal=True)
def _softmax_in_jit(scores, out=None, parallel=False):
    accept_reals("softmax", "scores", scores, ("N", "C"))
    accept_out("softmax", scores, out)
    run = pick("softmax", softmax_kernel, parallel)

    def call(scores, out=None, parallel=False):
        floats = as_floats(scores)
        return run(floats, as_result("softmax", floats, out, scores))

    return call


# --- log_softmax


@kernel
def log_softmax_block(scores, start, stop, out):
    """Fill some rows of `out` with logarithms of probabilities."""
    if scores.shape[1] <= _columns.FEW_FOR_SOFTMAX:
        _columns.log_softmax(scores, start, stop, out)
    else:
        _rows.log_softmax(scores, start, stop, out)


@dual_kernel(lambda scores: (scores, scores))
def log_softmax_kernel(scores, out):
    """`log_softmax` with its checks of values."""
    samples, classes = scores.shape
    check_scores("log_softmax", scores.shape)
    result_shape("log_softmax", "out", out.shape, scores.shape)
    for block in prange(block_count(samples, classes)):
        start, stop = block_range(block, samples, classes)
        log_softmax_block(scores, start, stop, out)
    return out


def log_softmax(
    scores: ArrayLike, *, out: NDArray[Any] | None = None, parallel: bool = False
) -> NDArray[Any]:
    r"""Logarithms of the softmax, in nats.

    .. math:: (s_{ij} - m_i) - \log \sum_k e^{s_{ik} - m_i}, \quad m_i = \max_k s_{ik}

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits).
    out : (N, C) array, optional
        Filled and returned; writeable, in the dtype of the scores: the scores themselves, or an
        array that shares no memory with them.
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

    Returns
    -------
    (N, C) array
        In the dtype of the scores (float64 for integers).

    Raises
    ------
    TypeError
        Scores that are not real numbers, `out` of another dtype.
    ValueError
        Another number of dimensions than 2, N = 0, C = 0, `out` of another shape, read-only, or
        overlapping the scores in part.

    Notes
    -----
    The maximum is taken off before the logarithm: the other order of the same terms loses digits
    where the scores are large. NaN or +inf in a row, or a row of −inf only, makes the row NaN.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Examples
    --------
    >>> log_softmax([[0.0, 0.0]]).round(4)
    array([[-0.6931, -0.6931]])
    """
    values = _check_arguments.real_array("log_softmax", "scores", scores, ("N", "C"))
    out = _check_arguments.result_array("log_softmax", values, out, scores=scores)
    log_softmax_kernel.variant(worth_threads(parallel, values.size), values, out)(values, out)
    return out


@overload(log_softmax, prefer_literal=True)
def _log_softmax_in_jit(scores, out=None, parallel=False):
    accept_reals("log_softmax", "scores", scores, ("N", "C"))
    accept_out("log_softmax", scores, out)
    run = pick("log_softmax", log_softmax_kernel, parallel)

    def call(scores, out=None, parallel=False):
        floats = as_floats(scores)
        return run(floats, as_result("log_softmax", floats, out, scores))

    return call


# --- svm_loss_gradient


@kernel
def svm_gradient_block(scores, labels, margin, start, stop, out):
    """Fill some rows of `out`; return the sum of their losses."""
    weight = 1.0 / labels.size
    wide, in_place = 0.0, is_same_array(scores, out)
    if scores.itemsize == 4 and in_place and _rows.may_overflow(scores, margin, start, stop):
        wide = _rows.wide_hinge_losses(scores, labels, margin, start, stop)  # while they are there
    if hinge_by_columns(scores):
        total = _columns.hinge_gradients(scores, labels, margin, weight, start, stop, out)
    elif hinge_by_short_rows(scores):
        total = _rows.short_hinge_gradients(scores, labels, margin, weight, start, stop, out)
    else:
        total = _rows.hinge_gradients(scores, labels, margin, weight, start, stop, out)
    if scores.itemsize == 4 and not total < math.inf:
        if in_place:
            return wide
        return _rows.wide_hinge_losses(scores, labels, margin, start, stop)
    return total


@dual_kernel(lambda scores: (scores, LABELS, types.float64, scores))
def svm_loss_gradient_kernel(scores, labels, margin, out):
    """`svm_loss_gradient` with its checks of values; returns the loss and fills `out`."""
    samples, classes = scores.shape
    check_scores("svm_loss_gradient", scores.shape)
    # All of them before a row of `out` is filled: it may be the scores themselves.
    check_labels("svm_loss_gradient", labels, samples, classes)
    at_least_zero("svm_loss_gradient", "margin", margin)
    result_shape("svm_loss_gradient", "out", out.shape, scores.shape)
    totals = np.empty(block_count(samples, classes))
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        totals[block] = svm_gradient_block(scores, labels, margin, start, stop, out)
    return ordered_sum(totals) / samples


def svm_loss_gradient(
    scores: ArrayLike,
    labels: ArrayLike,
    margin: float = 1.0,
    *,
    out: NDArray[Any] | None = None,
    parallel: bool = False,
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
        Filled with the gradient and returned; writeable, in the dtype of the scores: the scores
        themselves, or an array that shares no memory with the arguments.
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

    Returns
    -------
    loss : float
        As `svm_loss` gives it.
    dscores : (N, C) array
        1/N where a wrong class is within the margin, minus their number over N at the label.

    Raises
    ------
    TypeError, ValueError
        As `svm_loss`; also for an `out` of another dtype or shape, read-only, or overlapping an
        argument in part.

    Notes
    -----
    A margin of exactly 0 counts as inactive. A row whose loss is NaN has a gradient of NaN.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Examples
    --------
    >>> svm_loss_gradient([[0.0, 0.5]], [0])
    (1.5, array([[-1.,  1.]]))
    """
    values = _check_arguments.real_array("svm_loss_gradient", "scores", scores, ("N", "C"))
    indices = _check_arguments.label_array("svm_loss_gradient", labels, values.shape[1])
    margin = _check_arguments.real("svm_loss_gradient", "margin", margin)
    out = _check_arguments.result_array(
        "svm_loss_gradient", values, out, scores=scores, labels=labels
    )
    run = svm_loss_gradient_kernel.variant(worth_threads(parallel, values.size), values, out)
    return run(values, indices, margin, out), out


@overload(svm_loss_gradient, prefer_literal=True)
def _svm_loss_gradient_in_jit(scores, labels, margin=1.0, out=None, parallel=False):
    accept_reals("svm_loss_gradient", "scores", scores, ("N", "C"))
    accept_labels("svm_loss_gradient", labels)
    accept_real("svm_loss_gradient", "margin", margin)
    accept_out("svm_loss_gradient", scores, out)
    run = pick("svm_loss_gradient", svm_loss_gradient_kernel, parallel)

    def call(scores, labels, margin=1.0, out=None, parallel=False):
        floats = as_floats(scores)
        dscores = as_result("svm_loss_gradient", floats, out, scores)
        apart_from_labels("svm_loss_gradient", out, labels)
        return run(
            floats,
            as_labels("svm_loss_gradient", labels, scores.shape[1]),
            as_real(margin),
            dscores,
        ), dscores

    return call


# --- softmax_loss_gradient


@kernel
def softmax_gradient_block(scores, labels, start, stop, out):
    """Fill some rows of `out`; return the sum of their losses."""
    weight = 1.0 / labels.size
    if scores.shape[1] <= _columns.FEW_FOR_SOFTMAX:
        return _columns.softmax_gradients(scores, labels, weight, start, stop, out)
    return _rows.softmax_gradients(scores, labels, weight, start, stop, out)


@dual_kernel(lambda scores: (scores, LABELS, scores))
def softmax_loss_gradient_kernel(scores, labels, out):
    """`softmax_loss_gradient` with its checks of values; returns the loss and fills `out`."""
    samples, classes = scores.shape
    check_scores("softmax_loss_gradient", scores.shape)
    # All of them before a row of `out` is filled: it may be the scores themselves.
    check_labels("softmax_loss_gradient", labels, samples, classes)
    result_shape("softmax_loss_gradient", "out", out.shape, scores.shape)
    totals = np.empty(block_count(samples, classes))
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        totals[block] = softmax_gradient_block(scores, labels, start, stop, out)
    return ordered_sum(totals) / samples


def softmax_loss_gradient(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    out: NDArray[Any] | None = None,
    parallel: bool = False,
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
        Filled with the gradient and returned; writeable, in the dtype of the scores: the scores
        themselves, or an array that shares no memory with the arguments.
    parallel : bool
        Whether to use Numba's threads: the same bits, at any number of them. In jitted code, a
        constant.

    Returns
    -------
    loss : float
        As `softmax_loss` gives it.
    dscores : (N, C) array
        The gradient, in the dtype of the scores.

    Raises
    ------
    TypeError, ValueError
        As `softmax_loss`; also for an `out` of another dtype or shape, read-only, or overlapping an
        argument in part.

    Notes
    -----
    A row with NaN or +inf, or of −inf only, has a gradient of NaN.

    May be called from `@njit` functions, where mistakes of type or dimension are Numba's
    TypingError, with the same words.

    Examples
    --------
    >>> softmax_loss_gradient([[0.0, 0.0]], [0])[1]
    array([[-0.5,  0.5]])
    """
    values = _check_arguments.real_array("softmax_loss_gradient", "scores", scores, ("N", "C"))
    indices = _check_arguments.label_array("softmax_loss_gradient", labels, values.shape[1])
    out = _check_arguments.result_array(
        "softmax_loss_gradient", values, out, scores=scores, labels=labels
    )
    run = softmax_loss_gradient_kernel.variant(worth_threads(parallel, values.size), values, out)
    return run(values, indices, out), out


@overload(softmax_loss_gradient, prefer_literal=True)
def _softmax_loss_gradient_in_jit(scores, labels, out=None, parallel=False):
    accept_reals("softmax_loss_gradient", "scores", scores, ("N", "C"))
    accept_labels("softmax_loss_gradient", labels)
    accept_out("softmax_loss_gradient", scores, out)
    run = pick("softmax_loss_gradient", softmax_loss_gradient_kernel, parallel)

    def call(scores, labels, out=None, parallel=False):
        floats = as_floats(scores)
        dscores = as_result("softmax_loss_gradient", floats, out, scores)
        apart_from_labels("softmax_loss_gradient", out, labels)
        return run(
            floats, as_labels("softmax_loss_gradient", labels, scores.shape[1]), dscores
        ), dscores

    return call
