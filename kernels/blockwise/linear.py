"""The linear classifier scores = X·W + b on Dask arrays of samples: loss, gradient and training."""

from collections.abc import Iterator, Sequence
from typing import Any

import dask
import numpy as np
from dask.utils import parse_bytes
from numpy.typing import NDArray

import kernels
from kernels.blockwise import _sums
from kernels.blockwise._arguments import (
    Rows,
    in_memory,
    is_dask,
    labels_in_memory,
    one_label,
    one_row,
    refuse_unknown_chunks,
    rows_of,
)
from kernels.simd import blocks


def linear_loss(
    W: Any,
    b: Any,
    X: Any,
    labels: Any,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> Any:
    """Loss of the linear classifier on samples in blocks of rows; see `kernels.linear_loss`.

    Parameters
    ----------
    W : (D, C) float, a Dask array or not
        Weights. Every block gets all of them.
    b : (C,) float, a Dask array or not
        Biases.
    X : (N, D) Dask array, or anything that `kernels.linear_loss` takes
        Samples. Chunks along the features are joined, so a block holds whole rows.
    labels : (N,) integers in [0, C), as a Dask array or not
        The right class of each sample. A Dask array is given the blocks of the samples.
    loss, margin, regularization
        As in `kernels.linear_loss`.

    Returns
    -------
    0-d float64 Dask array
        Mean loss over the samples plus the penalty, summed as in `svm_loss`.

    Raises
    ------
    TypeError, ValueError
        As `kernels.linear_loss`, at the times that `svm_loss` says.

    Examples
    --------
    >>> import dask.array as da
    >>> round(float(linear_loss([[0.0, 0.0]], [0.0, 0.0], da.ones((4, 1)), [0, 1, 1, 1])), 4)
    0.6931
    """
    values, _ = _mean("linear_loss", W, b, X, labels, (loss, margin, regularization))
    return _sums.entry(values, 0, (), np.float64)


def linear_gradient(
    W: Any,
    b: Any,
    X: Any,
    labels: Any,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> tuple[Any, Any, Any]:
    """Loss of the linear classifier and its analytic derivatives by W and b.

    Parameters
    ----------
    W, b, X, labels, loss, margin, regularization
        As in `linear_loss`.

    Returns
    -------
    loss : 0-d float64 Dask array
        As `linear_loss` returns it.
    dW : (D, C) Dask array
        Derivative by the weights, in one chunk, in the dtype of the computation. Blocks are summed
        in float64.
    db : (C,) Dask array
        Derivative by the biases.

    Raises
    ------
    TypeError, ValueError
        As `linear_loss`.

    Notes
    -----
    Compute all at once, with `dask.compute(loss, dW, db)`: each block is then read once.

    Examples
    --------
    >>> import dask.array as da
    >>> loss, dW, db = linear_gradient([[0.0, 0.0]], [0.0, 0.0], da.ones((1, 1)), [0])
    >>> dW.compute(), db.compute()
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    values, dW = _mean("linear_gradient", W, b, X, labels, (loss, margin, regularization))
    return (
        _sums.entry(values, 0, (), np.float64),
        _sums.entry(values, 1, dW.shape, dW.dtype),
        _sums.entry(values, 2, dW.shape[1:], dW.dtype),
    )


def _mean(
    function: str, W: Any, b: Any, X: Any, labels: Any, objective: tuple[Any, ...]
) -> tuple[Any, NDArray[Any]]:
    """Means over the samples, as `entry` takes them, and an array like dW."""
    W, b, X = (in_memory(function, name, array) for name, array in (("W", W), ("b", b), ("X", X)))
    for name, array in (("W", W), ("b", b)):
        refuse_unknown_chunks(function, name, array)
    classes = W.shape[-1] if W.ndim else blocks.MAX_COUNT
    labels = labels_in_memory(function, labels, classes)
    like = _like(W), _like(b)
    run = getattr(kernels, function)
    rows = rows_of(
        function, "X", X, labels, classes, lambda X, labels: run(*like, X, labels, *objective)
    )
    options = {"W": _sent_once(W), "b": _sent_once(b), "objective": objective}
    compute = loss_alone if function == "linear_loss" else loss_and_slopes
    values = _sums.mean(rows, compute, classes, options)
    return values, np.broadcast_to(np.zeros((), np.result_type(*like, X)), W.shape)


def _like(array: Any) -> Any:
    """The array, if it is in memory; else zeros like it."""
    if not is_dask(array):
        return array
    row = one_row(array)
    return np.broadcast_to(row.ravel()[:1], array.shape) if row.size else row


def _sent_once(array: Any) -> Any:
    """An array that is sent to a worker once, not with each task."""
    return array if is_dask(array) else dask.delayed(array)


def loss_alone(X: Any, labels: Any, *, W: Any, b: Any, objective: Any) -> _sums.Values:
    """Loss of a block of samples."""
    return (kernels.linear_loss(W, b, X, labels, *objective),)


def loss_and_slopes(
    X: Any, labels: Any, *, W: Any, b: Any, objective: Any, step: Any = None
) -> _sums.Values:
    """Loss of a block of samples, dW and db; by finite differences if there is a step."""
    if step is None:
        return kernels.linear_gradient(W, b, X, labels, *objective)
    slopes = kernels.linear_numerical_gradient(W, b, X, labels, *objective, *step)
    return kernels.linear_loss(W, b, X, labels, *objective), *slopes


def train_linear(
    X: Any,
    labels: Any,
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
    W0: Any = None,
    b0: Any = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Train a linear classifier on samples in blocks of rows; see `kernels.train_linear`.

    It is not lazy: each update needs the one before it.

    Parameters
    ----------
    X : (N, D) Dask array, or anything that `kernels.train_linear` takes
        Samples, as in `linear_loss`. They are read again for each epoch: `X.persist()` keeps them
        in the memory of the workers.
    labels : (N,) integers in [0, classes), as a Dask array or not
        The right class of each sample.
    classes : int, optional
        C; by default the largest label + 1, for which Dask arrays of labels are read once more.
    loss, gradient, margin, h, method, train_bias, learning_rate, epochs, batch_size, momentum
        As in `kernels.train_linear`.
    regularization, seed
        As there.
    W0, b0 : (D, C) and (C,) float, optional
        Weights and biases at the start, zeros by default; Dask arrays are computed.

    Returns
    -------
    W : (D, C) array
        The trained weights: float32 if X, W0 and b0 (those given) are, else float64.
    b : (C,) array
        The trained biases.
    losses : (epochs,) float64 array
        Loss over all samples before each epoch's updates.

    Raises
    ------
    TypeError, ValueError
        As `kernels.train_linear`; also for chunks of unknown size.

    Notes
    -----
    Without batches, blocks give their parts of the gradient. Batches have the samples of
    `kernels.train_linear`, in its order. Their rows are gathered from the blocks, for as many
    batches at a time as fit into Dask's `array.chunk-size` (128 MiB by default), so an epoch
    reads X once for each of these and once for its loss. The order of an epoch takes 16 bytes per
    sample in the memory of the caller. If X neither fits into memory nor is cheap to read, train
    without batches.

    Examples
    --------
    >>> import dask.array as da
    >>> X = da.from_array([[-1.0], [1.0]], chunks=(1, 1))
    >>> W, b, losses = train_linear(X, [0, 1], epochs=2, learning_rate=1.0)
    >>> W.round(4), losses.round(4)
    (array([[-0.7689,  0.7689]]), array([0.6931, 0.3133]))
    """
    function = "train_linear"
    epochs = blocks.count(function, "epochs", epochs, 0)
    X = in_memory(function, "X", X)
    known = blocks.MAX_COUNT if classes is None else blocks.count(function, "classes", classes, 1)
    labels = labels_in_memory(function, labels, known)
    W0, b0 = (array.compute() if is_dask(array) else array for array in (W0, b0))
    classes = _class_count(labels) if classes is None else known

    def start(X: Any, labels: Any) -> Any:
        """Check all options; return W and b at the start."""
        return kernels.train_linear(
            X, labels, classes, loss, gradient, margin, h, method, train_bias, learning_rate, 0,
            batch_size, momentum, regularization, seed, W0, b0,
        )  # fmt: skip

    rows = rows_of(function, "X", X, labels, classes, start)
    W, b, _ = start(one_row(X), np.zeros(1, np.int64))
    parameters = [W, b] if train_bias else [W]
    velocities = [np.zeros_like(array) for array in parameters]
    options = {"objective": (loss, margin, regularization)}
    whole = batch_size is None or batch_size >= len(X)
    step = (h, method) if gradient == "numerical" else None
    losses = np.empty(epochs)
    for epoch in range(epochs):
        if whole:
            losses[epoch], *slopes = _of_all(rows, W, b, options | {"step": step})
            _descend(parameters, velocities, slopes, learning_rate, momentum)
            continue
        losses[epoch] = _of_all(rows, W, b, options)[0]
        for batch in _batches(rows, int(batch_size or 0), int(seed), epoch):
            _, *slopes = loss_and_slopes(*batch, W=W, b=b, step=step, **options)
            _descend(parameters, velocities, slopes, learning_rate, momentum)
    return W, b, losses


def _class_count(labels: Any) -> int:
    """Number of classes by default: the largest label + 1, at least 1."""
    function = "train_linear"
    refuse_unknown_chunks(function, "labels", labels)
    blocks.label_array(function, one_label(labels))
    parts = _largest_of_blocks(labels) if is_dask(labels) else labels
    largest = int(np.max(parts, initial=0))
    if largest >= blocks.MAX_COUNT:
        index = int((labels >= blocks.MAX_COUNT).argmax())
        blocks.refuse_label(function, int(labels[index]), index, blocks.MAX_COUNT)
    return largest + 1


def _largest_of_blocks(labels: Any) -> NDArray[Any]:
    ones = tuple(1 for _ in labels.chunks[0])
    largest: NDArray[Any] = labels.map_blocks(
        np.max, initial=0, keepdims=True, chunks=(ones,), dtype=labels.dtype
    ).compute()
    return largest


def _of_all(rows: Rows, W: NDArray[Any], b: NDArray[Any], options: dict[str, Any]) -> list[Any]:
    """Loss over all samples; dW and db, too, if the options have a step."""
    run = loss_and_slopes if "step" in options else loss_alone
    sent = options | {"W": _sent_once(W), "b": _sent_once(b)}
    values = _sums.mean(rows, run, b.size, sent)
    like = (np.empty(()), W, b) if "step" in options else (np.empty(()),)
    means = [_sums.entry(values, i, one.shape, one.dtype) for i, one in enumerate(like)]
    return list(dask.compute(*means))


def _batches(
    rows: Rows, size: int, seed: int, epoch: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Samples and labels of each batch of an epoch, gathered for several batches at a time."""
    X, labels = rows.samples, rows.labels
    order = blocks.epoch_order(len(X), seed, epoch)
    fitting = parse_bytes(dask.config.get("array.chunk-size")) // X[:1].nbytes
    at_a_time = max(fitting // size, 1) * size
    for start in range(0, len(X), at_a_time):
        picked = order[start : start + at_a_time]
        some_X, some_labels = dask.compute(X[picked], labels[picked])
        for at in range(0, len(picked), size):
            yield some_X[at : at + size], some_labels[at : at + size, 0]


@np.errstate(all="ignore")
def _descend(
    parameters: list[NDArray[Any]],
    velocities: list[NDArray[Any]],
    slopes: Sequence[NDArray[Any]],
    learning_rate: float,
    momentum: float,
) -> None:
    """One step with momentum, in place."""
    for array, velocity, slope in zip(parameters, velocities, slopes, strict=False):
        velocity *= array.dtype.type(momentum)
        velocity -= array.dtype.type(learning_rate) * slope
        array += velocity
