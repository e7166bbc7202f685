"""The training on handwritten digits: curves of all versions, accuracy beside scikit-learn's."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from commands import answered

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from bench.common import threads
from bench.problems import digits, training
from bench.problems.training import Training
from bench.report.pictures.digits import draw_digits
from bench.report.terminal import digits_report
from kernels.vectorized.linear import linear_gradient


@pytest.fixture(scope="module")
def parts():
    return digits.load_digits()


def test_the_split_is_the_same_each_time_and_has_each_digit_once(parts):
    given, test = parts
    assert len(given.X) + len(test.X) == 1797
    assert given.X.min() == 0.0
    assert given.X.max() == 1.0
    assert len(np.unique(np.vstack([given.X, test.X]), axis=0)) == 1797
    again, _ = digits.load_digits()
    np.testing.assert_array_equal(given.X, again.X)
    # as many of each digit, to within rounding, as a quarter of all
    np.testing.assert_allclose(np.bincount(test.labels), np.bincount(given.labels) / 3, atol=1.0)


@pytest.mark.parametrize("loss", digits.RATES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_accuracy_is_within_a_point_of_logistic_regression(loss, seed, monkeypatch):
    monkeypatch.setattr(digits, "SEED", seed)
    given, test = digits.load_digits()
    arguments = digits.training_arguments(given, loss, digits.EPOCHS)
    right = digits.accuracy(training.train("numpy", arguments), test)
    of_peer = digits.peer_accuracy(given, test)
    assert of_peer > 0.95
    assert abs(right - of_peer) < 0.01


def test_softmax_and_logistic_regression_have_the_same_minimum(parts):
    from sklearn.linear_model import LogisticRegression

    given, _ = parts
    with threads.limited(1):
        model = LogisticRegression(max_iter=5000, tol=1e-8).fit(given.X, given.labels)
    at = model.coef_.T, model.intercept_, given.X, given.labels, "softmax", 1.0
    _, dW, db = linear_gradient(*at, digits.regularization(given))
    assert max(np.abs(dW).max(), np.abs(db).max()) < 1e-6
    _, dW, _ = linear_gradient(*at, 1.1 * digits.regularization(given))
    assert np.abs(dW).max() > 1e-5, "at another strength its weights are no minimum"


@pytest.mark.parametrize("loss", digits.RATES)
def test_loops_and_numpy_agree_and_the_loops_take_part(parts, loss):
    given, _ = parts
    few = digits.Digits(given.X[:150], given.labels[:150])
    loop, numpy = (
        training.train(tier, digits.training_arguments(few, loss, epochs))
        for tier, epochs in (("loop", 2), ("numpy", 6))
    )
    assert 0.0 <= digits.spread([loop, numpy]) < 1e-12
    np.testing.assert_allclose(loop.losses, numpy.losses[:2], rtol=1e-12)


def curve(tier, *losses):
    return Training(tier, None, None, losses, 1.0, 0.0)


def test_the_spread_is_that_of_the_epochs_in_common():
    curves = [curve("loop", 3.0), curve("numpy", 3.0, 2.0, 1.0), curve("numba", 3.0, 2.5, 0.75)]
    assert digits.spread(curves) == 0.5
    assert digits.spread([curve("loop", 3.5), *curves[1:]]) == 0.5
    assert digits.spread([curve("loop", 4.5), *curves[1:]]) == 1.5


@pytest.mark.slow
def test_all_versions_lie_on_one_curve_and_are_shown(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "EPOCHS_OF", {"loop": 1})
    given, test = parts
    found = digits.train_digits(given, test)
    assert [one.loss for one in found] == ["softmax", "svm"]
    for one in found:
        assert [training.tier for training in one.trainings] == training.versions()
        assert one.spread < 1e-9
        assert abs(one.accuracy - one.peer_accuracy) < 0.01
        whole = [each for each in one.trainings if each.tier != "loop"]
        assert {digits.accuracy(each, test) for each in whole} == {one.accuracy}
        np.testing.assert_array_equal(one.templates[3].ravel(), one.trainings[-1].W[:, 3])
    files = draw_digits(tmp_path, [replace(one, spread=2e-12) for one in found])
    assert [file.name for file in files] == [
        *("digits-losses.png", "digits-losses.svg"),
        *("digits-templates.png", "digits-templates.svg"),
    ]
    assert "2e-12" in files[1].read_text(encoding="utf-8")
    shown = digits_report(found)
    assert shown.renderables[0].plain == "softmax loss"


def test_without_scikit_learn_it_says_what_to_install(tmp_path, monkeypatch):
    for name in ("sklearn", "sklearn.datasets", "sklearn.model_selection"):
        monkeypatch.setitem(sys.modules, name, None)
    process = answered("demo", "digits", "--output", tmp_path / "demo")
    assert process.returncode == 2
    words = " ".join(process.stderr.split())
    assert "the handwritten digits need scikit-learn" in words
    assert "python -m pip install scikit-learn" in words
    assert not (tmp_path / "demo").exists()
