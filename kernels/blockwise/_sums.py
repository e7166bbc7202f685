"""One task per block of rows, and the sum of their results in the order of the blocks.

The tasks run the library's serial kernels, never a parallel one: Numba's threads would compete with
Dask's, and its workqueue layer must not be entered by two threads.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import itemgetter
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.core import flatten
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from kernels.blockwise._arguments import Rows, refuse_label
from kernels.simd import blocks

FAN_IN = 8
"""Results added by one task. The sums of these are added in turn: so few wait in memory, the order
depends on the number of blocks alone, and a worker that dies takes few sums with it."""

_OBJECTS: dict[str, Any] = {"dtype": object, "meta": np.empty((0, 0), object)}

Values = tuple[Any, ...]
Part = tuple[Values | None, tuple[int, int] | None]
"""Sums of some blocks (None if they have no rows), and their first wrong label with its index."""


def mean(rows: Rows, compute: Callable[..., Values], classes: int, options: dict[str, Any]) -> Any:
    """Mean over all samples of what `compute` returns for a block's; see `mean_of_parts`.

    `compute` is called with the samples and labels of a block, and with the options by name. What
    it returns are means over these. They are added in float64, each times its block's share of the
    samples: no sum overflows that the mean does not.
    """
    run = partial(part_of_block, compute=compute, classes=classes)
    return mean_of_parts(rows, by_block(rows, run, options), classes)


def by_block(rows: Rows, run: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Dask array with one entry per block: whatever `run` returns for it.

    Dask gives `run` the block's place as `block_info`, and the values of Delayed options.
    """
    chunks = tuple(1 for _ in rows.samples.chunks[0]), (1,)
    return da.map_blocks(run, rows.samples, rows.labels, chunks=chunks, options=options, **_OBJECTS)


def part_of_block(
    samples: NDArray[Any],
    labels: NDArray[Any],
    *,
    compute: Callable[..., Values],
    classes: int,
    options: dict[str, Any],
    block_info: Any,
) -> Part:
    """Results for a block, times its share of the samples."""
    labels = labels.ravel()
    wrong = blocks.first_wrong_label(labels, classes, start_of(block_info))
    if wrong or not labels.size:
        return None, wrong
    return times(compute(samples, labels, **options), share_of(block_info)), None


def gradient_of_block(
    samples: NDArray[Any],
    labels: NDArray[Any],
    *,
    run: Callable[..., tuple[float, NDArray[Any]]],
    options: dict[str, Any],
    block_info: Any,
) -> tuple[Part, NDArray[Any]]:
    """Loss of a block, times its share of the samples, and its part of the gradient of the mean."""
    labels, classes = labels.ravel(), samples.shape[1]
    wrong = blocks.first_wrong_label(labels, classes, start_of(block_info))
    refuse_label(run.__name__, wrong, classes)
    if not labels.size:
        return (None, None), samples
    loss, slopes = run(samples, labels, **options)
    slopes *= share_of(block_info)
    return (times((loss,), share_of(block_info)), None), slopes


def start_of(block_info: Any) -> int:
    """Index of the first sample of a block."""
    return int(block_info[0]["array-location"][0][0])


def share_of(block_info: Any) -> float:
    """Share of the samples that a block has."""
    start, stop = block_info[0]["array-location"][0]
    return float((stop - start) / block_info[0]["shape"][0])


@np.errstate(all="ignore")
def times(values: Values, share: float) -> Values:
    """Values in float64, times a share."""
    return tuple(np.multiply(value, share, dtype=np.float64) for value in values)


def mean_of_parts(rows: Rows, parts: Any, classes: int) -> Any:
    """Sum of the parts, without a wrong label: a Dask array whose one block is a tuple.

    Its tasks are a layer of their own: Delayed objects would hide the blocks from Dask's optimiser,
    which joins the reading of a block with its use, and has both results use it once.
    """
    name, keys = f"mean-{tokenize(parts.name)}", list(flatten(parts.__dask_keys__()))
    tasks: dict[Any, Any] = {}
    while len(keys) > 1:
        groups = [keys[i : i + FAN_IN] for i in range(0, len(keys), FAN_IN)]
        keys = [(f"sum-{name}", len(tasks) + i) for i in range(len(groups))]
        tasks |= {key: (add_in_order, group) for key, group in zip(keys, groups, strict=True)}
    end = partial(finish, function=rows.function, classes=classes)
    return _array(name, tasks | {(name, 0): (end, keys[0])}, parts, (1,), np.empty(0, object))


def _array(name: str, tasks: dict[Any, Any], needed: Any, shape: tuple[int, ...], meta: Any) -> Any:
    """Dask array of one chunk, from tasks that need those of another array."""
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[needed])
    return da.Array(graph, name, tuple((length,) for length in shape), meta=meta)


def add_in_order(parts: Sequence[Part]) -> Part:
    """Sums of several parts; the first wrong label if there is one."""
    return reduce(_add, parts)


@np.errstate(all="ignore")
def _add(first: Part, second: Part) -> Part:
    wrong = first[1] or second[1]
    if wrong or first[0] is None or second[0] is None:
        return (None, wrong) if wrong else (first[0] or second[0], None)
    return tuple(a + b for a, b in zip(first[0], second[0], strict=True)), None


def finish(part: Part, function: str, classes: int) -> Values:
    """Refuse the first wrong label, or return the sums."""
    sums, wrong = part
    refuse_label(function, wrong, classes)
    return sums or ()


def firsts(pairs: Any) -> Any:
    """Dask array of the first ones of pairs."""
    return pairs.map_blocks(itemgetter(0), **_OBJECTS)


def entry(values: Any, index: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """Dask array, in one chunk, of one of the values of `mean`."""
    name = f"entry-{index}-{values.name}"
    take = partial(_entry, index=index, dtype=dtype)
    tasks = {(name, *(0 for _ in shape)): (take, (values.name, 0))}
    return _array(name, tasks, values, shape, np.empty((0,) * len(shape), dtype))


def _entry(values: Values, index: int, dtype: Any) -> Any:
    return np.asarray(values[index], dtype)
