"""Arrays next to protected pages: access outside the array ends the process."""

import ctypes
import mmap

import numpy as np


def guarded(array, at="end"):
    """Copy an array so that it ends (or, `at` "start", begins) next to a protected page."""
    room = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, room + 2 * mmap.PAGESIZE)
    first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (first, first + mmap.PAGESIZE + room):
        forbid(page)
    offset = mmap.PAGESIZE + (room - array.nbytes if at == "end" else 0)
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy


def forbid(page):
    """Protect a page: the system ends a process that reads or writes it."""
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    if mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), 0):
        raise OSError(ctypes.get_errno(), "mprotect failed")


# --- views of a guarded array that include its first or its last number

VIEWS = {
    "contiguous": lambda array, at: guarded(array, at),
    "fortran": lambda array, at: guarded(np.ascontiguousarray(array.T), at).T,
    "every other": lambda array, at: guarded(spread(array), at)[::2, ::2],
    "rows reversed": lambda array, at: guarded(array[::-1].copy(), at)[::-1],
    "columns reversed": lambda array, at: guarded(array[:, ::-1].copy(), at)[:, ::-1],
}


def spread(array):
    """Put zeros between the rows and between the columns."""
    rows, columns = array.shape
    larger = np.zeros((2 * rows - 1, 2 * columns - 1), array.dtype)
    larger[::2, ::2] = array
    return larger
