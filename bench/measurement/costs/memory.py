"""Temporary memory: what a call needs besides its arguments and its result.

tracemalloc sees every byte that Python and NumPy allocate: the loops and NumPy are measured with
it. It does not see the allocations of Numba (NRT) or of other libraries. For all other tiers the
memory of the process is read, which Linux counts in pages, to about `RESOLUTION`.
"""

import contextlib
import ctypes
import gc
import re
import sys
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.agreement import results
from bench.agreement.given import Given
from bench.common import files, threads
from bench.model import Arguments, Cell, Kernel, Problem, Verdict
from bench.workers import watchdog
from bench.workers.watchdog import Step

MEMORY = "memory.jsonl"
# tracemalloc sees all allocations of these tiers.
SEEN = ("loop", "numpy")
# Tracing makes loops several times slower: slower calls than this are skipped.
LONGEST_S = 0.1
# The same for the other tiers: each is called twice more, at its own speed.
LONGEST_RESIDENT_S = 1.0
# Linux adds up the pages of a process lazily, 32 pages of 4 KB or more at a time on each core that
# it ran on (`percpu_counter_batch`): on two cores, it was wrong by up to 200 KB.
RESOLUTION = 1 << 18
# Only Linux lets a process reset its peak.
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def candidates(verdicts: Iterable[Verdict]) -> list[Cell]:
    """Return the cells whose memory is measured: right, and not too slow."""
    return [
        one.cell
        for one in verdicts
        if one.status == "ok"
        and (one.seconds or 0.0) <= (LONGEST_S if one.cell.tier in SEEN else LONGEST_RESIDENT_S)
    ]


def measure(its_problem: Problem, verdicts: Iterable[Verdict], path: Path) -> None:
    """Measure the candidates of a problem in this process, and append one line for each.

    A call that fails here, although it was right in agreement, has no figure; so has one that ended
    an earlier worker.
    """
    for cell in candidates(verdicts):
        with contextlib.suppress(Exception):
            watchdog.take(Step(cell, "memory"), preparing=True)
            given = Given(its_problem, cell.tier, its_problem.inputs(cell.size, cell.dtype))
            kernel = its_problem.tiers[cell.tier].load()
            measured = temporary_bytes if cell.tier in SEEN else resident_bytes
            with threads.limited(cell.threads):
                found = measured(kernel, given.next(), given.next())
            if found is not None:
                files.append_json(path, {**asdict(cell), "temporary_bytes": found})


def temporary_bytes(kernel: Kernel, arguments: Arguments, again: Arguments | None = None) -> int:
    """Return the peak memory of a call minus what remains allocated after it.

    Parameters
    ----------
    kernel : function
    arguments : tuple
    again : tuple, optional
        The arguments of the second call, if the first uses them up.

    Returns
    -------
    int
        The peak of the traced bytes minus those still allocated while the result is held. The
        arguments do not count. The size of the result is always subtracted, even if the result was
        made after the peak. 0 if only the result was allocated.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones(100_000)
    >>> temporary_bytes(lambda x: float((2.0 * x).sum()), (x,)) >= x.nbytes
    True
    """
    kernel = _called_once(kernel, arguments)
    arguments = arguments if again is None else again
    tracemalloc.start()
    try:
        result = kernel(*arguments)
        left, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - left


def _called_once(kernel: Kernel, arguments: Arguments) -> Kernel:
    """Call a kernel: what it allocates once and keeps is no cost of a call.

    Returns it, or one that waits for its result if that is lazy.
    """
    first = kernel(*arguments)
    if results.is_lazy(first):
        results.waited(first)
        return results.waiting(kernel)
    return kernel


def resident_bytes(
    kernel: Kernel, arguments: Arguments, again: Arguments | None = None
) -> int | None:
    """Return the peak memory of a call minus what remains after it, whoever allocates it.

    Parameters
    ----------
    kernel, arguments, again
        As in `temporary_bytes`.

    Returns
    -------
    int, optional
        The peak of this process's resident memory minus what is left while the result is held: a
        multiple of `RESOLUTION`, 0 if it is smaller than half of that. None where the peak cannot
        be reset: outside Linux, or in a container that forbids it.

    Notes
    -----
    Memory that was freed and that the process still holds would be reused without being counted,
    and count as left: `malloc_trim` gives it back before and after the call.
    """
    if sys.platform != "linux":
        return None
    kernel = _called_once(kernel, arguments)
    arguments = arguments if again is None else again
    with _without_garbage_collection():
        _give_back()
        try:
            RESET.write_text("5", encoding="ascii")
        except OSError:
            return None
        result = kernel(*arguments)
        peak = _resident("VmHWM")
        _give_back()
        left = _resident("VmRSS")
        del result
    return RESOLUTION * round(max(0, peak - left) / RESOLUTION)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Let no cycle that something else left be freed meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _give_back() -> None:
    """Return the freed memory of this process to the system, where the C library is glibc.

    The call's own arrays may be in cycles. They are young: the whole collection takes 0.1 s.
    """
    gc.collect(0)
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(ctypes.c_size_t(0))


def _resident(name: str) -> int:
    """Return a figure of this process's resident memory, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def load(folder: Path) -> dict[Cell, int]:
    """Return the temporary bytes of the cells of a run, without an incomplete last line.

    Raises
    ------
    ValueError
        A line holds something else; the message has its number.
    """
    return dict(files.read_json_lines(folder / MEMORY, "a record of memory", _from_values))


def _from_values(values: dict[str, Any]) -> tuple[Cell, int]:
    count = int(values.pop("temporary_bytes"))
    return Cell(**values), count
