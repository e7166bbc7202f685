"""Measure the conditions under which a cell is timed: its share of a core, the clock frequency."""

import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Conditions:
    """The conditions under which a cell was timed in one pass.

    Attributes
    ----------
    cpu_share : float, optional
        CPU seconds of this process, over all its threads, divided by the elapsed seconds.
    mhz : float, optional
        Frequency of the fastest core right after; None if the system does not report it.
    """

    cpu_share: float | None = None
    mhz: float | None = None


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
    share = (time.process_time() - before.cpu_s) / passed if passed > 0.0 else None
    return Conditions(share, _fastest_mhz())


def _fastest_mhz() -> float | None:
    try:
        cores = psutil.cpu_freq(percpu=True)
    # psutil lacks the function on some systems, and fails on some processors.
    except (AttributeError, OSError, RuntimeError, SystemError):
        return None
    return max((core.current for core in cores or []), default=0.0) or None
