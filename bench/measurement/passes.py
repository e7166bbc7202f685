"""Run the passes of a run in workers, one after the other; before them, judge every cell.

Each cell is recorded as soon as it ends. pytest-benchmark times it, in `test_speed.py`.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import files, threads
from bench.common.code import ROOT
from bench.measurement import machine, records, run_folder
from bench.measurement.records import AGREEMENT, CELLS, Record
from bench.measurement.schedule import (
    PASS_S,
    PAUSED,
    ROUND_S,
    SHOWN,
    cells_of_worker,
    warm_up,
    workers,
)
from bench.model import Cell, Options, Verdict
from bench.workers import job
from bench.workers.diagnosis import Ending
from bench.workers.job import Job
from bench.workers.watchdog import Fatal, Step

JUDGE = "bench.measurement.judging_worker"
SPEED_TEST = ROOT / "bench" / "test_speed.py"
# Processes that judge side by side: on a first run, they mostly compile.
JUDGES = 2


@dataclass(frozen=True)
class Progress:
    """How far a run is: the cells done in all passes, and their total."""

    pass_number: int
    done: int
    total: int


class PassError(RuntimeError):
    """The run cannot continue, and no cell is to blame; the message says where and why."""


def measure(
    folder: Path,
    cells: Sequence[Cell],
    options: Options,
    watch: Callable[[Progress], None],
    between: Callable[[], None] = lambda: None,
    *,
    after_agreement: Callable[[Iterable[Verdict]], None] = lambda _: None,
) -> list[Record]:
    """Run the passes that a run still needs; return all of its records.

    A cell that crashes its process or hangs becomes ``failed`` or ``skipped`` with the reason, and
    a new process measures the others.

    Parameters
    ----------
    folder : Path
        The run's; its cells.jsonl may hold records already.
    cells : sequence of Cell
        All cells of the run.
    options : Options
        The run's.
    watch : function of Progress
        Called a few times per second.
    between : function
        Called after the first pass and after each worker, while nothing is timed.
    after_agreement : function of the verdicts
        Called before anything is timed.

    Raises
    ------
    PassError
        A stage broke off. What was measured is in the folder.
    OSError
        A file of the run cannot be written.
    """
    path = folder / CELLS
    known = records.read(path)
    unjudged = [cell for cell in cells if cell not in records.verdicts(known)]
    total = len(known) + len(unjudged) + options.passes * len(cells)
    agreement = partial(_report_agreement, watch, total)
    _judge(path, unjudged, options, agreement)
    after_agreement(records.verdicts(records.read(path)).values())
    facts = machine.facts(threading_layer=False)
    for passes in workers(options):
        killed_before: set[Step | None] = set()
        while True:
            known = records.read(path)
            todo = cells_of_worker(cells, passes, options, known)
            if not todo:
                break
            later = range(passes[-1] + 1, options.passes + 1)
            total = len(known) + len(todo) + len(cells_of_worker(cells, later, options, known))
            ending, facts = _time(
                folder,
                todo,
                options,
                facts,
                partial(_report_progress, watch, todo, len(known), total),
                between,
            )
            known = records.read(path)
            left = cells_of_worker(cells, passes, options, known)
            if left and not _another_try(ending, killed_before):
                records.append(path, _failed(ending, left, known))
        between()
    return records.read(path)


def judged(cells: Sequence[Cell], options: Options, watch: Callable[[int], None]) -> list[Verdict]:
    """Judge cells and keep no file.

    Parameters
    ----------
    cells : sequence of Cell
        The cells to judge.
    options : Options
        Only files, budget and threads matter.
    watch : function of int
        Called a few times per second with the number of judged cells.

    Raises
    ------
    PassError
        Agreement broke off.
    """
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        path = Path(scratch) / CELLS
        _judge(path, cells, replace(options, costs=False), watch)
        found = records.verdicts(records.read(path))
    return [found[cell] for cell in cells]


def _report_agreement(watch: Callable[[Progress], None], total: int, done: int) -> None:
    watch(Progress(AGREEMENT, done, total))


def _report_progress(
    watch: Callable[[Progress], None],
    todo: Sequence[tuple[int, Cell]],
    before: int,
    total: int,
    done: int,
) -> None:
    number, _ = todo[min(done - before, len(todo) - 1)]
    watch(Progress(number, done, total))


# --- a worker that ended early


def _another_try(ending: Ending, killed_before: set[Step | None]) -> bool:
    """Return whether to try a step again: once, if its worker may have been killed from outside."""
    if not ending.from_outside or ending.step in killed_before:
        return False
    killed_before.add(ending.step)
    return True


def _failed(ending: Ending, left: Sequence[tuple[int, Cell]], known: Sequence[Record]) -> Record:
    """Return the record of the cell at which a worker ended; raise if no cell is to blame."""
    numbers = [number for number, cell in left if ending.step and cell == ending.step.cell]
    if ending.step is None or not numbers:
        raise PassError(f"pass {left[0][0]} broke off: {ending.message}")
    number = numbers[0]
    # If a twin fails, its cell fails.
    verdict = records.verdicts(known)[replace(ending.step.cell, twin=False)]
    message = f"in pass {number}: {ending.message}"
    return Record(number, replace(verdict, status="failed", message=message))


# --- the workers


def _judge(
    path: Path,
    cells: Sequence[Cell],
    options: Options,
    watch: Callable[[int], None],
) -> None:
    """Judge cells in several workers; if a step ends one, start new ones that skip the step."""
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
    """Judge cells; return the endings of those workers that left some unjudged."""
    # A worker takes one problem after the other: one from the first, one from the last. Numba
    # compiles for each process what the kernels call, and neighbours call the same.
    count = min(JUDGES, threads.all_cores(), len({cell.problem for cell in cells}))
    with tempfile.TemporaryDirectory(prefix="lossbench-") as taken:
        details = {"path": str(path), "taken": taken}
        jobs = [
            Job(cells, options, details | {"backwards": i % 2 == 1}, fatal) for i in range(count)
        ]
        endings = job.run(JUDGE, jobs, watch=lambda: watch(files.count_lines(path)))
    through = records.verdicts(records.read(path))
    left = {cell.problem for cell in cells if cell not in through}
    if not left:
        return []
    early = [
        one for one in endings if one.exit_code or (one.step and one.step.cell.problem in left)
    ]
    return early or endings


def _time(
    folder: Path,
    todo: Sequence[tuple[int, Cell]],
    options: Options,
    facts: dict[str, Any],
    watch: Callable[[int], None],
    between: Callable[[], None],
) -> tuple[Ending, dict[str, Any]]:
    """Time cells in a worker; return how it ended, and the machine with what the worker knows."""
    path = folder / CELLS
    warm_ups = warm_up(todo)
    numbers, cells = zip(*warm_ups, *todo, strict=True)
    details = {"path": str(path), "passes": numbers, "warm_ups": len(warm_ups), "machine": facts}
    reports: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        details["pause"] = scratch
        paused, shown = (Path(scratch, name) for name in (PAUSED, SHOWN))

        def watch_and_show() -> None:
            watch(files.count_lines(path))
            if paused.exists() and not shown.exists():
                between()
                shown.touch()

        (ending,) = job.run(
            SPEED_TEST,
            [Job(cells, options, details)],
            (f"--benchmark-max-time={PASS_S}", f"--benchmark-min-time={ROUND_S}"),
            watch=watch_and_show,
            collect=reports.append,
        )
    for report in reports:
        facts = _keep_report(folder, report) or facts
    return ending, facts


def _keep_report(folder: Path, report: str) -> dict[str, Any] | None:
    """Store pytest-benchmark's report pass by pass, and the machine that it describes.

    Only a worker knows its thread variables and Numba's layer. Half a report, left by a worker that
    died, is dropped.
    """
    try:
        whole = json.loads(report)
        facts: dict[str, Any] = whole["machine_info"]["lossbench"]
    except (ValueError, KeyError):
        return None
    of_pass: dict[int, list[dict[str, Any]]] = {}
    for one in whole["benchmarks"]:
        of_pass.setdefault(one["extra_info"]["pass"], []).append(one)
    for number, found in of_pass.items():
        its_report = json.dumps(whole | {"benchmarks": found}, indent=4)
        its_report = its_report.replace(f" (pass {number})", "")  # the same names in each pass
        files.write_atomic(_unused(folder, number), its_report)
    run_folder.note_machine(folder, facts)
    return facts


def _unused(folder: Path, number: int) -> Path:
    """Return a free file name for a report: a resumed pass has several."""
    names = (f"pass-{number}.json", *(f"pass-{number}-resumed-{i}.json" for i in range(1, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())
