"""NaN and infinities, one rule of DESIGN at a time, in every version."""

import math

import numpy as np
import pytest
from inputs import FLOAT_DTYPES, every_other, seeded_classification, seeded_linear
from tiers import (
    LIBRARY,
    LINEAR,
    LOOPS,
    every_version_and_dtype,
    fast_version,
    parts,
)

INF, NAN = math.inf, math.nan
dtypes = pytest.mark.parametrize("dtype", FLOAT_DTYPES)


def losses(version, name, scores, label):
    """Loss of one row by its own function and by the one that gives the gradient too."""
    loss = getattr(version, name)(scores, [label])
    loss_again, dscores = getattr(version, f"{name}_gradient")(scores, [label])
    np.testing.assert_equal(loss_again, loss)
    return loss, np.asarray(dscores)[0]


@every_version_and_dtype
@pytest.mark.parametrize(
    "row", [[NAN, 0, 1], [0, NAN, 1], [0, 1, NAN], [INF, 0, 1], [0, 1, INF], [INF, INF, 0]]
)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_softmax_of_nan_or_infinity_is_nan(version, dtype, row, label):
    scores = np.array([row], dtype)
    loss, dscores = losses(version, "softmax_loss", scores, label)
    assert math.isnan(loss)
    for values in (dscores, version.softmax(scores), version.log_softmax(scores)):
        assert np.isnan(values).all()


@every_version_and_dtype
def test_softmax_of_minus_infinity_is_probability_0(version, dtype):
    scores = np.array([[-INF, 0.0, 0.0]], dtype)
    np.testing.assert_allclose(version.softmax(scores), [[0, 0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(
        version.log_softmax(scores), [[-INF, -math.log(2), -math.log(2)]], rtol=1e-6
    )
    loss, dscores = losses(version, "softmax_loss", scores, 1)
    assert loss == pytest.approx(math.log(2), rel=1e-6)
    np.testing.assert_allclose(dscores, [0, -0.5, 0.5], rtol=1e-6)


@every_version_and_dtype
def test_a_label_at_minus_infinity_is_lost_without_end(version, dtype):
    loss, dscores = losses(version, "softmax_loss", np.array([[-INF, 0.0, 0.0]], dtype), 0)
    assert loss == INF
    np.testing.assert_allclose(dscores, [-1, 0.5, 0.5], rtol=1e-6)


@every_version_and_dtype
@pytest.mark.parametrize("classes", [1, 3])
def test_softmax_of_nothing_but_minus_infinity_is_nan(version, dtype, classes):
    scores = np.full((1, classes), -INF, dtype)
    loss, dscores = losses(version, "softmax_loss", scores, 0)
    assert math.isnan(loss)
    for values in (dscores, version.softmax(scores), version.log_softmax(scores)):
        assert np.isnan(values).all()


@every_version_and_dtype
@pytest.mark.parametrize("row", [[NAN, 0], [NAN, 0, 1], [0, NAN, 1], [0, 1, NAN], [NAN, INF, -INF]])
def test_hinge_of_nan_is_nan(version, dtype, row):
    for label in range(len(row)):
        loss, dscores = losses(version, "svm_loss", np.array([row], dtype), label)
        assert math.isnan(loss)
        assert np.isnan(dscores).all()


@every_version_and_dtype
@pytest.mark.parametrize("value", [NAN, INF, -INF, 5.0])
def test_hinge_of_one_class_is_0(version, dtype, value):
    scores = np.array([[value], [1.0], [value]], dtype)
    loss, dscores = version.svm_loss_gradient(scores, [0, 0, 0])
    assert (version.svm_loss(scores, [0, 0, 0]), loss) == (0, 0)
    np.testing.assert_array_equal(dscores, np.zeros((3, 1)))


@dtypes
@pytest.mark.parametrize("layout", [np.ascontiguousarray, every_other])
@pytest.mark.parametrize("classes", [1, 2, 8, 9, 10, 16, 17, 40, 300])
def test_hinge_of_rows_of_any_length_among_others(dtype, layout, classes):
    original, labels = seeded_classification(9, classes, dtype=dtype)
    wanted = LIBRARY.svm_loss_gradient(original, labels)[1]
    for place in {0, classes // 2, classes - 1}:
        for value in (NAN, INF):
            scores = layout(original.copy())
            scores[4, place] = value
            loss, dscores = LIBRARY.svm_loss_gradient(scores, labels)
            np.testing.assert_allclose(LIBRARY.svm_loss(scores, labels), loss, rtol=1e-6)
            np.testing.assert_array_equal(np.delete(dscores, 4, 0), np.delete(wanted, 4, 0))
            if math.isnan(value) and classes > 1:
                assert math.isnan(loss)
                assert np.isnan(dscores[4]).all()
            elif place == labels[4]:
                assert math.isfinite(loss)
                np.testing.assert_array_equal(dscores[4], np.zeros(classes))
            else:
                assert loss == INF
                assert dscores[4, place] == np.dtype(dtype).type(1 / 9)


@every_version_and_dtype
def test_hinge_of_a_label_at_infinity_is_0(version, dtype):
    loss, dscores = losses(version, "svm_loss", np.array([[INF, 0.0, -INF]], dtype), 0)
    assert loss == 0
    np.testing.assert_array_equal(dscores, np.zeros(3))


@every_version_and_dtype
def test_hinge_of_two_infinities_is_nan_where_one_is_the_label(version, dtype):
    scores = np.array([[INF, 0.0, INF]], dtype)
    for label in (0, 2):
        loss, dscores = losses(version, "svm_loss", scores, label)
        assert math.isnan(loss)
        assert np.isnan(dscores).all()


@every_version_and_dtype
def test_hinge_of_a_wrong_class_at_infinity_is_infinite(version, dtype):
    loss, dscores = losses(version, "svm_loss", np.array([[0.0, INF, -5.0]], dtype), 0)
    assert loss == INF
    np.testing.assert_array_equal(dscores, [-1, 1, 0])


@every_version_and_dtype
def test_a_bad_row_spoils_the_mean_but_no_other_rows_gradient(version, dtype):
    scores = np.array([[0.0, 1.0], [NAN, 0.0], [1.0, 0.0]], dtype)
    for name in ("svm_loss_gradient", "softmax_loss_gradient"):
        loss, dscores = getattr(version, name)(scores, [0, 0, 0])
        assert math.isnan(loss)
        np.testing.assert_array_equal(np.isnan(dscores), [[False] * 2, [True] * 2, [False] * 2])


@fast_version
@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("loss", ["svm", "softmax"])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["W", "b", "X"])
@pytest.mark.parametrize("value", [INF, NAN])
def test_linear_functions_carry_them_on(version, operation, loss, place, value):
    arrays = seeded_linear(4, 3, 2)
    arrays[place].flat[1] = value
    results = parts(getattr(version, operation)(*arrays, loss=loss))
    expected = parts(getattr(LOOPS, operation)(*arrays, loss=loss))
    for actual, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-8)
