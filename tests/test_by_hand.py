"""Values derived by hand, to 1e-11, in every version."""

import math

import numpy as np
import pytest
from tiers import LIBRARY, LOOPS, NUMPY, call, every_version, parts

LN2, LN3, LN4, LN5, LN8 = (math.log(n) for n in (2, 3, 4, 5, 8))

# exps 1, 2, 5 of 8: probabilities 1/8, 1/4, 5/8
EIGHTHS = [[0.0, LN2, LN5]]
# two samples: probabilities 1/4, 3/4 and 1/2, 1/2
QUARTERS = [[0.0, LN3], [0.0, 0.0]]
# label 2 leads by exactly 1 and by 2; the second sample ties
LEADING = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]


def assert_by_hand(result, expected):
    for actual, by_hand in zip(parts(result), parts(expected), strict=True):
        np.testing.assert_allclose(actual, by_hand, rtol=1e-11, atol=1e-13)


OF_SCORES = [
    # row 0: 2 − 3 + 1 = 0 (at the kink: inactive), 1 − 3 + 1 < 0; row 1: 1 + 1; mean 2/2
    ("svm_loss", LEADING, [2, 0], {}, 1.0),
    ("svm_loss_gradient", LEADING, [2, 0], {}, (1.0, [[0, 0, 0], [-1, 0.5, 0.5]])),
    # row 0: 0.5 + 1.5; row 1: 2.5 + 2.5; mean 7/2
    ("svm_loss", LEADING, [2, 0], {"margin": 2.5}, 3.5),
    (
        "svm_loss_gradient",
        LEADING,
        [2, 0],
        {"margin": 2.5},
        (3.5, [[0.5, 0.5, -1], [-1, 0.5, 0.5]]),
    ),
    # margin 0: only what is strictly above the label's score counts; ties do not
    ("svm_loss", LEADING, [0, 0], {"margin": 0.0}, 1.5),
    ("svm_loss_gradient", LEADING, [0, 0], {"margin": 0.0}, (1.5, [[-1, 0.5, 0.5], [0, 0, 0]])),
    ("softmax", EIGHTHS, None, {}, [[1 / 8, 1 / 4, 5 / 8]]),
    ("log_softmax", EIGHTHS, None, {}, [[-LN8, -LN4, LN5 - LN8]]),
    ("softmax_loss", EIGHTHS, [1], {}, LN4),
    ("softmax_loss_gradient", EIGHTHS, [1], {}, (LN4, [[1 / 8, -3 / 4, 5 / 8]])),
    # (ln 4 + ln 2) / 2, and (p − [label]) / 2
    ("softmax_loss", QUARTERS, [0, 1], {}, 1.5 * LN2),
    (
        "softmax_loss_gradient",
        QUARTERS,
        [0, 1],
        {},
        (1.5 * LN2, [[-3 / 8, 3 / 8], [1 / 4, -1 / 4]]),
    ),
    # integers are taken as float64
    ("svm_loss", [[1, 3]], [0], {}, 3.0),
    ("svm_loss_gradient", [[1, 3]], [0], {}, (3.0, [[-1, 1]])),
    ("softmax", [[7, 7]], None, {}, [[0.5, 0.5]]),
    # one class: nothing to get wrong
    ("svm_loss", [[5.0], [-2.0]], [0, 0], {}, 0.0),
    ("svm_loss_gradient", [[5.0], [-2.0]], [0, 0], {}, (0.0, [[0], [0]])),
    ("softmax_loss", [[5.0], [-2.0]], [0, 0], {}, 0.0),
    ("softmax_loss_gradient", [[5.0], [-2.0]], [0, 0], {}, (0.0, [[0], [0]])),
    ("softmax", [[5.0], [-2.0]], None, {}, [[1], [1]]),
    ("log_softmax", [[5.0], [-2.0]], None, {}, [[0], [0]]),
    # far logits: exp(−2·10⁴) is 0, its logarithm is not
    ("softmax", [[1e4, -1e4]], None, {}, [[1, 0]]),
    ("log_softmax", [[1e4, -1e4]], None, {}, [[0, -2e4]]),
    ("softmax_loss", [[1e4, -1e4]], [1], {}, 2e4),
    ("softmax_loss", [[1e4, -1e4]], [0], {}, 0.0),
    ("softmax_loss_gradient", [[1e4, -1e4]], [1], {}, (2e4, [[1, -1]])),
    ("svm_loss", [[1e4, -1e4]], [1], {}, 20001.0),
    # 40 apart: log(1 + exp(−40)) is exp(−40) to the last digit, not 0
    ("softmax_loss", [[40.0, 0.0]], [1], {}, 40.0 + math.exp(-40)),
]


@every_version
@pytest.mark.parametrize(
    ("operation", "scores", "labels", "options", "expected"),
    OF_SCORES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(OF_SCORES)],
)
def test_of_scores(version, operation, scores, labels, options, expected):
    assert_by_hand(call(version, operation, scores, labels, **options), expected)


# Hinge: scores X·W + b are [[2, 4], [2, −6]], the terms 4 − 2 + 1 = 3 and 2 + 6 + 1 = 9, mean 6.
# ΣW² is 6.25. dscores [[−½, ½], [½, −½]], Xᵀ·dscores [[1, −1], [−2, 2]].
HINGE = {
    "W": [[1.0, -1.0], [0.5, 2.0]],
    "b": [0.0, 1.0],
    "X": [[1.0, 2.0], [3.0, -2.0]],
    "labels": [0, 1],
    "loss": "svm",
}
HINGE_DW = np.array([[1.0, -1.0], [-2.0, 2.0]])
# Softmax: scores QUARTERS, so dscores [[−3/8, 3/8], [1/4, −1/4]]; only sample 0 has a feature.
SOFTMAX = {"W": [[0.0, LN3]], "b": [0.0, 0.0], "X": [[1.0], [0.0]], "labels": [0, 1]}


@every_version
def test_linear_loss(version):
    assert_by_hand(version.linear_loss(**HINGE), 6.0)
    assert_by_hand(version.linear_loss(**HINGE, margin=3.0), 8.0)
    assert_by_hand(version.linear_loss(**HINGE, regularization=0.1), 6.625)
    assert_by_hand(version.linear_loss(**SOFTMAX), 1.5 * LN2)
    assert_by_hand(version.linear_loss(**SOFTMAX, regularization=2.0), 1.5 * LN2 + 2 * LN3**2)


@every_version
def test_linear_gradient(version):
    assert_by_hand(version.linear_gradient(**HINGE), (6.0, HINGE_DW, [0, 0]))
    penalty_slope = 0.2 * np.array(HINGE["W"])
    assert_by_hand(
        version.linear_gradient(**HINGE, regularization=0.1),
        (6.625, HINGE_DW + penalty_slope, [0, 0]),
    )
    assert_by_hand(
        version.linear_gradient(**SOFTMAX), (1.5 * LN2, [[-3 / 8, 3 / 8]], [-1 / 8, 1 / 8])
    )


@every_version
def test_linear_numerical_gradient_of_a_hinge_away_from_kinks_is_exact(version):
    # piecewise linear in W, so its differences are its slopes; (w + h)² − w² is h·(2w + h)
    options = {"h": 0.25, "regularization": 0.1}
    slopes = HINGE_DW + 0.2 * np.array(HINGE["W"])
    central = version.linear_numerical_gradient(**HINGE, **options)
    assert_by_hand(central, (slopes, [0, 0]))
    forward = version.linear_numerical_gradient(**HINGE, **options, method="forward")
    assert_by_hand(forward, (slopes + 0.1 * 0.25, [0, 0]))


@every_version
def test_linear_numerical_gradient_across_a_kink(version):
    # scores [0, −1]: a margin of 1 is at the kink. W[0, 1] + ½ activates it (½), − ½ does not (0).
    inputs = {"W": [[0.0, -1.0]], "b": [0.0, 0.0], "X": [[1.0]], "labels": [0], "loss": "svm"}
    central = version.linear_numerical_gradient(**inputs, h=0.5)
    assert_by_hand(central, ([[-0.5, 0.5]], [-0.5, 0.5]))
    forward = version.linear_numerical_gradient(**inputs, h=0.5, method="forward")
    assert_by_hand(forward, ([[0.0, 1.0]], [0.0, 1.0]))


@every_version
def test_linear_numerical_gradient_of_softmax(version):
    # moved by h = ln 2, one logit of two: log(1 + e^s) at s = ±ln 2 is ln 3 and ln 3 − ln 2
    inputs = {"W": [[0.0, 0.0]], "b": [0.0, 0.0], "X": [[1.0]], "labels": [0], "h": LN2}
    slope = (LN3 - (LN3 - LN2)) / (2 * LN2)
    central = version.linear_numerical_gradient(**inputs)
    assert_by_hand(central, ([[-slope, slope]], [-slope, slope]))
    up, down = (LN3 - LN2) / LN2, ((LN3 - LN2) - LN2) / LN2
    forward = version.linear_numerical_gradient(**inputs, method="forward")
    assert_by_hand(forward, ([[down, up]], [down, up]))


@every_version
def test_training_with_momentum(version):
    # samples −1, 1 of classes 0, 1 from zeros: all p are ½, dW = [½, −½], so W = [−½, ½].
    # Then the wrong class has q = 1/(1 + e), dW = [q, −q], and the velocity keeps half of ½.
    q = 1 / (1 + math.e)
    W, b, losses = version.train_linear(
        [[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0, momentum=0.5
    )
    assert_by_hand(
        (W, b, losses),
        ([[-0.75 - q, 0.75 + q]], [0, 0], [LN2, math.log1p(math.exp(-1))]),
    )


@every_version
def test_training_of_a_bias_alone(version):
    # no feature says anything; 3 of 4 samples are of class 1: db = [½ − ¼, ½ − ¾]
    W, b, losses = version.train_linear(
        [[0.0]] * 4, [1, 1, 1, 0], epochs=1, learning_rate=2.0, regularization=5.0
    )
    assert_by_hand((W, b, losses), ([[0, 0]], [-0.5, 0.5], [LN2]))


@every_version
def test_relative_error(version):
    assert_by_hand(version.relative_error([1.0, 2.0], [1.0, 3.0]), 0.2)
    assert_by_hand(version.relative_error([[1.0], [-2.0]], [[1.0], [2.0]]), 1.0)
    assert_by_hand(version.relative_error([0.0], [0.0]), 0.0)
    assert_by_hand(version.relative_error([1e-9], [0.0]), 0.1)  # over 1e-8, not over 1e-9
    assert_by_hand(version.relative_error(3.0, 1.0), 0.5)


def square_and_line(x):
    return x[0] ** 2 + 3.0 * x[1]


def product(x):
    return x[0][0] * x[0][1] * x[1][0] * x[1][1]


def square(x):
    return x * x


@every_version
def test_numerical_gradient(version):
    f = square_and_line
    assert_by_hand(list(version.numerical_gradient(f, [2.0, 1.0], h=0.5)), [4.0, 3.0])
    # (2.5² − 2²) / ½ = 4.5
    forward = version.numerical_gradient(f, [2.0, 1.0], h=0.5, method="forward")
    assert_by_hand(list(forward), [4.5, 3.0])


@pytest.mark.slow
@every_version
def test_numerical_gradient_keeps_the_shape(version):
    slopes = version.numerical_gradient(product, [[1.0, 2.0], [3.0, 4.0]], h=0.5)
    assert_by_hand(list(slopes), [[24.0, 12.0], [8.0, 6.0]])
    slope = version.numerical_gradient(square, 3.0, h=0.5, method="forward")
    assert np.ndim(slope) == 0
    assert_by_hand(slope, 6.5)


def sum_of_squares(x):
    values = np.asarray(x)
    return (values * values).sum()


def right_gradient(x):
    return 2.0 * np.asarray(x)


def wrong_in_one_entry(x):
    slopes = 2.0 * np.asarray(x)
    slopes[1, 0] *= 1.5
    return slopes


def not_a_number_in_one_entry(x):
    slopes = 2.0 * np.asarray(x)
    slopes[0, 1] = np.nan
    return slopes


POINT = [[1.0, -2.0], [3.0, 4.0], [-0.5, 2.0]]


@pytest.mark.slow
@every_version
def test_check_gradient(version):
    f = sum_of_squares
    error, entry, within = version.check_gradient(f, right_gradient, POINT)
    assert error < 1e-8
    assert within is True
    assert len(entry) == 2
    # 9 for 6: 3/15
    error, entry, within = version.check_gradient(f, wrong_in_one_entry, POINT)
    assert error == pytest.approx(0.2, rel=1e-8)
    assert (entry, within) == ((1, 0), False)
    nothing_is_too_much = version.check_gradient(f, wrong_in_one_entry, POINT, tolerance=0.25)
    assert nothing_is_too_much[1:] == ((1, 0), True)


@every_version
def test_check_gradient_takes_nan_for_the_largest_error(version):
    f, gradient = (g for g in (sum_of_squares, not_a_number_in_one_entry))
    error, entry, within = version.check_gradient(f, gradient, POINT)
    assert math.isnan(error)
    assert (entry, within) == ((0, 1), False)


@pytest.mark.parametrize("version", [LOOPS, NUMPY, LIBRARY])
def test_check_gradient_of_a_number(version):
    f, gradient = square, square  # 4 for 4
    error, entry, within = version.check_gradient(f, gradient, 2.0)
    assert error < 1e-8
    assert (entry, within) == ((), True)


@pytest.mark.slow
@every_version
def test_gradient_descent_keeps_shape_and_start(version):
    path = version.gradient_descent(right_gradient, [[4.0], [-8.0]], learning_rate=0.25, steps=2)
    assert_by_hand(list(path), [[[4.0], [-8.0]], [[2.0], [-4.0]], [[1.0], [-2.0]]])
    start = version.gradient_descent(right_gradient, [4.0], steps=0)
    assert_by_hand(list(start), [[4.0]])
