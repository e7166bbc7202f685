"""Write a worker's job to a scratch folder, run the worker, and diagnose how it ended."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.common import threads
from bench.model import Cell, Options
from bench.workers import diagnosis, spawn, watchdog
from bench.workers.diagnosis import Ending
from bench.workers.watchdog import Fatal, Step, step_of

# The environment variable with a worker's folder.
VARIABLE = "LOSSBENCH_WORKER"
# In the folder of a worker: its job; its output; pytest-benchmark's report, if it writes one.
JOB, LOG, REPORT = "job.json", "log", "report.json"


@dataclass(frozen=True)
class Job:
    """What one worker has to do.

    Attributes
    ----------
    cells : sequence of Cell
    options : Options
        Those of the run: its files, budget and thread counts.
    details : mapping
        What else this kind of worker needs; JSON values.
    fatal : mapping of Step to Fatal
        The steps to skip: each ended an earlier worker.
    """

    cells: Sequence[Cell]
    options: Options
    details: Mapping[str, Any] = field(default_factory=dict)
    fatal: Mapping[Step, Fatal] = field(default_factory=dict)


def run(
    worker: str | Path,
    jobs: Sequence[Job],
    flags: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    watch: Callable[[], None] = lambda: None,
    collect: Callable[[str], None] = lambda _: None,
) -> list[Ending]:
    """Run workers side by side, one per job, and return how each ended.

    Parameters
    ----------
    worker : str or Path
        A module; or a file of benchmarks, run by pytest-benchmark.
    jobs : sequence of Job
    flags : sequence of str
        Added to the command.
    variables : mapping, optional
        Added to the environment.
    watch : function
        Called a few times per second.
    collect : function of str
        Called with each report of pytest-benchmark after the workers ended, even if they failed.
    """
    # Windows does not remove a file that a process still has open.
    with tempfile.TemporaryDirectory(prefix="lossbench-", ignore_cleanup_errors=True) as scratch:
        folders = [Path(scratch) / str(number) for number in range(len(jobs))]
        commands = []
        for folder, one in zip(folders, jobs, strict=True):
            folder.mkdir()
            _write(folder, one)
            known = threads.environment(max(one.options.thread_counts))
            known |= {VARIABLE: str(folder), **(variables or {})}
            commands.append(_command(worker, folder, flags, known))
        try:
            codes = spawn.run(commands, watch)
        finally:
            for report in (folder / REPORT for folder in folders):
                if report.exists():
                    collect(report.read_text(encoding="utf-8", errors="replace"))
        return [
            diagnosis.diagnose(folder, folder / LOG, code)
            for folder, code in zip(folders, codes, strict=True)
        ]


def required() -> Job:
    """Return the job of this process and start its watchdog; exit if it is not a worker."""
    found = begin()
    if found is None:
        sys.exit("lossbench starts this process; it does nothing by itself")
    return found


def begin() -> Job | None:
    """Return the job of this process and start its watchdog; None if it is not a worker."""
    folder = os.environ.pop(VARIABLE, None)  # what a kernel starts is no worker
    if folder is None:
        return None
    found = _read(Path(folder))
    watchdog.start(Path(folder), found.options.budget, found.fatal)
    return found


def _command(
    worker: str | Path, folder: Path, flags: Sequence[str], variables: Mapping[str, str]
) -> spawn.Command:
    if isinstance(worker, str):
        return spawn.Command([worker, *flags], variables, folder / LOG)
    words = spawn.pytest_command(worker, folder / REPORT, *flags)
    return spawn.Command(words, {**variables, **spawn.PYTEST_ALONE}, folder / LOG)


def _write(folder: Path, job: Job) -> None:
    values = {
        "cells": [asdict(cell) for cell in job.cells],
        "options": asdict(job.options),
        "details": job.details,
        "fatal": [[asdict(step), asdict(how)] for step, how in job.fatal.items()],
    }
    (folder / JOB).write_text(json.dumps(values), encoding="utf-8")


def _read(folder: Path) -> Job:
    values = json.loads((folder / JOB).read_text(encoding="utf-8"))
    return Job(
        tuple(Cell(**cell) for cell in values["cells"]),
        Options.of(values["options"]),
        values["details"],
        {step_of(step): Fatal(**how) for step, how in values["fatal"]},
    )
