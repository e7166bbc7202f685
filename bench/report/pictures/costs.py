"""Compile times, and the number of calls that repays them."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from bench.common.format import duration
from bench.report.pictures.style import CURVE, LINES, MARKERS, PATH, Picture, new_figure, of_dtypes


def compile_costs(frame: pd.DataFrame) -> Picture | None:
    """Draw seconds to compile and to load: one row per jitted problem and tier."""
    if "compile_s" not in frame:
        return None
    rows = frame[frame["compile_s"].notna()].drop_duplicates(["problem", "tier", "dtype"])
    if rows.empty:
        return None
    cells: list[Any] = list(rows.itertuples())
    named = [name for name in ("tier", "dtype") if rows[name].nunique() > 1]
    several = bool(named)
    labels = [
        "\n".join([str(one.problem), " ".join(str(getattr(one, name)) for name in named)]).strip()
        for one in cells
    ]
    figure = new_figure(6.4, 0.9 + (0.42 if several else 0.34) * len(cells))
    axes = figure.subplots()
    lines = np.arange(len(cells))
    kinds = [("compile_s", "compiled at the first call", PATH)]
    if "load_s" in rows and rows["load_s"].notna().any():
        kinds.append(("load_s", "loaded from Numba's cache", LINES[1]))
    for number, (column, words, colour) in enumerate(kinds):
        offset = 0.38 * (number - (len(kinds) - 1) / 2)
        bars = axes.barh(
            lines + offset, rows[column].astype("float64"), 0.36, color=colour, label=words
        )
        known = ["" if math.isnan(value) else duration(value, 2) for value in rows[column]]
        axes.bar_label(bars, known, padding=3, fontsize=8.0)
    axes.set_yticks(lines, labels)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.14, y=0.01)
    axes.set_xlabel("seconds, in a fresh process")
    figure.legend(loc="outside lower center", ncols=2)
    longest = max(cells, key=lambda cell: float(cell.compile_s))
    return Picture(
        "compile",
        "What compiling costs",
        f"Seconds until the first result of {len(cells)} jitted functions. The longest is "
        f"{longest.problem} in {longest.tier}: {duration(float(longest.compile_s))}.",
        figure,
    )


def break_even(frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw the calls that repay compiling, compared with NumPy: one mark per size and tier."""
    column = "break_even_calls_vs_numpy"
    if column not in frame:
        return None
    rows = frame[frame[column].notna()]
    if rows.empty:
        return None
    lines = of_dtypes(rows)
    problems = list(dict.fromkeys(lines))
    calls = rows[column].astype("float64")
    finite = calls[np.isfinite(calls)]
    never = 10.0 ** (math.ceil(math.log10(max(finite.max(), 1.0))) + 1) if len(finite) else 10.0
    sizes = list(dict.fromkeys(rows["size"].astype(str)))
    figure = new_figure(6.4, 1.4 + 0.27 * len(problems))
    axes = figure.subplots()
    axes.axvline(never, color=CURVE, linewidth=1.0, linestyle=":")
    for tier in dict.fromkeys(rows["tier"].astype(str)):
        for number, size in enumerate(sizes):
            ours = (rows["tier"] == tier) & (rows["size"] == size)
            axes.scatter(
                calls[ours].clip(upper=never),
                [problems.index(name) for name in lines[ours]],
                s=14 + 18 * number,
                marker=MARKERS[styles[tier] % len(MARKERS)],
                facecolor="none",
                edgecolor=LINES[styles[tier] % len(LINES)],
                linewidth=1.3,
                label=f"{tier}, {size}",
            )
    axes.set(xscale="log", xlabel="calls until compiling has paid, against NumPy")
    lowest = math.floor(math.log10(max(min(finite.min(), 1.0), 1e-3))) if len(finite) else 0
    decades = range(lowest, round(math.log10(never)))
    shown = list(decades)[:: max(1, len(decades) // 5)]
    axes.set_xticks(
        [*(10.0**decade for decade in shown), never],
        [*(f"{10.0**decade:,g}" if decade < 6 else f"1e{decade}" for decade in shown), "never"],
    )
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.set_yticks(range(len(problems)), problems)
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3)
    return Picture(
        "break-even",
        "Calls after which compiling has paid, against NumPy",
        f"{len(rows)} cells; in {int(np.isinf(calls).sum())} of them compiling never pays, as a "
        "call is not faster than NumPy's. The larger the mark, the larger the size.",
        figure,
    )
