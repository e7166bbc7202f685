"""What was found about the loops of a kernel: for a terminal, as HTML and as JSON."""

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.common.code import ROOT
from bench.common.format import digits
from bench.loops.findings import Explanation, Finding, Loop
from bench.loops.remedies import Remedy
from bench.report.words import STYLES as STATUS_STYLES
from bench.report.words import TIMES

STYLES = {"vectorised": "green", "scalar": "yellow", "unknown": "yellow"}


def explanation_report(title: str, found: Explanation) -> RenderableType:
    """Return the loops of a kernel, each below its line, with what was found."""
    parts: list[RenderableType] = [Text(title, "bold")]
    for (file, function), loops in groupby(found.loops, lambda one: (one.file, one.function)):
        parts += [Text(), Text(function or "(module)").append(f"  {shown(file)}", "dim")]
        parts += [part for loop in loops for part in _loop(loop)]
    return Group(*parts, *(Text(note, "yellow") for note in found.notes))


def as_json(title: str, found: Explanation) -> dict[str, Any]:
    """Return the loops of a kernel as JSON values."""
    return {"kernel": title, **asdict(found)}


def as_html(found: Explanation) -> str:
    """Return the loops of a kernel as HTML, for a notebook and the page of a run."""
    rows = "".join(f"<li>{_html(one)}</li>" for one in found.loops)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in found.notes)
    return f'<ul class="loops">{rows}</ul>{notes}'


def shown(file: str) -> str:
    """Return a path without the folder of the project, or the current one."""
    path = Path(file)
    for folder in (ROOT, Path.cwd()):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def verdict_words(loop: Loop) -> str:
    """Return the verdict on a loop, and the arithmetic of its code."""
    return f"{loop.words}; {loop.code}" if loop.code else loop.words


def title_of(loop: Loop) -> str:
    """Return a loop's line, and where Numba has it if the line is a call."""
    return f"{loop.text}  ({loop.inside})" if loop.inside else loop.text


def _loop(loop: Loop) -> Iterator[RenderableType]:
    yield Text(f"{loop.line:>5}  ").append(title_of(loop), "bold")
    yield _indented(Text(verdict_words(loop), STYLES.get(loop.verdict, "dim")), 7)
    for one in loop.findings:
        yield _indented(Text.assemble((f"{one.kind}, line {one.line}: ", "cyan"), one.words), 9)
        if one.change:
            yield _indented(Text(f"→ {one.change}", "dim"), 11)


def _indented(text: Text, columns: int) -> Padding:
    return Padding(text, (0, 0, 0, columns), expand=False)


def _html(loop: Loop) -> str:
    first = f"<code>{loop.line} {html.escape(title_of(loop))}</code>"
    verdict = f'<span class="{loop.verdict}">{html.escape(verdict_words(loop))}</span>'
    findings = "".join(f"<li>{_html_finding(one)}</li>" for one in loop.findings)
    return f"{first}<br>{verdict}" + (f"<ul>{findings}</ul>" if findings else "")


def _html_finding(one: Finding) -> str:
    words = f"<b>{html.escape(one.kind)}</b>, line {one.line}: {html.escape(one.words)}"
    return words + (f"<br>→ {html.escape(one.change)}" if one.change else "")


def trial_table(frame: pd.DataFrame, changes: Mapping[str, tuple[Remedy, ...]]) -> RenderableType:
    """Return what each change to a kernel gains, and costs.

    Parameters
    ----------
    frame : DataFrame
        The run of a `Trial`.
    changes : mapping of tier to remedies
    """
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("change", "gain", "right?", "gives up"):
        grid.add_column(name)
    cells: list[Any] = list(frame.itertuples())
    for cell in cells:
        some = changes.get(str(cell.tier))
        if some:
            words = " and ".join(one.words for one in some)
            costs = "; ".join(one.cost for one in some)
            right = "yes" if cell.status == "ok" else Text(cell.status, STATUS_STYLES[cell.status])
            grid.add_row(words, _gain(cell), right, costs)
    return grid


def best_of(frame: pd.DataFrame, changes: Mapping[str, tuple[Remedy, ...]]) -> str | None:
    """Return the tier with the change to recommend; None if none is surely faster.

    Of those that agree and can be combined, the fastest; of several within 3 % of it, the one with
    the fewest changes.
    """
    cells: list[Any] = list(frame.itertuples())
    good = {
        str(cell.tier): float(cell.speedup_vs_numba)
        for cell in cells
        if str(cell.tier) in changes
        and cell.status == "ok"
        and cell.speedup_vs_numba_low > 1.0
        and all(one.can_combine for one in changes[str(cell.tier)])
    }
    near = [name for name, gain in good.items() if gain > 0.97 * max(good.values())]
    return min(near, key=lambda name: (len(changes[name]), -good[name]), default=None)


def _gain(cell: Any) -> str:
    if cell.status != "ok" or math.isnan(cell.speedup_vs_numba):
        return ""
    gain, low = f"{digits(cell.speedup_vs_numba)}{TIMES}", cell.speedup_vs_numba_low
    if math.isnan(low):
        return gain
    return f"{gain} ({digits(low)} to {digits(cell.speedup_vs_numba_high)})"


def has_intervals(frame: pd.DataFrame) -> bool:
    """Return whether a run has enough passes to tell which change is surely faster."""
    return bool(frame["speedup_vs_numba_low"].notna().any())
