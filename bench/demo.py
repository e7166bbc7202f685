"""The post's own examples, computed by the kernels: pictures of descent, and its training."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from bench.model import Problem
from bench.problems import PROBLEMS
from bench.problems.descent import POST_RUNS, POST_START
from bench.units import duration

# The post's two, and one of the rates above 1 that it warns of, for as long as it fits a picture.
DIVERGING = (1.05, 12)
DESCENTS = (*POST_RUNS, DIVERGING)
CAPTIONS = ("crawls towards 0", "swings, and converges", "swings, and diverges")
EVERY = 100
INK, CURVE, PATH, START, GRID = "#22303c", "#9fb3c8", "#d1495b", "#00798c", "#e6ebf0"


def draw_descents(folder: Path, *, show: bool) -> list[Path]:
    """Draw descents on x² into PNG files, one each and all side by side.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    show : bool
        Also in a window, where there is a screen.

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


def descent_path(rate: float, steps: int) -> NDArray[np.float64]:
    """Return the path on x² from the post's start."""
    from kernels import gradient_descent  # loads Numba

    path: NDArray[np.float64] = gradient_descent(lambda x: 2.0 * x, POST_START, rate, steps)
    return path


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
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@dataclass(frozen=True)
class Training:
    """The post's training in one tier."""

    tier: str
    losses: Sequence[float]
    seconds: float
    compile_s: float
    """What the first call took longer than the second; 0 where there is nothing to compile."""


def train_lecture(say: Callable[[str], None] = lambda _: None) -> list[Training]:
    """Train the post's classifier in every tier.

    Parameters
    ----------
    say : function of str
        Told which tier is at work.
    """
    its_problem = _lecture()
    trainings = []
    for tier in its_problem.tiers:
        say(f"training: {tier}")
        trainings.append(_train(its_problem, tier))
    return trainings


def lecture_losses() -> Sequence[float]:
    """Return the loss of the post's training at each epoch, as NumPy computes it."""
    return _train(_lecture(), "numpy").losses


def _lecture() -> Problem:
    return next(one for one in PROBLEMS if one.name == "train_linear")


def _train(its_problem: Problem, tier: str) -> Training:
    arguments = its_problem.inputs("lecture", "float64")
    given = its_problem.prepared(tier, arguments)
    kernel = its_problem.tiers[tier].load()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        _, _, losses = kernel(*given)
        times.append(time.perf_counter() - start)
    compiled = tier in {"numba", "kernels"}
    return Training(tier, losses, times[1], times[0] - times[1] if compiled else 0.0)


def lecture_table(trainings: Sequence[Training]) -> Table:
    """Return epoch and loss side by side, and the seconds under them."""
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, show_footer=True)
    grid.add_column("loss at epoch", "trained in\ncompiled in", justify="right")
    for training in trainings:
        compiled = duration(training.compile_s) if training.compile_s else "-"
        grid.add_column(training.tier, f"{duration(training.seconds)}\n{compiled}", justify="right")
    for epoch in range(0, len(trainings[0].losses), EVERY):
        grid.add_row(str(epoch), *(_loss(training.losses[epoch]) for training in trainings))
    return grid


def _loss(value: float) -> str:
    if value >= 1e-4:
        return f"{value:.4f}"
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
