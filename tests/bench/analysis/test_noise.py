"""Reasons not to trust a cell, one at a time; and the clocks."""

import time

import psutil
import pytest

from bench.analysis import noise
from bench.analysis.noise import TimedPass, reasons
from bench.measurement import conditions
from bench.measurement.conditions import Conditions

STEADY = [1.00, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01]


def passes(times=STEADY, shares=(), rates=(), first=1):
    count = len(times)
    shares, rates = list(shares) or [None] * count, list(rates) or [None] * count
    return [
        TimedPass(first + i, 1e-6 * seconds, Conditions(share, mhz))
        for i, (seconds, share, mhz) in enumerate(zip(times, shares, rates, strict=True))
    ]


def test_a_steady_cell_has_no_reason():
    assert reasons(passes(shares=[1.0] * 8, rates=[3000.0] * 8)) == ()
    assert reasons(passes()) == (), "nor where the system does not tell"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (passes([1.0] * 5), "few passes: 5"),
        (passes([1.0, 1.4, 0.8, 1.0, 1.3, 0.7, 1.0, 1.2]), "spread: 20 %"),
        (passes([1.5, *STEADY[1:]]), "first pass: 1.50 times the others"),
        (passes([0.5, *STEADY[1:]]), "first pass: 0.50 times the others"),
        (passes(rates=[3000.0] * 7 + [2000.0]), "frequency: 2000 to 3000 MHz"),
        (passes(shares=[1.0] * 4 + [0.5] * 4), "load: shared its core in 4 of 8 passes"),
    ],
)
def test_each_reason(found, reason):
    assert reasons(found) == (reason,)


def test_what_is_within_limits_is_no_reason():
    assert reasons(passes([1.05, *STEADY[1:]])) == ()
    assert reasons(passes([1.5, *STEADY[1:]], first=2)) == (), "the first of the run is not there"
    assert reasons(passes([*STEADY[1:], 1.5])) == (), "a median does not mind one pass"
    assert reasons(passes(rates=[3000.0] * 7 + [2900.0])) == ()
    assert reasons(passes(shares=[1.0] * 5 + [0.5] * 3)) == ()
    assert reasons(passes(shares=[1.9] * 8)) == (), "threads compute more seconds than pass"


def test_a_process_that_waits_is_seen_to():
    before = conditions.start()
    time.sleep(0.05)
    share = conditions.conditions_since(before).cpu_share
    assert 0.0 <= share < noise.CORE_SHARE


@pytest.mark.parametrize("error", [RuntimeError, SystemError, OSError, AttributeError])
def test_a_frequency_that_cannot_be_told_costs_no_times(monkeypatch, error):
    def fails(**_):
        raise error

    monkeypatch.setattr(psutil, "cpu_freq", fails)
    assert conditions.conditions_since(conditions.start()).mhz is None


def test_the_frequency_is_that_of_the_fastest_core(monkeypatch):
    cores = [type("Core", (), {"current": mhz})() for mhz in (800.0, 3100.0)]
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: cores if percpu else None)
    assert conditions.conditions_since(conditions.start()).mhz == 3100.0
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: [])  # noqa: ARG005
    assert conditions.conditions_since(conditions.start()).mhz is None
    monkeypatch.delattr(psutil, "cpu_freq")
    assert conditions.conditions_since(conditions.start()).mhz is None
