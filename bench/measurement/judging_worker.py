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
from bench.model import Cell, Options, Problem
from bench.problems import texts
from bench.problems.user_file import problems_in
from bench.problems.user_source import ProblemFileError
from bench.workers import job, watchdog
from bench.workers.job import Job


def judge(work: Job) -> None:
    """Judge the cells of each problem that no other worker took; record the verdicts at once."""
    path, taken = Path(work.details["path"]), Path(work.details["taken"])
    numbered = [*enumerate(problems_in(work.options.files))]
    for i, its_problem in reversed(numbered) if work.details["backwards"] else numbered:
        cells = [cell for cell in work.cells if cell.problem == its_problem.name]
        if cells and _take(taken / str(i)):
            texts.store(path.parent, its_problem)
            for group in groups(cells):
                _judge_group(its_problem, group, path, work.options)


def _take(file: Path) -> bool:
    """Take a problem, if no other worker has."""
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _judge_group(its_problem: Problem, group: list[Cell], path: Path, options: Options) -> None:
    verdicts = check(its_problem, group, options.budget)
    for verdict in verdicts:
        records.append(path, Record(AGREEMENT, verdict))
    if options.costs:
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
