"""Ratios paired by pass, their intervals, and what the same code shows, on simulated passes."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.analysis import ratios
from bench.analysis.ratios import Ratio, paired, tie_or_clear
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
    assert (other.low, other.high) == pytest.approx((1.0 / ratio.high, 1.0 / ratio.low))


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
    assert 0.95 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("count", range(LEAST_PASSES, 60))
def test_the_same_code_is_outside_both_intervals_in_at_most_one_of_twenty_cases(count):
    k, m = ratios._ranks(count)
    of_pairs = 2.0 * stats.binom.cdf(k, count, 0.5)
    of_quickest = 2.0 * stats.hypergeom.pmf(m + 1, 2 * count, count, m + 1)
    assert of_pairs + of_quickest <= 0.05
    assert 2.0 * stats.binom.cdf(k + 1, count, 0.5) > 0.05, "no wider than need be"


def test_what_disturbs_one_of_two_cells_leaves_their_quickest_passes():
    rng = np.random.default_rng(1)
    over, under = rng.permuted([[1.3] * 7 + [2.4] * 7, [1.0] * 7 + [1.8] * 7], axis=1)
    ratio = paired(over * passes(14, 1.0, 0.005), under * passes(14, 1.0, 0.005, seed=1))
    assert 1.25 < ratio.low <= ratio.value <= ratio.high < 1.4


def test_where_both_intervals_exclude_each_other_that_of_the_pairs_counts():
    over = np.array([1.0, *[3.0] * 13]) * passes(14, 1.0, 0.001)
    under = np.array([*[1.0] * 13, 0.2]) * passes(14, 1.0, 0.001, seed=1)
    ratio = paired(over, under)
    assert ratio.low == pytest.approx(3.0, rel=0.01)
    assert ratio.high == pytest.approx(3.0, rel=0.01)


NARROW = Ratio(0.97, 0.95, 0.99)


@pytest.mark.parametrize(
    ("seconds", "floor"),
    [(2e-6, 1.02), (9e-6, 1.02), (3e-5, 1.0 / 0.95), (2e-4, 1.0 / 0.95), (4.0, 1.2), (NAN, NAN)],
)
def test_the_floor_is_the_furthest_end_of_the_twins_of_that_order_or_of_the_nearest(seconds, floor):
    twins = [
        *((1e-6, Ratio(1.0, 0.99, 1.02)), (1e-6, Ratio(1.0, 0.99, 1.01)), (1e-4, NARROW)),
        *((1e-2, Ratio(1.1, 1.0, 1.2)), (1e-2, Ratio(1.0, 0.9, 1.1))),
    ]
    assert ratios.noise_floor(seconds, twins) == pytest.approx(floor, nan_ok=True)


def test_a_twin_that_is_not_to_be_trusted_sets_no_floor():
    wide, few = (1e-4, Ratio(1.0, 0.7, 1.6)), (1e-4, Ratio(1.3, NAN, NAN))
    assert ratios.noise_floor(1e-4, [wide, few, (1e-6, NARROW)]) == pytest.approx(1.0 / 0.95)
    assert math.isnan(ratios.noise_floor(1e-4, [wide, few]))
    assert math.isnan(ratios.noise_floor(1e-4, []))


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
