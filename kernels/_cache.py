"""Compile with Numba's cache, or in memory where no folder can be written."""

import warnings
from collections.abc import Callable
from typing import Any

from numba import njit

_said_no_cache = False


def cached(function: Callable[..., Any], **flags: Any) -> Any:
    """Return `njit(cache=True, **flags)(function)`, without the cache where there can be none.

    That there is none is said once. Numba's cache sees an edit of the function's own file and of no
    other, and does not tell flags apart: a function that is cached twice needs two names.
    """
    try:
        return njit(cache=True, **flags)(function)
    except RuntimeError as error:  # no folder to cache in can be written
        _say_no_cache(error)
        return njit(**flags)(function)


def _say_no_cache(error: RuntimeError) -> None:
    global _said_no_cache
    if not _said_no_cache:
        _said_no_cache = True
        warnings.warn(
            f"lossbench compiles its kernels in memory, anew in each process: {error}. "
            f"Set NUMBA_CACHE_DIR to a folder that can be written.",
            RuntimeWarning,
            stacklevel=4,
        )
