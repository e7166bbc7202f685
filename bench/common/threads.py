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


def default_counts() -> tuple[int, ...]:
    """Return the thread counts of the parallel tiers: as many as there are cores."""
    return (all_cores(),)


def environment(most: int) -> dict[str, str]:
    """Return the variables for a process that will use up to `most` threads."""
    # Accelerate cannot be told later, as the others are for each cell.
    return dict.fromkeys(VARIABLES, str(most)) | {"VECLIB_MAXIMUM_THREADS": "1"}


def keep_xla_to_one() -> None:
    """Let JAX compute in one thread; called before JAX is loaded, it cannot be told later.

    XLA starts a pool as large as PJRT_NPROC says (NPROC in older versions), and Eigen's matrix
    products one of their own. JAX also starts threads that wait and compute nothing.
    """
    os.environ |= {"PJRT_NPROC": "1", "NPROC": "1"}
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Let BLAS, OpenMP, Numba and PyTorch use this many threads.

    The last two are told only where they are loaded: a tier that needs one has loaded it by then.
    """
    told = [sys.modules[name] for name in ("numba", "torch") if name in sys.modules]
    with threadpool_limits(threads):
        before = [library.get_num_threads() for library in told]
        for library in told:
            library.set_num_threads(threads)  # a ValueError above what Numba was started with
        try:
            yield
        finally:
            for library, count in zip(told, before, strict=True):
                library.set_num_threads(count)
