"""Thread counts: how many cores there are, and how to limit each library's threads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

# Libraries read these once, when they are loaded: set them before NumPy is imported.
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
    # Accelerate's threads cannot be limited later; the others are limited for each cell.
    return dict.fromkeys(VARIABLES, str(most)) | {"VECLIB_MAXIMUM_THREADS": "1"}


def keep_xla_to_one() -> None:
    """Limit JAX to one thread; to be called before JAX is loaded.

    XLA starts a pool of PJRT_NPROC threads (NPROC in older versions), and Eigen's matrix products
    another one. JAX also starts threads that wait and compute nothing.
    """
    os.environ |= {"PJRT_NPROC": "1", "NPROC": "1"}
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


@lru_cache(maxsize=1)
def _thread_pools(_modules: int) -> ThreadpoolController:
    """Look for the loaded libraries: again, as it takes a millisecond, only after an import."""
    return ThreadpoolController()


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limit BLAS, OpenMP, Numba and PyTorch to this many threads.

    Numba and PyTorch only if they are loaded: a tier that needs one has loaded it by then.
    """
    loaded = [sys.modules[name] for name in ("numba", "torch") if name in sys.modules]
    with _thread_pools(len(sys.modules)).limit(limits=threads):
        before = [library.get_num_threads() for library in loaded]
        for library in loaded:
            library.set_num_threads(threads)  # a ValueError above what Numba was started with
        try:
            yield
        finally:
            for library, count in zip(loaded, before, strict=True):
                library.set_num_threads(count)
