"""Find the passes that a cell's time is taken from, and why that time is too noisy to trust."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.measurement.conditions import Conditions
from bench.model import LEAST_PASSES

# Other work on a machine only ever adds to a time, so that the quickest passes are those without it
# (J. Chen, J. Revels, "Robust benchmarking in noisy environments", 2016). Three, as one could be a
# lucky one: three of 14 passes are undisturbed in 99 of 100 cells if half of the passes are.
QUICKEST = 3
# If these differ by more, they were not undisturbed.
SPREAD = 0.1
# A process that computes but gets less of a core than this has shared it.
CORE_SHARE = 0.9
# Processes that share a core take turns of some milliseconds. Few of the rounds that are shorter
# are interrupted, and the median ignores those: beside four processes that compute all the time, on
# two cores, all of 51 cells with such rounds had the times of a run without them, within 8 %.
LONG_ROUND_S = 1e-3


@dataclass(frozen=True)
class TimedPass:
    """One pass of a cell: seconds per call and per round, and the conditions."""

    number: int
    median_s: float
    round_s: float
    conditions: Conditions


def quickest(medians: Sequence[float]) -> list[int]:
    """Return the places of the `QUICKEST` smallest; of all, if there are too few to choose.

    Examples
    --------
    >>> quickest([3.0, 1.0, 2.0, 9.0, 5.0, 4.0])
    [1, 2, 0]
    """
    count = QUICKEST if len(medians) >= LEAST_PASSES else len(medians)
    return [int(i) for i in np.argsort(medians, kind="stable")[:count]]


def reasons(passes: Sequence[TimedPass]) -> tuple[str, ...]:
    """Return why the time of a cell is too noisy to trust; empty if it is not.

    Parameters
    ----------
    passes : sequence of TimedPass
        The passes in which the cell was timed, in order.

    Returns
    -------
    tuple of str
        Each has a kind, a colon and the measured value. ``few passes``: too few for an interval.
        ``spread``: how much the quickest passes differ. ``load``: in most of these the process had
        less than a core, and a round took long enough to be interrupted.

    Examples
    --------
    >>> reasons([TimedPass(number, 1e-6, 1e-3, Conditions()) for number in (1, 2)])
    ('few passes: 2',)
    """
    found = []
    chosen = [passes[i] for i in quickest([one.median_s for one in passes])]
    if len(passes) < LEAST_PASSES:
        found.append(f"few passes: {len(passes)}")
    elif (spread := chosen[-1].median_s / chosen[0].median_s - 1.0) > SPREAD:
        found.append(f"spread: {100.0 * spread:.0f} %")
    disturbed = sum(map(_shared_its_core, chosen))
    if 2 * disturbed > len(chosen):
        found.append(f"load: shared its core in {disturbed} of the {len(chosen)} quickest passes")
    return tuple(found)


def _shared_its_core(one: TimedPass) -> bool:
    share = one.conditions.cpu_share
    return share is not None and share < CORE_SHARE and one.round_s >= LONG_ROUND_S
