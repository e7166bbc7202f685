"""The roofline, and the share of the machine's floor that each tier reaches."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.common.format import digits
from bench.report.pictures.style import INK, Picture, new_figure, of_dtypes, on_one_line, scatter
from bench.report.words import tier_columns


def with_floors(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the timed cells with a floor, at the largest size of each problem and dtype.

    At smaller ones the call itself takes so long that the floor is far away whatever is called.
    """
    if "share_of_floor" not in frame:
        return frame.iloc[:0]
    shares = pd.to_numeric(frame["share_of_floor"], errors="coerce")
    rows = frame[(shares > 0.0) & frame["median_s"].notna() & (frame["flops"] > 0).fillna(False)]
    largest = rows.groupby(["problem", "dtype"], observed=True)["flops"].transform("max")
    return rows[rows["flops"] == largest]


def roofline(rows: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw operations per second against operations per byte, one mark per cell.

    The floor of a cell is a time, its median times its share; here it is a rate, above the cell's.
    """
    rows = rows[(rows["bytes_moved"] > 0).fillna(False)]
    if rows.empty:
        return None
    intensity = rows["flops"].astype("float64") / rows["bytes_moved"].astype("float64")
    rate = rows["flops"].astype("float64") / rows["median_s"] / 1e9
    roof = rate / rows["share_of_floor"].astype("float64")
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot(intensity, roof, "_", color=INK, markersize=9, label="the floor of these cells")
    for tier, threads in tier_columns(rows):
        ours = (rows["tier"] == tier) & (rows["threads"] == threads)
        scatter(axes, intensity[ours], rate[ours], styles[tier], tier, threads)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations a byte",
        ylabel="operations a second, in 1e9",
    )
    figure.legend(loc="outside lower center", ncols=3)
    return Picture(
        "roofline",
        "Operations a second against operations a byte, with what the machine allows",
        f"{len(rows)} cells at the largest size of their problems, each under the mark that this "
        "machine's memory or arithmetic sets it.",
        figure,
    )


def shares_of_floor(rows: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw the share of its floor that each tier reaches: one row per problem."""
    if rows.empty:
        return None
    names = of_dtypes(rows) + " " + rows["size"].astype(str)
    labels = list(dict.fromkeys(names))
    lines = names.map(labels.index)
    shares = rows["share_of_floor"].astype("float64")
    figure = new_figure(6.4, 1.4 + 0.27 * len(labels))
    axes = figure.subplots()
    axes.axvline(1.0, color=INK, linewidth=1.0, linestyle=":")
    for tier, threads in tier_columns(rows):
        ours = (rows["tier"] == tier) & (rows["threads"] == threads)
        scatter(axes, shares[ours], lines[ours], styles[tier], tier, threads)
    axes.set(xscale="log", xlabel="share of the floor: 1 leaves nothing to gain")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    figure.legend(loc="outside lower center", ncols=3)
    best: Any = next(rows.loc[[shares.idxmax()]].itertuples())
    return Picture(
        "share-of-floor",
        "How near to the machine's floor each tier comes, at the largest size of each problem",
        f"{len(rows)} cells at the largest size of their problems. Nearest to its floor is "
        f"{best.problem} in {on_one_line(str(best.tier), int(best.threads))} at size {best.size}: "
        f"{digits(100.0 * float(best.share_of_floor), 2)} % of it.",
        figure,
    )
