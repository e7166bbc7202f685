"""Decide which cells each pass times, in which order and worker, and for how long."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.measurement import records
from bench.measurement.records import AGREEMENT, Record
from bench.model import LEAST_PASSES, Cell, Options, Verdict

# Seconds of rounds per cell and pass in `lossbench run`; calibrating the rounds adds some more.
PASS_S = 0.01
# The shortest round there; the clock's error is a ten-thousandth of it.
ROUND_S = 3e-4
# A new process takes seconds to start and to load its kernels, so one times several passes.
PASSES_PER_WORKER = 7
# Files with which a worker says that it waits after the first pass, and its run that it may go on.
PAUSED, SHOWN = "paused", "shown"


def workers(options: Options) -> list[list[int]]:
    """Return the passes of each worker.

    Examples
    --------
    >>> workers(Options(passes=10))
    [[1, 2, 3, 4, 5, 6, 7], [8, 9, 10]]
    """
    passes = list(range(1, options.passes + 1))
    starts = range(0, len(passes), PASSES_PER_WORKER)
    return [passes[start : start + PASSES_PER_WORKER] for start in starts]


def cells_of_worker(
    cells: Sequence[Cell], passes: Iterable[int], options: Options, done: Sequence[Record]
) -> list[tuple[int, Cell]]:
    """Return the cells still to be timed in the passes of a worker, each with its pass."""
    return [
        (number, cell) for number in passes for cell in cells_of_pass(cells, number, options, done)
    ]


def warm_up(todo: Sequence[tuple[int, Cell]]) -> list[tuple[int, Cell]]:
    """Return what a worker times first and throws away: each cell once, as in its first pass."""
    first = todo[0][0]
    return [(first, cell) for cell in dict.fromkeys(cell for _, cell in todo) if not cell.twin]


def cells_of_pass(
    cells: Sequence[Cell], number: int, options: Options, done: Sequence[Record]
) -> list[Cell]:
    """Return the cells still to be timed in a pass, shuffled.

    The cells of a group, which are compared with each other, follow each other: what disturbs the
    machine for seconds disturbs them alike.

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
    shuffling = random.Random(f"{options.seed}/{number}")
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in shuffling.sample(order, len(order)):
        groups.setdefault(cell.group, []).append(cell)
    in_order = shuffling.sample(list(groups.values()), len(groups))
    return [cell for group in in_order for cell in group]


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
    """Return how many passes of a cell fit its budget; at least as many as an interval needs.

    A quick run has no intervals.
    """
    fitting = int(options.budget / max(PASS_S, verdict.seconds or 0.0))
    return max(1 if options.quick else LEAST_PASSES, fitting)
