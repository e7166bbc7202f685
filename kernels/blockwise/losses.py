"""Losses of classification scores and their gradients, on Dask arrays of scores."""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kernels
from kernels.blockwise import _sums
from kernels.blockwise._arguments import (
    Rows,
    in_memory,
    in_row_blocks,
    labels_in_memory,
    one_row,
    refuse_unknown_chunks,
    rows_of,
)
from kernels.simd import blocks


def svm_loss(scores: Any, labels: Any, margin: float = 1.0) -> Any:
    """Multiclass hinge loss of scores in blocks of rows; see `kernels.svm_loss`.

    Parameters
    ----------
    scores : (N, C) Dask array, or anything that `kernels.svm_loss` takes
        Classification scores. Chunks along the classes are joined, so a block holds whole rows.
    labels : (N,) integers in [0, C), as a Dask array or not
        The right class of each sample. A Dask array is given the blocks of the scores.
    margin : float
        Δ, finite and at least 0, in the unit of the scores.

    Returns
    -------
    0-d float64 Dask array
        Mean over the samples. Blocks are summed in float64, in an order that depends on their
        number alone: the same bits on any number of threads, processes and machines.

    Raises
    ------
    TypeError, ValueError
        As `kernels.svm_loss`; also for chunks of unknown size. All but labels are checked in this
        call. The first label out of range is named when the loss is computed, by its index in all
        samples.

    Notes
    -----
    Special values are those of `kernels.svm_loss`, and the value is its, within 1e-12 for float64.

    Examples
    --------
    >>> import dask.array as da
    >>> scores = da.from_array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], chunks=(2, 3))
    >>> round(float(svm_loss(scores, [0, 1, 2])), 4)
    5.2667
    """
    return _loss("svm_loss", scores, labels, {"margin": margin})


def softmax_loss(scores: Any, labels: Any) -> Any:
    """Cross-entropy of the softmax of scores in blocks of rows; see `kernels.softmax_loss`.

    Parameters
    ----------
    scores, labels
        As in `svm_loss`.

    Returns
    -------
    0-d float64 Dask array
        Mean over the samples, summed as in `svm_loss`.

    Raises
    ------
    TypeError, ValueError
        As `kernels.softmax_loss`, at the times that `svm_loss` says.

    Examples
    --------
    >>> import dask.array as da
    >>> scores = da.from_array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], chunks=(2, 3))
    >>> round(float(softmax_loss(scores, [0, 1, 2])), 4)
    2.7587
    """
    return _loss("softmax_loss", scores, labels, {})


def softmax(scores: Any) -> Any:
    """Probabilities of the classes, in the blocks of the scores; see `kernels.softmax`.

    Parameters
    ----------
    scores : (N, C)
        As in `svm_loss`.

    Returns
    -------
    (N, C) Dask array
        In the dtype and the chunks of rows of the scores (float64 for integers).

    Raises
    ------
    TypeError, ValueError
        As `kernels.softmax`; also for chunks of unknown size.

    Examples
    --------
    >>> import dask.array as da
    >>> softmax(da.zeros((2, 4), chunks=1)).compute()
    array([[0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25]])
    """
    return _filled("softmax", scores)


def log_softmax(scores: Any) -> Any:
    """Logarithms of the softmax, in the blocks of the scores; see `kernels.log_softmax`.

    Parameters
    ----------
    scores : (N, C)
        As in `svm_loss`.

    Returns
    -------
    (N, C) Dask array
        In the dtype and the chunks of rows of the scores (float64 for integers).

    Raises
    ------
    TypeError, ValueError
        As `kernels.log_softmax`; also for chunks of unknown size.

    Examples
    --------
    >>> import dask.array as da
    >>> log_softmax(da.zeros((1, 2))).compute().round(4)
    array([[-0.6931, -0.6931]])
    """
    return _filled("log_softmax", scores)


def svm_loss_gradient(scores: Any, labels: Any, margin: float = 1.0) -> tuple[Any, Any]:
    """Hinge loss of scores in blocks of rows, and its derivative by each score.

    Parameters
    ----------
    scores, labels, margin
        As in `svm_loss`.

    Returns
    -------
    loss : 0-d float64 Dask array
        As `svm_loss` returns it.
    dscores : (N, C) Dask array
        Derivative of the mean over all samples, in the dtype and the chunks of rows of the scores.

    Raises
    ------
    TypeError, ValueError
        As `svm_loss`, with one difference: if several blocks of a Dask array of labels have a label
        out of range, the one that is named may be in any of these blocks.

    Notes
    -----
    Compute both at once, with `dask.compute(loss, dscores)`: each block is then read once.

    Examples
    --------
    >>> import dask.array as da
    >>> loss, dscores = svm_loss_gradient(da.from_array([[0.0, 0.5]]), [0])
    >>> dscores.compute()
    array([[-1.,  1.]])
    """
    return _gradient("svm_loss_gradient", scores, labels, {"margin": margin})


def softmax_loss_gradient(scores: Any, labels: Any) -> tuple[Any, Any]:
    """Softmax loss of scores in blocks of rows, and its derivative by each score.

    Parameters
    ----------
    scores, labels
        As in `svm_loss`.

    Returns
    -------
    loss : 0-d float64 Dask array
        As `softmax_loss` returns it.
    dscores : (N, C) Dask array
        Derivative of the mean over all samples, in the dtype and the chunks of rows of the scores.

    Raises
    ------
    TypeError, ValueError
        As `svm_loss_gradient`.

    Notes
    -----
    Compute both at once, with `dask.compute(loss, dscores)`: each block is then read once.

    Examples
    --------
    >>> import dask.array as da
    >>> loss, dscores = softmax_loss_gradient(da.zeros((1, 2)), [0])
    >>> dscores.compute()
    array([[-0.5,  0.5]])
    """
    return _gradient("softmax_loss_gradient", scores, labels, {})


def _loss(function: str, scores: Any, labels: Any, options: dict[str, Any]) -> Any:
    run = getattr(kernels, function)
    rows, classes = _rows(function, scores, labels, options)
    values = _sums.mean(rows, partial(_alone, run), classes, options)
    return _sums.entry(values, 0, (), np.float64)


def _rows(function: str, scores: Any, labels: Any, options: dict[str, Any]) -> tuple[Rows, int]:
    """Scores and labels in blocks, and the number of classes."""
    scores = in_memory(function, "scores", scores)
    classes = scores.shape[-1] if scores.ndim else blocks.MAX_COUNT
    labels = labels_in_memory(function, labels, classes)
    check = partial(getattr(kernels, function), **options)
    return rows_of(function, "scores", scores, labels, classes, check), classes


def _alone(run: Callable[..., float], *arguments: Any, **options: Any) -> tuple[float]:
    return (run(*arguments, **options),)


def _filled(function: str, scores: Any) -> Any:
    scores = in_memory(function, "scores", scores)
    refuse_unknown_chunks(function, "scores", scores)
    like: NDArray[Any] = getattr(kernels, function)(one_row(scores))
    blocks_of_rows = in_row_blocks(scores, "auto")
    return blocks_of_rows.map_blocks(_fill, function, dtype=like.dtype, meta=like[:0])


def _fill(scores: NDArray[Any], function: str) -> Any:
    return getattr(kernels, function)(scores) if len(scores) else scores


def _gradient(function: str, scores: Any, labels: Any, options: dict[str, Any]) -> tuple[Any, Any]:
    run = getattr(kernels, function)
    rows, classes = _rows(function, scores, labels, options)
    pairs = _sums.by_block(rows, partial(_sums.gradient_of_block, run=run), options)
    loss = _sums.mean_of_parts(rows, _sums.firsts(pairs), classes)
    like = np.empty((0, 0), np.float32 if rows.samples.dtype == np.float32 else np.float64)
    dscores = pairs.map_blocks(
        itemgetter(1), chunks=rows.samples.chunks, dtype=like.dtype, meta=like
    )
    return _sums.entry(loss, 0, (), np.float64), dscores
