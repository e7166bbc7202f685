"""Write the table of a run as CSV; read it from a file, or rebuild it from the run's records."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from bench.analysis import parquet_file
from bench.analysis.columns import COLUMNS, NEW_TIERS, NEWER, WORDS, pass_medians, typed
from bench.analysis.table import derived, tabulate
from bench.common import files
from bench.measurement import records, run_folder
from bench.measurement.costs import Costs
from bench.measurement.records import CELLS
from bench.measurement.run_folder import MEASUREMENTS
from bench.model import STATUSES, Cell, Problem
from bench.problems.builtin import PROBLEMS
from bench.problems.user_file import stored_problems_in


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, by atomic replace."""
    files.write_atomic(path, frame.to_csv(index=False, lineterminator="\n"))


def load(path: str | Path) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : path
        A CSV or Parquet file of a run, or the folder of a run. If the run was interrupted before it
        wrote its table, the table is rebuilt from its records.

    Returns
    -------
    DataFrame
        With the dtypes of `COLUMNS`.

    Raises
    ------
    FileNotFoundError
        There is no such file, or the folder holds no run.
    ValueError
        The file is not such a table, or is cut short; the message says what is missing.
    """
    path = Path(path)
    if not path.is_dir():
        return _read(path)
    if (path / MEASUREMENTS).exists() and not _is_behind(path):
        return _read(path / MEASUREMENTS)
    if not holds_run(path):
        raise FileNotFoundError(f"{path} holds no run: neither {MEASUREMENTS} nor {CELLS}")
    cells = list(records.verdicts(records.read(path / CELLS)))
    is_known = (path / run_folder.ENVIRONMENT).exists()
    user_files = run_folder.options_of(path).files if is_known else ()
    its_problems = stored_problems_in(user_files, path)
    named = {one.name: one for one in its_problems}
    strange = [
        cell.id
        for cell in cells
        if cell.problem not in named or not named[cell.problem].has_size(cell.size)
    ]
    if strange:
        raise ValueError(f"{path / CELLS} has cells of unknown problems: {', '.join(strange)}")
    order = list(named)  # workers judge side by side, so the records have no fixed order
    cells.sort(key=lambda cell: order.index(cell.problem))
    frame = of_run(path, cells, its_problems)
    return derived(with_new_tiers(frame)) if run_folder.has_old_tiers(path) else frame


def holds_run(path: Path) -> bool:
    """Return whether a folder is that of a run."""
    return any((path / name).exists() for name in (MEASUREMENTS, CELLS))


def with_new_tiers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of format 1 (`run_folder.FORMAT`) with the current names of the tiers."""
    ours = frame["problem"].isin([one.name for one in PROBLEMS])
    tiers = frame["tier"].astype("str")
    return frame.assign(tier=tiers.mask(ours, tiers.replace(NEW_TIERS)).astype("category"))


def _is_behind(folder: Path) -> bool:
    """Return whether the table is older than the records: a resumed run was killed."""
    written = (folder / MEASUREMENTS).stat().st_mtime_ns
    return (folder / CELLS).exists() and (folder / CELLS).stat().st_mtime_ns > written


def of_run(folder: Path, cells: Sequence[Cell], all_problems: Iterable[Problem]) -> pd.DataFrame:
    """Build the table from the records and costs in the folder of a run."""
    found = records.read(folder / CELLS)
    return tabulate(folder.name, cells, found, all_problems, Costs.load(folder))


def _read(path: Path) -> pd.DataFrame:
    frame = parquet_file.read(path) if parquet_file.is_parquet(path) else _of_csv(path)
    header = list(frame.columns)
    _check_columns(path, header)
    for name in NEWER.difference(header):
        frame[name] = ""
    frame = frame[[*COLUMNS, *(name for name in header if name not in COLUMNS)]]
    for name, dtype in COLUMNS.items():
        if dtype not in WORDS:
            frame[name] = _numbers(path, frame[name], name)
    for name in ("pass_medians_s", "twin_medians_s"):
        for number, text in enumerate(frame[name], 2):
            _checked_medians(path, number, name, text)
    strange = sorted(set(frame["status"]) - set(STATUSES))
    if strange:
        raise ValueError(f"{path} is not a table of lossbench: status {', '.join(strange)}")
    if run_folder.has_old_tiers(path.parent) or (
        "speedup_vs_numba" not in header and not (path.parent / run_folder.ENVIRONMENT).exists()
    ):
        frame = with_new_tiers(frame)
    return typed(frame)


def _check_columns(path: Path, header: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in header and name not in NEWER]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ValueError(
            f"{path} is not a table of lossbench: no column {', '.join(missing[:3])}{more}"
        )


def _of_csv(path: Path) -> pd.DataFrame:
    """Return the table with every value as a string."""
    foreign = f"{path} is not a table of lossbench"
    try:
        text = path.read_bytes().decode()
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{foreign}: {error}") from error
    _check_columns(path, header)
    if len(set(header)) < len(header):
        raise ValueError(f"{foreign}: it has a column twice")
    for number, row in enumerate(rows, 2):
        if len(row) < len(header):
            lacks = ", ".join(header[len(row) :])
            raise ValueError(f"{path} is cut short: line {number} has no {lacks}")
        if len(row) > len(header):
            raise ValueError(f"{foreign}: line {number} has too many values")
    if not text.endswith("\n"):  # a number without its last digits would still parse
        raise ValueError(f"{path} is cut short: its last line is incomplete")
    return pd.DataFrame(rows, columns=header)


def _numbers(path: Path, column: pd.Series, name: str) -> pd.Series:
    try:
        numbers = pd.to_numeric(column.replace("", None)).to_frame(name)
        return numbers.astype({name: COLUMNS[name]})[name]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: column {name} has other values than numbers: {error}") from error


def _checked_medians(path: Path, number: int, name: str, text: str) -> None:
    try:
        pass_medians(text)
    except ValueError as error:
        raise ValueError(f"{path}: column {name}, line {number}: {error}") from error
