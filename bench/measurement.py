"""How fast? The passes of a run, each in a process of its own, each cell recorded as it ends.

First every cell is judged, by `judge`; then passes time those that are ok. The clock is
pytest-benchmark's, in `test_speed.py`, which a pass runs. What is to be measured is left to `plan`,
what the records add up to to `table`.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import children, faults, files, plan, records, runs, steps, threads
from bench.faults import Fault
from bench.model import Cell, Options, Verdict
from bench.plan import PASS_S, ROUND_S, cells_of_pass, thread_variables
from bench.records import AGREEMENT, CELLS, Record
from bench.steps import Ended

SPEED_TEST = Path(__file__).with_name("test_speed.py")
# Processes that judge side by side: most of what they do, the first time, is to compile.
JUDGES = 2
# What a process prints, in its folder.
LOG = "log"


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
        killed_before: set[Cell | None] = set()
        while True:
            known = records.read(path)
            todo, *later = (
                cells_of_pass(cells, which, options, known)
                for which in range(number, options.passes + 1)
            )
            if not todo:
                break
            total = len(known) + len(todo) + sum(map(len, later))
            fault = _time(folder, number, todo, options, partial(_tell, watch, number, total))
            known = records.read(path)
            left = cells_of_pass(cells, number, options, known)
            if left and not _another_try(fault, killed_before):
                records.append(path, _failed(fault, number, left, known))
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


# --- what becomes of a fault


def _another_try(fault: Fault, killed_before: set[Cell | None]) -> bool:
    """Return whether to do it again: a kill may have had nothing to do with the step, once."""
    if not fault.from_outside or fault.step in killed_before:
        return False
    killed_before.add(fault.step)
    return True


def _failed(fault: Fault, number: int, left: Sequence[Cell], known: Sequence[Record]) -> Record:
    """Return the record of the cell that a pass ended at; raise where it ended at none."""
    if fault.step is None or fault.step not in left:
        raise PassError(f"pass {number} broke off: {fault.message}")
    # A twin that fails is a cell that fails.
    verdict = records.verdicts(known)[replace(fault.step, twin=False)]
    message = f"in pass {number}: {fault.message}"
    return Record(number, replace(verdict, status="failed", message=message))


# --- the processes


def _judge(
    path: Path, cells: Sequence[Cell], options: Options, watch: Callable[[int], None]
) -> None:
    """Judge cells in several processes, and in new ones without the steps that ended those."""
    ended: dict[Cell, Ended] = {}
    killed_before: set[Cell | None] = set()
    while True:
        through = records.verdicts(records.read(path))
        left = [cell for cell in cells if cell not in through]
        if not left:
            return
        for fault in _judge_side_by_side(path, left, options, ended, watch):
            if _another_try(fault, killed_before):
                continue
            if fault.step is None or fault.step in ended:
                raise PassError(f"agreement broke off: {fault.message}")
            ended[fault.step] = Ended(fault.status, fault.message)


def _judge_side_by_side(
    path: Path,
    cells: Sequence[Cell],
    options: Options,
    ended: Mapping[Cell, Ended],
    watch: Callable[[int], None],
) -> list[Fault]:
    """Judge cells, a problem's in one process, so that they share its kernels."""
    names = list(dict.fromkeys(cell.problem for cell in cells))
    judges = min(JUDGES, threads.all_cores())
    shares = [[cell for cell in cells if cell.problem in names[i::judges]] for i in range(judges)]
    shares = [share for share in shares if share]
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        folders = [Path(scratch) / str(i) for i in range(len(shares))]
        for folder, share in zip(folders, shares, strict=True):
            folder.mkdir()
            plan.write(folder / plan.PLAN, share, options.files)
            steps.forbid(folder, ended)
        commands = [
            ("bench.judge", str(folder), str(path), repr(options.budget)) for folder in folders
        ]
        logs = [folder / LOG for folder in folders]
        codes = children.run(
            commands, thread_variables(options), logs, lambda: watch(records.count(path))
        )
        through = records.verdicts(records.read(path))
        return [
            faults.fault(folder, folder / LOG, code)
            for share, folder, code in zip(shares, folders, codes, strict=True)
            if not through.keys() >= set(share)
        ]


def _time(
    folder: Path,
    number: int,
    todo: Sequence[Cell],
    options: Options,
    watch: Callable[[int], None],
) -> Fault:
    """Time the cells of a pass; return how its process ended, a fault if cells are left."""
    path = folder / CELLS
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        own = Path(scratch)
        plan.write(own / plan.PLAN, todo, options.files)
        report = own / "report.json"
        command = _command(own, path, number, report, options)
        variables = {**thread_variables(options), **children.PYTEST_ALONE}
        try:
            (code,) = children.run(
                [command], variables, [own / LOG], lambda: watch(records.count(path))
            )
        finally:
            _keep_report(folder, number, report)
        return faults.fault(own, own / LOG, code)


def _unused(folder: Path, number: int) -> Path:
    """Return where a report is kept: that of a pass's end does not take the place of its start."""
    names = (f"pass-{number}.json", *(f"pass-{number}-resumed-{i}.json" for i in range(1, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())


def _command(own: Path, path: Path, number: int, report: Path, options: Options) -> list[str]:
    return children.pytest_command(
        *(SPEED_TEST, report),
        *(f"--benchmark-max-time={PASS_S}", f"--benchmark-min-time={ROUND_S}"),
        *(f"--lossbench-plan={own / plan.PLAN}", f"--lossbench-cells={path}"),
        *(f"--lossbench-steps={own}", f"--lossbench-pass={number}"),
        f"--lossbench-budget={options.budget!r}",
    )


def _keep_report(folder: Path, number: int, report: Path) -> None:
    """Keep pytest-benchmark's report of a pass, if it is whole, and what it knows of the machine.

    It knows the thread counts and Numba's layer. A process that died left none, or a part of it.
    """
    try:
        text = report.read_text(encoding="utf-8")
        machine = json.loads(text)["machine_info"]["lossbench"]
    except (OSError, ValueError, KeyError):
        return
    files.write_whole(_unused(folder, number), text)
    runs.note_machine(folder, machine)
