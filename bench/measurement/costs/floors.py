"""Floors: what was measured of a machine, and the least time that a call can take on it."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]

from bench.measurement import machine
from bench.model import Cost

FLOORS = "floors.json"
KINDS: tuple[Literal["read", "copy"], ...] = ("read", "copy")
# The tiers whose empty call is timed: a function, a ufunc of one number, a jitted function, the
# library on one score, a function that starts its threads.
CALLED = ("loop", "numpy", "numba", "kernels", "kernels-parallel")
# The memory's bandwidth is measured with this many times the largest cache, up to `MOST_BYTES` and
# up to one part in `MEMORY_SHARE` of the memory.
BEYOND_CACHES = 4
MOST_BYTES = 256_000_000
MEMORY_SHARE = 32
# For those that the system does not report: small ones, so that memory is measured beyond them.
USUAL_CACHES = {"L1": 32 << 10, "L2": 256 << 10, "L3": 8 << 20}


@dataclass(frozen=True)
class Level:
    """A cache, or the memory.

    Attributes
    ----------
    name : str
        ``L1``, ``L2``, ``L3``, ``memory``.
    capacity : int, optional
        Bytes that it holds, per core if it is not shared; None for the memory.
    shared : bool
        Whether all cores share it.
    measured : int
        Bytes with which its bandwidth is measured, at one thread.
    """

    name: str
    capacity: int | None
    shared: bool
    measured: int

    def bytes_of(self, threads: int) -> int:
        """Return the bytes to measure with: each core has its own cache if it is not shared."""
        return self.measured * (1 if self.shared else threads)

    def holds(self, working_set: int, threads: int) -> bool:
        """Whether this many bytes stay in it while the threads read them."""
        if self.capacity is None:
            return True
        return working_set <= self.capacity * (1 if self.shared else threads)


@dataclass(frozen=True)
class Bandwidth:
    """Bytes per second; a copy counts the bytes read and the bytes written."""

    kind: Literal["read", "copy"]
    level: Level
    threads: int
    bytes_per_s: float


@dataclass(frozen=True)
class ExpRate:
    """Exps per second, of numbers that stay in the caches."""

    dtype: str
    threads: int
    per_s: float


@dataclass(frozen=True)
class EmptyCall:
    """Seconds per call that does nothing, called as a tier is."""

    tier: str
    threads: int
    seconds: float


@dataclass(frozen=True)
class Floors:
    """The floors of a machine; empty if they were not measured."""

    bandwidths: tuple[Bandwidth, ...] = ()
    exps: tuple[ExpRate, ...] = ()
    calls: tuple[EmptyCall, ...] = ()


NOT_MEASURED = Floors()


@dataclass(frozen=True)
class Floor:
    """The least that a call can take, in seconds, and its bound: the name of a level, or exp."""

    seconds: float
    bound_by: str


def levels() -> tuple[Level, ...]:
    """Return the caches of this machine, smallest first, and its memory."""
    sizes = _cache_sizes()
    last = list(sizes)[-1]
    # Half of a cache: the other half is for other data
    caches = [Level(name, size, name == last, size // 2) for name, size in sizes.items()]
    memory = int(psutil.virtual_memory().total)
    beyond = min(BEYOND_CACHES * sizes[last], MOST_BYTES, memory // MEMORY_SHARE)
    return (*caches, Level("memory", None, shared=True, measured=beyond))


def _cache_sizes() -> dict[str, int]:
    """Return the bytes of each level's data cache."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    found = {}
    for name, text in machine.caches().items():
        level, _, kind = name.partition(" ")
        if kind in {"data", "unified"} and text[-1:] in units and text[:-1].isdecimal():
            found[level] = int(text[:-1]) * units[text[-1]]
    # Whoever does not know L1 and L2 may not know L3, and measure it as if it were the memory.
    return dict(sorted(found.items())) if {"L1", "L2"} <= set(found) else USUAL_CACHES | found


def of_report(report: dict[str, Any]) -> Floors:
    """Return the floors from pytest-benchmark's report: the fastest rounds, medians of empty calls.

    A floor is the best that the machine can do: slower rounds were disturbed.
    """
    known = {level.name: level for level in levels()}
    bandwidths, exps, calls = [], [], []
    for timed in report["benchmarks"]:
        its, fastest = timed["extra_info"], timed["stats"]["min"]
        if its["of"] == "bandwidth":
            rate = its["amount"] / fastest
            bandwidths.append(Bandwidth(its["kind"], known[its["level"]], its["threads"], rate))
        elif its["of"] == "exps":
            exps.append(ExpRate(its["dtype"], its["threads"], its["amount"] / fastest))
        else:
            median = statistics.median(timed["stats"]["data"])
            calls.append(EmptyCall(its["tier"], its["threads"], median))
    return Floors(tuple(bandwidths), tuple(exps), tuple(calls))


def load(folder: Path) -> Floors:
    """Return the floors of a run; empty if it has none, like runs of older versions.

    Raises
    ------
    ValueError
        The file does not hold floors.
    """
    path = folder / FLOORS
    if not path.exists():
        return NOT_MEASURED
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Floors(
            tuple(
                Bandwidth(**{**one, "level": Level(**one["level"])}) for one in values["bandwidths"]
            ),
            tuple(ExpRate(**one) for one in values["exps"]),
            tuple(EmptyCall(**one) for one in values["calls"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold the floors of a machine: {error!r}") from error


def floor_of(floors: Floors, cost: Cost, dtype: str, threads: int) -> Floor | None:
    """Return the least that a call can take on this machine.

    It is the larger of t_bytes and t_exps. t_bytes = (B − K)/r + K/c: B are the bytes that the
    operation moves; K = min(B, 2·written) are those that count as copied, each number written with
    one that is read; r and c are the bandwidths of reading and copying in the smallest level that
    holds the working set. t_exps is the number of exps divided by their rate.

    Parameters
    ----------
    floors : Floors
        The run's.
    cost : Cost
        Of one call.
    dtype : str
        The cell's.
    threads : int
        The cell's.

    Returns
    -------
    Floor
        None if no floor was measured at this thread count.

    Notes
    -----
    Additions and products do not count: an operation bound by these, such as a matrix product,
    stays far above its floor.

    References
    ----------
    S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for
    multicore architectures", CACM 52 (2009).
    """
    fitting = _smallest(floors.bandwidths, cost.working_set or cost.bytes_moved, threads)
    if set(fitting) != set(KINDS):
        return None
    copied = min(cost.bytes_moved, 2 * cost.bytes_written)
    seconds = (cost.bytes_moved - copied) / fitting["read"].bytes_per_s
    seconds += copied / fitting["copy"].bytes_per_s
    found = [Floor(seconds, fitting["read"].level.name)]
    found += [
        Floor(cost.exps / one.per_s, "exp")
        for one in floors.exps
        if (one.dtype, one.threads) == (dtype, threads)
    ]
    return max(found, key=lambda floor: floor.seconds)


def _smallest(
    bandwidths: Sequence[Bandwidth], working_set: int, threads: int
) -> dict[str, Bandwidth]:
    """Return, for each kind, the bandwidth of the smallest level that holds the working set."""
    found: dict[str, Bandwidth] = {}
    for one in sorted(bandwidths, key=lambda one: one.level.measured):
        if one.threads == threads and one.level.holds(working_set, threads):
            found.setdefault(one.kind, one)
    return found
