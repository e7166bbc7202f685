"""Measure the floors and the compile costs of a run, in separate workers."""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common import files
from bench.measurement.costs import compiling, floors
from bench.measurement.costs.compiling import Compiling, beyond_later
from bench.measurement.costs.floors import Floors, of_report
from bench.model import Cell, Options
from bench.workers import job
from bench.workers.job import Job

TIME_FLOORS = Path(__file__).with_name("time_floors.py")
TIME_COMPILING = Path(__file__).with_name("time_compiling.py")
# Seconds per measurement, and of its shortest round.
LONGEST_S, ROUND_S = 0.06, 1e-3


class FloorsError(RuntimeError):
    """The floors could not be measured; the message says why."""


def measure_floors(folder: Path, cells: Iterable[Cell], options: Options) -> Floors:
    """Return the floors of a run; measure them if its folder does not hold them yet.

    Parameters
    ----------
    folder : Path
        The run's.
    cells : iterable of Cell
        The run's. Their thread counts are measured, and 1.
    options : Options
        The run's.

    Raises
    ------
    FloorsError
        The worker ended early.
    """
    path = folder / floors.FLOORS
    if path.exists():
        return floors.load(folder)
    counts = sorted({1, *(cell.threads for cell in cells)})
    reports: list[str] = []
    (ending,) = job.run(
        TIME_FLOORS,
        [Job((), options, {"threads": counts})],
        ("--noconftest", f"--benchmark-max-time={LONGEST_S}", f"--benchmark-min-time={ROUND_S}"),
        collect=reports.append,
    )
    if ending.exit_code or not reports:
        raise FloorsError(ending.message)
    found = of_report(json.loads(reports[0]))
    files.write_atomic(path, json.dumps(asdict(found), indent=2) + "\n")
    return found


def measure_compiling(
    folder: Path, cells: Sequence[Cell], options: Options, watch: Callable[[int, Cell], None]
) -> None:
    """Measure the kernels that a run still lacks; store each as soon as it is measured.

    Parameters
    ----------
    folder : Path
        The run's.
    cells : sequence of Cell
        See `compiling.candidates`.
    options : Options
        The run's.
    watch : function of (number, Cell)
        Called before each kernel.
    """
    path = folder / compiling.COMPILING
    # A failed kernel is tried again: its process may have been killed from outside.
    known = {one.kernel for one in compiling.load(folder) if not one.message}
    todo = [one for one in cells if (one.problem, one.tier, one.dtype) not in known]
    for i, cell in enumerate(todo, 1):
        watch(i, cell)
        files.append_json(path, asdict(_measured(cell, options)))


def _measured(cell: Cell, options: Options) -> Compiling:
    """Call a kernel in two new processes: the second uses the cache of the first."""
    kernel = cell.problem, cell.tier, cell.dtype, cell.size
    reports: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lossbench-") as cache:
        for _ in ("cold", "warm"):
            (ending,) = job.run(
                TIME_COMPILING,
                [Job([cell], options)],
                ("--noconftest",),
                {"NUMBA_CACHE_DIR": cache},
                collect=reports.append,
            )
            if ending.exit_code or not reports:
                return Compiling(*kernel, message=ending.message)
            if not _timed(reports[0])["extra_info"]["compiled"]:
                return Compiling(*kernel)
    compile_s, load_s = (beyond_later(_timed(one)["stats"]["data"]) for one in reports)
    return Compiling(*kernel, compile_s=compile_s, load_s=load_s)


def _timed(report: str) -> dict[str, Any]:
    (timed,) = json.loads(report)["benchmarks"]
    return dict(timed)
