"""Diagnose why a worker ended early, and at which step."""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from bench.common.format import duration
from bench.model import Status
from bench.workers import watchdog
from bench.workers.watchdog import Step

# What others send to a process: the system when memory runs out, a person, a batch system.
OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT})
LIMIT = re.compile(r"Timeout \((\d+):(\d+):([\d.]+)\)")
FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ending:
    """How a worker ended.

    Attributes
    ----------
    exit_code : int
        Below 0, the signal that ended it.
    step : Step, optional
        The last that it logged; None before its first, or where no step is to blame.
    status : str
        What the step becomes if the worker had more to do: ``failed``, or ``skipped`` where it may
        only be slow.
    message : str
        How it ended, in words.
    from_outside : bool
        Whether somebody else may have ended it, for reasons of their own.
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
        What it printed.
    code : int
        Its exit code; below 0, the signal that ended it.
    """
    step = watchdog.last(folder)
    hang = folder / watchdog.HANG
    trace = hang.read_text(encoding="utf-8", errors="replace") if hang.exists() else ""
    if code == watchdog.CANNOT_WRITE:
        return Ending(code, None, "failed", _last_words(log))
    if trace:
        # A call of some size may just be slow. Hard inputs are small.
        slow = step is not None and step.kind != "hard input"
        return Ending(code, step, "skipped" if slow else "failed", _of_hang(trace))
    if -code in OUTSIDE:
        memory = ": out of memory?" if -code == signal.SIGKILL else ""
        words = f"its process was killed (signal {-code}){memory}"
        return Ending(code, step, "failed", words, from_outside=True)
    if code < 0:
        words = f"its process died of signal {-code} ({signal.strsignal(-code)})"
        return Ending(code, step, "failed", words)
    words = _last_words(log) if code else ""
    words = f"its process ended (exit code {code}){words and f': {words}'}"
    return Ending(code, step, "failed", words)


def _of_hang(trace: str) -> str:
    """Return for how long and where a process hung, from what the timer left."""
    limit = LIMIT.match(trace)
    hours, minutes, seconds = (float(part) for part in limit.groups()) if limit else (0.0, 0.0, 0.0)
    after = duration(3600.0 * hours + 60.0 * minutes + seconds, 2)
    # The main thread is the last, its innermost call the first; in ours it waits for native code.
    calls = FRAME.findall(trace.rpartition("Thread 0x")[2])
    where = ""
    if calls and not Path(calls[0][0]).is_relative_to(PACKAGE):
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
