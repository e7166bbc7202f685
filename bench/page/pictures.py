"""The pictures of a run, drawn from its table, and the files and inline SVG made of them.

Where they stand on the page, and the words around them, are left to `bench.page`.
"""

import html
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench import demo
from bench.demo import CURVE, GRID, INK, PATH, START
from bench.files import write_whole
from bench.model import in_order, is_threaded
from bench.report import compared_with, heading, speedup_words, tier_columns
from bench.sweep import PAIRS
from bench.units import digits, duration

# After Okabe and Ito: told apart whatever one's eyes, each at least 4.5 : 1 on white.
LINES = ("#5a6875", "#0072b2", "#b34700", "#00795a", "#a0408c", "#7d6200", "#1f6f8b", "#b03030")
MARKERS = "osD^vP*X"
# The page puts variables in the place of these, so that one SVG serves light and dark (page.css).
VARIABLES = {
    INK: "--ink",
    CURVE: "--curve",
    PATH: "--path",
    START: "--start",
    GRID: "--grid",
    **{colour: f"--line-{number}" for number, colour in enumerate(LINES)},
}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "lossbench",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.0,
    "axes.edgecolor": CURVE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "legend.fontsize": 8.0,
}
DPI = 150
# Orange is slower, purple faster: a pair that colour-blind people tell apart.
COLOURS = "PuOr"
# What the same code differs by, where the run has no twins that say it.
UNKNOWN_FLOOR = 1.05
# Share of an axis within which two labels would overlap.
CLOSE = 0.15
DIMENSIONS = ("n", "d", "c")


@dataclass(frozen=True)
class Picture:
    """A figure with its words.

    Attributes
    ----------
    name : str
        Of its files, without what tells the kind.
    title, description : str
        What it is of, and what it shows, for those who do not see it.
    figure : Figure
    """

    name: str
    title: str
    description: str
    figure: Figure

    @property
    def width(self) -> float:
        """Inches."""
        return float(self.figure.get_figwidth())


def save(picture: Picture, folder: Path) -> tuple[Path, Path]:
    """Write a picture as PNG and SVG and return the two files."""
    png, svg = (folder / f"{picture.name}.{kind}" for kind in ("png", "svg"))
    write_whole(png, _saved(picture, "png", dpi=DPI, facecolor="white"))
    about = {"Title": picture.title, "Description": picture.description, "Date": None}
    write_whole(svg, _saved(picture, "svg", facecolor="white", metadata=about))
    return png, svg


def _saved(picture: Picture, kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    with mpl.rc_context(STYLE):
        picture.figure.savefig(held, format=kind, **options)
    return held.getvalue()


def inline(picture: Picture) -> str:
    """Return a picture as an element of a page, named and described, in the page's colours.

    Its ids begin with its name: several pictures stand on one page.
    """
    text = _saved(picture, "svg", transparent=True, metadata={"Date": None}).decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\1{picture.name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    view = re.search(r'viewBox="[^"]*"', text)
    if view is None:
        raise ValueError(f"the picture {picture.name} has no size")
    labels = f"{picture.name}-title {picture.name}-description"
    words = (
        f'<title id="{picture.name}-title">{html.escape(picture.title)}</title>'
        f'<desc id="{picture.name}-description">{html.escape(picture.description)}</desc>'
    )
    head = f'<svg {view[0]} role="img" aria-labelledby="{labels}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return re.sub(r"<svg[^>]*>", head + words, text, count=1)


def pictures(frame: pd.DataFrame) -> Iterator[tuple[str, Picture]]:
    """Yield the pictures that a table has figures for, each with the section that it is of.

    The sections are ``speedups``, ``times``, ``roofline``, ``costs``, ``errors``, ``descent`` and
    ``training``.
    """
    styles = {tier: number for number, tier in enumerate(in_order(frame["tier"].astype(str)))}
    with mpl.rc_context(STYLE):
        for other in ("numpy", "loop", "numba"):
            found = _heat_map(frame, other)
            if found:
                yield "speedups", found
        for name, group in frame.groupby(_of_dtypes(frame), sort=False):
            found = _times(str(name), group, styles)
            if found:
                yield "times", found
        floored = _with_floors(frame)
        for section, found in (
            ("roofline", _roofline(floored, styles)),
            ("roofline", _shares(floored, styles)),
            ("costs", _costs(frame)),
            ("costs", _break_even(frame, styles)),
            ("errors", _errors(frame, styles)),
        ):
            if found:
                yield section, found
        right = set(frame.loc[frame["status"] == "ok", "problem"].astype(str))
        if "gradient_descent" in right:
            for one in _descents():
                yield "descent", one
        if "train_linear" in right:
            yield "training", _training()


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _of_dtypes(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return the problem of each row, with its dtype where there are several."""
    names = rows["problem"].astype(str)
    return names + " " + rows["dtype"].astype(str) if rows["dtype"].nunique() > 1 else names


def _on_one_line(tier: str, threads: int) -> str:
    return heading(tier, threads).replace("\n", ", ")


# --- speed-ups


def _heat_map(frame: pd.DataFrame, other: str) -> Picture | None:
    """Draw speed-ups over a tier: a line a problem, a column a size, a block a tier."""
    rows: list[Any] = list(frame.itertuples())
    cells = [cell for cell in rows if other in compared_with(cell)]
    if not cells:
        return None
    shown = frame.loc[[cell.Index for cell in cells]]
    tiers = tier_columns(shown)
    problems = list(dict.fromkeys(shown["problem"].astype(str)))
    several = frame["dtype"].nunique() > 1
    labels = {
        (str(cell.size), str(cell.dtype)): f"{cell.size}\n{cell.dtype}" if several else cell.size
        for cell in rows
    }
    sizes = [key for key in labels if any((str(c.size), str(c.dtype)) == key for c in cells)]
    columns = len(tiers) * len(sizes)
    figure = _figure(2.0 + 0.66 * columns, 1.35 + 0.27 * len(problems))
    panels = figure.subplots(1, len(tiers), sharey=True, squeeze=False)[0]
    name = f"speedups-over-{other}"
    speedups = np.array([getattr(cell, f"speedup_vs_{other}") for cell in cells])
    reach = max(2.0, float(np.exp(np.abs(np.log(speedups)).max())))
    norm = TwoSlopeNorm(0.0, -math.log(reach), math.log(reach))
    colours = mpl.colormaps[COLOURS]
    for axes, tier in zip(panels, tiers, strict=True):
        values = np.full((len(problems), len(sizes)), np.nan)
        for cell in cells:
            if (str(cell.tier), int(cell.threads)) != tier:
                continue
            line = problems.index(str(cell.problem))
            column = sizes.index((str(cell.size), str(cell.dtype)))
            value = math.log(getattr(cell, f"speedup_vs_{other}"))
            values[line, column] = value
            words = speedup_words(cell, other)
            axes.text(
                *(column, line, words),
                ha="center",
                va="center",
                fontsize=8.0,
                color=_legible_on(colours(norm(value))),
            )
        axes.pcolormesh(
            np.arange(len(sizes) + 1) - 0.5,
            np.arange(len(problems) + 1) - 0.5,
            np.ma.masked_invalid(values),
            cmap=colours,
            norm=norm,
            edgecolor=GRID,
            linewidth=0.5,
        )
        axes.set_title(_on_one_line(*tier).replace(", ", "\n"))
        axes.set_xticks(range(len(sizes)), [labels[size] for size in sizes])
        axes.set_yticks(range(len(problems)), problems)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
    panels[0].invert_yaxis()
    best = max(cells, key=lambda cell: float(getattr(cell, f"speedup_vs_{other}")))
    return Picture(
        name,
        f"Speed-up over {other}, by problem, tier and size",
        f"{len(cells)} speed-ups over {other}. The largest is {speedup_words(best, other)}, of "
        f"{best.problem} in {_on_one_line(str(best.tier), int(best.threads))} at size {best.size}. "
        "All of them are in the table of this page.",
        figure,
    )


def _legible_on(ground: Sequence[float]) -> str:
    """Return the one of black and white that has the greater contrast, by WCAG's luminance."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in ground[:3]
    ]
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return "#000000" if luminance > 0.179 else "#ffffff"


# --- time against size


def _times(name: str, frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw a problem's time against its size, a line a tier; None where there are no two sizes."""
    frame = frame[frame["median_s"].notna()]
    sizes, axis = _extents(frame)
    frame = frame.assign(x=sizes)[sizes.notna()]
    if frame["x"].nunique() < 2:
        return None
    figure = _figure(4.1, 3.4)
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
            label=_on_one_line(tier, threads),
        )
    crossings = [point for fast, slow in PAIRS for point in _crossings(lines, slow, fast)]
    for x, y in crossings:
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
        f"time-{_file_name(name)}",
        f"Time of a call of {name} against its size",
        f"{len(lines)} lines over {len(points)} sizes. At the largest, {slowest} takes longest, "
        f"{fastest} is fastest; rings where one passes another: {len(crossings)}.",
        figure,
    )


def _extents(frame: pd.DataFrame) -> tuple["pd.Series[float]", str]:
    """Return how large each row's inputs are, and in what: a name for the axis.

    That is the one dimension that differs, as in a sweep; else what the operation has to compute;
    where that is not known, the product of the dimensions, or the bytes.
    """
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
    """Return number and name of each size; one that is close to the one before stands lower."""
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
        f"{_on_one_line(str(row.tier), int(row.threads))} ({duration(row.median_s)})"
        for row in (rows[-1], rows[0])
    ]
    return words[0], words[1]


def _crossings(
    lines: dict[tuple[str, int], pd.DataFrame], slow: str, fast: str
) -> Iterator[tuple[float, float]]:
    """Yield where a tier's line crosses another's, straight between sizes on log axes.

    Of a tier with several thread counts the largest is meant. Where the two are no further apart
    than the same code is (`bench.ratios.noise_floor`), nothing is said to cross.
    """
    found = [
        max((key for key in lines if key[0] == tier), key=lambda key: key[1], default=None)
        for tier in (slow, fast)
    ]
    if found[0] is None or found[1] is None:
        return
    shown = ["x", "median_s", "noise_floor"]
    both = pd.merge(lines[found[0]][shown], lines[found[1]][shown], on="x")
    x = np.log(both["x"].to_numpy())
    y = np.log(both[["median_s_x", "median_s_y"]].to_numpy())
    gap = y[:, 0] - y[:, 1]
    floors = both["noise_floor_x"].fillna(UNKNOWN_FLOOR)
    gap = np.where(np.abs(gap) > np.log(floors), gap, 0.0)
    for i in np.flatnonzero(gap[:-1] * gap[1:] < 0.0):
        share = gap[i] / (gap[i] - gap[i + 1])
        yield (
            math.exp(x[i] + share * (x[i + 1] - x[i])),
            math.exp(y[i, 0] + share * (y[i + 1, 0] - y[i, 0])),
        )


def _file_name(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", words).strip("-") or "problem"


# --- the machine's floors


def _with_floors(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the timed cells that have a floor, of the largest size of each problem and dtype.

    At smaller ones the call itself takes so long that the floor is far away whatever is called.
    """
    if "share_of_floor" not in frame:
        return frame.iloc[:0]
    shares = pd.to_numeric(frame["share_of_floor"], errors="coerce")
    rows = frame[(shares > 0.0) & frame["median_s"].notna() & (frame["flops"] > 0).fillna(False)]
    largest = rows.groupby(["problem", "dtype"], observed=True)["flops"].transform("max")
    return rows[rows["flops"] == largest]


def _roofline(rows: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw what each cell computed in a second against how much it computes with a byte.

    The floor of a cell is a time, its median times its share; here it is a rate, above the cell's.
    """
    rows = rows[(rows["bytes_moved"] > 0).fillna(False)]
    if rows.empty:
        return None
    intensity = rows["flops"].astype("float64") / rows["bytes_moved"].astype("float64")
    rate = rows["flops"].astype("float64") / rows["median_s"] / 1e9
    roof = rate / rows["share_of_floor"].astype("float64")
    figure = _figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot(intensity, roof, "_", color=INK, markersize=9, label="the floor of these cells")
    for tier, threads in tier_columns(rows):
        ours = (rows["tier"] == tier) & (rows["threads"] == threads)
        _scatter(axes, intensity[ours], rate[ours], styles[tier], tier, threads)
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


def _shares(rows: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw how near to its floor each tier comes, a line a problem."""
    if rows.empty:
        return None
    names = _of_dtypes(rows) + " " + rows["size"].astype(str)
    labels = list(dict.fromkeys(names))
    lines = names.map(labels.index)
    shares = rows["share_of_floor"].astype("float64")
    figure = _figure(6.4, 1.4 + 0.27 * len(labels))
    axes = figure.subplots()
    axes.axvline(1.0, color=INK, linewidth=1.0, linestyle=":")
    for tier, threads in tier_columns(rows):
        ours = (rows["tier"] == tier) & (rows["threads"] == threads)
        _scatter(axes, shares[ours], lines[ours], styles[tier], tier, threads)
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
        f"{best.problem} in {_on_one_line(str(best.tier), int(best.threads))} at size {best.size}: "
        f"{digits(100.0 * float(best.share_of_floor), 2)} % of it.",
        figure,
    )


def _scatter(axes: Any, x: Any, y: Any, style: int, tier: str, threads: int) -> None:
    """Draw the marks of a tier; those of several threads are empty."""
    colour = LINES[style % len(LINES)]
    axes.scatter(
        *(x, y),
        s=22,
        marker=MARKERS[style % len(MARKERS)],
        color=colour if threads == 1 else "none",
        edgecolor=colour,
        label=_on_one_line(tier, threads),
    )


# --- what compiling costs


def _costs(frame: pd.DataFrame) -> Picture | None:
    """Draw seconds to compile and to load, a line a jitted problem and tier."""
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
    figure = _figure(6.4, 0.9 + (0.42 if several else 0.34) * len(cells))
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


def _break_even(frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw after how many calls compiling has paid, against NumPy: a mark a size and tier."""
    column = "break_even_calls_vs_numpy"
    if column not in frame:
        return None
    rows = frame[frame[column].notna()]
    if rows.empty:
        return None
    lines = _of_dtypes(rows)
    problems = list(dict.fromkeys(lines))
    calls = rows[column].astype("float64")
    finite = calls[np.isfinite(calls)]
    never = 10.0 ** (math.ceil(math.log10(max(finite.max(), 1.0))) + 1) if len(finite) else 10.0
    sizes = list(dict.fromkeys(rows["size"].astype(str)))
    figure = _figure(6.4, 1.4 + 0.27 * len(problems))
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


# --- agreement


def _errors(frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw the largest error of each problem and tier, over its sizes."""
    rows = frame[(frame["tier"] != "loop") & frame["max_abs_error"].notna()]
    rows = rows[np.isfinite(rows["max_abs_error"])]
    if rows.empty:
        return None
    rows = rows.assign(line=_of_dtypes(rows))
    largest = rows.groupby(["line", "tier"], sort=False, observed=True)["max_abs_error"].max()
    problems = list(dict.fromkeys(rows["line"]))
    tiers = in_order(rows["tier"].astype(str))
    positive = largest[largest > 0.0]
    least = 10.0 ** math.floor(math.log10(positive.min())) if len(positive) else 1e-17
    zero = least / 10.0
    figure = _figure(6.4, 1.3 + 0.27 * len(problems))
    axes = figure.subplots()
    for number, tier in enumerate(tiers):
        of_tier = {str(key[0]): value for key, value in largest.items() if key[1] == tier}
        spread = 0.5 * ((number + 0.5) / len(tiers) - 0.5)
        axes.plot(
            [max(value, zero) for value in of_tier.values()],
            [problems.index(problem) + spread for problem in of_tier],
            MARKERS[styles[tier] % len(MARKERS)],
            color=LINES[styles[tier] % len(LINES)],
            markersize=5.0,
            label=tier,
        )
    axes.set(xscale="log", xlabel="largest absolute error against the oracle")
    axes.set_yticks(range(len(problems)), problems)
    axes.invert_yaxis()
    decades = range(round(math.log10(zero)), math.ceil(math.log10(max(largest.max(), zero))) + 1)
    shown = list(decades)[:: max(1, len(decades) // 6)]
    axes.set_xticks(
        [10.0**decade for decade in shown],
        ["0" if decade == decades[0] else f"1e{decade}" for decade in shown],
    )
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    figure.legend(loc="outside lower center", ncols=4)
    (problem, tier), value = largest.idxmax(), largest.max()
    return Picture(
        "errors",
        "Largest error of each problem and tier",
        f"{len(largest)} tiers of problems against the oracle. The largest error is {value:.1e}, "
        f"of {problem} in {tier}; {int((largest == 0.0).sum())} are exactly 0.",
        figure,
    )


# --- the post


def _descents() -> Iterator[Picture]:
    for (rate, steps), caption in zip(demo.DESCENTS, demo.CAPTIONS, strict=True):
        path = demo.descent_path(rate, steps)
        figure = _figure(4.1, 3.4)
        demo.draw_descent(figure.subplots(), path, rate, caption)
        end = digits(float(path[-1]), 4)
        yield Picture(
            _file_name(f"descent-{rate:g}"),
            f"Gradient descent on x² at learning rate {rate:g}",
            f"From {path[0]:g}, in {steps} steps, to {end}: it {caption}.",
            figure,
        )


def _training() -> Picture:
    losses: NDArray[np.float64] = np.asarray(demo.lecture_losses(), np.float64)
    figure = _figure(6.4, 3.4)
    axes = figure.subplots()
    axes.plot(losses, color=LINES[1], linewidth=1.8)
    axes.set(yscale="log", xlabel="epoch", ylabel="loss")
    marked = [0, 100, 500, len(losses) - 1]
    axes.plot(marked, losses[marked], "o", color=PATH, markersize=5.0)
    for epoch in marked:
        axes.annotate(
            digits(float(losses[epoch])) if losses[epoch] >= 1e-4 else f"{losses[epoch]:.0e}",
            (epoch, losses[epoch]),
            (5, 7) if epoch < marked[-1] else (-5, 9),
            textcoords="offset points",
            ha="left" if epoch < marked[-1] else "right",
        )
    return Picture(
        "training",
        "Loss of the lecture's training by epoch",
        f"From {losses[0]:.4g} at epoch 0 over {losses[100]:.4g} at 100 and {losses[500]:.4g} at "
        f"500 to {losses[-1]:.0e} at {len(losses) - 1}.",
        figure,
    )
