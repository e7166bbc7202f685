"""Watchdog: a worker logs each step before it takes it, and is killed if a step exceeds its limit.

Outside a worker (`pytest bench` by hand), nothing is logged and nothing is killed.
"""

import faulthandler
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from bench.common import files
from bench.model import Cell, Status

# In the folder of a worker: its steps, one per line; the traceback of a timeout.
STEPS, HANG = "steps.jsonl", "hang"
# The exit code of a worker that could not write (EX_IOERR of sysexits.h): no cell's fault.
CANNOT_WRITE = 74

# A call may take this many budgets, because agreement makes calls that are predicted to take up to
# as many; and some seconds more, in which a busy machine may not run the process.
BUDGETS = 10.0
GRACE_S = 5.0
# Compiling and loading a library do not count towards the budget of a call: they take up to half a
# minute on two idle cores.
PREPARING_S = 300.0


@dataclass(frozen=True)
class Step:
    """What a worker does next: call a tier, or make or load what the call needs.

    Attributes
    ----------
    cell : Cell
        The cell that needs it.
    kind : "call", "inputs", "sample", "hard input" or "memory"
        A call with the cell's inputs; making these inputs; a call with a sample of them; a call
        with a hard input of the problem; a call whose memory is measured.
    label : str
        Which hard input; otherwise empty.
    """

    cell: Cell
    kind: Literal["call", "inputs", "sample", "hard input", "memory"] = "call"
    label: str = ""


@dataclass(frozen=True)
class Fatal:
    """How a step ended a worker, and the status that its cell gets."""

    status: Status
    message: str


class FatalStepError(Exception):
    """A step ended an earlier worker of this run, and is not taken again."""

    def __init__(self, how: Fatal) -> None:
        super().__init__(how.message)
        self.how = how


@dataclass
class _Process:
    folder: Path
    budget: float
    fatal: Mapping[Step, Fatal]
    hang: IO[str]
    preparing: bool = True
    compiling: int = 0  # nested: compiling a function compiles those that it calls
    listens_to_numba: bool = False


_process: _Process | None = None


def limit_s(budget: float, *, preparing: bool) -> float:
    """Return the seconds that a step may take before its worker is killed.

    Parameters
    ----------
    budget : float
        Seconds that a call may take to be timed.
    preparing : bool
        Whether the step makes inputs, loads a library or compiles a kernel.
    """
    return GRACE_S + BUDGETS * budget + (PREPARING_S if preparing else 0.0)


def start(folder: Path, budget: float, fatal: Mapping[Step, Fatal]) -> None:
    """Watch the steps of this process from now on.

    Parameters
    ----------
    folder : Path
        Where to log the steps; no other process uses it.
    budget : float
        Seconds that a call may take to be timed.
    fatal : mapping of Step to Fatal
        The steps to skip: each ended an earlier worker.
    """
    global _process  # a process is at one step, and has one timer
    hang = (folder / HANG).open("w", encoding="utf-8")  # the timer writes to it: never closed
    _process = _Process(folder, budget, fatal, hang)
    _set_timer(_process)


def take(step: Step, *, preparing: bool = False) -> None:
    """Log the step that this process is about to take, and start its timer.

    Parameters
    ----------
    step : Step
    preparing : bool
        Whether it has the longer limit.

    Raises
    ------
    FatalStepError
        The step ended an earlier worker.
    OSError
        The log cannot be written.
    """
    if _process is None:
        return
    if step in _process.fatal:
        raise FatalStepError(_process.fatal[step])
    files.append_json(_process.folder / STEPS, asdict(step))
    _extend_limit_while_numba_compiles(_process)
    _process.preparing = preparing
    _set_timer(_process)


def pause() -> None:
    """Stop the timer until the next step: the parent is busy, and no cell is to blame."""
    if _process is not None:
        faulthandler.cancel_dump_traceback_later()


def finish() -> None:
    """Give this process the longer limit to end: it has taken all its steps."""
    if _process is not None:
        _process.preparing = True
        _set_timer(_process)


def last(folder: Path) -> Step | None:
    """Return the last step that a worker logged; None if it logged none."""
    steps = files.read_json_lines(folder / STEPS, "a step", step_of)
    return steps[-1] if steps else None


def step_of(values: Mapping[str, Any]) -> Step:
    """Return a step from its JSON values."""
    return Step(**{**values, "cell": Cell(**values["cell"])})


def _set_timer(process: _Process) -> None:
    limit = limit_s(process.budget, preparing=process.preparing or process.compiling > 0)
    # faulthandler's thread is in C and does not need Python's lock, which a native loop may hold.
    faulthandler.dump_traceback_later(limit, exit=True, file=process.hang)


def _extend_limit_while_numba_compiles(process: _Process) -> None:
    """Give a call the longer limit while Numba compiles in it."""
    if process.listens_to_numba or "numba" not in sys.modules:
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
    process.listens_to_numba = True
