"""Matrix products by tiles: any shape, special values, and where they are used."""

import numpy as np
import pytest

import kernels
from kernels import vectorized
from kernels.simd import _linear, _products, thresholds
from kernels.simd.compiler import kernel

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
each_count_of_classes = pytest.mark.parametrize("classes", [1, 2, 4, 5, 6, 10, 11])
SHAPES = [(4, 1), (5, 8), (6, 7), (7, 16), (9, 17), (11, 33), (64, 130)]


@kernel(entry=True)
def scores_of(W, b, X, scores):
    _products.fill_products(W, b, X, scores)
    return scores


@kernel(entry=True)
def slopes_of(X, dscores, is_first, dW):
    _products.add_to_slopes(X, dscores, is_first, dW)
    return dW


def classifier(samples, features, classes, dtype):
    rng = np.random.default_rng(samples * features + classes)
    shapes = (features, classes), (classes,), (samples, features)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@each_dtype
@each_count_of_classes
@pytest.mark.parametrize(("samples", "features"), SHAPES)
def test_products_of_any_shape(samples, features, classes, dtype):
    W, b, X = classifier(samples, features, classes, dtype)
    wide_W, wide_b, wide_X = (item.astype(np.float64) for item in (W, b, X))
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * features}
    scores = scores_of(W, b, X, np.full((samples, classes), np.nan, dtype))
    np.testing.assert_allclose(scores, wide_X @ wide_W + wide_b, **tolerance)

    dscores = scores.astype(dtype)
    expected = wide_X.T @ dscores.astype(np.float64)
    tolerance["atol"] = TOLERANCE[dtype] * samples * features
    first = slopes_of(X, dscores, True, np.full_like(W, np.nan))
    np.testing.assert_allclose(first, expected, **tolerance)
    np.testing.assert_allclose(slopes_of(X, dscores, False, W.copy()), W + expected, **tolerance)


@each_dtype
def test_the_scores_of_a_sample_depend_on_no_other(dtype):
    W, b, X = classifier(23, 90, 7, dtype)
    scores = scores_of(W, b, X, np.empty((23, 7), dtype))
    for start in range(0, 19, 3):
        some = scores_of(W, b, X[start:].copy(), np.empty((23 - start, 7), dtype))
        np.testing.assert_array_equal(some, scores[start:])


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("feature", [0, 31, 40])
def test_special_values_stay_in_their_row_and_column(special, feature):
    W, b, X = classifier(9, 41, 6, "float64")
    X[4, feature] = special
    scores = scores_of(W, b, X, np.empty((9, 6)))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(scores, X @ W + b, rtol=1e-12, atol=1e-12)
        dscores = np.ones((9, 6))
        dscores[:, 3] = 0.0
        expected = X.T @ dscores
    slopes = slopes_of(X, dscores, True, np.empty_like(W))
    np.testing.assert_allclose(slopes, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((64, 4000, 10), True),
        ((1000, 512, 2), True),
        ((1000, 511, 10), False),
        ((63, 4000, 10), False),
        ((1, 10**6, 10), False),
        ((1000, 512, 11), False),
        ((100, 1000, 10), False),
    ],
)
def test_where_tiles_are_used(shape, expected):
    samples, features, classes = shape
    X = np.empty((samples, features), np.float32)
    assert _linear.goes_by_tiles(X, classes) == expected
    assert thresholds.TILES_MIN_SAMPLES >= _products.TILE_SAMPLES


@each_dtype
@pytest.mark.parametrize("loss", ["svm", "softmax"])
def test_the_linear_classifier_by_tiles(loss, dtype):
    W, b, X = classifier(101, 1501, 7, dtype)
    W /= 40
    labels = np.arange(101) % 7
    assert _linear.goes_by_tiles(X, 7)
    wide = [item.astype(np.float64) for item in (W, b, X)]
    expected = vectorized.linear_gradient(*wide, labels, loss)
    tolerance = 10 * TOLERANCE[dtype]
    assert kernels.linear_loss(W, b, X, labels, loss) == pytest.approx(expected[0], rel=tolerance)
    actual = kernels.linear_gradient(W, b, X, labels, loss)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
