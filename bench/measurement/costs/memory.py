"""Temporary memory: what a call needs besides its arguments and its result.

tracemalloc sees what Python and NumPy allocate. It does not see the allocations of Numba (NRT) or
of other libraries: their tiers have no figure.
"""

import contextlib
import tracemalloc
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.agreement import results
from bench.agreement.given import Given
from bench.common import files
from bench.model import Arguments, Cell, Kernel, Problem, Verdict
from bench.workers import watchdog
from bench.workers.watchdog import Step

MEMORY = "memory.jsonl"
# tracemalloc sees all allocations of these tiers.
SEEN = ("loop", "numpy")
# Tracing makes loops several times slower: slower calls than this are skipped.
LONGEST_S = 0.1


def candidates(verdicts: Iterable[Verdict]) -> list[Cell]:
    """Return the cells whose memory is measured: right, fully traceable, and not too slow."""
    return [
        one.cell
        for one in verdicts
        if one.status == "ok"
        and one.cell.tier in SEEN
        and not one.cell.twin
        and (one.seconds or 0.0) <= LONGEST_S
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
            found = temporary_bytes(kernel, given.next(), given.next())
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
    first = kernel(*arguments)  # what the kernel allocates once and keeps is no cost of a call
    if results.is_lazy(first):
        results.waited(first)
        kernel = results.waiting(kernel)
    del first
    arguments = arguments if again is None else again
    tracemalloc.start()
    try:
        result = kernel(*arguments)
        left, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - left


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
