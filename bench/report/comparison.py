"""The comparison of two runs, for the terminal and as Markdown, in the same words."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.columns import IDENTITY
from bench.analysis.comparison import ALPHA, APART, Comparison
from bench.common.format import digits, duration
from bench.model import Cell
from bench.report.text import markdown_row
from bench.report.words import CHANGES, TIMES, cell_count, each_row

HEADINGS = ("cell", "old", "new", "new/old", "")


def comparison_report(comparison: Comparison) -> RenderableType:
    """Return the cells that changed, then what was compared and how."""
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, heading in enumerate(HEADINGS):
        grid.add_column(heading, justify="left" if number in {0, 4} else "right", no_wrap=True)
    rows = _rows(comparison)
    for row in rows:
        grid.add_row(*row[:-1], Text(row[-1], CHANGES.get(row[-1], "")))
    lines = [Text(line) for line in _lines(comparison)]
    return Group(grid, Text(), *lines) if rows else Group(*lines)


def comparison_markdown(comparison: Comparison) -> str:
    """Return the same as Markdown."""
    rows = _rows(comparison)
    lines = [f"- {line}" for line in _lines(comparison)]
    if not rows:
        return "\n".join(lines)
    table = [markdown_row(one.replace("|", r"\|") for one in row) for row in rows]
    return "\n".join([markdown_row(HEADINGS), "|---|--:|--:|--:|---|", *table, "", *lines])


def _rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return the cells that changed, slowest first; all, if nothing is judged."""
    cells = comparison.cells
    shown = cells if comparison.differences else _changed(cells)
    return [
        (
            _name(cell),
            duration(cell.old_s),
            duration(cell.new_s),
            f"{digits(cell.ratio)}{TIMES}",
            "" if comparison.differences else cell.finding,
        )
        for cell in each_row(shown)
    ]


def _changed(cells: pd.DataFrame) -> pd.DataFrame:
    changed = cells[cells["finding"].isin(["slower", "faster"])]
    return changed.sort_values("ratio", ascending=False, kind="stable")


def _lines(comparison: Comparison) -> Iterator[str]:
    count = len(comparison.cells)
    yield from _judgement(comparison)
    if count:
        middle = math.exp(np.median(np.log(comparison.cells["ratio"])))
        yield f"The median ratio of all cells is {digits(middle)}{TIMES}."
    for cell in each_row(comparison.statuses):
        why = f": {cell.message_new}" if cell.message_new else ""
        yield f"{_name(cell)} was {cell.status_old} and is now {cell.status_new}{why}"
    for number, which in ((comparison.only_old, "old"), (comparison.only_new, "new")):
        if number:
            yield f"Only in the {which} run: {cell_count(number)}."


def _judgement(comparison: Comparison) -> Iterator[str]:
    if not len(comparison.cells):
        yield "No cell has a time in both runs."
    elif comparison.differences:
        yield "Nothing is judged, because these differ between the runs and may explain the ratios:"
        yield from comparison.differences
    else:
        slower, faster = comparison.count("slower"), comparison.count("faster")
        untested = comparison.count("untested")
        other_inputs = comparison.count("not judged")
        tested = len(comparison.cells) - untested - other_inputs
        effect = f"{comparison.min_effect * 100.0:.3g} %"
        found = (
            f"{slower} slower and {faster} faster"
            if slower or faster
            else "None is shown to differ"
        )
        if tested:
            yield f"{found} by more than {effect}, of {cell_count(tested)} that were tested."
            yield (
                "By Mann-Whitney over the passes, corrected for all cells by Benjamini-Hochberg, "
                f"at a level of {ALPHA:g}; or by the quickest passes, {APART:.0%} apart."
            )
        if other_inputs:
            some = cell_count(other_inputs)
            yield f"Not judged, because the size of their inputs changed: {some}."
        if untested:
            some = cell_count(untested)
            yield f"Not tested, because of too few passes (about 9 are needed): {some}."


def _name(cell: Any) -> str:
    return Cell(**{name: getattr(cell, name) for name in IDENTITY}).id
