"""The worker that measures the temporary memory that tracemalloc does not see.

It starts fresh for the cells of a run: nothing that was freed before is there to be reused.
"""

import contextlib
from dataclasses import asdict
from pathlib import Path

from bench.agreement.given import Given
from bench.common import files, threads
from bench.measurement.costs import memory
from bench.model import Cell, Problem
from bench.problems.user_file import problems_in
from bench.workers import job, watchdog
from bench.workers.job import Job
from bench.workers.watchdog import Step


def measure(work: Job) -> None:
    """Measure the cells of a job, and append one line for each; a call that fails has none."""
    path = Path(work.details["path"])
    named = {one.name: one for one in problems_in(work.options.files)}
    for cell in work.cells:
        with contextlib.suppress(Exception):
            watchdog.take(Step(cell, "memory"), preparing=True)
            found = _resident_bytes(cell, named[cell.problem])
            if found is not None:
                files.append_json(path, {**asdict(cell), "temporary_bytes": found})


def _resident_bytes(cell: Cell, its_problem: Problem) -> int | None:
    kernel = its_problem.tiers[cell.tier].load()
    given = Given(its_problem, cell.tier, its_problem.inputs(cell.size, cell.dtype))
    with threads.limited(cell.threads):
        return memory.resident_bytes(kernel, given.next(), given.next())


if __name__ == "__main__":
    measure(job.required())
