"""Analyse a sweep along N: where one tier passes another, and how time grows.

A sweep is a run like any other, of sizes such as M@4096: the size M with another n. Along another
number, that number takes the place of n here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bench.analysis import ratios
from bench.analysis.columns import pass_medians
from bench.analysis.ratios import CONFIDENCE, Ratio
from bench.model import is_threaded, swept

# Pairs whose crossing is reported: the tier that may get ahead, and the one that it passes.
PAIRS = (
    *(("numpy", "loop"), ("numba", "loop"), ("numba", "numpy"), ("numba-parallel", "numba")),
    *(("kernels", "numpy"), ("kernels", "numba"), ("kernels-parallel", "kernels")),
)
# A slope is fitted to the sizes whose call takes at least this many times that of the smallest
# size: for smaller ones, the cost of an empty call hides how the work grows.
ABOVE_SMALLEST = 5.0
# A line needs one point more than it has parameters; a useful interval, one more.
LEAST_SIZES = 4
# Caches change an exponent by up to this much.
BEND = 0.1


@dataclass(frozen=True)
class Crossing:
    """Where one tier passes another, along n.

    Attributes
    ----------
    tier, over : str
        The tier that passes, and the tier that is passed.
    threads : int
        Of `tier`.
    dtype : str
    ahead_from : int, optional
        The smallest n from which `tier` is faster at every n, by the whole interval of the ratio.
    behind_to : int, optional
        The largest n at which `tier` is slower, by the whole interval.
    near : float, optional
        The n at which the ratio is 1, interpolated between its neighbours in logarithms.
    smallest, largest : int
        The range of n at which their ratio has an interval; with few passes it has none.
    """

    tier: str
    over: str
    threads: int
    dtype: str
    ahead_from: int | None
    behind_to: int | None
    near: float | None
    smallest: int
    largest: int


@dataclass(frozen=True)
class Growth:
    """How the time of a tier grows: as n to the power `exponent`, with its interval.

    NaN if there are too few sizes at which the work exceeds the cost of an empty call.
    """

    tier: str
    threads: int
    dtype: str
    exponent: float
    low: float
    high: float
    smallest: int
    largest: int
    sizes: int

    def disagrees(self, stated: float) -> bool:
        """Whether the interval excludes the stated exponent, by more than caches explain."""
        outside = not self.low <= stated <= self.high
        return outside and abs(self.exponent - stated) > BEND


def along(frame: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the number that a sweep varies, and its table with that number in the column n.

    Parameters
    ----------
    frame : DataFrame
        The table of a sweep.
    """
    sizes = [swept(size) for size in frame["size"].astype(str)]
    values = pd.Series([int(value) for _, _, value in sizes], frame.index, "Int64")
    return sizes[0][1], frame.assign(n=values)


def crossings(frame: pd.DataFrame, along: str = "n") -> list[Crossing]:
    """Return where the tiers pass one another in a sweep.

    Parameters
    ----------
    frame : DataFrame
        The table of a run of one problem at several n.
    along : str
        The column with the size of a cell's inputs.

    Notes
    -----
    A parallel tier is compared with the serial one only at more than one thread.
    """
    found = []
    for dtype, of_dtype in frame.groupby("dtype", sort=False, observed=True):
        times = _times(of_dtype, along)
        for tier, over in PAIRS:
            for (its_tier, threads), its in times.items():
                alone = is_threaded(its_tier) and threads == 1
                if its_tier == tier and (over, 1) in times and not alone:
                    one = _crossing(its, times[over, 1], tier, over, threads, str(dtype))
                    found += [one] if one else []
    return found


def _times(
    frame: pd.DataFrame, along: str
) -> dict[tuple[str, int], dict[int, NDArray[np.float64]]]:
    """Return the times of the passes, by tier and threads, then by size."""
    found: dict[tuple[str, int], dict[int, NDArray[np.float64]]] = {}
    rows: Iterable[Any] = frame[frame["median_s"].notna()].sort_values(along).itertuples()
    for row in rows:
        of_tier = found.setdefault((str(row.tier), int(row.threads)), {})
        of_tier[int(getattr(row, along))] = pass_medians(row.pass_medians_s)
    return found


def _crossing(
    its: dict[int, NDArray[np.float64]],
    others: dict[int, NDArray[np.float64]],
    tier: str,
    over: str,
    threads: int,
    dtype: str,
) -> Crossing | None:
    both = {n: ratios.paired(others[n], its[n]) for n in its if n in others}
    found = {n: ratio for n, ratio in both.items() if not math.isnan(ratio.low)}
    if not found:
        return None
    ahead_from = None
    for n in sorted(found, reverse=True):
        if found[n].low <= 1.0:
            break
        ahead_from = n
    behind = [n for n, ratio in found.items() if ratio.high < 1.0]
    return Crossing(
        *(tier, over, threads, dtype, ahead_from, max(behind, default=None)),
        _near(found, ahead_from),
        *(min(found), max(found)),
    )


def _near(found: dict[int, Ratio], ahead_from: int | None) -> float | None:
    """Return the n at which the line between the last ratio below 1 and the next one reaches 1."""
    along = sorted(found)
    if ahead_from is None or ahead_from == along[0]:
        return None
    for before, after in reversed(list(pairwise(along))):
        low, high = found[before].value, found[after].value
        if low < 1.0 <= high:
            share = -math.log(low) / (math.log(high) - math.log(low))
            return math.exp(math.log(before) + share * math.log(after / before))
    return None


def growths(frame: pd.DataFrame) -> list[Growth]:
    """Return how the time of each tier grows along n.

    The exponent is the slope p of the line log t = a + p·log n, fitted by least squares to the
    sizes whose call takes at least `ABOVE_SMALLEST` times that of the smallest. Its interval, of
    confidence `CONFIDENCE`, is p ± t·s: Student's t at two degrees of freedom fewer than sizes,
    and its standard error s.

    Parameters
    ----------
    frame : DataFrame
        The table of a run of one problem at several n.

    References
    ----------
    N. R. Draper, H. Smith, "Applied Regression Analysis" (1998), section 1.4.
    """
    timed = frame[frame["median_s"].notna()]
    return [
        _growth(of_tier.sort_values("n"))
        for _, of_tier in timed.groupby(["dtype", "tier", "threads"], sort=False, observed=True)
    ]


def _growth(timed: pd.DataFrame) -> Growth:
    first: Any = next(timed.itertuples())
    which = str(first.tier), int(first.threads), str(first.dtype)
    n = timed["n"].to_numpy(np.float64)
    seconds = timed["median_s"].to_numpy(np.float64)
    fitted = seconds >= ABOVE_SMALLEST * seconds[0]
    n, seconds = n[fitted], seconds[fitted]
    within = int(min(n, default=0)), int(max(n, default=0)), len(n)
    if len(n) < LEAST_SIZES:
        return Growth(*which, math.nan, math.nan, math.nan, *within)
    (slope, _), covariance = np.polyfit(np.log(n), np.log(seconds), 1, cov=True)
    # `scipy.stats` has the same quantile, and takes a second to load
    student = special.stdtrit(len(n) - 2, 0.5 + CONFIDENCE / 2.0)
    reach = float(student * math.sqrt(covariance[0, 0]))
    return Growth(*which, float(slope), slope - reach, slope + reach, *within)
