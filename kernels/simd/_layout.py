"""Give pointers to rows of scores: to the rows themselves if they are contiguous, else to copies.

`_rows` and `_columns` take pointers to contiguous rows. An array with other strides is copied a few
rows at a time, and the results are copied back. The output may be the scores themselves.
"""

from typing import Any

import numpy as np
from numba.extending import overload

from kernels.simd.compiler import kernel
from kernels.simd.vectors import (
    LINE,
    lane_indices,
    lanes,
    lanes_of,
    load,
    load_integers,
    pointer,
    select,
    store,
)

# Inlined by LLVM. Numba's own inlining drops what is written through a pointer that it did not see
# come in as an argument: it takes that for dead.
INLINED: Any = {"forceinline": True}


@kernel(inline=True)
def is_same_array(scores, out):
    """Whether what is filled are the scores themselves: what overlaps otherwise was refused."""
    return scores.ctypes.data == out.ctypes.data


# --- one row


@kernel(inline=True)
def whole_lines(row, classes):
    """Numbers of a row that are in whole lines."""
    return classes - classes % lanes(row, 1)


@kernel(inline=True)
def label_of(labels, i, classes):
    """The label of a row, below `classes` whatever another thread made of it after its check."""
    return np.int64(min(np.uint64(labels[i]), np.uint64(classes - 1)))


def row_buffer(scores):
    """Room for a row that does not stand contiguous; none where all do."""
    raise NotImplementedError


@overload(row_buffer, jit_options=INLINED)
def _row_buffer(scores):
    if scores.layout == "C":
        return lambda scores: None
    return lambda scores: np.empty(scores.shape[1], scores.dtype)


def row_of(scores, i, buffer):
    """Pointer to a row, contiguous."""
    raise NotImplementedError


@overload(row_of, jit_options=INLINED)
def _row_of(scores, i, buffer):
    if scores.layout == "C":
        return lambda scores, i, buffer: pointer(scores, i * scores.shape[1])
    return lambda scores, i, buffer: copied(scores, i, 1, buffer)


def room_for_row(out, i, buffer):
    """Pointer to where a row is to be filled."""
    raise NotImplementedError


@overload(room_for_row, jit_options=INLINED)
def _room_for_row(out, i, buffer):
    if out.layout == "C":
        return lambda out, i, buffer: pointer(out, i * out.shape[1])
    return lambda out, i, buffer: pointer(buffer, 0)


def put_row(buffer, out, i):
    """Copy a row that was filled to where it belongs, if it is not there."""
    raise NotImplementedError


@overload(put_row, jit_options=INLINED)
def _put_row(buffer, out, i):
    if out.layout == "C":
        return lambda buffer, out, i: None
    return lambda buffer, out, i: put_copies(buffer, out, i, 1)


# --- a group of rows: a line of them


@kernel(inline=True)
def group_size(classes, line):
    """Numbers of a group of rows, with a line to spare behind them: it may be read so far."""
    return (classes + 1) * line


@kernel
def scratch(scores):
    """Room for a group of rows, and behind it for their columns."""
    classes, line = scores.shape[1], LINE // scores.itemsize
    return np.empty(group_size(classes, line) + (classes + line) * line, scores.dtype)


@kernel(inline=True)
def columns_in(space, classes):
    """Pointer to the room for columns."""
    return pointer(space, group_size(classes, LINE // space.itemsize))


def group_of(scores, first, count, space):
    """Pointer to the rows from `first` on."""
    raise NotImplementedError


@overload(group_of, jit_options=INLINED)
def _group_of(scores, first, count, space):
    if scores.layout == "C":
        return lambda scores, first, count, space: (
            pointer(scores, first * scores.shape[1])
            if may_be_read(scores, first)
            else copied(scores, first, count, space)
        )
    return lambda scores, first, count, space: copied(scores, first, count, space)


@kernel(inline=True)
def may_be_read(scores, first):
    """Whether there are so many numbers from a row on as a group may be read of."""
    classes = scores.shape[1]
    return first * classes + group_size(classes, LINE // scores.itemsize) <= scores.size


def put(space, out, first, count):
    """Copy a group of rows that was filled to where it belongs."""
    raise NotImplementedError


@overload(put, jit_options=INLINED)
def _put(space, out, first, count):
    if out.layout == "C":
        return lambda space, out, first, count: put_flat(
            pointer(space, 0), pointer(out, first * out.shape[1]), count * out.shape[1]
        )
    return lambda space, out, first, count: put_copies(space, out, first, count)


@kernel(inline=True)
def labels_of(labels, first, count, like):
    """The labels of a group, a lane each."""
    lane = lane_indices(like)
    if count == lanes_of(like):
        return load_integers(pointer(labels, 0), first, like)
    own = lane
    for r in range(count):
        own = select(lane == r, labels[first + r], own)
    return own


# --- copies


@kernel
def copied(scores, first, count, space):
    """Pointer to a contiguous copy of some rows."""
    classes = scores.shape[1]
    for r in range(count):
        for j in range(classes):
            space[r * classes + j] = scores[first + r, j]
    return pointer(space, 0)


@kernel
def put_copies(space, out, first, count):
    """Copy contiguous rows into an array of any strides."""
    classes = out.shape[1]
    for r in range(count):
        for j in range(classes):
            out[first + r, j] = space[r * classes + j]


@kernel(inline=True)
def put_flat(source, target, numbers):
    """Copy numbers from one pointer to another."""
    line = lanes(source, 1)
    whole = numbers - numbers % line
    for k in range(0, whole, line):
        store(target, k, load(source, k, 1))
    for k in range(whole, numbers):
        target[k] = source[k]
