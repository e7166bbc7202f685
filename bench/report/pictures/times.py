"""The time of a call against the size of its inputs."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from bench.analysis.sweep import along, crossings
from bench.common.format import digits, duration
from bench.model import SWEPT, is_threaded
from bench.report.pictures.style import (
    INK,
    LINES,
    MARKERS,
    Picture,
    file_name,
    new_figure,
    on_one_line,
)
from bench.report.words import tier_columns

# Share of an axis within which two labels would overlap.
CLOSE = 0.15
DIMENSIONS = ("n", "d", "c")


def times(name: str, frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw a problem's time against its size, one line per tier; None without two sizes."""
    frame = frame[frame["median_s"].notna()]
    sizes, axis = _extents(frame)
    frame = frame.assign(x=sizes)[sizes.notna()]
    if frame["x"].nunique() < 2:
        return None
    figure = new_figure(4.1, 3.4)
    axes = figure.subplots()
    lines: dict[tuple[str, int], pd.DataFrame] = {}
    for tier, threads in tier_columns(frame):
        of_tier = frame[(frame["tier"] == tier) & (frame["threads"] == threads)].sort_values("x")
        lines[tier, threads] = of_tier
        style = styles[tier] % len(LINES)
        axes.plot(
            *(of_tier["x"], of_tier["median_s"]),
            color=LINES[style],
            marker=MARKERS[style],
            markersize=3.5
            if is_threaded(tier)
            else 6.0,  # both are seen where one covers the other
            linewidth=1.0 if is_threaded(tier) else 1.8,
            linestyle="--" if is_threaded(tier) and threads > 1 else "-",
            label=on_one_line(tier, threads),
        )
    rings = list(_rings(frame, lines))
    for x, y in rings:
        axes.plot(x, y, "o", markersize=11.0, markerfacecolor="none", color=INK, linewidth=1.0)
    axes.set(xscale="log", yscale="log", title=name, xlabel=axis)
    points = frame.drop_duplicates("x").sort_values("x")
    if len(points) <= 4:
        axes.set_xticks(points["x"], _tick_labels(points))
        axes.minorticks_off()
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(numticks=7))
    axes.yaxis.set_major_formatter(lambda value, _: duration(value, 1))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    figure.legend(loc="outside lower center", ncols=2 if len(lines) > 3 else 3)
    slowest, fastest = _ends(points["x"].max(), frame)
    return Picture(
        f"time-{file_name(name)}",
        f"Time of a call of {name} against its size",
        f"{len(lines)} lines over {len(points)} sizes. At the largest, {slowest} takes longest, "
        f"{fastest} is fastest; rings where one passes another: {len(rings)}.",
        figure,
    )


def _extents(frame: pd.DataFrame) -> tuple["pd.Series[float]", str]:
    """Return the size of each row's inputs, and the label of that axis.

    That is the number that a sweep varies, or the one dimension that differs; else what the
    operation has to compute; where that is not known, the product of the dimensions, or the bytes.
    """
    if len(frame) and frame["size"].astype(str).str.contains(SWEPT).all():
        number, of_sweep = along(frame)
        return of_sweep["n"].astype("float64"), number.upper()
    known = [key for key in DIMENSIONS if len(frame) and frame[key].notna().all()]
    differing = [key for key in known if frame[key].nunique() > 1]
    if len(differing) == 1:
        return frame[differing[0]].astype("float64"), differing[0].upper()
    if frame["flops"].notna().any():
        return frame["flops"].astype("float64"), "operations of a call"
    if known:
        return frame[known].astype("float64").prod(axis=1), "·".join(known).upper()
    return frame["bytes_moved"].astype("float64"), "bytes moved"


def _tick_labels(points: pd.DataFrame) -> list[str]:
    """Return the label of each size; one close to the one before it is lowered."""
    x = np.log(points["x"].to_numpy())
    labels = []
    lowered = False
    for number, (value, size) in enumerate(zip(points["x"], points["size"], strict=True)):
        close = number > 0 and x[number] - x[number - 1] < CLOSE * (x[-1] - x[0])
        lowered = bool(close and not lowered)
        labels.append(("\n\n" if lowered else "") + f"{_short(value)}\n{size}")
    return labels


def _short(value: float) -> str:
    """Return 36, 2.56k, 61.5M."""
    for unit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{digits(value / unit)}{suffix}"
    return f"{value:g}"


def _ends(x: float, frame: pd.DataFrame) -> tuple[str, str]:
    largest = frame[frame["x"] == x].sort_values("median_s")
    rows: list[Any] = list(largest.itertuples())
    words = [
        f"{on_one_line(str(row.tier), int(row.threads))} ({duration(row.median_s)})"
        for row in (rows[-1], rows[0])
    ]
    return words[0], words[1]


def _rings(
    frame: pd.DataFrame, lines: Mapping[tuple[str, int], pd.DataFrame]
) -> Iterator[tuple[float, float]]:
    """Yield where one tier passes another (`sweep.crossings`), on the line of the first."""
    for one in crossings(frame, along="x"):
        if one.near is not None:
            line = lines[one.tier, one.threads]
            logs = (np.log(line[name].to_numpy(np.float64)) for name in ("x", "median_s"))
            yield one.near, math.exp(np.interp(math.log(one.near), *logs))
