"""The results as one tidy table, a row a cell: columns, pooling, derived columns, CSV.

How it is shown is left to `report`.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import compiling, files, floors, memory, noise, ratios, records, runs
from bench.compiling import Compiling
from bench.floors import NOT_MEASURED, Floors, floor_of
from bench.model import BASELINES, STATUSES, Cell, Problem, Verdict
from bench.noise import TimedPass
from bench.problems import PROBLEMS
from bench.records import CELLS, Record
from bench.runs import MEASUREMENTS

# The columns of the CSV, in order, each with its dtype.
COLUMNS: dict[str, str] = {
    "run_id": "str",
    "problem": "category",
    "tier": "category",
    "size": "category",
    "n": "Int64",
    "d": "Int64",
    "c": "Int64",
    "dtype": "category",
    "threads": "Int64",
    "status": "category",
    "message": "str",
    "checked": "category",
    "max_abs_error": "float64",
    "max_rel_error": "float64",
    "passes": "Int64",
    "rounds": "Int64",
    "iterations": "Int64",
    "min_s": "float64",
    "q1_s": "float64",
    "median_s": "float64",
    "q3_s": "float64",
    "stddev_s": "float64",
    "estimated_s": "float64",
    "noise": "str",
    "speedup_vs_loop": "float64",
    "speedup_vs_loop_low": "float64",
    "speedup_vs_loop_high": "float64",
    "speedup_vs_numpy": "float64",
    "speedup_vs_numpy_low": "float64",
    "speedup_vs_numpy_high": "float64",
    "speedup_vs_numba": "float64",
    "speedup_vs_numba_low": "float64",
    "speedup_vs_numba_high": "float64",
    "noise_floor": "float64",
    "bytes_moved": "Int64",
    "flops": "Int64",
    "exps": "Int64",
    "gb_per_s": "float64",
    # The least that this machine needs for those bytes and exps, and what that is bound by.
    "floor_s": "float64",
    "bound_by": "str",
    "share_of_floor": "float64",
    "compile_s": "float64",
    "load_s": "float64",
    "break_even_calls_vs_loop": "float64",
    "break_even_calls_vs_numpy": "float64",
    "temporary_bytes": "Int64",
    # A number for each pass of the run: what ratios are paired by, in the file that they are in.
    "pass_medians_s": "str",
    "twin_medians_s": "str",
}
# What tables of older versions do not have: blank in them.
NEWER = frozenset(
    {
        *("exps", "floor_s", "bound_by", "share_of_floor", "compile_s", "load_s"),
        *("break_even_calls_vs_loop", "break_even_calls_vs_numpy", "temporary_bytes"),
        *("speedup_vs_numba", "speedup_vs_numba_low", "speedup_vs_numba_high"),
    }
)
# The tiers of the built-in problems in tables of format 1, and what they are called now.
NEW_TIERS = {"numba": "kernels", "numba-parallel": "kernels-parallel", "numba-math": "numba"}
IDENTITY = ("problem", "tier", "size", "dtype", "threads")
_COUNTED = ("bytes_moved", "flops", "exps")
_GROUP = ["problem", "size", "dtype"]
_WORDS = frozenset({"str", "category"})


@dataclass(frozen=True)
class Costs:
    """What a run measured beside the times of its cells.

    Attributes
    ----------
    floors : Floors
        What its machine can do at best.
    compiling : sequence of Compiling
        What the first calls of its jitted kernels take.
    temporary_bytes : mapping of Cell to bytes
        What a call takes in memory beside its arguments and its result.
    """

    floors: Floors = NOT_MEASURED
    compiling: Sequence[Compiling] = ()
    temporary_bytes: Mapping[Cell, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Pooled:
    """The rounds of all passes of a cell in a few figures; seconds a call."""

    passes: int
    rounds: int
    iterations: int
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
    """Pool the records of a run into a row a cell.

    Parameters
    ----------
    run_id : str
        The first column.
    cells : sequence of Cell
        The plan; a cell without a record has no row.
    found : iterable of Record
        In any order.
    all_problems : iterable of Problem
        Where the cells' sizes and costs are looked up.
    costs : Costs, optional
        What else was measured; columns without it are blank.

    Returns
    -------
    DataFrame
        With `COLUMNS`, in the order of the plan. Quartiles are those of all rounds together,
        ``iterations`` the median over the passes of the calls in a round. ``noise`` says why the
        times of a cell are not to be trusted (`noise.reasons`). ``pass_medians_s`` are the medians
        of the passes, in order (`pass_medians` reads them), ``twin_medians_s`` those of the cell's
        twin where it has one.
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
    return derived(_typed(pd.DataFrame(rows, columns=list(COLUMNS))))


def _row(its_problem: Problem, cell: Cell, its_records: Sequence[Record]) -> dict[str, Any]:
    size = its_problem.numbers(cell.size)
    verdict: Verdict = its_records[-1].verdict
    pooled = _pool(its_records)
    cost = its_problem.cost_of(cell.size, cell.dtype)
    return (
        {name: getattr(cell, name) for name in IDENTITY}
        | {name: size.get(name) for name in ("n", "d", "c")}
        | {
            name: getattr(verdict, name)
            for name in (
                *("status", "message", "checked"),
                *("max_abs_error", "max_rel_error", "estimated_s"),
            )
        }
        | (vars(pooled) if pooled else {})
        | ({name: getattr(cost, name) for name in _COUNTED} if cost else {})
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
    """Take the rounds of all passes as one sample; None where there are none."""
    timed = _timed(its_records)
    if not timed:
        return None
    times = np.array([seconds for record in timed for seconds in record.times])
    q1, median, q3 = np.quantile(times, (0.25, 0.5, 0.75))
    return _Pooled(
        passes=len(timed),
        rounds=len(times),
        iterations=int(np.median([record.iterations for record in timed])),
        min_s=float(times.min()),
        q1_s=float(q1),
        median_s=float(median),
        q3_s=float(q3),
        stddev_s=float(times.std(ddof=1)) if len(times) > 1 else None,
    )


def _by_pass(its_records: Sequence[Record], twins: Sequence[Record]) -> dict[str, str]:
    passes = _passes(its_records)
    return {
        "noise": "; ".join(noise.reasons(passes)) if passes else "",
        "pass_medians_s": _medians_text(passes),
        "twin_medians_s": _medians_text(_passes(twins) if passes else ()),
    }


def _timed(its_records: Sequence[Record]) -> list[Record]:
    # A cell that failed after it was timed has no time: what it did before may be as wrong.
    if its_records and its_records[-1].verdict.status != "ok":
        return []
    return [record for record in its_records if record.verdict.status == "ok" and record.times]


def _passes(its_records: Sequence[Record]) -> list[TimedPass]:
    """Return the passes in which a cell was timed, in order."""
    passes = [
        TimedPass(record.pass_number, float(np.median(record.times)), record.conditions)
        for record in _timed(its_records)
    ]
    return sorted(passes, key=lambda one: one.number)


def _medians_text(passes: Sequence[TimedPass]) -> str:
    """Return the medians of the passes from the first of the run on, to seven digits."""
    medians = {one.number: f"{one.median_s:.7g}" for one in passes}
    return " ".join(medians.get(number, "nan") for number in range(1, max(medians, default=0) + 1))


def pass_medians(text: str) -> NDArray[np.float64]:
    """Return the numbers of ``pass_medians_s`` or ``twin_medians_s``.

    Parameters
    ----------
    text : str
        A number for each pass, parted by spaces.

    Returns
    -------
    (passes,) float64
        Seconds of a call; NaN for a pass in which the cell was not timed.

    Raises
    ------
    ValueError
        Something that is neither a time nor ``nan``.

    Examples
    --------
    >>> pass_medians("0.001 nan 0.002").tolist()
    [0.001, nan, 0.002]
    """
    medians = np.array(text.split(), dtype=np.float64)
    if not np.all((medians > 0.0) & np.isfinite(medians) | np.isnan(medians)):
        raise ValueError(f"not the times of passes: {text!r}")
    return medians


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns that follow from the stored ones computed anew.

    A speed-up is the time of a baseline (the loops, NumPy, Numba) over the cell's own, for the same
    problem, size and dtype: the median of the ratios of the passes in which both were timed, with
    its interval (`ratios.paired`); blank where there is no such pass. It is not quite the quotient
    of the two medians in the table, which are of all rounds. ``noise_floor`` is the factor that the
    same code differed by in this run (`ratios.noise_floor`). ``gb_per_s`` is ``bytes_moved`` over
    the median, ``share_of_floor`` the time of the floor over it: 1 is as fast as this machine can
    be.
    ``break_even_calls_vs_loop`` (``_numpy``) is ``compile_s`` over the seconds that a call saves by
    the medians: that many calls pay for compiling; infinity where a call saves nothing.
    """
    floor = ratios.noise_floor(
        ratios.paired(pass_medians(twin), pass_medians(its))
        for its, twin in zip(frame["pass_medians_s"], frame["twin_medians_s"], strict=True)
    )
    return frame.assign(
        **{name: column for tier in BASELINES for name, column in _speedups(frame, tier).items()},
        noise_floor=floor,
        gb_per_s=frame["bytes_moved"].astype("float64") / frame["median_s"] / 1e9,
        share_of_floor=frame["floor_s"] / frame["median_s"],
        break_even_calls_vs_loop=_break_even(frame, "loop"),
        break_even_calls_vs_numpy=_break_even(frame, "numpy"),
    )


def _break_even(frame: pd.DataFrame, tier: str) -> pd.Series:
    groups = list(frame[_GROUP].astype(str).itertuples(index=False, name=None))
    of_tier = {
        group: median
        for group, median, its_tier in zip(groups, frame["median_s"], frame["tier"], strict=True)
        if its_tier == tier
    }
    others = pd.Series([of_tier.get(group, math.nan) for group in groups], frame.index, "float64")
    saved = others - frame["median_s"]
    # Blank stays blank: only what was measured and saves nothing never pays
    return (frame["compile_s"] / saved).mask(saved <= 0.0, frame["compile_s"] * math.inf)


def _speedups(frame: pd.DataFrame, tier: str) -> dict[str, pd.Series]:
    """Return the columns of the speed-up over a tier, which has one row in a group."""
    groups = list(frame[_GROUP].astype(str).itertuples(index=False, name=None))
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


# --- files


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    files.write_whole(path, frame.to_csv(index=False, lineterminator="\n"))


def load(path: str | Path) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : path
        A CSV written by a run, or the folder of a run; one that was interrupted before it wrote its
        table is put together from its cells.

    Returns
    -------
    DataFrame
        With the dtypes of `COLUMNS`.

    Raises
    ------
    FileNotFoundError
        No such file, or a folder without a run.
    ValueError
        A file that is no such table, or is cut short; the message says what is missing.
    """
    path = Path(path)
    if not path.is_dir():
        return _read(path)
    if (path / MEASUREMENTS).exists() and not _is_behind(path):
        return _read(path / MEASUREMENTS)
    if not (path / CELLS).exists():
        raise FileNotFoundError(f"{path} holds no run: neither {MEASUREMENTS} nor {CELLS}")
    cells = list(records.verdicts(records.read(path / CELLS)))
    its_problems = runs.problems_of(path)
    named = {one.name: one for one in its_problems}
    strange = [
        cell.id
        for cell in cells
        if cell.problem not in named or not named[cell.problem].has_size(cell.size)
    ]
    if strange:
        raise ValueError(f"{path / CELLS} has cells of no known problem: {', '.join(strange)}")
    frame = of_run(path, cells, its_problems)
    return derived(with_new_tiers(frame)) if runs.has_old_tiers(path) else frame


def with_new_tiers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of format 1 (`runs.FORMAT`) with the tiers named as they are now."""
    ours = frame["problem"].isin([one.name for one in PROBLEMS])
    tiers = frame["tier"].astype("str")
    return frame.assign(tier=tiers.mask(ours, tiers.replace(NEW_TIERS)).astype("category"))


def _is_behind(folder: Path) -> bool:
    """Return whether a run measured more after its table was written, and was then killed."""
    written = (folder / MEASUREMENTS).stat().st_mtime_ns
    return (folder / CELLS).exists() and (folder / CELLS).stat().st_mtime_ns > written


def of_run(folder: Path, cells: Sequence[Cell], all_problems: Iterable[Problem]) -> pd.DataFrame:
    """Return the table of what stands in the folder of a run."""
    costs = Costs(floors.load(folder), compiling.load(folder), memory.load(folder))
    found = records.read(folder / CELLS)
    return tabulate(folder.name, cells, found, all_problems, costs)


def _read(path: Path) -> pd.DataFrame:
    header, rows = _rows(path)
    frame = pd.DataFrame(rows, columns=header)
    for name in NEWER.difference(header):
        frame[name] = ""
    frame = frame[[*COLUMNS, *(name for name in header if name not in COLUMNS)]]
    for name, dtype in COLUMNS.items():
        if dtype not in _WORDS:
            frame[name] = _numbers(path, frame[name], name)
    for name in ("pass_medians_s", "twin_medians_s"):
        for number, text in enumerate(frame[name], 2):
            _checked_medians(path, number, name, text)
    strange = sorted(set(frame["status"]) - set(STATUSES))
    if strange:
        raise ValueError(f"{path} is not a table of lossbench: status {', '.join(strange)}")
    if runs.has_old_tiers(path.parent) or (
        "speedup_vs_numba" not in header and not (path.parent / runs.ENVIRONMENT).exists()
    ):
        frame = with_new_tiers(frame)
    return _typed(frame)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns and the rows under them, all of one length."""
    foreign = f"{path} is not a table of lossbench"
    try:
        text = path.read_bytes().decode()
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{foreign}: {error}") from error
    missing = [name for name in COLUMNS if name not in header and name not in NEWER]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ValueError(f"{foreign}: no column {', '.join(missing[:3])}{more}")
    if len(set(header)) < len(header):
        raise ValueError(f"{foreign}: a column is there twice")
    for number, row in enumerate(rows, 2):
        if len(row) < len(header):
            lacks = ", ".join(header[len(row) :])
            raise ValueError(f"{path} is cut short: line {number} has no {lacks}")
        if len(row) > len(header):
            raise ValueError(f"{foreign}: line {number} has more than its columns")
    if not text.endswith("\n"):  # a number that lost its last digits is a number
        raise ValueError(f"{path} is cut short: its last line has no end")
    return header, rows


def _numbers(path: Path, column: pd.Series, name: str) -> pd.Series:
    try:
        numbers = pd.to_numeric(column.replace("", None)).to_frame(name)
        return numbers.astype({name: COLUMNS[name]})[name]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: column {name} is not of numbers: {error}") from error


def _checked_medians(path: Path, number: int, name: str, text: str) -> None:
    try:
        pass_medians(text)
    except ValueError as error:
        raise ValueError(f"{path}: column {name}, line {number}: {error}") from error


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(COLUMNS)
