"""Time the compiling of functions without `cache=True`: each worker of a run repeats it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.common import compilations


@dataclass
class Uncached:
    """Seconds of compiling that no cache keeps."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Uncached]:
    """Add up what Numba compiles meanwhile, but for functions that it caches.

    What a cached function calls is compiled with it, and is kept with it.
    """
    found = Uncached()
    with compilations.noted() as compiled:  # a kernel is loaded before it is judged
        yield found
    if compiled:
        from numba.core.caching import NullCache

        found.seconds = sum(
            one.seconds
            for one in compiled
            if one.depth == 0 and isinstance(getattr(one.dispatcher, "_cache", None), NullCache)
        )
