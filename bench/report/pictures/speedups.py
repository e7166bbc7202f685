"""Speed-ups over another tier, as a heat map."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm

from bench.report.pictures.style import GRID, Picture, new_figure, on_one_line
from bench.report.words import compared_with, speedup_words, tier_columns

# Orange is slower, purple faster: a pair that colour-blind people tell apart.
COLOURS = "PuOr"


def heat_map(frame: pd.DataFrame, other: str) -> Picture | None:
    """Draw speed-ups over a tier: one row per problem, one column per size, one block per tier."""
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
    figure = new_figure(2.0 + 0.66 * columns, 1.35 + 0.27 * len(problems))
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
        axes.set_title(on_one_line(*tier).replace(", ", "\n"))
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
        f"{best.problem} in {on_one_line(str(best.tier), int(best.threads))} at size {best.size}. "
        "All of them are in the table of this page.",
        figure,
    )


def _legible_on(ground: Sequence[float]) -> str:
    """Return black or white, whichever has more contrast, by WCAG's luminance."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in ground[:3]
    ]
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return "#000000" if luminance > 0.179 else "#ffffff"
