"""Compile costs: which kernels are measured, and what was found."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common import files
from bench.measurement import records
from bench.measurement.records import Record
from bench.model import PEERS, Cell, Problem, is_threaded

COMPILING = "compiling.jsonl"
# Calls after the first; the first is compared with their median.
LATER_CALLS = 5


@dataclass(frozen=True)
class Compiling:
    """How much longer than a later call the first call of a kernel takes, in a fresh process.

    Attributes
    ----------
    problem, tier, dtype : str
        Which kernel.
    size : str
        The size it was called with.
    compile_s : float, optional
        Seconds with an empty cache; None if nothing was compiled.
    load_s : float, optional
        Seconds with the cache filled by that call: near `compile_s` if the kernel cannot be cached.
    message : str
        If it failed, the reason; otherwise empty.
    """

    problem: str
    tier: str
    dtype: str
    size: str
    compile_s: float | None = None
    load_s: float | None = None
    message: str = ""

    @property
    def kernel(self) -> tuple[str, str, str]:
        """Problem, tier and dtype: compiled once for all sizes."""
        return self.problem, self.tier, self.dtype


def candidates(
    cells: Iterable[Cell], all_problems: Iterable[Problem], found: Iterable[Record]
) -> list[Cell]:
    """Return one cell for each kernel that may be jitted: the largest size at which it is right.

    Serial kernels only. Whether a user's own tier is jitted is known only after a call.
    """
    named = {one.name: one for one in all_problems}
    judged = records.verdicts(found)
    largest: dict[tuple[str, str, str], Cell] = {}
    for cell in cells:
        if cell.tier in {"loop", "numpy", *PEERS} or is_threaded(cell.tier):
            continue
        if cell in judged and judged[cell].status == "ok":
            kernel = cell.problem, cell.tier, cell.dtype
            candidate = largest.setdefault(kernel, cell)
            largest[kernel] = max(
                candidate,
                cell,
                key=lambda one: named[one.problem].work(one.tier, one.size),
            )
    return list(largest.values())


def beyond_later(calls: Sequence[float]) -> float:
    """Return by how much the first call exceeded the median of the later ones; at least 0.

    Examples
    --------
    >>> beyond_later([2.5, 0.5, 0.25, 0.75])
    2.0
    """
    first, *later = calls
    return max(0.0, first - statistics.median(later))


def load(folder: Path) -> list[Compiling]:
    """Return the last result for each kernel of a run, without an incomplete last line.

    Raises
    ------
    ValueError
        A line holds something else; the message has its number.
    """
    found = files.read_json_lines(
        folder / COMPILING, "a record of a compile cost", lambda values: Compiling(**values)
    )
    return list({one.kernel: one for one in found}.values())
