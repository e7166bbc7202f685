"""The conditions under which a cell is timed: its memory, and its share of a core."""

import sys
import time
from dataclasses import dataclass

import numpy as np

# The largest block for which glibc adapts its threshold (DEFAULT_MMAP_THRESHOLD_MAX), less a page
# and its header.
LARGEST_REUSED_BYTES = (32 << 20) - (64 << 10)


def reuse_freed_memory() -> None:
    """Let this process reuse the memory of freed arrays, up to 32 MB, from the start.

    Until a block of its size was freed once, glibc gives an array back to the system, and each
    call that returns one takes a page fault for every 4 KB: for 24 MB, 25 ms instead of 3. Which
    calls were affected depended on what the process had freed before.

    Source: mallopt(3), M_MMAP_THRESHOLD.
    """
    np.empty(LARGEST_REUSED_BYTES, np.uint8)


@dataclass(frozen=True)
class Conditions:
    """The conditions under which a cell was timed in one pass.

    Attributes
    ----------
    cpu_share : float, optional
        CPU seconds of this process, over all its threads, divided by the elapsed seconds. Unknown
        on Windows, which counts CPU time in ticks of 15.6 ms: a cell may take less in a pass.
    empty_call_s : float, optional
        The part of a cell's time that a call which does nothing takes, where each call gets new
        arguments.
    """

    cpu_share: float | None = None
    empty_call_s: float | None = None


UNKNOWN = Conditions()


@dataclass(frozen=True)
class Start:
    """The clocks before a cell is timed."""

    clock_s: float
    cpu_s: float


def start() -> Start:
    """Read the clocks."""
    return Start(time.perf_counter(), time.process_time())


def conditions_since(before: Start) -> Conditions:
    """Return the conditions from `before` to now."""
    passed = time.perf_counter() - before.clock_s
    if sys.platform == "win32" or passed <= 0.0:
        return UNKNOWN
    return Conditions((time.process_time() - before.cpu_s) / passed)
