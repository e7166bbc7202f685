"""Ratios of times: paired by pass, with an interval, compared with the noise of the same code."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.model import LEAST_PASSES

CONFIDENCE = 0.95
# Of a speed-up whose interval spans more than this factor, the size is unknown.
WIDE = 2.0
# A twin whose interval spans more than this was disturbed itself: as a measure of noise, it would
# turn gains of that size into ties.
WIDE_TWIN = 1.5
# Times within this factor are of one order: microseconds are not as noisy as milliseconds.
SAME_ORDER = 10.0


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval; NaN if there are too few passes."""

    value: float
    low: float
    high: float

    def is_within(self, factor: float) -> bool:
        """Whether there is an interval, and it spans at most this factor."""
        return self.high <= factor * self.low


TieOrClear = Literal["clear", "unclear", "tie", "unknown"]


def paired(over: NDArray[np.float64], under: NDArray[np.float64]) -> Ratio:
    """Return the ratio of two cells' times, from passes in which both were timed.

    In pass p the ratio is r_p = over_p / under_p: what slows a whole pass slows both cells, and
    cancels. The value is exp(median_p log r_p), so that the inverse ratio is its reciprocal, and a
    disturbed pass has no more weight than any other.

    The interval is what two intervals have in common, as noise comes in two kinds:

    - What slows both cells of a pass drops out of the r_p. Their interval is from the k-th smallest
      to the k-th largest (sign test).
    - What slows one cell of a pass, and not the other, spoils r_p, but leaves both their quickest
      passes. Their interval is from the quickest pass of `over` divided by the m-th quickest of
      `under`, to the m-th quickest of `over` divided by the quickest of `under` (precedence test).

    k and m are such that for two cells of the same code both intervals contain 1 with a probability
    of at least `CONFIDENCE`, whatever the distribution of the noise. Should the intervals exclude
    each other, the first one counts. A value outside is moved to the nearest end.

    Parameters
    ----------
    over, under : (passes,) float64
        Seconds per call in each pass, in order; NaN if it was not timed. The shorter array lacks
        the last passes.

    Returns
    -------
    Ratio
        NaN without a common pass; no interval if there are fewer than `LEAST_PASSES`.

    References
    ----------
    P. J. Fleming, J. J. Wallace, "How not to lie with statistics: the correct way to summarize
    benchmark results", CACM 29 (1986), for ratios in logarithms. W. J. Conover, "Practical
    Nonparametric Statistics" (1999), section 3.2, for the interval of a median. L. S. Nelson,
    "Tables for a precedence life test", Technometrics 5 (1963).

    Examples
    --------
    >>> paired(np.array([2.0, 4.0, np.nan]), np.array([1.0, 1.0, 1.0])).value
    2.82842712474619
    """
    count = min(len(over), len(under))
    logs = np.log([over[:count], under[:count]])
    first, second = logs[:, np.isfinite(logs).all(axis=0)]
    if not len(first):
        return Ratio(math.nan, math.nan, math.nan)
    pairs = np.sort(first - second)
    value = float(np.median(pairs))
    if len(pairs) < LEAST_PASSES:
        return Ratio(math.exp(value), math.nan, math.nan)
    k, m = _ranks(len(pairs))
    first, second = np.sort(first), np.sort(second)
    low, high = max(pairs[k], first[0] - second[m]), min(pairs[-1 - k], first[m] - second[0])
    if low > high:
        low, high = pairs[k], pairs[-1 - k]
    return Ratio(math.exp(min(max(value, low), high)), math.exp(low), math.exp(high))


@cache
def _ranks(passes: int) -> tuple[int, int]:
    """Return the ranks k and m of `paired`, from 0.

    For cells of the same code, the first interval excludes 1 with probability 2 Σ_{i≤k} C(n, i)/2ⁿ.
    The second does if the m + 1 quickest of all 2n are of one cell: 2 C(n, m + 1)/C(2n, m + 1), and
    less if passes have noise in common. It has what the first leaves of 1 − `CONFIDENCE`.
    """
    allowed = 1.0 - CONFIDENCE
    tails = itertools.accumulate(math.comb(passes, i) / 2 ** (passes - 1) for i in range(passes))
    possible = list(itertools.takewhile(lambda tail: tail <= allowed, tails))
    left = allowed - possible[-1]
    m = next(
        m
        for m in range(passes)
        if 2.0 * math.comb(passes, m + 1) / math.comb(2 * passes, m + 1) <= left
    )
    return len(possible) - 1, m


def noise_floor(seconds: float, twins: Iterable[tuple[float, Ratio]]) -> float:
    """Return the factor, at least 1, up to which timings of the same code differed in a run.

    It is the interval end furthest from 1 over the pairs of a cell and its twin whose time is of
    the same order as `seconds` (`SAME_ORDER`); if there are none, of those nearest to it. An end
    below 1 is inverted, as either could be called the twin. A pair whose interval is wide
    (`WIDE_TWIN`) says nothing.

    Parameters
    ----------
    seconds : float
        The time of the cell whose speed-ups are to be classified. Only where a speed-up is near 1
        does the floor matter, and then both times are of the same order.
    twins : iterable of (seconds, Ratio)
        The cells that were timed twice: time, and ratio to the twin.

    Returns
    -------
    float
        NaN if there is no pair that says something.
    """
    ends = [
        (abs(math.log(seconds / its)), max(abs(math.log(ratio.low)), abs(math.log(ratio.high))))
        for its, ratio in twins
        if ratio.is_within(WIDE_TWIN)
    ]
    reach = max(math.log(SAME_ORDER), min((distance for distance, _ in ends), default=math.nan))
    return math.exp(max((end for distance, end in ends if distance <= reach), default=math.nan))


def tie_or_clear(low: float, high: float, floor: float) -> TieOrClear:
    """Classify a speed-up by its interval.

    Parameters
    ----------
    low, high : float
        The interval.
    floor : float
        The `noise_floor` at this time. If NaN, as in a run without twins, nothing is a tie.

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
