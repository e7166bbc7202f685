"""One table of the runs of several hosts."""

from collections.abc import Sequence

import pandas as pd

from bench.analysis import csv_file
from bench.analysis.columns import COLUMNS, IDENTITY, WORDS, typed
from bench.measurement.cluster import HostRun
from bench.model import Cell

HOST = "host"


def tabulate(runs: Sequence[HostRun], cells: Sequence[Cell]) -> pd.DataFrame:
    """Return the tables of several hosts as one, with a column `host`, the last one.

    Parameters
    ----------
    runs : sequence of HostRun
    cells : sequence of Cell
        What was to be measured: each has the status `failed` on a host whose worker died, or whose
        run measured nothing.
    """
    frames = [
        (
            csv_file.load(one.folder)
            if one.folder and csv_file.holds_run(one.folder)
            else _failed(one, cells)
        ).assign(**{HOST: one.host})
        for one in runs
    ]
    return typed(pd.concat(frames, ignore_index=True))


def with_hosts_in_sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a row of its own for each host, to be shown: below each size."""
    sizes = frame["size"].astype(str)
    places = {size: place for place, size in enumerate(dict.fromkeys(sizes))}
    ordered = frame.iloc[sizes.map(places).argsort(kind="stable")]
    labels = ordered["size"].astype(str) + " " + ordered[HOST].astype(str)
    return ordered.assign(size=labels.astype("category"))


def _failed(run: HostRun, cells: Sequence[Cell]) -> pd.DataFrame:
    blank = {name: "" for name, dtype in COLUMNS.items() if dtype in WORDS}
    reason = {"status": "failed", "message": f"{run.host}: {run.output}"}
    rows = [
        blank | {name: getattr(cell, name) for name in IDENTITY} | reason
        for cell in cells
        if not cell.twin
    ]
    return typed(pd.DataFrame(rows, columns=list(COLUMNS)))
