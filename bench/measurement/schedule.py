"""Decide which cells each pass times, in which order, and for how long."""

import random
from collections.abc import Sequence
from dataclasses import replace

from bench.measurement import records
from bench.measurement.records import AGREEMENT, Record
from bench.model import LEAST_PASSES, Cell, Options, Verdict

# Seconds of rounds per cell and pass in `lossbench run`; calibrating the rounds adds some more.
PASS_S = 0.01
# The shortest round there; the clock's error is a ten-thousandth of it.
ROUND_S = 3e-4


def cells_of_pass(
    cells: Sequence[Cell], number: int, options: Options, done: Sequence[Record]
) -> list[Cell]:
    """Return the cells still to be timed in a pass, shuffled.

    A cell that is not ok is finished after its first record. A slow cell is timed in as many passes
    as fit its budget, but at least as many as an interval needs. The passes of a slower cell are
    also passes of each faster one, so that all pairs share as many as possible.
    """
    found = records.verdicts(done)
    finished = {record.verdict.cell for record in done if record.pass_number == number}
    order = [
        cell
        for cell in (*cells, *twins(cells, options, done))
        if cell not in finished
        and _due(found.get(replace(cell, twin=False)), number, options)
        and _due(found.get(cell), number, options)
    ]
    random.Random(f"{options.seed}/{number}").shuffle(order)
    return order


def twins(cells: Sequence[Cell], options: Options, done: Sequence[Record]) -> list[Cell]:
    """Return the cells to be timed again as twins: one per problem, chosen by the seed.

    A twin is right, timed in every pass, and serial: threads that wait for cores would differ by
    more than the rest of the run.
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
    """Return the passes in bit-reversed order, in which the first few are far apart.

    Examples
    --------
    >>> bit_reversed(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = (passes - 1).bit_length()
    return sorted(range(passes), key=lambda number: f"{number:0{bits}b}"[::-1])


def _passes_within_budget(verdict: Verdict, options: Options) -> int:
    """Return how many passes of a cell fit its budget; at least as many as an interval needs."""
    # A slow cell has one round per pass, and before it a call to warm up, except for the loops.
    calls = 1 if verdict.cell.tier == "loop" else 2
    fitting = int(options.budget / max(PASS_S, calls * (verdict.seconds or 0.0)))
    return max(LEAST_PASSES, fitting)
