"""NaN and infinities, one rule of DESIGN at a time, in every version."""

import functools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from closeness import TOLERANCE
from inputs import FLOAT_DTYPES, every_other, seeded_classification, seeded_linear
from tiers import LIBRARY, LINEAR, LOOPS, every_version_and_dtype, fast_version, parts

import kernels

INF, NAN = math.inf, math.nan
dtypes = pytest.mark.parametrize("dtype", FLOAT_DTYPES)


def losses(version, name, scores, label):
    """Loss of one row by the loss function and by the one that also returns the gradient."""
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


@pytest.mark.sampled
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


# --- float32 hinges that overflow float32, in the library

SINGLE_MAX = float(np.finfo(np.float32).max)


def with_row(scores, labels, row, wrong, right):
    """Write a row of `wrong` over a row of scores, with `right` at its label."""
    scores[row] = wrong
    scores[row, labels[row]] = right


OVERFLOWING = {
    "terms": (2e38, -2e38, 1.0),
    "largest terms": (SINGLE_MAX, -SINGLE_MAX, 1.0),
    "sums": (1.5e38, 0.0, 0.0),
    "sums of negative scores": (-1e38, -2.6e38, 1.0),
    "the margin": (1.0, 0.0, 1e39),
    "a margin that is nothing beside the scores": (-3e38, 3e38, 1.0),
}
overflowing = pytest.mark.parametrize(
    ("wrong", "right", "margin"), OVERFLOWING.values(), ids=OVERFLOWING
)
lengths = pytest.mark.parametrize("classes", [2, 3, 8, 9, 20, 150, 300])


def hold_hinge(scores, labels, margin, **options):
    """Compare a float32 hinge with that of the same scores in float64."""
    wanted, slopes = LIBRARY.svm_loss_gradient(scores.astype(np.float64), labels, margin)
    loss = LIBRARY.svm_loss(scores, labels, margin, **options)
    with_slopes, dscores = LIBRARY.svm_loss_gradient(scores, labels, margin, **options)
    in_place = np.array(scores) if scores.flags.c_contiguous else every_other(scores)
    filled_loss, _ = LIBRARY.svm_loss_gradient(in_place, labels, margin, out=in_place, **options)
    np.testing.assert_allclose((loss, with_slopes, filled_loss), wanted, rtol=1e-5)
    np.testing.assert_allclose(dscores, slopes, rtol=1e-5)
    np.testing.assert_array_equal(in_place, dscores)
    return wanted


@lengths
@overflowing
@pytest.mark.parametrize("layout", [np.ascontiguousarray, every_other])
def test_hinge_of_terms_that_float32_does_not_hold(classes, wrong, right, margin, layout):
    scores, labels = seeded_classification(21, classes, dtype="float32")
    with_row(scores, labels, 13, wrong, right)
    assert math.isfinite(hold_hinge(layout(scores), labels, margin))
    with_row(scores, labels, slice(None), 0.0, 0.0)
    scores[np.arange(21), labels], scores[4, 1 - min(labels[4], 1)] = -3e38, 3e38
    assert math.isfinite(hold_hinge(layout(scores), labels, margin))


@pytest.mark.slow
@lengths
@overflowing
def test_overflowing_hinges_on_threads(classes, wrong, right, margin):
    scores, labels = seeded_classification(40_000 // classes, classes, dtype="float32")
    for row in (0, 77, -1):
        with_row(scores, labels, row, wrong, right)
    assert math.isfinite(hold_hinge(scores, labels, margin, parallel=True))


@lengths
@pytest.mark.parametrize(
    ("value", "place", "loss"), [(INF, 1, INF), (NAN, 0, NAN), (NAN, 1, NAN), (INF, 0, None)]
)
def test_infinities_and_nan_beside_an_overflow(classes, value, place, loss):
    # where the label is at +inf (`None`), the row adds nothing
    scores, labels = seeded_classification(21, classes, dtype="float32")
    labels[5] = 0
    with_row(scores, labels, 13, 2e38, -2e38)
    scores[5, place] = value
    wanted = hold_hinge(scores, labels, 1.0)
    assert math.isfinite(wanted) if loss is None else np.isclose(wanted, loss, equal_nan=True)


@pytest.mark.parametrize("classes", [2, 8, 9, 150, 300])
def test_overflowing_hinges_of_the_linear_classifier(classes):
    W, b, X, labels = seeded_linear(7, 2, classes, dtype="float32")
    X[3], W[0], W[0, labels[3]] = (1.0, 0.0), 2e38, -2e38
    X[np.arange(7) != 3, 0] = 0.0
    wanted = kernels.linear_gradient(*(one.astype("f8") for one in (W, b, X)), labels, "svm")
    loss, dW, db = kernels.linear_gradient(W, b, X, labels, "svm")
    assert math.isfinite(loss)
    np.testing.assert_allclose(kernels.linear_loss(W, b, X, labels, "svm"), loss, rtol=1e-12)
    for actual, expected in zip((loss, dW, db), wanted, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


# --- softmax losses of sure predictions, in the library


@functools.cache
def exp_of(difference):
    return difference.exp()


def exact_loss(row, label):
    """log1p of the sum of the other classes' exps relative to the label's, in 50 digits."""
    with localcontext(prec=50):
        scores = [Decimal(float(score)) for score in row]
        others = [score - scores[label] for j, score in enumerate(scores) if j != label]
        total = sum(exp_of(other) for other in others if other.is_finite())
        small = total < Decimal("1e-20")
        return total - total * total / 2 + total**3 / 3 if small else (1 + total).ln()


def exact_mean(scores, labels):
    with localcontext(prec=50):
        losses = [exact_loss(row, label) for row, label in zip(scores, labels, strict=True)]
        return float(sum(losses) / len(losses))


PRECISION = {"float64": 1e-12, "float32": 2e-5}
GAPS = {"float64": (5, 8, 16.5, 36.5, 40, 150, 700), "float32": (5, 8, 11, 16.5, 20, 40, 80)}
with_gaps = pytest.mark.parametrize(
    ("dtype", "gap"), [(dtype, gap) for dtype, gaps in GAPS.items() for gap in gaps]
)
any_length = pytest.mark.parametrize("classes", [2, 3, 5, 10, 100, 128, 129, 300])


def hold_softmax(scores, labels):
    """Compare each way to the loss with the exact one.

    A loss that is not small is the logarithm of a sum in the dtype of the scores.
    """
    dtype, expected = scores.dtype.name, exact_mean(scores, labels)
    in_place, rows = scores.copy(), np.eye(len(scores), dtype=dtype)
    actual = [
        LIBRARY.softmax_loss(scores, labels),
        LIBRARY.softmax_loss(every_other(scores), labels),
        LIBRARY.softmax_loss_gradient(scores, labels)[0],
        LIBRARY.softmax_loss_gradient(in_place, labels, out=in_place)[0],
    ]
    if np.isfinite(scores).all():
        actual.append(LIBRARY.linear_loss(scores, np.zeros_like(scores[0]), rows, labels))
    allowed = 0.0 if expected < 2**-7 else TOLERANCE[dtype]
    np.testing.assert_allclose(actual, expected, rtol=PRECISION[dtype], atol=allowed)


@pytest.mark.sampled
@with_gaps
@any_length
@pytest.mark.parametrize("samples", [1, 19])
def test_sure_predictions_keep_their_digits(dtype, gap, classes, samples):
    rng = np.random.default_rng(classes)
    labels = (7 * np.arange(samples) + 1) % classes
    scores = -gap - (rng.integers(0, 8, (samples, classes)) / 4)
    scores = np.maximum(scores, -GAPS[dtype][-1])
    scores[np.arange(samples), labels] = 0.0
    hold_softmax(scores.astype(dtype), labels)
    hold_softmax((scores + 2.5).astype(dtype), labels)


def among_minus_infinity(scores):
    scores[:, 2::3] = -INF


def tied(scores):
    scores[:, -1] = 0.0


def surpassed(scores):
    scores[:, -1] = 1.5


def nearly_tied(scores):
    scores[:, -1] = -4.0


@with_gaps
@any_length
@pytest.mark.parametrize("change", [among_minus_infinity, tied, surpassed, nearly_tied])
def test_other_scores_beside_a_sure_prediction(dtype, gap, classes, change):
    scores = np.full((17, classes), -float(gap), dtype)
    change(scores)
    scores[:, 0] = 0.0
    hold_softmax(scores, np.zeros(17, int))
    labels = np.arange(17) % classes  # most of them not at the maximum
    if np.isfinite(scores).all():
        hold_softmax(scores, labels)


@dtypes
@any_length
def test_special_rows_among_sure_predictions(dtype, classes):
    labels = np.arange(9) % classes
    sure = np.full((9, classes), -50.0, dtype)
    sure[np.arange(9), labels] = 0.0
    for place in {0, classes - 1}:
        for value, loss in ((INF, NAN), (NAN, NAN), (-INF, INF)):
            scores = sure.copy()
            labels[5] = place
            scores[5] = -50.0
            scores[5, 1 - min(place, 1)] = 0.0
            scores[5, place] = value
            for actual in (
                LIBRARY.softmax_loss(scores, labels),
                LIBRARY.softmax_loss_gradient(scores, labels)[0],
            ):
                np.testing.assert_equal(actual, loss)
    for value, loss in ((-INF, NAN), (INF, NAN), (NAN, NAN)):
        scores = sure.copy()
        scores[5] = value
        np.testing.assert_equal(LIBRARY.softmax_loss(scores, labels), loss)
        np.testing.assert_equal(LIBRARY.softmax_loss_gradient(scores, labels)[0], loss)


@dtypes
@any_length
def test_a_prediction_beside_nothing_is_certain(dtype, classes):
    scores = np.full((5, classes), -INF, dtype)
    scores[:, -1] = -3.0
    labels = np.full(5, classes - 1)
    assert LIBRARY.softmax_loss(scores, labels) == 0.0
    loss, dscores = LIBRARY.softmax_loss_gradient(scores, labels)
    assert loss == 0.0
    np.testing.assert_array_equal(dscores, np.zeros_like(scores))


@pytest.mark.sampled
@dtypes
@pytest.mark.parametrize("parallel", [False, True])
def test_many_sure_predictions_add_up(dtype, parallel):
    # 2 · 10⁵ losses of 3 · exp(−40), next to which one of ln 2 would be everything
    scores = np.zeros((200_000, 4), dtype)
    scores[:, 1:] = -40.0
    loss = LIBRARY.softmax_loss(scores, np.zeros(200_000, int), parallel=parallel)
    np.testing.assert_allclose(loss, 3 * math.exp(-40), rtol=PRECISION[dtype])
