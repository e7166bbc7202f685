"""Read many runs into one table: folders, CSV and Parquet files, and patterns of them."""

import errno
import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from bench.analysis import csv_file, parquet_file
from bench.analysis.columns import COLUMNS, typed

OnePath: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = OnePath | Iterable[OnePath]
SUFFIXES = (".csv", parquet_file.SUFFIX)


def load(given: Paths) -> pd.DataFrame:
    """Read the runs that `paths` finds into one table.

    Raises
    ------
    FileNotFoundError
        Nothing has such a name, or none of what has it is a run.
    ValueError
        A file is no table of a run, or is incomplete; the message names it.
    """
    return joined([csv_file.load(path) for path in paths(given)])


def paths(given: Paths) -> list[Path]:
    """Return the folders and files that are meant, each run once.

    Parameters
    ----------
    given : path, pattern, or iterable of them
        A folder of a run, a CSV or a Parquet file; or a pattern such as ``results/*``. Of a pattern
        or of several paths, what is no run is left out: other folders, files with other suffixes,
        and what lies in the folder of a run that is read.
    """
    names = [given] if isinstance(given, str | os.PathLike) else list(given)
    if len(names) == 1 and Path(names[0]).exists():
        return [Path(names[0])]  # what it lacks is said when it is read
    found = dict.fromkeys(path for name in names for path in _matches(name))
    folders = {path for path in found if csv_file.holds_run(path)}
    files = {path for path in found if path.is_file() and path.suffix in SUFFIXES}
    tables = [path for path in found if path in folders | files]
    runs = [path for path in tables if folders.isdisjoint(path.parents)]
    if not runs:
        words = ", ".join(map(str, names)) or "nothing"
        raise FileNotFoundError(f"no run, CSV or Parquet file among: {words}")
    return runs


def _matches(name: OnePath) -> list[Path]:
    if Path(name).exists():
        return [Path(name)]
    if not glob.has_magic(os.fspath(name)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(name))
    found = glob.glob(os.fspath(name), recursive=True)  # noqa: PTH207 - Path's cannot be absolute
    return [Path(one) for one in sorted(found)]


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below each other; a row that is in several of them, whole, is taken once.

    A column that only some have is blank in the others.
    """
    if len(tables) == 1:
        return tables[0]
    categories = {name: "str" for name, dtype in COLUMNS.items() if dtype == "category"}
    whole = pd.concat([table.astype(categories) for table in tables], ignore_index=True)
    return typed(whole.drop_duplicates(ignore_index=True))
