"""The history of cells, for the terminal."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.columns import IDENTITY
from bench.analysis.comparison import ALPHA, APART
from bench.common.format import digits, duration
from bench.model import Cell
from bench.report.words import CHANGES, NOISY, STYLES, TIMES, each_row

HEADINGS = ("run", "date", "host", "median", "to the run before", "")


def history_report(frame: pd.DataFrame) -> RenderableType:
    """Return one table per cell, one row per run, and below what else changed between runs."""
    parts: list[RenderableType] = []
    for _, rows in frame.groupby([*IDENTITY], sort=False, observed=True):
        parts += [Text(cell_name(next(each_row(rows))), "bold"), _table(rows), Text()]
    return Group(*parts, *(Text(line) for line in _lines(frame)))


def cell_name(row: Any) -> str:
    """Return the name of the cell that a row is of."""
    return Cell(**{name: getattr(row, name) for name in IDENTITY}).id


def date(row: Any) -> str:
    """Return when the run of a row started; empty if unknown."""
    return "" if pd.isna(row.started) else f"{row.started:%Y-%m-%d %H:%M}"


def _table(rows: pd.DataFrame) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, heading in enumerate(HEADINGS):
        justify: Any = "right" if number in {3, 4} else "left"
        grid.add_column(heading, justify=justify, no_wrap=number not in {2, 4})
    for row in each_row(rows):
        grid.add_row(row.run_id, date(row), row.host, _time(row), *_change(row))
    return grid


def _time(row: Any) -> Text:
    if pd.isna(row.median_s):
        return Text(row.status if row.status != "ok" else "not timed", STYLES[row.status])
    return Text(duration(row.median_s) + (f" {NOISY}" if row.noise else ""))


def _change(row: Any) -> tuple[str, Text]:
    if not row.finding:
        return "", Text()
    return f"{digits(row.ratio)}{TIMES}", Text(row.finding, CHANGES.get(row.finding, ""))


def _lines(frame: pd.DataFrame) -> Iterator[str]:
    if (frame["finding"] != "").any():
        yield (
            "Compared with the run before on the same host: Mann-Whitney over the passes, at a "
            f"level of {ALPHA:g} for each comparison; or by the quickest passes, {APART:.0%} apart."
        )
    if (frame["noise"] != "").any():
        yield f"{NOISY} at a time: too noisy to trust."
    seen = dict.fromkeys((row.run_id, row.changed) for row in each_row(frame) if row.changed)
    for run_id, changed in seen:
        yield f"Changed before {run_id}: {'; '.join(changed)}."
