"""Find the reasons why a cell's times are too noisy to trust."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.measurement.conditions import Conditions
from bench.model import LEAST_PASSES

# pyperf calls a benchmark unstable above this spread of its passes.
SPREAD = 0.1
# A first pass is unusual if it is outside the range of the others and this far from their median.
FIRST_PASS = 0.1
FREQUENCY = 0.1
# A process that computes but gets less of a core than this has shared it.
CORE_SHARE = 0.9
# If at least this share of the passes was disturbed, so is their median.
DISTURBED = 0.5


@dataclass(frozen=True)
class TimedPass:
    """One pass of a cell: seconds per call, and the conditions."""

    number: int
    median_s: float
    conditions: Conditions


def reasons(passes: Sequence[TimedPass]) -> tuple[str, ...]:
    """Return why the times of a cell are too noisy to trust; empty if they are not.

    Parameters
    ----------
    passes : sequence of TimedPass
        The passes in which the cell was timed, in order.

    Returns
    -------
    tuple of str
        Each has a kind, a colon and the measured value. ``few passes``: too few for an interval.
        ``spread``: the interquartile range of the passes' medians divided by 1.349 (for normal
        noise, the standard deviation), relative to their median. ``first pass``: outside the range
        of the others, and far from their median. ``frequency``: the core's range over the passes.
        ``load``: passes in which the process had less than a core.

    Examples
    --------
    >>> reasons([TimedPass(number, 1e-6, Conditions()) for number in (1, 2)])
    ('few passes: 2',)
    """
    found = []
    times = np.array([one.median_s for one in passes])
    if len(times) < LEAST_PASSES:
        found.append(f"few passes: {len(times)}")
    else:
        q1, median, q3 = np.quantile(times, (0.25, 0.5, 0.75))
        spread = (q3 - q1) / 1.349 / median
        if spread > SPREAD:
            found.append(f"spread: {100.0 * spread:.0f} %")
        found += _first_pass(passes)
    rates = [one.conditions.mhz for one in passes if one.conditions.mhz]
    if rates and max(rates) > (1.0 + FREQUENCY) * min(rates):
        found.append(f"frequency: {min(rates):.0f} to {max(rates):.0f} MHz")
    shares = [one.conditions.cpu_share for one in passes]
    disturbed = sum(share is not None and share < CORE_SHARE for share in shares)
    if disturbed >= DISTURBED * len(passes) > 0:
        found.append(f"load: shared its core in {disturbed} of {len(passes)} passes")
    return tuple(found)


def _first_pass(passes: Sequence[TimedPass]) -> list[str]:
    """Return the reason, if the run's first pass is among the passes and unlike the others."""
    first, *others = passes
    rest = [one.median_s for one in others]
    ratio = first.median_s / float(np.median(rest))
    inside = min(rest) <= first.median_s <= max(rest)
    if first.number != 1 or inside or 1.0 / (1.0 + FIRST_PASS) <= ratio <= 1.0 + FIRST_PASS:
        return []
    return [f"first pass: {ratio:.2f} times the others"]
