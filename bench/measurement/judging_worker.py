"""The worker that judges cells before anything is timed.

It also stores the texts of their problems, and measures the temporary memory of calls.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from bench.agreement.check import check
from bench.measurement import records
from bench.measurement.costs import memory
from bench.measurement.records import AGREEMENT, Record
from bench.model import Cell
from bench.problems import texts
from bench.problems.user_file import problems_in
from bench.problems.user_source import ProblemFileError
from bench.workers import job, watchdog
from bench.workers.job import Job


def judge(work: Job) -> None:
    """Judge the cells of a job, group by group, and record the verdicts of each at once."""
    path = Path(work.details["path"])
    named = {one.name: one for one in problems_in(work.options.files)}
    for name in dict.fromkeys(cell.problem for cell in work.cells):
        texts.store(path.parent, named[name])
    for group in groups(work.cells):
        its_problem = named[group[0].problem]
        verdicts = check(its_problem, group, work.options.budget)
        for verdict in verdicts:
            records.append(path, Record(AGREEMENT, verdict))
        if work.options.costs:
            memory.measure(its_problem, verdicts, path.parent / memory.MEMORY)


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Group the cells that are compared with each other."""
    found: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.group, []).append(cell)
    return list(found.values())


if __name__ == "__main__":
    try:
        judge(job.required())
    except ProblemFileError as error:
        sys.exit(str(error))
    except OSError as error:  # of our files: that of a kernel is its row's message
        print(error, file=sys.stderr)
        sys.exit(watchdog.CANNOT_WRITE)
