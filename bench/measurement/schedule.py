"""Which cells each pass times, in which order, and how long."""

import random
from collections.abc import Sequence
from dataclasses import replace

from bench.measurement import records
from bench.measurement.records import AGREEMENT, Record
from bench.model import (
    LEAST_PASSES,
    Cell,
    Options,
    Verdict,
)

# Seconds of rounds of a cell in one pass of `lossbench run`; finding their length adds a few more.
PASS_S = 0.01
# The shortest round there; the clock is good to a ten-thousandth of it.
ROUND_S = 3e-4


def cells_of_pass(
    cells: Sequence[Cell], number: int, options: Options, done: Sequence[Record]
) -> list[Cell]:
    """Return what is still to do in a pass, shuffled.

    A cell that is not ok is through after its first record. One that is slow is timed in as many
    passes as its budget has room for, and in as many as an interval takes; the passes of a slower
    one are among those of each faster one, so that all pairs share as many as they can.
    """
    found = records.verdicts(done)
    through = {record.verdict.cell for record in done if record.pass_number == number}
    order = [
        cell
        for cell in (*cells, *twins(cells, options, done))
        if cell not in through
        and _due(found.get(replace(cell, twin=False)), number, options)
        and _due(found.get(cell), number, options)
    ]
    random.Random(f"{options.seed}/{number}").shuffle(order)
    return order


def twins(cells: Sequence[Cell], options: Options, done: Sequence[Record]) -> list[Cell]:
    """Return the cells to be timed once more as twins: one a problem, by the seed.

    It is one that agreement found right, that is timed in every pass, and at one thread: where
    threads wait for cores they differ by more than the rest of the run.
    """
    of_problem: dict[str, list[Cell]] = {}
    judged = records.verdicts(record for record in done if record.pass_number == AGREEMENT)
    for cell in cells:
        verdict = judged.get(cell)
        if (
            verdict
            and verdict.status == "ok"
            and cell.threads == 1
            and _passes_within_budget(verdict, options) >= options.passes
        ):
            of_problem.setdefault(cell.problem, []).append(cell)
    return [
        replace(random.Random(f"{options.seed}/{name}/twin").choice(candidates), twin=True)
        for name, candidates in of_problem.items()
    ]


def _due(verdict: Verdict | None, number: int, options: Options) -> bool:
    if verdict is None:
        return True
    if verdict.status != "ok":
        return False
    return bit_reversed(options.passes).index(number - 1) < _passes_within_budget(verdict, options)


def bit_reversed(passes: int) -> list[int]:
    """Return the passes in an order in which the first few of them lie far apart: bits reversed.

    Examples
    --------
    >>> bit_reversed(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = (passes - 1).bit_length()
    return sorted(range(passes), key=lambda number: f"{number:0{bits}b}"[::-1])


def _passes_within_budget(verdict: Verdict, options: Options) -> int:
    """Return how many passes of a cell its budget has room for; at least what an interval takes."""
    # A slow cell has one round a pass, and unless it is the loops a call before it.
    calls = 1 if verdict.cell.tier == "loop" else 2
    fitting = int(options.budget / max(PASS_S, calls * (verdict.seconds or 0.0)))
    return max(LEAST_PASSES, fitting)
