"""Compile the library's kernels before they are needed, into Numba's cache.

A worker of a cluster then loads them, in milliseconds, where it would compile for seconds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from kernels.simd import _losses, gradients, linear, losses
from kernels.simd._ways import hinge_way, softmax_way
from kernels.simd.blocks import epoch_order

DTYPES = ("float64", "float32")
MOST_CLASSES = 1 << 12
"""No kernel changes its way of taking rows above this number of classes."""

Call = Callable[[], Any]


def class_counts(loss: str, dtype: str) -> list[int]:
    """Smallest number of classes for each way in which a loss takes its rows."""
    size, smallest = np.dtype(dtype).itemsize, dict[int, int]()
    for classes in range(1, MOST_CLASSES):
        way = hinge_way(classes, size) if loss == "svm" else softmax_way(classes)
        smallest.setdefault(way, classes)
    return list(smallest.values())


def compile_ahead(
    dtypes: Sequence[str] = DTYPES, tell: Callable[[str, str, int, float], None] | None = None
) -> None:
    """Compile what contiguous arrays and labels in int64 need, one thread.

    Not compiled: kernels for arrays of other strides, those for several threads, training by finite
    differences, and what takes a function of yours, which Numba cannot keep.

    Parameters
    ----------
    dtypes : sequence of "float64" and "float32"
        Of the scores, samples and weights.
    tell : function, optional
        Called after each function with its name, the dtype, the number of compiled variants and
        the seconds it took; less where the cache had them.
    """
    for dtype in dtypes:
        for name, variants in _calls(dtype):
            start = time.perf_counter()
            for call in variants:
                call()
            if tell:
                tell(name, dtype, len(variants), time.perf_counter() - start)


def cache_folder() -> str:
    """Folder in which Numba keeps what is compiled."""
    return str(_losses.svm_loss_kernel.serial.stats.cache_path)


def _calls(dtype: str) -> Iterator[tuple[str, list[Call]]]:
    """Each function's name, with calls that compile its variants."""
    for loss, name in (
        *(("svm", one) for one in ("svm_loss", "svm_loss_gradient")),
        *(("softmax", one) for one in ("softmax_loss", "softmax_loss_gradient")),
        *(("softmax", one) for one in ("softmax", "log_softmax")),
    ):
        labels = () if name in {"softmax", "log_softmax"} else ([0],)
        rows = [np.zeros((1, classes), dtype) for classes in class_counts(loss, dtype)]
        yield name, [partial(getattr(losses, name), row, *labels) for row in rows]
    yield from _linear_calls(dtype)
    one = np.ones((1, 1), dtype)
    yield "relative_error", [partial(gradients.relative_error, one, one)]


def _linear_calls(dtype: str) -> Iterator[tuple[str, list[Call]]]:
    X, labels = np.zeros((2, 1), dtype), [0, 0]
    ways = [(loss, C) for loss in ("svm", "softmax") for C in class_counts(loss, dtype)]
    for function in (linear.linear_loss, linear.linear_gradient):
        yield (
            function.__name__,
            [
                partial(function, np.zeros((1, C), dtype), np.zeros(C, dtype), X, labels, loss)
                for loss, C in ways
            ],
        )
    W, b = np.zeros((1, 2), dtype), np.zeros(2, dtype)
    differences: list[Call] = [
        partial(linear.linear_numerical_gradient, W, b, X, labels, loss)
        for loss in ("svm", "softmax")
    ]
    yield "linear_numerical_gradient", differences
    trainings: list[Call] = [
        partial(linear.train_linear, X, labels, C, loss, epochs=0, batch_size=size)
        for loss, C in ways
        for size in (None, 1)
    ]
    yield "train_linear", [*trainings, partial(epoch_order, 2, 0, 0)]
