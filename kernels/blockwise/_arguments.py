"""Make Dask arrays of arguments, in blocks of whole rows, and check what is known before reading.

Words and order of the checks are the library's: it is called with one row of zeros in the dtypes
that were given. Labels are checked where they are read.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.array.core import normalize_chunks, slices_from_chunks
from dask.array.utils import meta_from_array
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from kernels.simd import blocks


class Rows(NamedTuple):
    """Samples and their labels in the same blocks."""

    function: str
    """Name for the messages."""
    samples: Any
    """(N, C) or (N, D) Dask array, one chunk wide."""
    labels: Any
    """(N, 1) Dask array: a column, whose blocks stand beside those of the samples."""


def rows_of(
    function: str,
    argument: str,
    samples: Any,
    labels: Any,
    classes: int,
    check: Callable[[Any, Any], Any],
) -> Rows:
    """Check samples and labels, and give them the same blocks of rows.

    Parameters
    ----------
    function, argument : str
        Name of the function, and of the samples in it.
    samples, labels : Dask arrays, or arrays in memory from `in_memory`, `labels_in_memory`
        Of two Dask arrays, the samples decide on the blocks.
    classes : int
        Labels in memory have to be below it.
    check : function
        Calls the library with a row like the samples and a label like the labels.
    """
    refuse_unknown_chunks(function, argument, samples)
    refuse_unknown_chunks(function, "labels", labels)
    check(one_row(samples), one_label(labels))
    blocks.entries(function, "labels", labels.shape[0], samples.shape[0], "entries", "sample")
    if not is_dask(labels):
        refuse_label(function, blocks.first_wrong_label(labels, classes), classes)
    samples = in_row_blocks(samples, labels.chunks[0] if is_dask(labels) else "auto")
    return Rows(function, samples, as_column(labels, samples.chunks[0]))


def in_memory(function: str, argument: str, values: Any) -> Any:
    """Make a NumPy array of what is not a Dask array."""
    return values if is_dask(values) else blocks.real_array(function, argument, values)


def labels_in_memory(function: str, labels: Any, classes: int) -> Any:
    """Make an int64 array of labels that are not a Dask array."""
    return labels if is_dask(labels) else blocks.label_array(function, labels, classes)


def refuse_label(function: str, wrong: tuple[int, int] | None, classes: int) -> None:
    """Refuse a label that `first_wrong_label` found."""
    if wrong is not None:
        blocks.refuse_label(function, *wrong, classes)


def in_row_blocks(samples: Any, chunks: Any) -> Any:
    """Dask array in one chunk per block of rows; `chunks` of rows for an array in memory."""
    if is_dask(samples):
        return samples.rechunk({1: -1})
    return sliced(samples, normalize_chunks({0: chunks, 1: -1}, samples.shape, dtype=samples.dtype))


def sliced(array: NDArray[Any], chunks: tuple[tuple[int, ...], ...]) -> Any:
    """Dask array of views of an array in memory or of a file that is mapped into it.

    `da.from_array` reads all of it: for a hash, and in newer versions for a copy.
    """
    name = f"rows-{uuid4()}"
    keys = product([name], *(range(len(sizes)) for sizes in chunks))
    tasks = {key: array[where] for key, where in zip(keys, slices_from_chunks(chunks), strict=True)}
    graph = HighLevelGraph.from_collections(name, tasks)
    return da.Array(graph, name, chunks, meta=array[:0])


def is_dask(values: Any) -> bool:
    """Whether an argument is a Dask array."""
    return isinstance(values, da.Array)


def one_row(samples: Any) -> Any:
    """Zeros of the dtype, the dimensions and the length of the rows; as they are if empty."""
    meta = meta_from_array(samples)
    if type(meta) is not np.ndarray:  # masked, sparse: the library names it
        return meta
    shape = samples.shape
    if 0 not in shape:
        shape = (1, *shape[1:]) if len(shape) == 2 else (1,) * len(shape)
    return np.zeros(shape, samples.dtype)


def one_label(labels: Any) -> Any:
    """Zero in the dtype and the dimensions of the labels."""
    meta = meta_from_array(labels)
    if type(meta) is not np.ndarray:
        return meta
    # Labels without entries may have any dtype: their number is the mistake
    return np.zeros((1,) * labels.ndim, np.int64 if 0 in labels.shape else labels.dtype)


def refuse_unknown_chunks(function: str, argument: str, array: Any) -> None:
    """Refuse an array whose number of rows is known only when it is computed."""
    if np.isnan(array.shape).any():
        raise ValueError(
            f"{function}: {argument} must have known chunk sizes, got unknown ones: "
            f"call its compute_chunk_sizes() first"
        )


def as_column(labels: Any, chunks: tuple[int, ...]) -> Any:
    """Labels as a column in blocks of rows."""
    if is_dask(labels):
        return labels.rechunk({0: chunks}).map_blocks(_column, new_axis=1, dtype=labels.dtype)
    return sliced(labels[:, np.newaxis], (chunks, (1,)))


def _column(labels: NDArray[Any]) -> NDArray[Any]:
    return labels[:, np.newaxis]
