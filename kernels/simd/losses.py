"""Losses of classification scores and their gradients.

A public function makes arrays of its arguments and calls the compiled kernel for them. The
`overload` after it does the same in a caller's jitted code. The kernels are in `_losses`, which is
imported as a module: CPython compiles a method call on a name from `from … import` to slower code,
which took 80 ns here.
"""

from typing import Any

from numba.extending import overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _losses
from kernels.simd._check_types import accept_labels, accept_out, accept_real, accept_reals
from kernels.simd._overloads import (
    as_floats,
    as_labels,
    as_real,
    as_result,
    pick,
    refuse_shared_labels,
)
from kernels.simd._ways import hinge_way_in_jit, softmax_way_in_jit
from kernels.simd.compiler import worth_threads

# --- svm_loss


def svm_loss(
    scores: ArrayLike, labels: ArrayLike, margin: float = 1.0, *, parallel: bool = False
) -> float:
    r"""Multiclass hinge loss, summed over the wrong classes (Weston-Watkins).

    .. math:: \frac{1}{N} \sum_i \sum_{j \ne y_i} \max(0, (s_{ij} - s_{i y_i}) + \Delta)

    Parameters
    ----------
    scores : (N, C) float
        Classification scores, of any strides; computed in float32 or float64 as given.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    margin : float
        Δ, finite and at least 0, in the unit of the scores.
    parallel : bool
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

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
    A NaN in a row makes the loss NaN if there is more than one class; with one class there is no
    wrong one, and the loss is 0. If terms of float32 scores, or their sums, overflow float32, they
    are computed in float64. PyTorch's ``multi_margin_loss`` divides this sum by C.

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition",
    1999; Stanford CS231n, lecture 3.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(svm_loss(scores, [0, 1, 2]), 4)
    5.2667
    """
    scores = _check_arguments.real_array("svm_loss", "scores", scores, ("N", "C"))
    classes = scores.shape[1]
    labels = _check_arguments.label_array("svm_loss", labels, classes)
    margin = _check_arguments.real("svm_loss", "margin", margin)
    threaded = parallel and worth_threads(scores.size)
    run = _losses.svm_loss_kernel.variant(scores, classes, None, threaded)
    loss: float = run(scores, labels, margin, None)
    return loss


@overload(svm_loss, prefer_literal=True)
def _svm_loss_in_jit(scores, labels, margin=1.0, parallel=False):
    accept_reals("svm_loss", "scores", scores, ("N", "C"))
    accept_labels("svm_loss", labels)
    accept_real("svm_loss", "margin", margin)
    run = pick("svm_loss", _losses.svm_loss_kernel, parallel)

    def call(scores, labels, margin=1.0, parallel=False):
        floats = as_floats(scores)
        whole = as_labels("svm_loss", labels, scores.shape[1])
        way = hinge_way_in_jit(floats.shape[1], floats.itemsize)
        return run(floats, whole, as_real(margin), way)

    return call


# --- softmax_loss


def softmax_loss(scores: ArrayLike, labels: ArrayLike, *, parallel: bool = False) -> float:
    r"""Cross-entropy of the softmax, in nats.

    .. math:: \frac{1}{N} \sum_i \Big( \log \sum_k e^{s_{ik}} - s_{i y_i} \Big)

    Parameters
    ----------
    scores : (N, C) float
        Classification scores (logits), of any strides; computed in float32 or float64 as given.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    parallel : bool
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

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

    The loss of a very sure prediction keeps its digits: scores of 0 and −40 give 4.2e-18. A
    probability that would be subnormal (below 1.2e-38 in float32, 2.2e-308 in float64) is 0.

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Source: Stanford CS231n, lecture 3; Blanchard, Higham and Higham, "Accurately computing the
    log-sum-exp and softmax functions", IMA J. Numer. Anal., 2021.

    Examples
    --------
    >>> scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    >>> round(softmax_loss(scores, [0, 1, 2]), 4)
    2.7587
    """
    scores = _check_arguments.real_array("softmax_loss", "scores", scores, ("N", "C"))
    classes = scores.shape[1]
    labels = _check_arguments.label_array("softmax_loss", labels, classes)
    threaded = parallel and worth_threads(scores.size)
    run = _losses.softmax_loss_kernel.variant(scores, classes, None, threaded)
    loss: float = run(scores, labels, None)
    return loss


@overload(softmax_loss, prefer_literal=True)
def _softmax_loss_in_jit(scores, labels, parallel=False):
    accept_reals("softmax_loss", "scores", scores, ("N", "C"))
    accept_labels("softmax_loss", labels)
    run = pick("softmax_loss", _losses.softmax_loss_kernel, parallel)

    def call(scores, labels, parallel=False):
        whole = as_labels("softmax_loss", labels, scores.shape[1])
        return run(as_floats(scores), whole, softmax_way_in_jit(scores.shape[1]))

    return call


# --- softmax


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
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

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

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Examples
    --------
    >>> softmax([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    values = _check_arguments.real_array("softmax", "scores", scores, ("N", "C"))
    result = _check_arguments.result_array("softmax", values, out, scores)
    threaded = parallel and worth_threads(values.size)
    run = _losses.softmax_kernel.variant(values, values.shape[1], out, threaded)
    run(values, result, None)
    return result


@overload(softmax, prefer_literal=True)
def _softmax_in_jit(scores, out=None, parallel=False):
    accept_reals("softmax", "scores", scores, ("N", "C"))
    accept_out("softmax", scores, out)
    run = pick("softmax", _losses.softmax_kernel, parallel)

    def call(scores, out=None, parallel=False):
        floats = as_floats(scores)
        result = as_result("softmax", floats, out, scores)
        return run(floats, result, softmax_way_in_jit(scores.shape[1]))

    return call


# --- log_softmax


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
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

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
    The maximum is subtracted before the logarithm: the other order of the same terms loses digits
    if the scores are large. NaN or +inf in a row, or a row of −inf only, makes the row NaN.

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Examples
    --------
    >>> log_softmax([[0.0, 0.0]]).round(4)
    array([[-0.6931, -0.6931]])
    """
    values = _check_arguments.real_array("log_softmax", "scores", scores, ("N", "C"))
    result = _check_arguments.result_array("log_softmax", values, out, scores)
    threaded = parallel and worth_threads(values.size)
    run = _losses.log_softmax_kernel.variant(values, values.shape[1], out, threaded)
    run(values, result, None)
    return result


@overload(log_softmax, prefer_literal=True)
def _log_softmax_in_jit(scores, out=None, parallel=False):
    accept_reals("log_softmax", "scores", scores, ("N", "C"))
    accept_out("log_softmax", scores, out)
    run = pick("log_softmax", _losses.log_softmax_kernel, parallel)

    def call(scores, out=None, parallel=False):
        floats = as_floats(scores)
        result = as_result("log_softmax", floats, out, scores)
        return run(floats, result, softmax_way_in_jit(scores.shape[1]))

    return call


# --- svm_loss_gradient


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
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

    Returns
    -------
    loss : float
        As `svm_loss` returns it.
    dscores : (N, C) array
        1/N for a wrong class within the margin; for the label, minus their number over N.

    Raises
    ------
    TypeError, ValueError
        As `svm_loss`; also for an `out` of another dtype or shape, read-only, or overlapping an
        argument in part.

    Notes
    -----
    A margin of exactly 0 counts as inactive. A row whose loss is NaN has a gradient of NaN.

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Examples
    --------
    >>> svm_loss_gradient([[0.0, 0.5]], [0])
    (1.5, array([[-1.,  1.]]))
    """
    values = _check_arguments.real_array("svm_loss_gradient", "scores", scores, ("N", "C"))
    classes = values.shape[1]
    indices = _check_arguments.label_array("svm_loss_gradient", labels, classes)
    margin = _check_arguments.real("svm_loss_gradient", "margin", margin)
    result = _check_arguments.result_array("svm_loss_gradient", values, out, scores, labels)
    threaded = parallel and worth_threads(values.size)
    run = _losses.svm_loss_gradient_kernel.variant(values, classes, out, threaded)
    return run(values, indices, margin, result, None), result


@overload(svm_loss_gradient, prefer_literal=True)
def _svm_loss_gradient_in_jit(scores, labels, margin=1.0, out=None, parallel=False):
    accept_reals("svm_loss_gradient", "scores", scores, ("N", "C"))
    accept_labels("svm_loss_gradient", labels)
    accept_real("svm_loss_gradient", "margin", margin)
    accept_out("svm_loss_gradient", scores, out)
    run = pick("svm_loss_gradient", _losses.svm_loss_gradient_kernel, parallel)

    def call(scores, labels, margin=1.0, out=None, parallel=False):
        floats = as_floats(scores)
        dscores = as_result("svm_loss_gradient", floats, out, scores)
        refuse_shared_labels("svm_loss_gradient", out, labels)
        whole = as_labels("svm_loss_gradient", labels, scores.shape[1])
        way = hinge_way_in_jit(floats.shape[1], floats.itemsize)
        return run(floats, whole, as_real(margin), dscores, way), dscores

    return call


# --- softmax_loss_gradient


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
        Whether to use Numba's threads: the same bits with any number of threads. A constant in
        jitted code.

    Returns
    -------
    loss : float
        As `softmax_loss` returns it.
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

    May be called from `@njit` functions, where wrong types or dimensions raise Numba's TypingError,
    with the same message.

    Examples
    --------
    >>> softmax_loss_gradient([[0.0, 0.0]], [0])[1]
    array([[-0.5,  0.5]])
    """
    values = _check_arguments.real_array("softmax_loss_gradient", "scores", scores, ("N", "C"))
    classes = values.shape[1]
    indices = _check_arguments.label_array("softmax_loss_gradient", labels, classes)
    result = _check_arguments.result_array("softmax_loss_gradient", values, out, scores, labels)
    threaded = parallel and worth_threads(values.size)
    run = _losses.softmax_loss_gradient_kernel.variant(values, classes, out, threaded)
    return run(values, indices, result, None), result


@overload(softmax_loss_gradient, prefer_literal=True)
def _softmax_loss_gradient_in_jit(scores, labels, out=None, parallel=False):
    accept_reals("softmax_loss_gradient", "scores", scores, ("N", "C"))
    accept_labels("softmax_loss_gradient", labels)
    accept_out("softmax_loss_gradient", scores, out)
    run = pick("softmax_loss_gradient", _losses.softmax_loss_gradient_kernel, parallel)

    def call(scores, labels, out=None, parallel=False):
        floats = as_floats(scores)
        dscores = as_result("softmax_loss_gradient", floats, out, scores)
        refuse_shared_labels("softmax_loss_gradient", out, labels)
        whole = as_labels("softmax_loss_gradient", labels, scores.shape[1])
        return run(floats, whole, dscores, softmax_way_in_jit(scores.shape[1])), dscores

    return call
