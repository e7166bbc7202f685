"""The time of cells over runs and hosts."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd

from bench.analysis.columns import IDENTITY
from bench.common.format import digits, duration
from bench.report.history import cell_name, date
from bench.report.pictures.style import INK, LINES, MARKERS, PATH, START, STYLE, Picture, new_figure
from bench.report.words import TIMES, cell_count, each_row

MOST_TICKS = 8
COLOURS = {"slower": PATH, "faster": START}


def history(frame: pd.DataFrame) -> Picture | None:
    """Draw one line per cell and host, with the changes beyond noise; None without a time."""
    timed = frame[frame["median_s"].notna()]
    if timed.empty:
        return None
    with mpl.rc_context(STYLE):
        return _picture(timed)


def _picture(timed: pd.DataFrame) -> Picture:
    figure = new_figure(7.2, 3.9)
    axes: Any = figure.subplots()
    hosts, cells = (list(dict.fromkeys(words)) for words in (timed["host"], _cells(timed)))
    for (host, *_), rows in timed.groupby(["host", *IDENTITY], sort=False, observed=True):
        axes.plot(
            *(rows["run"], rows["median_s"]),
            color=_colour(cells.index(_cells(rows)[0])),
            marker=_marker(hosts.index(host)),
            markersize=5.0,
            linewidth=1.4,
        )
    changed = timed[timed["finding"].isin(list(COLOURS))]
    for row in each_row(changed):
        _mark(axes, row, with_ratio=len(cells) == 1)
    _name_lines(axes, cells, hosts)
    axes.set(yscale="log", title="Median of a call, by run")
    _ticks(axes, timed)
    figure.legend(loc="outside lower center", ncols=2)
    return Picture(
        "history",
        "Time of a call over runs",
        f"{cell_count(len(cells))}; hosts: {len(hosts)}; runs: {timed['run'].nunique()}; "
        f"changes beyond noise: {len(changed)}.",
        figure,
    )


def _cells(rows: pd.DataFrame) -> list[str]:
    return [cell_name(row) for row in each_row(rows)]


def _colour(cell: int) -> str:
    return LINES[cell % len(LINES)]


def _marker(host: int) -> str:
    return MARKERS[host % len(MARKERS)]


def _name_lines(axes: Any, cells: Sequence[str], hosts: Sequence[str]) -> None:
    """Put each cell's colour and each host's marker into the legend."""
    for number, cell in enumerate(cells):
        axes.plot([], [], color=_colour(number), label=cell)
    for number, host in enumerate(hosts):
        words = host or "host unknown"
        axes.plot([], [], _marker(number), color=INK, markersize=5.0, label=words)


def _mark(axes: Any, row: Any, *, with_ratio: bool) -> None:
    """Ring a change; its ratio would be unreadable where lines lie close."""
    at, colour = (row.run, row.median_s), COLOURS[row.finding]
    axes.plot(*at, "o", markersize=11.0, markerfacecolor="none", color=colour)
    words = f"{digits(row.ratio)}{TIMES}" if with_ratio else ""
    axes.annotate(words, at, (0, 9), textcoords="offset points", ha="center", color=colour)


def _ticks(axes: Any, timed: pd.DataFrame) -> None:
    labels = {row.run: date(row).replace(" ", "\n") or row.run_id for row in each_row(timed)}
    runs = sorted(labels)
    shown = runs[:: -(-len(runs) // MOST_TICKS)]
    axes.set_xticks(shown, [labels[run] for run in shown])
    axes.margins(x=0.08, y=0.15)
    axes.yaxis.set_major_locator(
        mpl.ticker.LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0), numticks=8)
    )
    axes.yaxis.set_major_formatter(lambda value, _: duration(value, 2))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
