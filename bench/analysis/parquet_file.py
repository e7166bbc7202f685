"""Write and read the table of a run as a Parquet file."""

import io
from pathlib import Path

import pandas as pd

from bench.analysis.columns import COLUMNS, WORDS
from bench.common import files
from bench.common.extras import needing

SUFFIX = ".parquet"
MAGIC = b"PAR1"


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, by atomic replace."""
    _need_pyarrow()
    files.write_atomic(path, frame.to_parquet(None, engine="pyarrow", index=False))


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its name or its first bytes."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC or path.suffix == SUFFIX


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet file; blanks in columns of words are empty strings, as in a CSV.

    Raises
    ------
    ValueError
        It is damaged.
    MissingLibraryError
        pyarrow is not installed.
    """
    _need_pyarrow()
    held = io.BytesIO(path.read_bytes())  # of a path, folders named key=value become columns
    try:
        frame = pd.read_parquet(held, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not a Parquet file, or is cut short: {error}") from error
    words = [name for name in frame.columns if COLUMNS.get(name) in WORDS]
    return frame.assign(**{name: _filled(frame[name]) for name in words})


def _filled(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype("str")


def _need_pyarrow() -> None:
    with needing("pyarrow", "Parquet files"):
        import pyarrow.parquet  # noqa: F401
