"""Note what Numba compiles, by its events."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Compilation:
    """A function that Numba compiled, or tried to.

    Attributes
    ----------
    depth : int
        How many others it was compiled for: 0 if it was called from Python.
    dispatcher : Dispatcher
    result : CompileResult
        The last one of the dispatcher; None without one.
    seconds : float
        With what it calls.
    """

    depth: int
    dispatcher: Any
    result: Any
    seconds: float


@contextmanager
def noted() -> Iterator[list[Compilation]]:
    """List what Numba compiles meanwhile; nothing if Numba is not loaded."""
    found: list[Compilation] = []
    if "numba" not in sys.modules:
        yield found
        return
    from numba.core import event

    starts: list[float] = []

    class Listener(event.Listener):
        def on_start(self, _event: Any) -> None:
            starts.append(time.perf_counter())

        def on_end(self, ended: Any) -> None:
            seconds = time.perf_counter() - starts.pop()
            dispatcher = ended.data["dispatcher"]
            result = next(reversed(getattr(dispatcher, "overloads", {}).values()), None)
            found.append(Compilation(len(starts), dispatcher, result, seconds))

    listener = Listener()
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        yield found
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]
