"""The pictures of a run, drawn from its table: one module per section of the page."""

from collections.abc import Iterator

import matplotlib as mpl
import pandas as pd

from bench.model import in_order
from bench.report.pictures.costs import break_even, compile_costs
from bench.report.pictures.errors import errors
from bench.report.pictures.roofline import roofline, shares_of_floor, with_floors
from bench.report.pictures.speedups import heat_map
from bench.report.pictures.style import STYLE, Picture, of_dtypes
from bench.report.pictures.times import times


def pictures(frame: pd.DataFrame) -> Iterator[tuple[str, Picture]]:
    """Yield the pictures that the table has figures for, each with its section of the page.

    The sections are ``speedups``, ``times``, ``roofline``, ``costs`` and ``errors``.
    """
    styles = {tier: number for number, tier in enumerate(in_order(frame["tier"].astype(str)))}
    with mpl.rc_context(STYLE):
        for other in ("numpy", "loop", "numba"):
            found = heat_map(frame, other)
            if found:
                yield "speedups", found
        for name, group in frame.groupby(of_dtypes(frame), sort=False):
            found = times(str(name), group, styles)
            if found:
                yield "times", found
        floored = with_floors(frame)
        for section, found in (
            ("roofline", roofline(floored, styles)),
            ("roofline", shares_of_floor(floored, styles)),
            ("costs", compile_costs(frame)),
            ("costs", break_even(frame, styles)),
            ("errors", errors(frame, styles)),
        ):
            if found:
                yield section, found
