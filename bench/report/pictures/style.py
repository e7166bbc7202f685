"""The look of the pictures: palette and style; and saving one as a file or inline SVG."""

import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bench.common.files import write_atomic
from bench.report.words import heading

INK, CURVE, PATH, START, GRID = "#22303c", "#9fb3c8", "#d1495b", "#00798c", "#e6ebf0"
# After Okabe and Ito: colour-blind people can tell them apart; each has at least 4.5 : 1 on white.
LINES = ("#5a6875", "#0072b2", "#b34700", "#00795a", "#a0408c", "#7d6200", "#1f6f8b", "#b03030")
MARKERS = "osD^vP*X"
# The page replaces these by variables, so that one SVG serves light and dark (page.css).
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


@dataclass(frozen=True)
class Picture:
    """A figure with its words.

    Attributes
    ----------
    name : str
        Of its files, without suffix.
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
    write_atomic(png, _saved(picture, "png", dpi=DPI, facecolor="white"))
    about = {"Title": picture.title, "Description": picture.description, "Date": None}
    write_atomic(svg, _saved(picture, "svg", facecolor="white", metadata=about))
    return png, svg


def _saved(picture: Picture, kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    with mpl.rc_context(STYLE):
        picture.figure.savefig(held, format=kind, **options)
    return held.getvalue()


def inline(picture: Picture) -> str:
    """Return a picture as an SVG element with title and description, in the page's colours.

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


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def of_dtypes(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return the problem of each row, with the dtype if there are several."""
    names = rows["problem"].astype(str)
    return names + " " + rows["dtype"].astype(str) if rows["dtype"].nunique() > 1 else names


def on_one_line(tier: str, threads: int) -> str:
    """Return the heading of a tier's column in one line."""
    return heading(tier, threads).replace("\n", ", ")


def file_name(words: str) -> str:
    """Return words as a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", words)


def scatter(axes: Any, x: Any, y: Any, style: int, tier: str, threads: int) -> None:
    """Draw the marks of a tier, hollow for several threads."""
    colour = LINES[style % len(LINES)]
    axes.scatter(
        *(x, y),
        s=22,
        marker=MARKERS[style % len(MARKERS)],
        color=colour if threads == 1 else "none",
        edgecolor=colour,
        label=on_one_line(tier, threads),
    )
