"""Start child processes, wait for them, and terminate them with the parent."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.common import code
from bench.common.code import ROOT
from bench.workers import processes

# What a child does not inherit. The first two are set by a pytest that runs this process; under the
# second, pytest-benchmark times nothing. The third is set by Dask's nanny: glibc then gives each
# freed array back, and a call that returns one takes a page fault for every 4 KB.
NOT_INHERITED = frozenset({"PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "MALLOC_TRIM_THRESHOLD_"})
PYTEST_ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
# How often the parent polls the children; seldom, so that it does not take their cores.
POLL_S = 0.25
# How long a child may take to end after Ctrl-C: compiling and native calls cannot be interrupted.
# Batch systems and containers send SIGKILL some ten seconds after SIGTERM.
TERMINATE_S = 5.0


@dataclass(frozen=True)
class Command:
    """A Python module to run.

    Attributes
    ----------
    words : sequence of str
        The module and its arguments.
    variables : mapping
        Added to the environment: thread counts are read when the libraries are loaded.
    log : Path
        The file for its output.
    """

    words: Sequence[str]
    variables: Mapping[str, str]
    log: Path


def run(commands: Sequence[Command], watch: Callable[[], None]) -> list[int]:
    """Run Python modules side by side; they end with this process.

    Parameters
    ----------
    commands : sequence of Command
    watch : function
        Called a few times per second.

    Returns
    -------
    list of int
        The exit codes; if negative, the signal that ended the child.
    """
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:  # one that cannot start leaves the others to be terminated
            children.append(_start(command))  # noqa: PERF401
        running = children
        while running:
            watch()
            time.sleep(POLL_S)
            # Reaped at once: the system soon reuses the id of a process that ended.
            running = [child for child in running if not _has_ended(child)]
        watch()
    finally:
        left = [child for child in children if not _has_ended(child)]
        started = [processes.interrupt(child) for child in left]
        deadline = time.monotonic() + TERMINATE_S
        for child, its in zip(left, started, strict=True):
            _terminate(child, deadline, its)
    return [child.returncode for child in children]


def pytest_command(file: Path, report: Path, *options: str) -> list[str]:
    """Return the command that times a file by pytest-benchmark, whatever else is installed.

    The pytest settings of the current folder do not apply. The environment needs `PYTEST_ALONE`.
    """
    return [
        *("pytest", str(file), "-c", os.devnull, "--rootdir", str(ROOT)),
        *("--import-mode", "importlib", "-q", "--tb=short"),
        *("-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider"),
        *("-p", "no:unraisableexception"),  # it collects garbage ten times, 0.3 s with Numba loaded
        *("--benchmark-quiet", f"--benchmark-json={report}", *options),
        f"--benchmark-storage=file://{report.parent}",  # it makes a folder, in the user's otherwise
    ]


def _start(command: Command) -> subprocess.Popen[bytes]:
    known = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    paths = os.pathsep.join([str(ROOT), *filter(None, [known.get("PYTHONPATH")])])
    cache = {"NUMBA_CACHE_DIR": code.numba_cache()}
    # The log takes whatever a kernel prints, whatever the user's terminal can show.
    encoding = {"PYTHONIOENCODING": "utf-8:backslashreplace"}
    with command.log.open("wb") as output:
        # Standard input is a pipe: `lifeline` ends the child when this process ends.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.workers.lifeline", *command.words],
            env={**known, "PYTHONPATH": paths, **cache, **encoding, **command.variables},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=processes.NEW_GROUP,
        )
    processes.hold(child)
    return child


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    if child.returncode is None and child.poll() is not None:
        _terminate(child, time.monotonic())
    return child.returncode is not None


def _terminate(
    child: subprocess.Popen[bytes], deadline: float, started: Sequence[psutil.Process] = ()
) -> None:
    """Wait for a child that was asked to end, then kill it and the processes that it started."""
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(max(0.0, deadline - time.monotonic()))
    processes.kill_group(child, started)
    child.wait()
    if child.stdin:
        child.stdin.close()
