"""How fast? The passes of a run, each in a process of its own, each cell recorded as it ends.

First every cell is judged, by `judge`; then passes time those that are ok. The clock is
pytest-benchmark's, in `test_speed.py`, which a pass runs. What is to be measured is left to `plan`,
what the records add up to to `table`.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import children, plan, records, runs, threads
from bench.plan import PASS_S, ROUND_S, Options, cells_of_pass, thread_variables
from bench.problem import Cell
from bench.records import AGREEMENT, CELLS, Record

SPEED_TEST = Path(__file__).with_name("test_speed.py")
# Processes that judge side by side: most of what they do, the first time, is to compile.
JUDGES = 2


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells of all passes that are done, and those there are."""

    pass_number: int
    done: int
    total: int


class PassError(RuntimeError):
    """A pass that ended before its cells were through; the message says where."""


def measure(
    folder: Path, cells: Sequence[Cell], options: Options, watch: Callable[[Progress], None]
) -> list[Record]:
    """Run the passes that a run still needs; return all of its records.

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
        A pass that broke off. What was measured is in the folder.
    """
    path = folder / CELLS
    records.mend(path)
    known = records.read(path)
    unjudged = [cell for cell in cells if cell not in records.verdicts(known)]
    if unjudged:
        total = len(known) + len(unjudged) + options.passes * len(cells)
        _judge(path, unjudged, options, partial(_tell, watch, AGREEMENT, total))
    for number in range(1, options.passes + 1):
        known = records.read(path)
        todo, *later = (
            cells_of_pass(cells, which, options, known)
            for which in range(number, options.passes + 1)
        )
        total = len(known) + len(todo) + sum(map(len, later))
        if todo:
            _time(folder, number, todo, options, partial(_tell, watch, number, total))
    return records.read(path)


def _tell(watch: Callable[[Progress], None], number: int, total: int, done: int) -> None:
    watch(Progress(number, done, total))


def _judge(
    path: Path, cells: Sequence[Cell], options: Options, watch: Callable[[int], None]
) -> None:
    """Judge cells in several processes; a problem's are in one, so that they share its kernels."""
    names = list(dict.fromkeys(cell.problem for cell in cells))
    judges = min(JUDGES, threads.all_cores())
    shares = [[cell for cell in cells if cell.problem in names[i::judges]] for i in range(judges)]
    shares = [share for share in shares if share]
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        plans = [
            plan.write(Path(scratch) / f"plan-{i}", share, options.files)
            for i, share in enumerate(shares)
        ]
        logs = [Path(scratch) / f"log-{i}" for i in range(len(shares))]
        module = (sys.executable, "-P", "-m", "bench.judge")
        commands = [(*module, str(one), str(path), repr(options.budget)) for one in plans]
        codes = children.run(
            commands, thread_variables(options), logs, lambda: watch(records.count(path))
        )
        for share, code, log in zip(shares, codes, logs, strict=True):
            _all_there("agreement", AGREEMENT, share, path, code, log)


def _time(
    folder: Path,
    number: int,
    todo: Sequence[Cell],
    options: Options,
    watch: Callable[[int], None],
) -> None:
    """Time the cells of a pass."""
    path = folder / CELLS
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        plan_file = plan.write(Path(scratch) / "plan", todo, options.files)
        log = Path(scratch) / "log"
        report = _unused(folder, number)
        command = _command(plan_file, path, number, report, options)
        # No plugin beside ours that happens to be installed
        variables = {**thread_variables(options), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        try:
            (code,) = children.run([command], variables, [log], lambda: watch(records.count(path)))
        finally:
            _read_report(folder, report)
        _all_there(f"pass {number}", number, todo, path, code, log)


def _all_there(
    stage: str, number: int, todo: Sequence[Cell], path: Path, code: int, log: Path
) -> None:
    """Raise where a child ended before its cells were through."""
    found = records.read(path)
    through = {record.verdict.cell for record in found if record.pass_number == number}
    left = [cell for cell in todo if cell not in through]
    if left:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        why = [line for line in lines if line.startswith(("E  ", "ERROR"))] or lines[-1:]
        words = f": {why[0]}" if why and code > 0 else ""
        raise PassError(f"{stage} broke off at {left[0].id} ({children.end_of(code)}){words}")


def _unused(folder: Path, number: int) -> Path:
    """Return where pytest-benchmark writes: a resumed pass does not take the place of its start."""
    names = (f"pass-{number}.json", *(f"pass-{number}-resumed-{i}.json" for i in range(1, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())


def _command(plan_file: Path, path: Path, number: int, report: Path, options: Options) -> list[str]:
    # The settings of the folder that the person happens to be in have no say in a measurement.
    return [
        *(sys.executable, "-P", "-m", "pytest", str(SPEED_TEST)),
        *("-c", os.devnull, "--rootdir", str(children.ROOT), "--import-mode", "importlib"),
        *("-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "-q", "--tb=short"),
        *("--benchmark-quiet", f"--benchmark-json={report}"),
        *(f"--benchmark-max-time={PASS_S}", f"--benchmark-min-time={ROUND_S}"),
        *(f"--lossbench-plan={plan_file}", f"--lossbench-cells={path}"),
        *(f"--lossbench-pass={number}", f"--lossbench-budget={options.budget!r}"),
    ]


def _read_report(folder: Path, report: Path) -> None:
    """Take the machine's facts from a pass: it knows the thread counts and Numba's layer."""
    if not report.exists():
        return
    if not report.stat().st_size:
        report.unlink()  # pytest-benchmark leaves an empty file where it timed nothing
        return
    machine_info = json.loads(report.read_text(encoding="utf-8"))["machine_info"]
    runs.note_machine(folder, machine_info["lossbench"])
