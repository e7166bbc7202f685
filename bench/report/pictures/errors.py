"""The largest error of each problem and tier."""

import math
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd

from bench.model import in_order
from bench.report.pictures.style import LINES, MARKERS, Picture, new_figure, of_dtypes


def errors(frame: pd.DataFrame, styles: Mapping[str, int]) -> Picture | None:
    """Draw the largest error of each problem and tier, over its sizes."""
    rows = frame[(frame["tier"] != "loop") & frame["max_abs_error"].notna()]
    rows = rows[np.isfinite(rows["max_abs_error"])]
    if rows.empty:
        return None
    rows = rows.assign(line=of_dtypes(rows))
    largest = rows.groupby(["line", "tier"], sort=False, observed=True)["max_abs_error"].max()
    problems = list(dict.fromkeys(rows["line"]))
    tiers = in_order(rows["tier"].astype(str))
    positive = largest[largest > 0.0]
    least = 10.0 ** math.floor(math.log10(positive.min())) if len(positive) else 1e-17
    zero = least / 10.0
    figure = new_figure(6.4, 1.3 + 0.27 * len(problems))
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
