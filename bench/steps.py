"""The step a process of a run is at: said before it is taken, and ended where it takes too long.

A step is one call of a tier, or what has to be made or loaded before one. What a process that ended
in the middle of a step means for a cell is left to `faults`. Where no run started the process,
nothing is said and nothing is ended.
"""

import faulthandler
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench import files
from bench.model import Cell

if TYPE_CHECKING:
    from bench.model import Status

# In the folder that the parent gives a process: the steps it is not to take; those it took, a line
# each; where it was when it hung.
ENDED, STEPS, HANG = "ended.json", "steps.jsonl", "hang"
TOLD = "LOSSBENCH_STEPS"
# The exit code of a process that could not write (EX_IOERR of sysexits.h): no cell's fault.
CANNOT_WRITE = 74

# A call may take so many budgets, as agreement calls what is foretold to take up to as many; and
# some seconds in which a busy machine may give the process no turn.
BUDGETS = 10.0
GRACE_S = 5.0
# Compiling and loading a library have nothing to do with the budget of a call: they take up to half
# a minute on two quiet cores.
PREPARING_S = 300.0


@dataclass(frozen=True)
class Ended:
    """What a step that ended a process becomes, and how it did."""

    status: "Status"
    message: str


class EndedError(Exception):
    """A step ended a process of this run, and is not taken again."""

    def __init__(self, how: Ended) -> None:
        super().__init__(how.message)
        self.how = how


@dataclass
class _Process:
    folder: Path
    budget: float
    ended: Mapping[Cell, Ended]
    hang: IO[str]
    preparing: bool = True
    compiling: int = 0  # functions, each for the sake of the one before
    hears_numba: bool = False


_process: _Process | None = None


def limit_s(budget: float, *, preparing: bool) -> float:
    """Return the seconds that a step may take before its process is ended.

    Parameters
    ----------
    budget : float
        Seconds that a call may take to be timed.
    preparing : bool
        Whether inputs are made, a library is loaded or a kernel is compiled, rather than called.
    """
    return GRACE_S + BUDGETS * budget + (PREPARING_S if preparing else 0.0)


def forbid(folder: Path, ended: Mapping[Cell, Ended]) -> None:
    """Write down for a process which steps it is not to take."""
    values = [[asdict(cell), asdict(how)] for cell, how in ended.items()]
    (folder / ENDED).write_text(json.dumps(values), encoding="utf-8")


def start(folder: Path, budget: float) -> None:
    """Say the steps of this process from now on.

    Parameters
    ----------
    folder : Path
        Where; the process has it for itself. What was forbidden there is not done.
    budget : float
        Seconds that a call may take to be timed.
    """
    global _process  # a process is at one step, and has one timer
    path = folder / ENDED
    values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    ended = {Cell(**cell): Ended(**how) for cell, how in values}
    hang = (folder / HANG).open("w", encoding="utf-8")  # the timer's, to the end
    _process = _Process(folder, budget, ended, hang)
    _set_timer(_process)


def variables(folder: Path, budget: float) -> dict[str, str]:
    """Return what `start_as_told` takes the folder and the budget from."""
    return {TOLD: json.dumps([str(folder), budget])}


def start_as_told() -> None:
    """Start where the process that started this one says so, in the variables of this one."""
    if TOLD in os.environ:
        folder, budget = json.loads(os.environ[TOLD])
        start(Path(folder), float(budget))


def take(cell: Cell, *, preparing: bool = False) -> None:
    """Say that this process is about to take a step, which has its time from now on.

    Parameters
    ----------
    cell : Cell
        What is called; its `size` may say more than that of a cell of the run.
    preparing : bool
        Whether it has the longer time.

    Raises
    ------
    EndedError
        The step ended a process before.
    OSError
        It cannot be said.
    """
    if _process is None:
        return
    if cell in _process.ended:
        raise EndedError(_process.ended[cell])
    files.append(_process.folder / STEPS, json.dumps(asdict(cell)))
    _hear_numba(_process)
    _process.preparing = preparing
    _set_timer(_process)


def finish() -> None:
    """Give this process the longer time to end: it has taken all its steps."""
    if _process is not None:
        _process.preparing = True
        _set_timer(_process)


def last(folder: Path) -> Cell | None:
    """Return the step that a process took last; None where it took none."""
    path = folder / STEPS
    said = path.read_text(encoding="utf-8").rpartition("\n")[0] if path.exists() else ""
    return Cell(**json.loads(said.splitlines()[-1])) if said else None


def _set_timer(process: _Process) -> None:
    limit = limit_s(process.budget, preparing=process.preparing or process.compiling > 0)
    # A thread in C, which waits for no lock of Python: a native loop without end may hold that.
    faulthandler.dump_traceback_later(limit, exit=True, file=process.hang)


def _hear_numba(process: _Process) -> None:
    """Give a call the longer time while Numba compiles in it."""
    if process.hears_numba or "numba" not in sys.modules:
        return
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, _event: Any) -> None:
            process.compiling += 1
            _set_timer(process)

        def on_end(self, _event: Any) -> None:
            process.compiling -= 1
            _set_timer(process)

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]
    process.hears_numba = True
