"""What ended a process of a run before its work was done, in words, and whose fault it is.

Starting the next one is left to `measurement`.
"""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from bench import steps
from bench.agreement import HARD_INPUT
from bench.model import Cell, Status
from bench.units import duration

# What others send to a process: the system when memory runs out, a person, a batch system.
OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT})
LIMIT = re.compile(r"Timeout \((\d+):(\d+):([\d.]+)\)")
FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Fault:
    """How a process ended that had more to do.

    Attributes
    ----------
    step : Cell, optional
        What it was at; None before its first step, or where it is no step's fault.
    status : str
        What the step becomes: ``failed``, or ``skipped`` where it may only be slow.
    message : str
        How it ended, in words.
    from_outside : bool
        Whether somebody else may have ended it, for reasons of their own.
    """

    step: Cell | None
    status: Status
    message: str
    from_outside: bool = False


def fault(folder: Path, log: Path, code: int) -> Fault:
    """Return what ended a process.

    Parameters
    ----------
    folder : Path
        Where it said its steps.
    log : Path
        What it printed.
    code : int
        Its exit code; below 0, the signal that ended it.
    """
    step = steps.last(folder)
    hang = folder / steps.HANG
    trace = hang.read_text(encoding="utf-8", errors="replace") if hang.exists() else ""
    if code == steps.CANNOT_WRITE:
        return Fault(None, "failed", _last_words(log))
    if trace:
        # A call of some size may just be slow. Hard inputs are small.
        slow = step is not None and not step.size.startswith(HARD_INPUT)
        return Fault(step, "skipped" if slow else "failed", _of_hang(trace))
    if -code in OUTSIDE:
        memory = ": out of memory?" if -code == signal.SIGKILL else ""
        return Fault(step, "failed", f"its process was killed (signal {-code}){memory}", True)
    if code < 0:
        words = f"its process died of signal {-code} ({signal.strsignal(-code)})"
        return Fault(step, "failed", words)
    words = _last_words(log) if code else ""
    return Fault(step, "failed", f"its process ended (exit code {code}){words and f': {words}'}")


def _of_hang(trace: str) -> str:
    """Return for how long and where a process hung, from what the timer left."""
    limit = LIMIT.match(trace)
    hours, minutes, seconds = (float(part) for part in limit.groups()) if limit else (0.0, 0.0, 0.0)
    after = duration(3600.0 * hours + 60.0 * minutes + seconds, 2)
    # The main thread is the last, its innermost call the first; in ours it waits for native code.
    calls = FRAME.findall(trace.rpartition("Thread 0x")[2])
    where = ""
    if calls and Path(calls[0][0]).parent != PACKAGE:
        path, line, name = calls[0]
        where = f" in {name} ({Path(path).name}, line {line})"
    return f"no answer in {after}{where}: its process was ended"


def _last_words(log: Path) -> str:
    """Return the line of a log that says most about the end."""
    lines = [
        line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    exits = [
        line.partition("Exit: ")[2].rstrip(" !") for line in lines if "outcomes.Exit: " in line
    ]
    errors = [
        line.removeprefix("E  ").strip() for line in lines if line.startswith(("E  ", "ERROR"))
    ]
    said = exits or errors or [line for line in lines if line][-1:]
    return said[0] if said else ""
