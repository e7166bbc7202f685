"""Diagnose why a worker ended early, and at which step."""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from bench.common.format import duration
from bench.model import Status
from bench.workers import watchdog
from bench.workers.processes import SIGKILL
from bench.workers.watchdog import Step

# Signals sent from outside: by the system when memory runs out, by a user, by a batch system.
OUTSIDE = frozenset({SIGKILL, signal.SIGTERM, signal.SIGINT})
LIMIT = re.compile(r"Timeout \((\d+):(\d+):([\d.]+)\)")
FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ending:
    """How a worker ended.

    Attributes
    ----------
    exit_code : int
        If negative, the signal that ended it.
    step : Step, optional
        The last that it logged; None before its first, or if no step is to blame.
    status : str
        The status of the step's cell if the worker had more to do: ``failed``, or ``skipped`` if
        the step may only be slow.
    message : str
        How it ended.
    from_outside : bool
        Whether another process may have killed it, for reasons unrelated to the step.
    """

    exit_code: int
    step: Step | None
    status: Status
    message: str
    from_outside: bool = False


def diagnose(folder: Path, log: Path, code: int) -> Ending:
    """Return how a worker ended.

    Parameters
    ----------
    folder : Path
        Where it logged its steps.
    log : Path
        The file with its output.
    code : int
        Its exit code; if negative, the signal that ended it.
    """
    step = watchdog.last(folder)
    hang = folder / watchdog.HANG
    trace = hang.read_text(encoding="utf-8", errors="replace") if hang.exists() else ""
    if code == watchdog.CANNOT_WRITE:
        return Ending(code, None, "failed", _error_line(log))
    if trace:
        # A call at some size may just be slow. Hard inputs are small.
        slow = step is not None and step.kind != "hard input"
        return Ending(code, step, "skipped" if slow else "failed", _timeout_message(trace))
    if -code in OUTSIDE:
        memory = ": out of memory?" if -code == SIGKILL else ""
        message = f"its process was killed (signal {-code}){memory}"
        return Ending(code, step, "failed", message, from_outside=True)
    if code < 0:
        message = f"its process died of signal {-code} ({signal.strsignal(-code)})"
        return Ending(code, step, "failed", message)
    error = _error_line(log) if code else ""
    message = f"its process ended (exit code {code}){error and f': {error}'}"
    return Ending(code, step, "failed", message)


def _timeout_message(trace: str) -> str:
    """Return after how long and where a process timed out, from the watchdog's traceback."""
    limit = LIMIT.match(trace)
    hours, minutes, seconds = (float(part) for part in limit.groups()) if limit else (0.0, 0.0, 0.0)
    after = duration(3600.0 * hours + 60.0 * minutes + seconds, 2)
    # The main thread is listed last, its innermost call first. The harness is not named: it waits
    # for native code.
    calls = FRAME.findall(trace.rpartition("Thread 0x")[2])
    where = ""
    if calls and not _is_harness(Path(calls[0][0])):
        path, line, name = calls[0]
        where = f" in {name} ({Path(path).name}, line {line})"
    return f"timed out after {after}{where}: its process was killed"


def _is_harness(file: Path) -> bool:
    return file.is_relative_to(PACKAGE) and not file.is_relative_to(PACKAGE / "problems")


def _error_line(log: Path) -> str:
    """Return the line of a log that best explains why the process ended."""
    lines = [
        line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    exits = [
        line.partition("Exit: ")[2].rstrip(" !") for line in lines if "outcomes.Exit: " in line
    ]
    errors = [
        line.removeprefix("E  ").strip() for line in lines if line.startswith(("E  ", "ERROR"))
    ]
    found = exits or errors or [line for line in lines if line][-1:]
    return found[0] if found else ""
