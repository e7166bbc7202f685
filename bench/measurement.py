"""How fast? Passes over the cells, each in a process of its own, every cell recorded as it ends.

The clock is pytest-benchmark's, in `test_speed.py`, which a pass runs. What the records add up to
is left to `table`.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import environment, records, threads
from bench.agreement import Verdict
from bench.names import unknown
from bench.problem import DTYPES, THREADED_TIERS, TIERS, Cell, Problem
from bench.records import CELLS, Record

ENVIRONMENT = "environment.json"
RUN_ID = r"\d{8}-\d{6}(-\d+)?"
PACKAGE = Path(__file__).resolve().parent
SPEED_TEST = PACKAGE / "test_speed.py"

DEFAULT_SIZES = ("lecture", "S", "M")
DEFAULT_DTYPES = ("float64",)
DEFAULT_PASSES = 8
DEFAULT_BUDGET = 2.0
# Seconds of rounds of a cell in one pass of `lossbench run`.
PASS_S = 0.03
# How often the parent looks at what the child has written; seldom, not to take its core.
LOOK_S = 0.25
# How long a child may take to end after Ctrl-C: what it compiles or calls cannot be broken off.
PATIENCE_S = 15.0


@dataclass(frozen=True)
class Options:
    """What a run measures; written to environment.json, from which it is resumed.

    Empty `problems`, `tiers` and `threads` stand for all of them, which for threads is one and as
    many as there are cores.
    """

    problems: tuple[str, ...] = ()
    sizes: tuple[str, ...] = DEFAULT_SIZES
    tiers: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    threads: tuple[int, ...] = ()
    passes: int = DEFAULT_PASSES
    budget: float = DEFAULT_BUDGET
    seed: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells of all passes that are done, and those there are."""

    pass_number: int
    done: int
    total: int


class PassError(RuntimeError):
    """A pass that ended before its cells were through; the message says where."""


def plan(all_problems: Iterable[Problem], options: Options) -> list[Cell]:
    """Return the cells of a run, in the order of the table."""
    counts = options.threads or tuple(sorted({1, threads.all_cores()}))
    return [
        Cell(problem.name, tier, size, dtype, count)
        for problem in all_problems
        if not options.problems or problem.name in options.problems
        for size in problem.sizes
        if size in options.sizes
        for dtype in DTYPES
        if dtype in options.dtypes
        for tier in sorted(problem.tiers, key=_rank)
        if not options.tiers or tier in options.tiers
        for count in (counts if tier in THREADED_TIERS else (1,))
    ]


def _rank(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in groups of those that are compared with each other."""
    of_group: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        of_group.setdefault(cell.group, []).append(cell)
    return list(of_group.values())


def thread_variables(options: Options) -> dict[str, str]:
    """Return the variables for a process that measures with these options."""
    return threads.environment(max(options.threads or (threads.all_cores(),)))


def cells_of_pass(
    cells: Sequence[Cell], number: int, options: Options, done: Sequence[Record]
) -> list[Cell]:
    """Return what is still to do in a pass, shuffled.

    A cell that is not ok is through after its first record. One that is slow is timed in as many
    passes as its budget has room for, spread evenly over the run.
    """
    found = records.verdicts(done)
    through = {record.verdict.cell for record in done if record.pass_number == number}
    order = [
        cell for cell in cells if cell not in through and _due(found.get(cell), number, options)
    ]
    random.Random(f"{options.seed}/{number}").shuffle(order)
    return order


def _due(verdict: Verdict | None, number: int, options: Options) -> bool:
    if verdict is None:
        return True
    if verdict.status != "ok":
        return False
    # A slow cell has one round a pass, and one call before it that is not timed.
    in_a_pass = max(PASS_S, 2.0 * (verdict.seconds or 0.0))
    fitting = max(1, int(options.budget / in_a_pass))
    return ((number - 1) * fitting) % options.passes < min(fitting, options.passes)


# --- a run's folder


def begin(output: Path, options: Options) -> Path:
    """Make a folder for a new run, named by the time, and write down what it is to measure."""
    now = datetime.now().astimezone()
    output.mkdir(parents=True, exist_ok=True)
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        folder = output / f"{now:%Y%m%d-%H%M%S}{suffix}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            break
    else:
        raise FileExistsError(f"{output} has a hundred runs of this second")
    facts = environment.facts(threading_layer=False)
    known = {"run_id": folder.name, "started": now.isoformat(), "options": asdict(options)}
    _write(folder, known | {"machine": facts})
    return folder


def find(name: str, output: Path) -> Path:
    """Return the folder of a run: a path, a name in the folder of the runs, or latest.

    Raises
    ------
    ValueError
        There is none; the message lists those there are, the nearest first.
    """
    made = (path.parent for path in output.glob(f"*/{ENVIRONMENT}"))
    runs = sorted(path.name for path in made if re.fullmatch(RUN_ID, path.name))
    if name == "latest" and runs:
        return output / runs[-1]
    for folder in (Path(name), output / name):
        if name and (folder / ENVIRONMENT).exists():
            return folder
    if not runs:
        raise ValueError(f"there is no run in {output}")
    raise ValueError(unknown("run", name, runs))


def options_of(folder: Path) -> Options:
    """Return what a run was to measure.

    Raises
    ------
    ValueError
        The folder is not that of a run.
    """
    try:
        known = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["options"]
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in known.items()
        }
        return Options(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder} is not a run that can be resumed: {error}") from error


def _write(folder: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=2) + "\n"
    (folder / ENVIRONMENT).write_text(text, encoding="utf-8")


def _update(folder: Path, values: dict[str, Any]) -> None:
    known = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    _write(folder, known | values)


# --- passes


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
    for number in range(1, options.passes + 1):
        known = records.read(path)
        todo = cells_of_pass(cells, number, options, known)
        later = sum(
            len(cells_of_pass(cells, after, options, known))
            for after in range(number + 1, options.passes + 1)
        )
        total = len(known) + len(todo) + later
        if todo:
            _run_pass(folder, number, todo, options, partial(_tell, watch, number, total))
    return records.read(path)


def _tell(watch: Callable[[Progress], None], number: int, total: int, done: int) -> None:
    watch(Progress(number, done, total))


def _run_pass(
    folder: Path,
    number: int,
    todo: Sequence[Cell],
    options: Options,
    watch: Callable[[int], None],
) -> None:
    path = folder / CELLS
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        plan_file = Path(scratch) / "plan.json"
        plan_file.write_text(json.dumps([asdict(cell) for cell in todo]), encoding="utf-8")
        log = Path(scratch) / "log"
        report = _unused(folder, number)
        variables = _variables(thread_variables(options))
        command = _command(plan_file, path, number, report, options)
        try:
            with log.open("wb") as output:
                code = _wait(command, variables, output, lambda: watch(records.count(path)))
        finally:
            _read_report(folder, report)
        left = _left(todo, number, records.read(path))
        if left:
            raise PassError(_broken(number, code, left[0], log.read_text(errors="replace")))


def _left(todo: Sequence[Cell], number: int, known: Iterable[Record]) -> list[Cell]:
    through = {record.verdict.cell for record in known if record.pass_number == number}
    return [cell for cell in todo if cell not in through]


def _unused(folder: Path, number: int) -> Path:
    """Return where pytest-benchmark writes: a resumed pass does not take the place of its start."""
    names = (f"pass-{number}.json", *(f"pass-{number}-resumed-{i}.json" for i in range(1, 1000)))
    return next(folder / name for name in names if not (folder / name).exists())


def _command(plan_file: Path, path: Path, number: int, report: Path, options: Options) -> list[str]:
    # The settings of the folder that the user happens to be in, and plugins that are installed
    # beside this one, have no say in a measurement.
    return [
        *(sys.executable, "-P", "-m", "pytest", str(SPEED_TEST)),
        *("-c", os.devnull, "--rootdir", str(PACKAGE.parent), "--import-mode", "importlib"),
        *("-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "-q", "--tb=short"),
        *("--benchmark-quiet", f"--benchmark-max-time={PASS_S}", f"--benchmark-json={report}"),
        *(f"--lossbench-plan={plan_file}", f"--lossbench-cells={path}"),
        *(f"--lossbench-pass={number}", f"--lossbench-budget={options.budget!r}"),
    ]


def _variables(of_threads: dict[str, str]) -> dict[str, str]:
    """Return the child's environment: thread counts are read when the libraries are loaded."""
    known = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    paths = [str(PACKAGE.parent), *filter(None, [known.get("PYTHONPATH")])]
    return (
        known
        | of_threads
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(paths)}
    )


def _wait(
    command: Sequence[str], variables: dict[str, str], output: Any, watch: Callable[[], None]
) -> int:
    """Run the child to its end, and end it with this process's own interruption."""
    # In a session of its own: Ctrl-C in a terminal reaches this process alone, and the child once.
    child = subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        while child.poll() is None:
            watch()
            time.sleep(LOOK_S)
        watch()
    finally:
        _end(child)
    return child.returncode


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask a child that still runs to end as Ctrl-C would, then leave it no choice."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(PATIENCE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def _read_report(folder: Path, report: Path) -> None:
    """Take the machine's facts from a pass: it knows the thread counts and Numba's layer."""
    if not report.exists():
        return
    if not report.stat().st_size:
        report.unlink()  # pytest-benchmark leaves an empty file where it timed nothing
        return
    machine_info = json.loads(report.read_text(encoding="utf-8"))["machine_info"]
    _update(folder, {"machine": machine_info["lossbench"]})


def _broken(number: int, code: int, cell: Cell, log: str) -> str:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    words = [line.strip() for line in log.splitlines() if line.strip().startswith(("E  ", "ERROR"))]
    why = f": {words[0]}" if words else ""
    return f"pass {number} broke off at {cell.id} ({how}){why}"
