"""What a terminal shows of compile costs and of a sweep."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.ratios import CONFIDENCE
from bench.analysis.sweep import ABOVE_SMALLEST, LEAST_SIZES, Crossing, Growth
from bench.common.format import digits, duration
from bench.measurement.costs.compiling import Compiling
from bench.measurement.costs.floors import EmptyCall
from bench.model import LEAST_PASSES

NEVER = "never"


def compile_report(frame: pd.DataFrame, found: Sequence[Compiling]) -> RenderableType:
    """Return one row per kernel and size: time to compile and to load, and calls that repay it.

    Parameters
    ----------
    frame : DataFrame
        The table of the run.
    found : sequence of Compiling
        Kernels that failed are listed with the reason.
    """
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    grid.add_column("kernel", overflow="fold")  # the only one that may wrap
    for heading in ("compile", "load"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("size", no_wrap=True)
    for other in ("loop", "NumPy"):
        grid.add_column(f"calls to\nbeat {other}", justify="right", no_wrap=True)
    compiled = frame[frame["compile_s"].notna()]
    several = compiled["dtype"].nunique() > 1
    for (name, tier, dtype), rows in compiled.groupby(
        ["problem", "tier", "dtype"], sort=False, observed=True
    ):
        kernel = f"{name} {tier} {dtype}" if several else f"{name} {tier}"
        lines: list[Any] = list(rows.itertuples())
        for i, row in enumerate(lines):
            which = kernel, duration(row.compile_s), duration(row.load_s)
            grid.add_row(
                *(which if i == 0 else ("", "", "")),
                str(row.size),
                calls(row.break_even_calls_vs_loop),
                calls(row.break_even_calls_vs_numpy),
            )
    words = (
        "compile: extra time of the first call with an empty cache; load: the same with the cache "
        "that this left. calls to beat: compile time over the time that a call saves."
    )
    failed = [
        Text(f"{one.problem} {one.tier} {one.dtype}: {one.message}", "yellow")
        for one in found
        if one.message
    ]
    return Group(grid, Text(), Text(words, "dim"), *failed)


def calls(count: float) -> str:
    """Return a number of calls in words; blank if unknown.

    Examples
    --------
    >>> calls(1234.2), calls(0.2), calls(math.inf), calls(math.nan)
    ('1,235', '1', 'never', '')
    """
    if math.isnan(count):
        return ""
    return NEVER if math.isinf(count) else f"{max(1, math.ceil(count)):,}"


def sweep_report(
    crossings: Sequence[Crossing],
    growths: Sequence[Growth],
    stated: float | None,
    empty_calls: Sequence[EmptyCall],
    along: str = "N",
) -> RenderableType:
    """Return where tiers pass one another, how times grow, and the time of an empty call.

    Parameters
    ----------
    crossings, growths : sequences
        Of the sweep.
    stated : float, optional
        The exponent that the problem states.
    empty_calls : sequence of EmptyCall
        The time of a call that does nothing, per tier: the floor at the smallest sizes.
    along : str
        The name of the number that differs.
    """
    several = len({one.dtype for one in growths}) > 1
    lines: list[RenderableType] = [Text(f"Who passes whom, along {along}", "bold")]
    lines += [Text(f"  {crossing_words(one, along, dtype=several)}") for one in crossings]
    if not crossings:
        lines.append(Text(f"  unknown: this needs two tiers, each timed in {LEAST_PASSES} passes"))
    lines += [Text(), _growth_grid(growths, stated, along)]
    if stated is not None:
        lines += [
            Text(
                f"not as expected: {_named(one)} grows as {along}^{digits(one.exponent)}, "
                f"not as {along}^{stated:g}",
                "bold red",
            )
            for one in growths
            if one.disagrees(stated)
        ]
    if empty_calls:
        calls = ", ".join(
            f"{one.tier} {duration(one.seconds)}"
            + (f" ({one.threads} threads)" if one.threads > 1 else "")
            for one in empty_calls
        )
        words = f"A call that does nothing takes: {calls}. It is most of the time of small sizes."
        lines += [Text(), Text(words, "dim")]
    return Group(*lines)


def crossing_words(one: Crossing, along: str = "N", *, dtype: bool = False) -> str:
    """Return where a tier passes another, in words."""
    threads = f" ({one.threads} threads)" if one.threads > 1 else ""
    name = f"{one.tier}{threads}{f' {one.dtype}' if dtype else ''}"
    if one.ahead_from is None:
        behind = (
            f"behind up to {along} = {one.behind_to:,}" if one.behind_to else "never clearly behind"
        )
        return f"{name} is not ahead of {one.over} up to {along} = {one.largest:,}; {behind}"
    if one.ahead_from == one.smallest:
        return f"{name} is ahead of {one.over} at all {along}, from {one.smallest:,} on"
    behind = f"; behind up to {along} = {one.behind_to:,}" if one.behind_to else ""
    near = f", about {along} = {digits(one.near, 2)}" if one.near else ""
    return f"{name} is ahead of {one.over} from {along} = {one.ahead_from:,} on{behind}{near}"


def _named(one: Growth) -> str:
    threads = f" {one.threads} threads" if one.threads > 1 else ""
    return f"{one.tier}{threads} {one.dtype}"


def _growth_grid(growths: Sequence[Growth], stated: float | None, along: str) -> Group:
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for heading in (
        f"time grows as {along}^",
        "exponent",
        f"{CONFIDENCE:.0%} interval",
        f"over {along}",
        "stated",
    ):
        grid.add_column(heading, justify="left" if "grows" in heading else "right", no_wrap=True)
    for one in growths:
        if math.isnan(one.exponent):
            grid.add_row(_named(one), Text("too few sizes", "dim"))
            continue
        grid.add_row(
            _named(one),
            f"{one.exponent:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
            f"{one.smallest:,} to {one.largest:,}",
            "" if stated is None else f"{stated:g}",
        )
    words = (
        f"Over the sizes that take at least {ABOVE_SMALLEST:g} times the smallest, "
        f"{LEAST_SIZES} or more of them."
    )
    return Group(grid, Text(words, "dim"))
