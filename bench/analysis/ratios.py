"""Ratios of times: paired by pass, with an interval, and held against what the same code shows.

The times of the passes and where the ratios go are left to `table`, two runs to `compare`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.model import LEAST_PASSES

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval; NaN for what the passes do not tell."""

    value: float
    low: float
    high: float


Standing = Literal["clear", "unclear", "tie", "unknown"]


def paired(over: NDArray[np.float64], under: NDArray[np.float64]) -> Ratio:
    """Return the ratio of two cells' times, from passes in which both were timed.

    In pass p the ratio is r_p = over_p / under_p: what slows a whole pass down slows both, and
    drops out. The value is exp(median_p log r_p), so that the ratio the other way round is its
    reciprocal, and a pass that something else disturbed counts for no more than any other. The
    interval is that of `CONFIDENCE`, by the percentile bootstrap of the same median over the
    passes. (Simulated, it holds the true value in 93 to 94.5 % of cases, with 6 to 20 passes of
    normal, skewed or outlier-ridden noise; that of a mean, in 60 to 70 % with the last.)

    Parameters
    ----------
    over, under : (passes,) float64
        Seconds of a call in each pass, in the order of the passes; NaN where it was not timed.
        The shorter one lacks the last passes.

    Returns
    -------
    Ratio
        NaN without a common pass; without an interval where there are fewer than `LEAST_PASSES`.

    Notes
    -----
    The resamples are seeded by the number of passes alone: the interval of a cell does not depend
    on which other cells are in the table.

    References
    ----------
    P. J. Fleming, J. J. Wallace, "How not to lie with statistics: the correct way to summarize
    benchmark results", CACM 29 (1986), for ratios in logarithms. B. Efron, R. J. Tibshirani, "An
    Introduction to the Bootstrap" (1993), chapter 13, for the percentile interval.

    Examples
    --------
    >>> paired(np.array([2.0, 4.0, np.nan]), np.array([1.0, 1.0, 1.0])).value
    2.82842712474619
    """
    count = min(len(over), len(under))
    logs = np.log(over[:count] / under[:count])
    logs = logs[np.isfinite(logs)]
    if not len(logs):
        return Ratio(math.nan, math.nan, math.nan)
    value = math.exp(np.median(logs))
    if len(logs) < LEAST_PASSES:
        return Ratio(value, math.nan, math.nan)
    interval = stats.bootstrap(
        (logs,),
        np.median,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Ratio(value, math.exp(interval.low), math.exp(interval.high))


def noise_floor(twins: Iterable[Ratio]) -> float:
    """Return the factor, at least 1, up to which timings of the same code differed in a run.

    It is that of the interval end that is furthest from 1 among the ratios of cells to their twins,
    either way round: which of the two is called the twin is chance. With one pair a problem, two
    other cells that are as fast as each other, and as noisy as those, stay within it in 14 of 15
    cases of a run of 14 problems.

    Parameters
    ----------
    twins : iterable of Ratio
        Of the cells that were timed twice.

    Returns
    -------
    float
        NaN where no pair has an interval.
    """
    ends = (end for ratio in twins for end in (ratio.low, ratio.high))
    return math.exp(max((abs(math.log(end)) for end in ends if end > 0.0), default=math.nan))


def standing(low: float, high: float, floor: float) -> Standing:
    """Return what a speed-up's interval allows to say.

    Parameters
    ----------
    low, high : float
        The interval.
    floor : float
        The run's `noise_floor`.

    Returns
    -------
    "tie"
        It lies within what the same code shows.
    "unclear"
        It holds 1, and reaches beyond that.
    "clear"
        Faster, or slower.
    "unknown"
        There is no interval.

    Examples
    --------
    >>> standing(0.98, 1.01, 1.03), standing(0.8, 1.2, 1.03), standing(1.1, 1.2, 1.03)
    ('tie', 'unclear', 'clear')
    """
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if 1.0 / floor <= low and high <= floor:
        return "tie"
    return "unclear" if low <= 1.0 <= high else "clear"
