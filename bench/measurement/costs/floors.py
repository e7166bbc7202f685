"""What this machine can do at best: how fast it reads, copies and takes exps, and calls nothing.

`time_floors` times it in a process of its own, once a run; a cell's own time is held against it in
`table`. What an operation has to move and compute is left to the problems.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]

from bench.common import files, threads
from bench.measurement import machine
from bench.model import Cost, Options
from bench.workers import job
from bench.workers.job import Job

FLOORS = "floors.json"
TIMING = Path(__file__).with_name("time_floors.py")
KINDS: tuple[Literal["read", "copy"], ...] = ("read", "copy")
# The tiers whose empty call is timed: a function, a ufunc of one number, a jitted function, the
# library on one score, a function that starts its threads.
CALLED = ("loop", "numpy", "numba", "kernels", "kernels-parallel")
# Memory-sized is so many times the largest cache, and no more than this share of the memory.
BEYOND_CACHES = 4
MOST_BYTES = 256_000_000
MEMORY_SHARE = 32
# Where the system does not tell its caches: small ones, so that what is called memory is.
USUAL_CACHES = {"L1": 32 << 10, "L2": 256 << 10, "L3": 8 << 20}
# Seconds of a measurement, and of its shortest round.
LONGEST_S, ROUND_S = 0.06, 1e-3


@dataclass(frozen=True)
class Level:
    """A cache, or what lies beyond them.

    Attributes
    ----------
    name : str
        ``L1``, ``L2``, ``L3``, ``memory``.
    capacity : int, optional
        Bytes that it holds, of one core where each has its own; None for the memory.
    shared : bool
        Whether all cores have it together.
    measured : int
        Bytes that its bandwidth is measured with, at one thread.
    """

    name: str
    capacity: int | None
    shared: bool
    measured: int

    def bytes_of(self, threads: int) -> int:
        """Return the bytes to measure with: each core has its own share of what is not shared."""
        return self.measured * (1 if self.shared else threads)

    def holds(self, working_set: int, threads: int) -> bool:
        """Whether so many bytes stay in it while these threads go through them."""
        if self.capacity is None:
            return True
        return working_set <= self.capacity * (1 if self.shared else threads)


@dataclass(frozen=True)
class Bandwidth:
    """Bytes a second: of a copy, those read and those written together."""

    kind: Literal["read", "copy"]
    level: Level
    threads: int
    bytes_per_s: float


@dataclass(frozen=True)
class ExpRate:
    """Values of exp a second, of numbers that stay in the caches."""

    dtype: str
    threads: int
    per_s: float


@dataclass(frozen=True)
class EmptyCall:
    """Seconds of a call that does nothing, the way a tier is called."""

    tier: str
    threads: int
    seconds: float


@dataclass(frozen=True)
class Floors:
    """What was measured of a machine; empty where nothing was."""

    bandwidths: tuple[Bandwidth, ...] = ()
    exps: tuple[ExpRate, ...] = ()
    calls: tuple[EmptyCall, ...] = ()


NOT_MEASURED = Floors()


@dataclass(frozen=True)
class Floor:
    """The least that a call can take, in seconds, and what it is bound by: a level, or exp."""

    seconds: float
    bound_by: str


class FloorsError(RuntimeError):
    """The floors could not be measured; the message says why."""


def levels() -> tuple[Level, ...]:
    """Return the caches of this machine, smallest first, and its memory."""
    sizes = _cache_sizes()
    last = list(sizes)[-1]
    # Half of a cache: the other half is for what else is in it
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
    return dict(sorted(found.items())) or USUAL_CACHES


def measure(folder: Path, options: Options) -> Floors:
    """Measure the floors of a run, where its folder does not hold them yet; return them.

    Parameters
    ----------
    folder : Path
        That of the run.
    options : Options
        Its thread counts are those that are measured, and one.

    Raises
    ------
    FloorsError
        The worker that measures broke off.
    """
    path = folder / FLOORS
    if path.exists():
        return load(folder)
    counts = sorted({1, *(options.threads or threads.default_counts())})
    reports: list[str] = []
    (ending,) = job.run(
        TIMING,
        [Job((), options, {"threads": counts})],
        ("--noconftest", f"--benchmark-max-time={LONGEST_S}", f"--benchmark-min-time={ROUND_S}"),
        collect=reports.append,
    )
    if ending.exit_code:
        raise FloorsError(ending.message)
    found = of_report(json.loads(reports[0]))
    files.write_atomic(path, json.dumps(asdict(found), indent=2) + "\n")
    return found


def of_report(report: dict[str, Any]) -> Floors:
    """Return what pytest-benchmark's report says: the fastest round, of an empty call the median.

    A floor is what the machine can do at best; a slower round was disturbed by something else.
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
    """Return the floors of a run; nothing for one that has none, as those of older versions.

    Raises
    ------
    ValueError
        The file is not one of floors.
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

    That is the larger of t_bytes and t_exps. t_bytes = (B − K)/r + K/c, with B the bytes that the
    operation moves, K = min(B, 2·written) those of its copying, each number written beside one that
    is read, and r and c the bandwidths of reading and copying in the smallest level that holds the
    working set. t_exps is the number of exps over their rate.

    Parameters
    ----------
    floors : Floors
        Of the run.
    cost : Cost
        Of one call.
    dtype : str
        The cell's.
    threads : int
        Likewise.

    Returns
    -------
    Floor
        None where no floor was measured at this thread count.

    Notes
    -----
    The additions and products are no part of it: what is bound by these, as a product of matrices
    is, stays far above its floor.

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
    """Return, for each kind, the bandwidth of the smallest level that holds so many bytes."""
    found: dict[str, Bandwidth] = {}
    for one in sorted(bandwidths, key=lambda one: one.level.measured):
        if one.threads == threads and one.level.holds(working_set, threads):
            found.setdefault(one.kind, one)
    return found
