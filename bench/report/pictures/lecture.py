"""The pictures of the blog post: gradient descent on x², and the loss of its training."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from bench.common.format import digits
from bench.problems.lecture import DESCENTS, descent_path
from bench.report.pictures.style import (
    CURVE,
    GRID,
    INK,
    LINES,
    PATH,
    START,
    STYLE,
    Picture,
    new_figure,
    save,
)

CAPTIONS = ("crawls towards 0", "swings, and converges", "swings, and diverges")


def draw_descents(folder: Path, *, show: bool) -> list[Path]:
    """Draw descents on x² into PNG files, one each and all side by side.

    Parameters
    ----------
    folder : Path
        Created if missing.
    show : bool
        Also open a window, if there is a terminal and a screen.

    Returns
    -------
    list of Path
        The files.
    """
    on_screen = show and _has_screen()
    if not on_screen:
        mpl.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    paths = [descent_path(rate, steps) for rate, steps in DESCENTS]
    names = []
    for (rate, _), path, caption in zip(DESCENTS, paths, CAPTIONS, strict=True):
        figure, axes = plt.subplots(figsize=(5.0, 4.2), layout="constrained", dpi=150)
        draw_descent(axes, path, rate, caption)
        names.append(folder / f"descent-{rate:g}.png")
        figure.savefig(names[-1])
        plt.close(figure)
    figure, all_axes = plt.subplots(
        1, len(paths), figsize=(12.5, 4.2), layout="constrained", dpi=150
    )
    for axes, (rate, _), path, caption in zip(all_axes, DESCENTS, paths, CAPTIONS, strict=True):
        draw_descent(axes, path, rate, caption)
    names.append(folder / "descent.png")
    figure.savefig(names[-1])
    if on_screen:
        plt.show()
    plt.close(figure)
    return names


def draw_descent(axes: Any, path: NDArray[np.float64], rate: float, caption: str) -> None:
    """Draw a path on x², its start and its steps, into the axes of a picture."""
    reach = 1.3 * float(np.abs(path).max())
    x = np.linspace(-reach, reach, 400)
    axes.plot(x, x**2, color=CURVE, linewidth=2.5, zorder=1)
    axes.plot(path, path**2, color=PATH, linewidth=0.9, alpha=0.75, zorder=2)
    axes.scatter(path, path**2, s=16, color=PATH, edgecolor="white", linewidth=0.4, zorder=3)
    start = path[0], path[0] ** 2
    axes.scatter(*start, s=48, color=START, zorder=4)
    beside = {"textcoords": "offset points", "ha": "right", "va": "center"}
    axes.annotate("start", start, (-9, 0), color=START, **beside)
    steps = len(path) - 1
    end = f"{path[-1]:.4g}" if abs(path[-1]) >= 1e-4 else "0"
    axes.set_title(f"learning rate {rate:g} {caption}", fontsize=11, color=INK)
    axes.set_xlabel(f"x after {steps} steps: {end}", color=INK)
    axes.set_ylabel("x²", color=INK, rotation=0, labelpad=10)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(CURVE)
    axes.tick_params(colors=INK)


def _has_screen() -> bool:
    if not sys.stdout.isatty():  # a script, which would wait for the window to be closed
        return False
    if sys.platform in {"darwin", "win32"}:
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def draw_training(folder: Path, losses: Sequence[float]) -> tuple[Path, ...]:
    """Draw the loss of the post's training at each epoch into a PNG and an SVG file."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        return save(_training(losses), folder)


def _training(losses: Sequence[float]) -> Picture:
    values: NDArray[np.float64] = np.asarray(losses, np.float64)
    figure = new_figure(6.4, 3.4)
    axes = figure.subplots()
    axes.plot(values, color=LINES[1], linewidth=1.8)
    axes.set(yscale="log", xlabel="epoch", ylabel="loss")
    marked = [0, 100, 500, len(values) - 1]
    axes.plot(marked, values[marked], "o", color=PATH, markersize=5.0)
    for epoch in marked:
        axes.annotate(
            digits(float(values[epoch])) if values[epoch] >= 1e-4 else f"{values[epoch]:.0e}",
            (epoch, values[epoch]),
            (5, 7) if epoch < marked[-1] else (-5, 9),
            textcoords="offset points",
            ha="left" if epoch < marked[-1] else "right",
        )
    return Picture(
        "training",
        "Loss of the lecture's training by epoch",
        f"From {values[0]:.4g} at epoch 0 over {values[100]:.4g} at 100 and {values[500]:.4g} at "
        f"500 to {values[-1]:.0e} at {len(values) - 1}.",
        figure,
    )
