"""How rows of scores are reached: where they stand if they are contiguous, else as a copy.

`rows` and `columns` take pointers to contiguous rows. An array of any strides is copied a few rows
at a time, and its results are copied back; what is filled may be the scores themselves.
"""

import numpy as np
from numba.extending import overload

from kernels.jit._compile import kernel
from kernels.jit.vectors import LINE, lanes, load, load_integers, pointer, store

# --- one row


def row_buffer(scores):
    """Room for a row that does not stand contiguous; next to none where all do."""
    raise NotImplementedError


@overload(row_buffer, inline="always")
def _row_buffer(scores):
    if scores.layout == "C":
        return lambda scores: np.empty(1, scores.dtype)
    return lambda scores: np.empty(scores.shape[1], scores.dtype)


def row_of(scores, i, buffer):
    """Pointer to a row, contiguous."""
    raise NotImplementedError


@overload(row_of, inline="always")
def _row_of(scores, i, buffer):
    if scores.layout == "C":
        return lambda scores, i, buffer: pointer(scores, i * scores.shape[1])
    return lambda scores, i, buffer: copied(scores, i, 1, buffer)


def room_for_row(out, i, buffer):
    """Pointer to where a row is to be filled."""
    raise NotImplementedError


@overload(room_for_row, inline="always")
def _room_for_row(out, i, buffer):
    if out.layout == "C":
        return lambda out, i, buffer: pointer(out, i * out.shape[1])
    return lambda out, i, buffer: pointer(buffer, 0)


def put_row(buffer, out, i):
    """Copy a row that was filled to where it belongs, if it is not there."""
    raise NotImplementedError


@overload(put_row, inline="always")
def _put_row(buffer, out, i):
    if out.layout == "C":
        return lambda buffer, out, i: None
    return lambda buffer, out, i: put_copies(buffer, out, i, 1)


# --- a group of rows: a line of them


@kernel
def scratch(scores):
    """For a group: its rows with a line to spare behind them, its columns, its labels."""
    classes, line = scores.shape[1], LINE // scores.itemsize
    columns = np.empty((classes + line) * line, scores.dtype)
    return np.empty((classes + 1) * line, scores.dtype), columns, np.zeros(line, np.int64)


def group_of(scores, first, count, spare):
    """Pointer to the rows from `first` on, which may be read as far as a line behind their end."""
    raise NotImplementedError


@overload(group_of, inline="always")
def _group_of(scores, first, count, spare):
    if scores.layout == "C":
        return lambda scores, first, count, spare: (
            pointer(scores, first * scores.shape[1])
            if first * scores.shape[1] + spare.size <= scores.size
            else copied(scores, first, count, spare)
        )
    return lambda scores, first, count, spare: copied(scores, first, count, spare)


def put(spare, out, first, count):
    """Copy a group of rows that was filled to where it belongs."""
    raise NotImplementedError


@overload(put, inline="always")
def _put(spare, out, first, count):
    if out.layout == "C":
        return lambda spare, out, first, count: put_flat(
            pointer(spare, 0), pointer(out, first * out.shape[1]), count * out.shape[1]
        )
    return lambda spare, out, first, count: put_copies(spare, out, first, count)


@kernel
def labels_of(labels, first, count, spare, like):
    """The labels of a group, a lane each."""
    if count == spare.size:
        return load_integers(pointer(labels, 0), first, like)
    for r in range(count):
        spare[r] = labels[first + r]
    return load_integers(pointer(spare, 0), 0, like)


# --- copies


@kernel
def copied(scores, first, count, spare):
    """Pointer to a contiguous copy of some rows."""
    classes = scores.shape[1]
    for r in range(count):
        for j in range(classes):
            spare[r * classes + j] = scores[first + r, j]
    return pointer(spare, 0)


@kernel
def put_copies(spare, out, first, count):
    """Copy contiguous rows into an array of any strides."""
    classes = out.shape[1]
    for r in range(count):
        for j in range(classes):
            out[first + r, j] = spare[r * classes + j]


@kernel
def put_flat(source, target, numbers):
    """Copy numbers from one pointer to another."""
    line = lanes(source, 1)
    whole = numbers - numbers % line
    for k in range(0, whole, line):
        store(target, k, load(source, k, 1))
    for k in range(whole, numbers):
        target[k] = source[k]
