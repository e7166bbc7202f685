"""Interrupt and kill processes with all that they started, on POSIX systems and on Windows.

Where processes cannot be killed as a group, those that a process started are listed by psutil,
which is loaded only then: every worker imports this module. A child that ended has no list: what it
left is killed through its `windows_job`.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ctypes

    import psutil  # type: ignore[import-untyped]

# Ctrl-C in a terminal shall reach only this process, which passes it on once. On POSIX systems a
# new session does that; Windows ignores that option, and has this flag.
NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
# Windows kills by a call of its own, and passes no Ctrl-C to another group.
SIGKILL: int = getattr(signal, "SIGKILL", 9)
INTERRUPT = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT)
# By the process id of a child, which Windows gives to no other while its Popen is there.
_jobs: "dict[int, ctypes.c_void_p | None]" = {}


def hold(child: "subprocess.Popen[bytes]") -> None:
    """Let what a child starts end with this process."""
    if not hasattr(os, "killpg"):
        from bench.workers import windows_job

        _jobs[child.pid] = windows_job.hold(child)


def raise_on_interrupt() -> None:
    """Let this process raise KeyboardInterrupt when its parent interrupts it."""
    if hasattr(signal, "SIGBREAK"):  # Windows would end it at once
        signal.signal(signal.SIGBREAK, signal.default_int_handler)


def interrupt(child: "subprocess.Popen[Any]") -> "list[psutil.Process]":
    """Ask a child to end.

    Returns
    -------
    list of psutil.Process
        What it has started, for `kill_group`: unknown once it has ended. Empty on POSIX systems.
    """
    started = _started_by(child.pid)
    try:
        child.send_signal(INTERRUPT)
    except (OSError, ValueError):  # Windows: there is no console, or no such signal
        child.terminate()
    return started


def kill_group(child: "subprocess.Popen[bytes]", started: "Iterable[psutil.Process]") -> None:
    """Kill a child, if it has not ended, and what it has started."""
    if hasattr(os, "killpg"):
        # The child leads a process group, which outlives it if a kernel started processes.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, SIGKILL)
        return
    from bench.workers import windows_job

    _kill([*started, *_started_by(child.pid)])
    child.kill()
    windows_job.end(_jobs.pop(child.pid, None))


def kill_this_group() -> None:
    """Kill this process and what it has started; on POSIX systems, if it leads its group."""
    if not hasattr(os, "getpgrp"):
        _kill(_started_by(os.getpid()))
    elif os.getpgrp() == os.getpid():
        os.kill(0, SIGKILL)
    os._exit(1)


def _started_by(pid: int) -> "list[psutil.Process]":
    """Return what a process started, with what these started, where groups cannot be killed."""
    if hasattr(os, "killpg"):
        return []
    import psutil

    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:  # it has ended
        return []
    return found


def _kill(processes: "Iterable[psutil.Process]") -> None:
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has ended
            process.kill()
