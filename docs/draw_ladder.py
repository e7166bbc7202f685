"""Draw the picture of ladder.md from the tables of runs of examples/ladder.py.

python docs/draw_ladder.py docs/ladder.png RUN [RUN]

If a cell is in both runs, the time of the first is drawn. Of the parallel rung, the cell with the
most threads is drawn.
"""

import sys

import matplotlib as mpl
import pandas as pd

import bench
from bench.common.format import digits
from bench.report.words import TIMES

RUNGS = {
    "loop": "1  loop",
    "numpy": "2  NumPy",
    "plain-njit": "3  plain njit",
    "branch-free": "4  branch-free",
    "vector-maximum": "5  vector maximum",
    "vector-exp": "6  vector exp",
    "blocks": "7  blocks of rows",
    "blocks-parallel": "8  two threads",
    "kernels": "kernels.softmax_loss",
}
TITLES = {"short": "20,000 rows of 10 classes", "long": "200 rows of 1000 classes"}
SCORES = 200_000
INK, BAR, BEST = "#22303c", "#9fb3c8", "#d1495b"


def main(picture, *runs):
    """Draw nanoseconds a score, a panel a size, a bar a rung."""
    frame = pd.concat([bench.load(run) for run in runs]).astype({"tier": str, "size": str})
    frame = frame[(frame["dtype"].astype(str) == "float64") & frame["median_s"].notna()]
    frame = frame.drop_duplicates(["tier", "size", "threads"])
    frame = frame.sort_values("threads").drop_duplicates(["tier", "size"], keep="last")
    frame["ns"] = frame["median_s"] / SCORES * 1e9
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # after the backend is chosen

    figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.9), sharey=True, layout="constrained")
    for axes, (size, title) in zip(panels, TITLES.items(), strict=True):
        rows = frame[frame["size"] == size].set_index("tier").loc[list(RUNGS)]
        colours = [BEST if value == rows["ns"].min() else BAR for value in rows["ns"]]
        bars = axes.barh(list(RUNGS.values()), rows["ns"], color=colours)
        labels = map(_label, rows["ns"], rows["speedup_vs_loop"])
        axes.bar_label(bars, list(labels), padding=3, color=INK)
        axes.set(xscale="log", title=title, xlabel="ns a score, one call, float64")
        axes.set_xlim(0.3, 4000)
        axes.tick_params(colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    figure.savefig(picture, dpi=110)


def _label(value, speedup):
    """Return the time, and the speed-up over the loop where the same run has one."""
    words = digits(value)
    if pd.isna(speedup) or speedup == 1.0:
        return words
    return f"{words}   {digits(speedup)}{TIMES} loop"


if __name__ == "__main__":
    main(*sys.argv[1:])
