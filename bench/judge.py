"""A process of a run that judges cells: `python -m bench.judge PLAN CELLS BUDGET`.

It writes a record of each cell, of pass 0, the moment it is judged.
"""

import json
import sys
from pathlib import Path

from bench import records
from bench.agreement import check
from bench.plan import groups
from bench.problem import Cell
from bench.problems import PROBLEMS
from bench.records import AGREEMENT, Record


def judge(plan: Path, path: Path, budget: float) -> None:
    """Judge the cells of a plan, group by group."""
    cells = [Cell(**values) for values in json.loads(plan.read_text(encoding="utf-8"))]
    named = {one.name: one for one in PROBLEMS}
    for group in groups(cells):
        for verdict in check(named[group[0].problem], group, budget):
            records.append(path, Record(AGREEMENT, verdict))


if __name__ == "__main__":
    judge(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
