"""Give pointers to rows of scores: to the rows themselves if they are contiguous, else to copies.

The kernels of rows and columns take pointers to contiguous rows. An array with other strides is
copied a few rows at a time, and the results are copied back. The output may be the scores
themselves.
"""

import numpy as np

from kernels.simd._arrays import new_array
from kernels.simd._linking import is_contiguous
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


@kernel(inline=True)
def is_same_array(scores, out):
    """Whether the output is the scores themselves; any other overlap was refused before."""
    return scores.ctypes.data == out.ctypes.data


# --- one row


@kernel(inline=True)
def whole_lines(row, classes):
    """Number of entries of a row that fill whole lines."""
    return classes - classes % lanes(row, 1)


@kernel(inline=True)
def label_of(labels, i, classes):
    """Label of a row, kept below `classes` even if another thread changed it after its check."""
    label, last = np.uint64(pointer(labels, 0)[i]), np.uint64(classes - 1)
    return np.int64(select(label < last, label, last))


@kernel(inline=True)
def row_buffer(scores):
    """Buffer for a row of an array that is not contiguous; None for one that is."""
    if is_contiguous(scores):
        return None
    return new_array(scores.shape[1], scores.dtype)


@kernel(inline=True)
def input_row(scores, i, buffer):
    """Pointer to a contiguous row of scores."""
    if is_contiguous(scores):
        return pointer(scores, i * scores.shape[1])
    return copy_rows(scores, i, 1, buffer)


@kernel(inline=True)
def output_row(out, i, buffer):
    """Pointer to where a row of the output is written."""
    if is_contiguous(out):
        return pointer(out, i * out.shape[1])
    return pointer(buffer, 0)


@kernel(inline=True)
def store_row(buffer, out, i):
    """Copy a row from the buffer into the output, if it was written there."""
    if is_contiguous(out):
        return
    copy_back(buffer, out, i, 1)


# --- a group of rows: as many as a line has numbers


@kernel(inline=True)
def group_size(classes, line):
    """Size of a group of rows and one more line, which may be read as well."""
    return (classes + 1) * line


@kernel
def scratch(scores):
    """Buffer for a group of rows, followed by one for their columns."""
    classes, line = scores.shape[1], LINE // scores.itemsize
    return new_array(group_size(classes, line) + (classes + line) * line, scores.dtype)


@kernel(inline=True)
def columns_in(space, classes):
    """Pointer to the buffer for columns."""
    return pointer(space, group_size(classes, LINE // space.itemsize))


@kernel(inline=True)
def input_group(scores, first, count, space):
    """Pointer to the rows of a group, the first of which is `first`."""
    if is_contiguous(scores) and may_be_read(scores, first):
        return pointer(scores, first * scores.shape[1])
    return copy_rows(scores, first, count, space)


@kernel(inline=True)
def may_be_read(scores, first):
    """Whether a group from a row on, and the line after it, are inside the array."""
    classes = scores.shape[1]
    return first * classes + group_size(classes, LINE // scores.itemsize) <= scores.size


@kernel(inline=True)
def store_group(space, out, first, count):
    """Copy a group of rows from the buffer into the output."""
    if is_contiguous(out):
        numbers = count * out.shape[1]
        copy_numbers(pointer(space, 0), pointer(out, first * out.shape[1]), numbers)
    else:
        copy_back(space, out, first, count)


@kernel(inline=True)
def labels_of(labels, first, count, like):
    """The labels of a group, one per lane."""
    lane = lane_indices(like)
    if count == lanes_of(like):
        return load_integers(pointer(labels, 0), first, like)
    found = lane
    for r in range(count):
        found = select(lane == r, labels[first + r], found)
    return found


# --- copies


@kernel
def copy_rows(scores, first, count, space):
    """Copy some rows; return a pointer to the contiguous copy."""
    classes = scores.shape[1]
    for r in range(count):
        for j in range(classes):
            space[r * classes + j] = scores[first + r, j]
    return pointer(space, 0)


@kernel
def copy_back(space, out, first, count):
    """Copy contiguous rows back into an array of any strides."""
    classes = out.shape[1]
    for r in range(count):
        for j in range(classes):
            out[first + r, j] = space[r * classes + j]


@kernel(inline=True)
def copy_numbers(source, target, numbers):
    """Copy numbers from one pointer to another."""
    line = lanes(source, 1)
    whole = numbers - numbers % line
    for k in range(0, whole, line):
        store(target, k, load(source, k, 1))
    for k in range(whole, numbers):
        target[k] = source[k]
