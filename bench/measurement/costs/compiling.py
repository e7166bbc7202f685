"""What compiling costs: the first call of a jitted kernel, with an empty cache and with a full one.

`time_compiling` times it in processes of its own; how many calls pay it back is left to `table`.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.common import files
from bench.measurement import records
from bench.measurement.records import Record
from bench.model import PEERS, Cell, Options, Problem, is_threaded
from bench.workers import job
from bench.workers.job import Job

COMPILING = "compiling.jsonl"
TIMING = Path(__file__).with_name("time_compiling.py")
# Calls after the first; the median of them is what the first is held against.
LATER_CALLS = 5


@dataclass(frozen=True)
class Compiling:
    """What the first call of a kernel takes beyond a later one, in a fresh process.

    Attributes
    ----------
    problem, tier, dtype : str
        Which kernel.
    size : str
        The size it was called with.
    compile_s : float, optional
        Seconds with an empty cache; None where nothing was compiled.
    load_s : float, optional
        Seconds with the cache that this left: near `compile_s` where the kernel cannot be cached.
    message : str
        Why there are none, where it failed.
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
        """What is compiled once, whatever the size."""
        return self.problem, self.tier, self.dtype


def candidates(
    cells: Iterable[Cell], all_problems: Iterable[Problem], found: Iterable[Record]
) -> list[Cell]:
    """Return a cell for each kernel that may be jitted: the largest size at which it is right.

    Serial kernels only; of a person's own tiers it is found out by calling them.
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


def measure(
    folder: Path, cells: Sequence[Cell], options: Options, watch: Callable[[int, Cell], None]
) -> None:
    """Measure what a run still lacks; each kernel is written down as soon as it is through.

    Parameters
    ----------
    folder : Path
        That of the run.
    cells : sequence of Cell
        See `candidates`.
    options : Options
        Those of the run.
    watch : function of (number, Cell)
        Called before each.
    """
    path = folder / COMPILING
    # What failed is tried again: its process may have been killed for no fault of its own.
    through = {one.kernel for one in load(folder) if not one.message}
    todo = [one for one in cells if (one.problem, one.tier, one.dtype) not in through]
    for i, cell in enumerate(todo, 1):
        watch(i, cell)
        files.append_json(path, asdict(_measured(cell, options)))


def _measured(cell: Cell, options: Options) -> Compiling:
    """Call a kernel in two new processes: in the second it finds what the first has cached."""
    kernel = cell.problem, cell.tier, cell.dtype, cell.size
    reports: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lossbench-") as cache:
        for _ in ("cold", "warm"):
            (ending,) = job.run(
                TIMING,
                [Job([cell], options)],
                ("--noconftest",),
                {"NUMBA_CACHE_DIR": cache},
                collect=reports.append,
            )
            if ending.exit_code:
                return Compiling(*kernel, message=ending.message)
            if not _timed(reports[0])["extra_info"]["compiled"]:
                return Compiling(*kernel)
    compile_s, load_s = (beyond_later(_timed(one)["stats"]["data"]) for one in reports)
    return Compiling(*kernel, compile_s=compile_s, load_s=load_s)


def _timed(report: str) -> dict[str, Any]:
    (timed,) = json.loads(report)["benchmarks"]
    return dict(timed)


def beyond_later(calls: Sequence[float]) -> float:
    """Return what the first call took beyond the median of the later ones; at least 0.

    Examples
    --------
    >>> beyond_later([2.5, 0.5, 0.25, 0.75])
    2.0
    """
    first, *later = calls
    return max(0.0, first - statistics.median(later))


def load(folder: Path) -> list[Compiling]:
    """Return what was measured in a run, of each kernel the last; a torn last line is left out.

    Raises
    ------
    ValueError
        A line that is something else, with its number.
    """
    found = files.read_json_lines(
        folder / COMPILING, "what compiling a kernel costs", lambda values: Compiling(**values)
    )
    return list({one.kernel: one for one in found}.values())
