"""The pictures of the training on digits: its loss by epoch, and the learned templates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from bench.common.format import digits
from bench.problems.digits import CLASSES, Trained
from bench.report.pictures.style import LINES, STYLE, Picture, new_figure, save


def draw_digits(folder: Path, found: Sequence[Trained]) -> tuple[Path, ...]:
    """Draw the losses by epoch and the templates into PNG and SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        return *save(_losses(found), folder), *save(_templates(found), folder)


def _losses(found: Sequence[Trained]) -> Picture:
    figure = new_figure(8.4, 3.4)
    all_axes: Any = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, one in zip(all_axes, found, strict=True):
        _curves(axes, one)
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    apart = max(one.spread for one in found)
    return Picture(
        "digits-losses",
        "Loss of the training on digits by epoch",
        f"The curves of all versions lie on each other: they differ by at most {apart:.0e}.",
        figure,
    )


def _curves(axes: Any, one: Trained) -> None:
    """Draw each version thinner than the one below it, so that all are seen."""
    for number, training in enumerate(one.trainings):
        above = len(one.trainings) - number
        axes.plot(
            np.asarray(training.losses),
            color=LINES[number % len(LINES)],
            linewidth=0.2 + 1.3 * above,
            solid_capstyle="butt",
            label=training.tier,
        )
    axes.set(yscale="log", xlabel="epoch", ylabel="loss", title=one.loss)
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(lambda value, _: digits(value, 1))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())


def _templates(found: Sequence[Trained]) -> Picture:
    figure = new_figure(8.4, 0.35 + 1.05 * len(found))
    all_axes: Any = figure.subplots(len(found), CLASSES, squeeze=False)
    for digit, axes in enumerate(all_axes[0]):
        axes.set_title(str(digit))
    for row, one in zip(all_axes, found, strict=True):
        most = float(np.abs(one.templates).max())
        for digit, axes in enumerate(row):
            axes.imshow(one.templates[digit], cmap="RdBu_r", vmin=-most, vmax=most)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[["left", "bottom"]].set_visible(False)
        row[0].set_ylabel(one.loss)
    return Picture(
        "digits-templates",
        "Templates of the ten digits",
        "The weights of each class as an image: red pixels speak for the digit, blue ones against.",
        figure,
    )
