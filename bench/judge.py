"""A process of a run that judges cells: `python -m bench.judge FOLDER CELLS BUDGET`.

It writes down the texts of its problems, and a record of each cell, of pass 0, the moment it is
judged.
"""

import sys
from pathlib import Path

from bench import plan, records, steps, texts
from bench.agreement import check
from bench.problem_file import ProblemFileError, problems_in
from bench.records import AGREEMENT, Record


def judge(folder: Path, path: Path, budget: float) -> None:
    """Judge the cells of the plan in a folder, group by group."""
    steps.start(folder, budget)
    cells, files = plan.read(folder / plan.PLAN)
    named = {one.name: one for one in problems_in(files)}
    for name in dict.fromkeys(cell.problem for cell in cells):
        texts.store(path.parent, named[name])
    for group in plan.groups(cells):
        for verdict in check(named[group[0].problem], group, budget):
            records.append(path, Record(AGREEMENT, verdict))


if __name__ == "__main__":
    try:
        judge(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
    except ProblemFileError as error:
        sys.exit(str(error))
    except OSError as error:  # of our files: that of a kernel is its row's message
        print(error, file=sys.stderr)
        sys.exit(steps.CANNOT_WRITE)
