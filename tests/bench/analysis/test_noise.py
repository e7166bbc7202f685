"""Reasons not to trust a cell, one at a time; and the clock."""

import time

import pytest

from bench.analysis import noise
from bench.analysis.noise import TimedPass, reasons
from bench.measurement import conditions
from bench.measurement.conditions import Conditions

STEADY = [1.00, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01]


def passes(times=STEADY, shares=(), first=1, calls=10_000):
    shares = list(shares) or [None] * len(times)
    return [
        TimedPass(first + i, 1e-6 * seconds, calls * 1e-6 * seconds, Conditions(share))
        for i, (seconds, share) in enumerate(zip(times, shares, strict=True))
    ]


def test_a_steady_cell_has_no_reason():
    assert reasons(passes(shares=[1.0] * 8)) == ()
    assert reasons(passes()) == (), "nor where the system does not tell"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (passes([1.0] * 5), "few passes: 5"),
        (passes([1.0, 1.4, 0.8, 1.0, 1.3, 0.7, 1.0, 1.2]), "spread: 43 %"),
        (passes([5.0, 1.5, 1.0, 5.0, 1.2, 5.0]), "spread: 50 %"),
        (passes(shares=[0.5] * 8), "load: shared its core in 3 of the 3 quickest passes"),
        (
            passes([0.9, 0.9, 1.0, 0.9, *STEADY[4:]], [0.8, 0.5, *[1.0] * 6]),
            "load: shared its core in 2 of the 3 quickest passes",
        ),
    ],
)
def test_each_reason(found, reason):
    assert reasons(found) == (reason,)


@pytest.mark.parametrize(
    "found",
    [
        passes([1.5, *STEADY[1:]]),
        passes([*STEADY[1:], 1.5]),
        passes([1.0, 2.0, 1.7, 1.05, 1.9, 1.8, 1.6, 1.09]),
        passes([1.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 1.0], [1.0, *[0.5] * 6, 1.0]),
        passes(shares=[1.9] * 8),
        passes(shares=[0.5] * 8, calls=300),
    ],
    ids=["first", "last", "most", "load of the others", "threads", "rounds shorter than a turn"],
)
def test_what_does_not_reach_the_time_of_a_cell_is_no_reason(found):
    assert reasons(found) == ()


def test_the_quickest_passes():
    assert noise.quickest([3.0, 1.0, 2.0, 1.0, 5.0, 0.5, 6.0]) == [5, 1, 3]
    assert sorted(noise.quickest([3.0, 1.0, 2.0, 1.0, 5.0])) == [0, 1, 2, 3, 4], "too few to choose"
    assert noise.quickest([]) == []


def test_a_process_that_waits_is_seen_to():
    before = conditions.start()
    time.sleep(0.05)
    share = conditions.conditions_since(before).cpu_share
    assert 0.0 <= share < noise.CORE_SHARE
