"""Time the compiling of functions without `cache=True`: each worker of a run repeats it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Compiling:
    """Seconds of compiling that no cache keeps."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Compiling]:
    """Add up what Numba compiles meanwhile, but for functions that it caches.

    What a cached function calls is compiled with it, and is kept with it.
    """
    found = Compiling()
    if "numba" not in sys.modules:  # a kernel is loaded before it is judged
        yield found
        return
    from numba.core import event
    from numba.core.caching import NullCache

    class Listener(event.Listener):
        depth, start = 0, 0.0

        def on_start(self, _event: Any) -> None:
            if self.depth == 0:
                self.start = time.perf_counter()
            self.depth += 1

        def on_end(self, ended: Any) -> None:
            self.depth -= 1
            cache = getattr(ended.data["dispatcher"], "_cache", None)
            if self.depth == 0 and isinstance(cache, NullCache):
                found.seconds += time.perf_counter() - self.start

    listener = Listener()
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        yield found
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]
