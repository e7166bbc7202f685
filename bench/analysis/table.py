"""Build the table of results, one row per cell: pool the passes, compute derived columns."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import noise, ratios
from bench.analysis.columns import COLUMNS, COUNTED, GROUP, IDENTITY, pass_medians, typed
from bench.analysis.noise import TimedPass
from bench.measurement.costs import Costs
from bench.measurement.costs.compiling import Compiling
from bench.measurement.costs.floors import Floors, floor_of
from bench.measurement.records import Record
from bench.model import BASELINES, Cell, Problem, Verdict, is_whole
from bench.problems.builtin import PROBLEMS


@dataclass(frozen=True)
class _Pooled:
    """The passes of a cell, and a summary of the rounds of its quickest ones; seconds per call."""

    passes: int
    rounds: int
    iterations: int
    empty_call_s: float | None
    min_s: float
    q1_s: float
    median_s: float
    q3_s: float
    stddev_s: float | None


def tabulate(
    run_id: str,
    cells: Sequence[Cell],
    found: Iterable[Record],
    all_problems: Iterable[Problem] = PROBLEMS,
    costs: Costs | None = None,
) -> pd.DataFrame:
    """Pool the records of a run into one row per cell.

    Parameters
    ----------
    run_id : str
        The first column.
    cells : sequence of Cell
        The cells of the run; a cell without a record has no row.
    found : iterable of Record
        In any order.
    all_problems : iterable of Problem
        They define the cells' sizes and costs.
    costs : Costs, optional
        What else was measured; without it, its columns are blank.

    Returns
    -------
    DataFrame
        With `COLUMNS`, in the order of `cells`. ``median_s`` is the time of the cell: the median
        over all rounds of the quickest passes (`noise.quickest`), and so are the quartiles, minimum
        and standard deviation; ``rounds`` counts those of all passes. ``iterations`` is the median
        over the passes of the calls per round. ``noise`` says why the time is too noisy to trust
        (`noise.reasons`). ``pass_medians_s`` are the medians of the passes, in order
        (`pass_medians` reads them); ``twin_medians_s`` those of the cell's twin, if it has one.
    """
    named = {one.name: one for one in all_problems}
    costs = costs or Costs()
    first_calls = {one.kernel: one for one in costs.compiling}
    of_cell: dict[Cell, list[Record]] = {}
    for record in found:
        of_cell.setdefault(record.verdict.cell, []).append(record)
    rows = [
        {
            "run_id": run_id,
            **_row(named[cell.problem], cell, of_cell[cell]),
            **_by_pass(of_cell[cell], of_cell.get(replace(cell, twin=True), ())),
            **_floor(named[cell.problem], cell, costs.floors),
            **_first_call(first_calls.get((cell.problem, cell.tier, cell.dtype))),
            "temporary_bytes": costs.temporary_bytes.get(cell),
        }
        for cell in cells
        if cell in of_cell and not cell.twin
    ]
    return derived(typed(pd.DataFrame(rows, columns=list(COLUMNS))))


def _row(its_problem: Problem, cell: Cell, its_records: Sequence[Record]) -> dict[str, Any]:
    size = its_problem.numbers(cell.size)
    verdict: Verdict = its_records[-1].verdict
    pooled = _pool(its_records)
    cost = its_problem.cost_of(cell.size, cell.dtype)
    return (
        {name: getattr(cell, name) for name in IDENTITY}
        | {name: size[name] for name in ("n", "d", "c") if is_whole(size.get(name))}
        | {
            name: getattr(verdict, name)
            for name in (
                *("status", "message", "checked"),
                *("max_abs_error", "max_rel_error", "estimated_s"),
            )
        }
        | (vars(pooled) if pooled else {})
        | ({name: getattr(cost, name) for name in COUNTED} if cost else {})
    )


def _floor(its_problem: Problem, cell: Cell, measured: Floors) -> dict[str, Any]:
    cost = its_problem.cost_of(cell.size, cell.dtype)
    floor = floor_of(measured, cost, cell.dtype, cell.threads) if cost else None
    return {
        "floor_s": floor.seconds if floor else None,
        "bound_by": floor.bound_by if floor else "",
    }


def _first_call(one: Compiling | None) -> dict[str, Any]:
    return {name: getattr(one, name, None) for name in ("compile_s", "load_s")}


def _pool(its_records: Sequence[Record]) -> _Pooled | None:
    """Take the rounds of the quickest passes as one sample; None if there are none."""
    timed = _timed(its_records)
    if not timed:
        return None
    chosen = noise.quickest([float(np.median(record.times)) for record in timed])
    times = np.array([seconds for i in chosen for seconds in timed[i].times])
    q1, median, q3 = np.quantile(times, (0.25, 0.5, 0.75))
    return _Pooled(
        passes=len(timed),
        rounds=sum(len(record.times) for record in timed),
        iterations=int(np.median([record.iterations for record in timed])),
        empty_call_s=_median_or_none(record.conditions.empty_call_s for record in timed),
        min_s=float(times.min()),
        q1_s=float(q1),
        median_s=float(median),
        q3_s=float(q3),
        stddev_s=float(times.std(ddof=1)) if len(times) > 1 else None,
    )


def _median_or_none(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _by_pass(its_records: Sequence[Record], twins: Sequence[Record]) -> dict[str, str]:
    passes = _passes(its_records)
    return {
        "noise": "; ".join(noise.reasons(passes)) if passes else "",
        "pass_medians_s": _medians_text(passes),
        "twin_medians_s": _medians_text(_passes(twins) if passes else ()),
    }


def _timed(its_records: Sequence[Record]) -> list[Record]:
    # A cell that failed after it was timed has no time: its earlier results may be wrong, too.
    if its_records and its_records[-1].verdict.status != "ok":
        return []
    return [record for record in its_records if record.verdict.status == "ok" and record.times]


def _passes(its_records: Sequence[Record]) -> list[TimedPass]:
    """Return the passes in which a cell was timed, in order."""
    return sorted(map(_timed_pass, _timed(its_records)), key=lambda one: one.number)


def _timed_pass(record: Record) -> TimedPass:
    median_s = float(np.median(record.times))
    round_s = record.iterations * median_s
    return TimedPass(record.pass_number, median_s, round_s, record.conditions)


def _medians_text(passes: Sequence[TimedPass]) -> str:
    """Return the medians of the passes, from pass 1 on, to seven digits."""
    medians = {one.number: f"{one.median_s:.7g}" for one in passes}
    return " ".join(medians.get(number, "nan") for number in range(1, max(medians, default=0) + 1))


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    """Recompute the derived columns from the stored ones.

    A speed-up is the time of a baseline (the loops, NumPy, Numba) divided by the cell's, for the
    same problem, size and dtype: the median of the ratios of the passes in which both were timed,
    with its interval (`ratios.paired`); blank if there is no such pass. It is not exactly the
    quotient of the two times in the table, which are from the quickest passes. ``noise_floor`` is
    the factor by which the same code differed in this run, at a time of the same order as the
    cell's (`ratios.noise_floor`). ``gb_per_s`` is
    ``bytes_moved`` divided by the median; ``share_of_floor`` is the floor divided by the median: 1
    is as fast as this machine can be. ``break_even_calls_vs_loop`` (``_numpy``) is ``compile_s``
    divided by the seconds that a call saves, from the medians: that many calls repay compiling;
    infinity if a call saves nothing.
    """
    twins = [
        (seconds, ratios.paired(pass_medians(twin), pass_medians(its)))
        for seconds, its, twin in zip(
            frame["median_s"], frame["pass_medians_s"], frame["twin_medians_s"], strict=True
        )
        if twin
    ]
    floors = [ratios.noise_floor(seconds, twins) for seconds in frame["median_s"]]
    return frame.assign(
        **{name: column for tier in BASELINES for name, column in _speedups(frame, tier).items()},
        noise_floor=pd.Series(floors, frame.index, "float64"),
        gb_per_s=frame["bytes_moved"].astype("float64") / frame["median_s"] / 1e9,
        share_of_floor=frame["floor_s"] / frame["median_s"],
        break_even_calls_vs_loop=_break_even(frame, "loop"),
        break_even_calls_vs_numpy=_break_even(frame, "numpy"),
    )


def _break_even(frame: pd.DataFrame, tier: str) -> pd.Series:
    groups = list(frame[GROUP].astype(str).itertuples(index=False, name=None))
    of_tier = {
        group: median
        for group, median, its_tier in zip(groups, frame["median_s"], frame["tier"], strict=True)
        if its_tier == tier
    }
    others = pd.Series([of_tier.get(group, math.nan) for group in groups], frame.index, "float64")
    saved = others - frame["median_s"]
    # Blank stays blank; a measured cell that saves nothing never repays compiling
    return (frame["compile_s"] / saved).mask(saved <= 0.0, frame["compile_s"] * math.inf)


def _speedups(frame: pd.DataFrame, tier: str) -> dict[str, pd.Series]:
    """Return the columns of the speed-up over a tier, which has one row per group."""
    groups = list(frame[GROUP].astype(str).itertuples(index=False, name=None))
    medians = [pass_medians(text) for text in frame["pass_medians_s"]]
    of_tier = {
        group: its
        for group, its, its_tier in zip(groups, medians, frame["tier"], strict=True)
        if its_tier == tier
    }
    nothing = np.array([])
    found = [
        ratios.paired(of_tier.get(group, nothing), its)
        for group, its in zip(groups, medians, strict=True)
    ]
    names = {"value": "", "low": "_low", "high": "_high"}
    return {
        f"speedup_vs_{tier}{suffix}": pd.Series(
            [getattr(one, name) for one in found], frame.index, "float64"
        )
        for name, suffix in names.items()
    }
