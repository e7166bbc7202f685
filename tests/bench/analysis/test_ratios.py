"""Ratios paired by pass, their intervals, and what the same code shows, on simulated passes."""

import math

import numpy as np
import pytest

from bench.analysis.ratios import Ratio, noise_floor, paired, tie_or_clear
from bench.model import LEAST_PASSES

NAN = math.nan


def passes(count, seconds=1e-5, noise=0.02, seed=0):
    return seconds * np.exp(np.random.default_rng(seed).normal(0.0, noise, count))


def test_the_ratio_is_the_median_of_those_of_the_passes():
    over, under = np.array([2.0, 9.0, 4.0]), np.array([1.0, 3.0, 1.0])
    assert paired(over, under).value == pytest.approx(3.0)
    assert paired(under, over).value == pytest.approx(1.0 / 3.0)


def test_a_slow_pass_that_hits_both_drops_out():
    drift = np.array([1.0, 1.0, 7.0, 1.0, 3.0, 1.0, 1.0, 9.0])
    ratio = paired(2e-3 * drift, 1e-3 * drift)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def test_one_disturbed_pass_does_not_move_it():
    clean, spoiled = passes(14), passes(14)
    spoiled[3] *= 40.0
    steady = np.full(14, 1e-5)
    assert paired(spoiled, steady).value == pytest.approx(paired(clean, steady).value, rel=0.02)


def test_only_passes_in_which_both_were_timed_count():
    over = np.array([2.0, NAN, 4.0, 8.0])
    under = np.array([1.0, 1.0, NAN])
    assert paired(over, under).value == 2.0
    nothing = paired(over, np.array([NAN, 1.0]))
    assert math.isnan(nothing.value)
    assert math.isnan(paired(over, np.array([])).value)


def test_too_few_passes_have_no_interval():
    few, enough = passes(LEAST_PASSES - 1), passes(LEAST_PASSES)
    assert math.isnan(paired(few, few).low)
    assert paired(few, few).value == 1.0
    assert paired(enough, enough) == Ratio(1.0, 1.0, 1.0)


def test_the_interval_is_the_same_each_time_and_turns_round_with_the_ratio():
    over, under = passes(14, 3e-5, seed=1), passes(14, 1e-5, seed=2)
    ratio = paired(over, under)
    assert ratio == paired(over, under)
    assert ratio.low < ratio.value < ratio.high
    other = paired(under, over)
    assert other.value == pytest.approx(1.0 / ratio.value)
    # resampled alike, from the other end: not the same to the last digit
    assert (other.low, other.high) == pytest.approx((1.0 / ratio.high, 1.0 / ratio.low), rel=0.01)


@pytest.mark.parametrize("disturbed", [0.0, 0.08])
def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says(disturbed):
    rng = np.random.default_rng(7)
    held = []
    for _ in range(300):
        noise = rng.normal(0.0, 0.03, (2, 14))
        noise += (rng.random((2, 14)) < disturbed) * rng.exponential(0.5, (2, 14))
        over, under = np.exp(noise)
        ratio = paired(2.0 * over, under)
        held.append(ratio.low <= 2.0 <= ratio.high)
    # 300 of 0.94: a standard error of 0.014
    assert 0.89 <= np.mean(held) <= 0.99


def test_the_floor_is_the_interval_end_that_is_furthest_from_one():
    twins = [Ratio(1.0, 0.99, 1.02), Ratio(0.97, 0.95, 0.99), Ratio(1.3, NAN, NAN)]
    assert noise_floor(twins) == pytest.approx(1.0 / 0.95)
    assert math.isnan(noise_floor([Ratio(1.3, NAN, NAN)]))
    assert math.isnan(noise_floor([]))


@pytest.mark.parametrize(
    ("low", "high", "floor", "words"),
    [
        (0.98, 1.02, 1.03, "tie"),
        (1.005, 1.02, 1.03, "tie"),
        (1.005, 1.04, 1.03, "clear"),
        (0.5, 0.6, 1.03, "clear"),
        (0.9, 1.1, 1.03, "unclear"),
        (1.0 / 1.03, 1.03, 1.03, "tie"),
        (0.99, 1.01, NAN, "unclear"),
        (1.2, 1.3, NAN, "clear"),
        (NAN, NAN, 1.03, "unknown"),
    ],
)
def test_standing(low, high, floor, words):
    assert tie_or_clear(low, high, floor) == words


def test_a_pair_of_equals_is_hardly_ever_called_faster_or_slower():
    """Simulated runs of 14 problems: a twin each, and as many pairs of equally fast cells."""
    rng = np.random.default_rng(11)
    called = ties = 0
    runs = 60
    for _ in range(runs):
        times = np.exp(rng.normal(0.0, 0.02, (28, 2, 14)))
        ratios = [paired(*pair) for pair in times]
        floor = noise_floor(ratios[:14])
        found = [tie_or_clear(one.low, one.high, floor) for one in ratios[14:]]
        called += found.count("clear")
        ties += found.count("tie")
    assert called / (14 * runs) < 0.02
    assert ties / (14 * runs) > 0.85
