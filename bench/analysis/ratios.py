"""Ratios of times: paired by pass, with an interval, compared with the noise of the same code."""

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
    """A ratio with its interval; NaN if there are too few passes."""

    value: float
    low: float
    high: float


TieOrClear = Literal["clear", "unclear", "tie", "unknown"]


def paired(over: NDArray[np.float64], under: NDArray[np.float64]) -> Ratio:
    """Return the ratio of two cells' times, from passes in which both were timed.

    In pass p the ratio is r_p = over_p / under_p: what slows a whole pass slows both cells, and
    cancels. The value is exp(median_p log r_p), so that the inverse ratio is its reciprocal, and a
    disturbed pass has no more weight than any other. The interval has the confidence `CONFIDENCE`,
    by the percentile bootstrap of the same median over the passes. (In simulations, it contains the
    true value in 93 to 94.5 % of cases, with 6 to 20 passes of normal or skewed noise, or noise
    with many outliers; with these, the interval of a mean contains it in 60 to 70 %.)

    Parameters
    ----------
    over, under : (passes,) float64
        Seconds per call in each pass, in order; NaN if it was not timed. The shorter array lacks
        the last passes.

    Returns
    -------
    Ratio
        NaN without a common pass; no interval if there are fewer than `LEAST_PASSES`.

    Notes
    -----
    The resamples depend only on the seed and the number of passes: the interval of a cell does not
    depend on the other cells in the table.

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

    It is the interval end furthest from 1 over all pairs of a cell and its twin, inverted if below
    1, as either could be called the twin. In a run of 14 problems, with one pair per problem, two
    other cells of equal speed and noise stay within it in 14 of 15 cases.

    Parameters
    ----------
    twins : iterable of Ratio
        The ratios of the cells that were timed twice.

    Returns
    -------
    float
        NaN if no pair has an interval.
    """
    ends = (end for ratio in twins for end in (ratio.low, ratio.high))
    return math.exp(max((abs(math.log(end)) for end in ends if end > 0.0), default=math.nan))


def tie_or_clear(low: float, high: float, floor: float) -> TieOrClear:
    """Classify a speed-up by its interval.

    Parameters
    ----------
    low, high : float
        The interval.
    floor : float
        The run's `noise_floor`. If NaN, as in a run without twins, nothing is a tie.

    Returns
    -------
    "tie"
        The interval lies within the noise floor.
    "unclear"
        It contains 1, and exceeds the noise floor.
    "clear"
        It excludes 1, and is not within the noise floor.
    "unknown"
        There is no interval.

    Examples
    --------
    >>> tie_or_clear(0.98, 1.01, 1.03), tie_or_clear(0.8, 1.2, 1.03), tie_or_clear(1.1, 1.2, 1.03)
    ('tie', 'unclear', 'clear')
    """
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if 1.0 / floor <= low and high <= floor:
        return "tie"
    return "unclear" if low <= 1.0 <= high else "clear"
