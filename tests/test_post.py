"""The figures of the post that the project starts from, in every version."""

import math

import numpy as np
import pytest
from inputs import LECTURE
from tiers import every_version

LABELS = [0, 1, 2]

# The post's weights are (3, 4), one row per class; its x is one sample, given once for each label.
POST_WEIGHTS = np.array([[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0.0], [0, 0.25, 0.2, -0.3]])
POST_X = [56, 23, 24, 2]


def slope_of_square(x):
    return 2.0 * x


def descent(version, rate, steps):
    return np.asarray(
        version.gradient_descent(slope_of_square, -4.5, learning_rate=rate, steps=steps)
    )


def post_training(version, rate):
    return version.train_linear(
        [POST_X, POST_X, POST_X],
        LABELS,
        3,
        loss="svm",
        gradient="numerical",
        margin=1e-8,
        h=0.01,
        method="forward",
        train_bias=False,
        learning_rate=rate,
        epochs=1001,
        W0=POST_WEIGHTS.T.tolist(),
        b0=[1, 1, 1],
    )


@every_version
def test_svm_loss_is_not_floored(version):
    # (2.9 + 0 + 12.9) / 3; the post floors it to 5.0
    assert version.svm_loss(LECTURE, LABELS) == pytest.approx(15.8 / 3, rel=1e-14)


@every_version
@pytest.mark.parametrize(("sample", "term"), [(0, 2.9), (1, 0.0), (2, 12.9)])
def test_svm_terms(version, sample, term):
    assert version.svm_loss([LECTURE[sample]], [sample]) == pytest.approx(term, rel=1e-14)


@every_version
def test_softmax_table(version):
    # the post prints −log10 of every probability
    table = -np.asarray(version.log_softmax(LECTURE)) / math.log(10)
    np.testing.assert_allclose(table[0], [0.8861, 0.0610, 3.0142], atol=5e-5)
    np.testing.assert_allclose(table, -np.log10(version.softmax(LECTURE)), rtol=1e-12)
    assert version.softmax_loss(LECTURE, LABELS) == pytest.approx(2.7587, abs=5e-5)
    on_labels = table[[0, 1, 2], LABELS].mean() * math.log(10)
    assert version.softmax_loss(LECTURE, LABELS) == pytest.approx(on_labels, rel=1e-12)


@every_version
@pytest.mark.parametrize(("rate", "steps"), [(0.01, 100), (0.8, 1000), (1.1, 50)])
def test_descent_on_a_square(version, rate, steps):
    # x − rate · 2x multiplies x by 1 − 2·rate each time
    path = descent(version, rate, steps)
    assert path.shape == (steps + 1,)
    np.testing.assert_allclose(path, -4.5 * (1 - 2 * rate) ** np.arange(steps + 1), rtol=1e-11)


@every_version
def test_descent_creeps_swings_and_diverges(version):
    assert descent(version, 0.01, 100)[-1] == pytest.approx(-0.59679, abs=5e-6)
    swinging = descent(version, 0.8, 1000)
    np.testing.assert_allclose(swinging[1:4], [2.7, -1.62, 0.972], rtol=1e-14)
    assert abs(swinging[-1]) < 1e-200
    assert np.all(np.diff(np.abs(descent(version, 1.1, 50))) > 0)


@pytest.mark.slow
@every_version
def test_training(version):
    W, b, losses = post_training(version, rate=1e-4)
    assert len(losses) == 1001
    figures = [losses[epoch] for epoch in (0, 100, 500)]
    np.testing.assert_allclose(figures, [105.467, 84.033, 8.567], atol=5e-4)
    # the classes tie: each of their 6 ordered pairs adds the margin of 1e-8, over 3 samples
    assert losses[1000] == pytest.approx(2e-8, rel=1e-6)
    assert np.shape(W) == (4, 3)
    np.testing.assert_array_equal(b, [1, 1, 1])


@every_version
def test_training_at_a_hundred_times_the_rate_never_settles(version):
    losses = np.asarray(post_training(version, rate=0.01)[2])
    assert losses[0] == pytest.approx(105.467, abs=5e-4)
    assert losses[200:].min() > 10
    assert np.abs(np.diff(losses[-100:])).max() > 10
