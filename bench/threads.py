"""The one home of thread counts: how many there are, and how each library is told."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

# Read by the libraries once, when they are loaded: set before NumPy is imported.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def all_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment(most: int) -> dict[str, str]:
    """Return the variables for a process that will use up to `most` threads."""
    return dict.fromkeys(VARIABLES, str(most))


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Let BLAS, OpenMP and Numba use this many threads.

    Numba is told only where it is loaded: a tier that needs it has loaded it by then.
    """
    numba = sys.modules.get("numba")
    before = numba.get_num_threads() if numba else 0
    with threadpool_limits(threads):
        if numba:
            numba.set_num_threads(threads)  # a ValueError above what Numba was started with
        try:
            yield
        finally:
            if numba:
                numba.set_num_threads(before)
