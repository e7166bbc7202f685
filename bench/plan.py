"""What a run measures: its options, its cells, and which of them each pass is to time.

Running the passes is left to `measurement`.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench import records, threads
from bench.model import (
    DEFAULT_SIZES,
    DTYPES,
    LEAST_PASSES,
    PEERS,
    SWEPT,
    Cell,
    Options,
    Problem,
    ProblemFile,
    Verdict,
    in_order,
    is_threaded,
)
from bench.names import chosen
from bench.records import AGREEMENT, Record

# What the peers are measured with where all of them are asked for.
BESIDE_PEERS = ("numpy", "numba", "kernels")
# In the folder of a process: what it is to do.
PLAN = "plan.json"
# Seconds of rounds of a cell in one pass of `lossbench run`; finding their length adds a few more.
PASS_S = 0.01
# The shortest round there; the clock is good to a ten-thousandth of it.
ROUND_S = 3e-4


def cells_of(all_problems: Iterable[Problem], options: Options) -> list[Cell]:
    """Return the cells of a run, in the order of the table."""
    counts = options.threads or default_threads()
    return [
        Cell(problem.name, tier, size, dtype, count)
        for problem in all_problems
        if not options.problems or problem.name in options.problems
        for size in _sizes_in(problem, options)
        for dtype in DTYPES
        if dtype in options.dtypes
        for tier in in_order(problem.tiers)
        if (tier in options.tiers if options.tiers else _by_default(tier, counts))
        for count in (counts if is_threaded(tier) else (1,))
    ]


def _by_default(tier: str, counts: tuple[int, ...]) -> bool:
    """Return whether a tier is measured unasked; at one thread, the parallel kernels are serial."""
    return tier not in PEERS and not (tier == "kernels-parallel" and counts == (1,))


def _sizes_in(problem: Problem, options: Options) -> list[str]:
    """Return the sizes of a problem that are asked for: by name, or with another n (a sweep)."""
    named = [size for size in problem.sizes if size in options.sizes]
    swept = [size for size in options.sizes if SWEPT in size]
    return named + [size for size in swept if size.partition(SWEPT)[0] in problem.sizes]


def default_threads() -> tuple[int, ...]:
    """Return the thread counts of the parallel tiers: as many as there are cores."""
    return (threads.all_cores(),)


def default_sizes(all_problems: Sequence[Problem], files: Sequence[ProblemFile]) -> tuple[str, ...]:
    """Return the sizes of a run that names none: of a person's own file, all."""
    return sizes_of(all_problems) if files else DEFAULT_SIZES


def sizes_of(all_problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return the names of all sizes, in the order of the problems."""
    return tuple(dict.fromkeys(size for problem in all_problems for size in problem.sizes))


def tiers_named(given: Iterable[str], all_problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return the tiers that a person named: ``peers`` is all of them, and what they stand beside.

    Raises
    ------
    ValueError
        No problem has such a tier; the message lists those there are.
    """
    known = in_order(tier for problem in all_problems for tier in problem.tiers)
    peers = {"peers": (*BESIDE_PEERS, *PEERS)} if set(PEERS) & set(known) else {}
    named = chosen("tier", given, (*known, *peers))
    wanted = {tier for name in named for tier in peers.get(name, (name,))}
    return tuple(tier for tier in known if tier in wanted)


def write(path: Path, cells: Iterable[Cell], files: Iterable[ProblemFile]) -> None:
    """Write what a process is to do, and where its problems are."""
    values = {"files": [asdict(file) for file in files], "cells": [asdict(cell) for cell in cells]}
    path.write_text(json.dumps(values), encoding="utf-8")


def read(path: Path) -> tuple[list[Cell], tuple[ProblemFile, ...]]:
    """Return the cells and files that were written."""
    values = json.loads(path.read_text(encoding="utf-8"))
    files = tuple(ProblemFile(**file) for file in values["files"])
    return [Cell(**cell) for cell in values["cells"]], files


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in groups of those that are compared with each other."""
    of_group: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        of_group.setdefault(cell.group, []).append(cell)
    return list(of_group.values())


def thread_variables(options: Options) -> dict[str, str]:
    """Return the variables for a process that measures with these options."""
    return threads.environment(max(options.threads or default_threads()))


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
            and _fitting(verdict, options) >= options.passes
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
    return spread(options.passes).index(number - 1) < _fitting(verdict, options)


def spread(passes: int) -> list[int]:
    """Return the passes in an order in which the first few of them lie far apart: bits reversed.

    Examples
    --------
    >>> spread(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = (passes - 1).bit_length()
    return sorted(range(passes), key=lambda number: f"{number:0{bits}b}"[::-1])


def _fitting(verdict: Verdict, options: Options) -> int:
    """Return how many passes of a cell its budget has room for; at least what an interval takes."""
    # A slow cell has one round a pass, and unless it is the loops a call before it.
    calls = 1 if verdict.cell.tier == "loop" else 2
    fitting = int(options.budget / max(PASS_S, calls * (verdict.seconds or 0.0)))
    return max(LEAST_PASSES, fitting)
