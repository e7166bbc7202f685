"""A few cells over runs and hosts: their times, and how each differs from the run before."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis import csv_file
from bench.analysis.columns import IDENTITY
from bench.analysis.comparison import compare
from bench.common.choices import parse_names
from bench.measurement import machine, run_folder

# More lines in a picture, or tables in a terminal, are not a history to read.
MOST_CELLS = 8


@dataclass(frozen=True)
class Part:
    """The rows of one run on one host.

    Attributes
    ----------
    run_id, host : str
        The host is the column of that name; without it the CPU and its cores; "" if unknown.
    started : datetime, optional
    facts : mapping, optional
        As `bench.measurement.machine.facts` returns it.
    table : DataFrame
    """

    run_id: str
    host: str
    started: datetime | None
    facts: Mapping[str, Any] | None
    table: pd.DataFrame


def read(paths: Iterable[Path]) -> list[Part]:
    """Return the parts of some runs, the oldest first, each once; those without a time last."""
    found = {
        (part.run_id, part.host, *part.table["pass_medians_s"]): part
        for path in paths
        for part in _parts_of(path)
    }
    return sorted(found.values(), key=lambda part: (part.started is None, part.started or 0))


def _parts_of(path: Path) -> list[Part]:
    table, facts = csv_file.load(path), run_folder.machine_of(path)
    no_host = pd.Series("", table.index)
    hosts = table.get("host", no_host).fillna("").astype("str").replace("", _host_of(facts))
    groups = table.groupby([table["run_id"], hosts], sort=False)
    return [
        _part(path, str(run_id), str(host), rows, is_whole=groups.ngroups == 1)
        for (run_id, host), rows in groups
    ]


def _part(path: Path, run_id: str, host: str, rows: pd.DataFrame, *, is_whole: bool) -> Part:
    """Return a part, with what its own folder in that of a cluster's run says, or the folder."""
    inner = path / host / run_id
    described = inner if run_id and inner.is_dir() else path if is_whole else None
    run_id = run_id or path.stem  # of a host whose run was lost
    return Part(
        run_id,
        host,
        (described and run_folder.started(described)) or _time_in(run_id),
        run_folder.machine_of(described) if described else None,
        rows,
    )


def _host_of(facts: Mapping[str, Any] | None) -> str:
    if facts is None or not facts.get("cpu"):
        return ""
    cores = facts.get("usable_cores")
    return f"{facts['cpu']}, {cores} cores" if cores else str(facts["cpu"])


def _time_in(run_id: str) -> datetime | None:
    """Return the time that a run is named after, in an unknown zone."""
    if not re.match(r"\d{8}-\d{6}(?!\d)", run_id):
        return None
    return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def selected(parts: Sequence[Part], **given: Iterable[str]) -> list[Part]:
    """Return the parts with only the rows that are named.

    Parameters
    ----------
    parts : sequence of Part
    **given : iterable of str
        ``problem``, ``tier``, ``size``, ``dtype``: names, comma-separated; all, if there is none.

    Raises
    ------
    ValueError
        An unknown name, or more than `MOST_CELLS` cells.
    """
    for kind, names in given.items():
        known = list(dict.fromkeys(name for part in parts for name in part.table[kind].astype(str)))
        if wanted := parse_names(kind, names, known):
            tables = (part.table[part.table[kind].isin(wanted)] for part in parts)
            parts = [replace(part, table=of) for part, of in zip(parts, tables, strict=True)]
    count = len({cell for part in parts for cell in _cells(part.table)})
    if not 0 < count <= MOST_CELLS:
        raise ValueError(
            f"{count or 'no'} cells: choose 1 to {MOST_CELLS} with --problem-name, --tier, --size, "
            "--dtype, such as --problem-name svm_loss --size M"
        )
    return [part for part in parts if len(part.table)]


def _cells(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table[[*IDENTITY]].astype({"threads": int}).itertuples(index=False, name=None))


def history(parts: Sequence[Part]) -> pd.DataFrame:
    """Return one row per cell and part.

    Parameters
    ----------
    parts : sequence of Part
        In the order of time. Each cell is compared with the part before on the same host that has
        a time for it.

    Returns
    -------
    DataFrame
        The identity of the cell; ``run``, the number of the part, from 0; ``run_id``, ``host``,
        ``started``; ``status``, ``median_s``, ``noise``; ``ratio`` and ``finding`` of
        `comparison.compare`, each comparison by itself; NaN and "" where there is none. ``changed``
        is a tuple of what differs in machine and libraries. It does not keep a change from being
        reported, unlike in `compare`: a history shows what an upgrade did.
    """
    last: dict[tuple[Any, ...], tuple[Part, pd.DataFrame]] = {}
    rows = []
    for number, part in enumerate(parts):
        for i, cell in enumerate(_cells(part.table)):
            row = part.table.iloc[[i]]
            change = _change(last.get((part.host, *cell)), part, row)
            rows.append(_row(number, part, row.iloc[0]) | change)
            if part.host and row["pass_medians_s"].iloc[0]:
                last[part.host, *cell] = part, row
    return pd.DataFrame(rows)


def _row(number: int, part: Part, row: pd.Series) -> dict[str, Any]:
    kept = (*IDENTITY, "status", "median_s", "noise")
    of_part = {name: getattr(part, name) for name in ("run_id", "host", "started")}
    return {"run": number} | of_part | {name: row[name] for name in kept}


def _change(
    before: tuple[Part, pd.DataFrame] | None, part: Part, row: pd.DataFrame
) -> dict[str, Any]:
    nothing = {"ratio": float("nan"), "finding": "", "changed": ()}
    if before is None:
        return nothing
    its_part, its_row = before
    known = its_part.facts is not None and part.facts is not None
    changed = machine.differences_of(its_part.facts, part.facts, set(row["tier"])) if known else ()
    cells = compare(its_row, row).cells
    if cells.empty:
        return nothing
    return {"changed": changed} | {name: cells[name].iloc[0] for name in ("ratio", "finding")}
