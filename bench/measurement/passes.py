"""The passes of a run, each timed by a worker of its own; before them, every cell is judged.

Each cell is recorded as it ends. The clock is pytest-benchmark's, in `test_speed.py`.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.common import files, threads
from bench.common.code import ROOT
from bench.measurement import records, run_folder
from bench.measurement.records import AGREEMENT, CELLS, Record
from bench.measurement.schedule import PASS_S, ROUND_S, cells_of_pass
from bench.model import Cell, Options, Verdict
from bench.workers import job
from bench.workers.diagnosis import Ending
from bench.workers.job import Job
from bench.workers.watchdog import Fatal, Step

JUDGE = "bench.measurement.judging_worker"
SPEED_TEST = ROOT / "bench" / "test_speed.py"
# Processes that judge side by side: most of what they do, the first time, is to compile.
JUDGES = 2


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells of all passes that are done, and those there are."""

    pass_number: int
    done: int
    total: int


class PassError(RuntimeError):
    """A run that cannot go on, for a reason that is no cell's; the message says where and why."""


def measure(
    folder: Path, cells: Sequence[Cell], options: Options, watch: Callable[[Progress], None]
) -> list[Record]:
    """Run the passes that a run still needs; return all of its records.

    A cell that crashes its process, or hangs in it, becomes ``failed`` or ``skipped`` with the
    reason, and the others go on in a new process.

    Parameters
    ----------
    folder : Path
        That of the run; its cells.jsonl may hold records already.
    cells : sequence of Cell
        The plan.
    options : Options
        Those of the run.
    watch : function of Progress
        Called a few times a second.

    Raises
    ------
    PassError
        A stage that broke off. What was measured is in the folder.
    OSError
        A file of the run that cannot be written.
    """
    path = folder / CELLS
    known = records.read(path)
    unjudged = [cell for cell in cells if cell not in records.verdicts(known)]
    total = len(known) + len(unjudged) + options.passes * len(cells)
    _judge(path, unjudged, options, partial(_tell, watch, AGREEMENT, total))
    for number in range(1, options.passes + 1):
        killed_before: set[Step | None] = set()
        while True:
            known = records.read(path)
            todo, *later = (
                cells_of_pass(cells, which, options, known)
                for which in range(number, options.passes + 1)
            )
            if not todo:
                break
            total = len(known) + len(todo) + sum(map(len, later))
            ending = _time(folder, number, todo, options, partial(_tell, watch, number, total))
            known = records.read(path)
            left = cells_of_pass(cells, number, options, known)
            if left and not _another_try(ending, killed_before):
                records.append(path, _failed(ending, number, left, known))
    return records.read(path)


def judged(cells: Sequence[Cell], options: Options, watch: Callable[[int], None]) -> list[Verdict]:
    """Judge cells, and leave no file.

    Parameters
    ----------
    cells : sequence of Cell
        The plan.
    options : Options
        Their budget and threads count.
    watch : function of int
        Called a few times a second with the number of cells that are judged.

    Raises
    ------
    PassError
        Agreement broke off.
    """
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        path = Path(scratch) / CELLS
        _judge(path, cells, options, watch)
        found = records.verdicts(records.read(path))
    return [found[cell] for cell in cells]


def _tell(watch: Callable[[Progress], None], number: int, total: int, done: int) -> None:
    watch(Progress(number, done, total))


# --- what becomes of a worker that ended early


def _another_try(ending: Ending, killed_before: set[Step | None]) -> bool:
    """Return whether to do it again: a kill may have had nothing to do with the step, once."""
    if not ending.from_outside or ending.step in killed_before:
        return False
    killed_before.add(ending.step)
    return True


def _failed(ending: Ending, number: int, left: Sequence[Cell], known: Sequence[Record]) -> Record:
    """Return the record of the cell that a pass ended at; raise where it ended at none."""
    if ending.step is None or ending.step.cell not in left:
        raise PassError(f"pass {number} broke off: {ending.message}")
    # A twin that fails is a cell that fails.
    verdict = records.verdicts(known)[replace(ending.step.cell, twin=False)]
    message = f"in pass {number}: {ending.message}"
    return Record(number, replace(verdict, status="failed", message=message))


# --- the workers


def _judge(
    path: Path, cells: Sequence[Cell], options: Options, watch: Callable[[int], None]
) -> None:
    """Judge cells in several workers, and in new ones without the steps that ended those."""
    fatal: dict[Step, Fatal] = {}
    killed_before: set[Step | None] = set()
    while True:
        through = records.verdicts(records.read(path))
        left = [cell for cell in cells if cell not in through]
        if not left:
            return
        for ending in _judge_side_by_side(path, left, options, fatal, watch):
            if _another_try(ending, killed_before):
                continue
            if ending.step is None or ending.step in fatal:
                raise PassError(f"agreement broke off: {ending.message}")
            fatal[ending.step] = Fatal(ending.status, ending.message)


def _judge_side_by_side(
    path: Path,
    cells: Sequence[Cell],
    options: Options,
    fatal: Mapping[Step, Fatal],
    watch: Callable[[int], None],
) -> list[Ending]:
    """Judge cells; return how the workers ended that have not judged all of theirs."""
    # Those of a problem go to one worker, so that they share its kernels
    names = list(dict.fromkeys(cell.problem for cell in cells))
    count = min(JUDGES, threads.all_cores(), len(names))
    shares = [[cell for cell in cells if cell.problem in names[i::count]] for i in range(count)]
    jobs = [Job(share, options, {"path": str(path)}, fatal) for share in shares]
    endings = job.run(JUDGE, jobs, watch=lambda: watch(records.count(path)))
    through = records.verdicts(records.read(path))
    return [
        ending
        for share, ending in zip(shares, endings, strict=True)
        if not through.keys() >= set(share)
    ]


def _time(
    folder: Path,
    number: int,
    todo: Sequence[Cell],
    options: Options,
    watch: Callable[[int], None],
) -> Ending:
    """Time the cells of a pass; return how its worker ended."""
    path = folder / CELLS
    (ending,) = job.run(
        SPEED_TEST,
        [Job(todo, options, {"path": str(path), "pass": number})],
        (f"--benchmark-max-time={PASS_S}", f"--benchmark-min-time={ROUND_S}"),
        watch=lambda: watch(records.count(path)),
        collect=lambda report: _keep_report(folder, number, report),
    )
    return ending


def _unused(folder: Path, number: int) -> Path:
    """Return where a report is kept: that of a pass's end does not take the place of its start."""
    names = (f"pass-{number}.json", *(f"pass-{number}-resumed-{i}.json" for i in range(1, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())


def _keep_report(folder: Path, number: int, report: str) -> None:
    """Keep pytest-benchmark's report of a pass, if it is whole, and what it knows of the machine.

    It knows the thread counts and Numba's layer. A worker that died may have written half of it.
    """
    try:
        machine = json.loads(report)["machine_info"]["lossbench"]
    except (ValueError, KeyError):
        return
    files.write_atomic(_unused(folder, number), report)
    run_folder.note_machine(folder, machine)
