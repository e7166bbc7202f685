"""What makes the times of a cell not to be trusted, in words, and the clocks that tell.

What the times come to is left to `table`, ratios and their intervals to `ratios`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.measurement.conditions import Conditions
from bench.model import LEAST_PASSES

# The spread of the passes above which pyperf calls a benchmark unstable.
SPREAD = 0.1
# A first pass counts as unlike where it is outside of all others and so far from their median.
FIRST_PASS = 0.1
FREQUENCY = 0.1
# A process that computes and gets less of a core than this has shared it.
CORE_SHARE = 0.9
# Of the passes: from there on, the median over them is of a pass that was disturbed.
DISTURBED = 0.5


@dataclass(frozen=True)
class TimedPass:
    """What one pass says about a cell: seconds of a call, and the conditions."""

    number: int
    median_s: float
    conditions: Conditions


def reasons(passes: Sequence[TimedPass]) -> tuple[str, ...]:
    """Return why the times of a cell are not to be trusted; nothing where they are.

    Parameters
    ----------
    passes : sequence of TimedPass
        Those in which the cell was timed, in order.

    Returns
    -------
    tuple of str
        Each is a kind, a colon and what was found. ``few passes``: too few for an interval.
        ``spread``: the interquartile range of the passes' medians over 1.349, which for normal
        noise is its standard deviation, relative to their median. ``first pass``: outside of all
        others, and far from their median. ``frequency``: the core's, over the passes. ``load``:
        passes in which the process had less than a core.

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
    """Return the reason where the first pass of the run, if it is there, is unlike the others."""
    first, *others = passes
    rest = [one.median_s for one in others]
    ratio = first.median_s / float(np.median(rest))
    inside = min(rest) <= first.median_s <= max(rest)
    if first.number != 1 or inside or 1.0 / (1.0 + FIRST_PASS) <= ratio <= 1.0 + FIRST_PASS:
        return []
    return [f"first pass: {ratio:.2f} of the others"]
