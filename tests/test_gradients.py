"""Gradients: the analytic ones, finite differences, and one against the other."""

import itertools

import numpy as np
import pytest
from closeness import TOLERANCE, assert_agrees, difference_noise
from inputs import FLOAT_DTYPES, LAYOUTS, seeded_classification, seeded_linear
from tiers import (
    FAST,
    GRADIENTS,
    LIBRARY,
    LINEAR,
    LOOPS,
    NUMBA,
    NUMPY,
    call,
    every_version,
    fast_version,
    jitted,
    parts,
)

import kernels
import reference
from kernels import vectorized

losses = pytest.mark.parametrize("loss", ["svm", "softmax"])
methods = pytest.mark.parametrize("method", ["central", "forward"])


# --- of the scores


@every_version
@pytest.mark.parametrize("operation", GRADIENTS)
def test_gradient_of_scores_is_that_of_the_loss(version, operation):
    scores, labels = seeded_classification(5, 4)
    of_loss = getattr(reference, operation.removesuffix("_gradient"))
    expected = LOOPS.numerical_gradient(lambda moved: of_loss(moved, labels), scores)
    # the truncation of a central difference at h = 1e-5, and its rounding
    np.testing.assert_allclose(call(version, operation, scores, labels)[1], expected, atol=1e-9)


@fast_version
@pytest.mark.parametrize("operation", GRADIENTS)
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_loss_beside_a_gradient_is_the_loss(version, operation, dtype):
    scores, labels = seeded_classification(40, 9, dtype=dtype)
    loss = call(version, operation.removesuffix("_gradient"), scores, labels)
    assert_agrees(call(version, operation, scores, labels)[0], loss, dtype=dtype)


@every_version
@pytest.mark.parametrize("operation", GRADIENTS)
def test_gradient_of_each_sample_sums_to_0(version, operation):
    # neither loss sees a shift of all scores of a sample
    dscores = call(version, operation, *seeded_classification(8, 5))[1]
    np.testing.assert_allclose(np.sum(dscores, axis=1), 0, atol=1e-15)


# --- of the linear classifier


@every_version
@losses
@pytest.mark.parametrize("regularization", [0.0, 0.3])
def test_linear_gradient_is_that_of_the_loss(version, loss, regularization):
    W, b, X, labels = seeded_linear(6, 4, 3)
    options = {"loss": loss, "regularization": regularization}
    _, dW, db = version.linear_gradient(W, b, X, labels, **options)

    def of_weights(moved):
        return LOOPS.linear_loss(moved, b, X, labels, **options)

    def of_biases(moved):
        return LOOPS.linear_loss(W, moved, X, labels, **options)

    np.testing.assert_allclose(dW, LOOPS.numerical_gradient(of_weights, W), atol=1e-9)
    np.testing.assert_allclose(db, LOOPS.numerical_gradient(of_biases, b), atol=1e-9)


@fast_version
@losses
@pytest.mark.parametrize(
    ("samples", "features", "classes"), [(1, 1, 1), (1, 5, 3), (7, 1, 4), (9, 70, 2), (30, 8, 6)]
)
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_linear_loss_and_gradient_are_the_loops(version, loss, samples, features, classes, dtype):
    arrays = seeded_linear(samples, features, classes, dtype=dtype)
    options = {"loss": loss, "margin": 0.75, "regularization": 0.1}
    results = version.linear_gradient(*arrays, **options)
    for actual, expected in zip(results, LOOPS.linear_gradient(*arrays, **options), strict=True):
        assert_agrees(actual, expected, dtype=dtype)
    assert [array.dtype.name for array in results[1:]] == [dtype, dtype]
    loss_alone = version.linear_loss(*arrays, **options)
    assert isinstance(loss_alone, float)
    assert_agrees(loss_alone, LOOPS.linear_loss(*arrays, **options), dtype=dtype)


@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_linear_functions_take_any_layout(operation, layout):
    arrays = [layout(array) for array in seeded_linear(5, 4, 3)]
    options = {"h": 0.01} if operation == "linear_numerical_gradient" else {}
    results = parts(getattr(kernels, operation)(*arrays, **options))
    expected = parts(getattr(LOOPS, operation)(*arrays, **options))
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-11, atol=difference_noise(5, 0.01))


def test_one_float64_makes_the_linear_functions_compute_in_float64():
    W, b, X, labels = seeded_linear(5, 4, 3, dtype="float32")
    loss, dW, db = kernels.linear_gradient(W, b.astype(np.float64), X, labels)
    assert (dW.dtype, db.dtype) == (np.float64, np.float64)
    expected = LOOPS.linear_loss(W, b, X, labels)
    assert_agrees(loss, expected)


# --- finite differences of the linear classifier


def largest_value(W, b, X, labels, options, h):
    """Bound of abs(loss) where the differences look: a step moves each score by at most h·|x|."""
    most = max(np.abs(X).max(), 1.0)
    here = abs(LOOPS.linear_loss(W, b, X, labels, **options))
    return here + 2 * h * most * W.shape[1] + options["regularization"] * (np.abs(W) + h).max() ** 2


COARSE = [*itertools.product((1e-5, 0.1, 1.0), (0.0, 0.3), (1.0, 1e8))]


@losses
@methods
@pytest.mark.parametrize(("h", "regularization", "scale"), COARSE)
def test_updated_differences_are_those_of_whole_losses(loss, method, h, regularization, scale):
    # features of 1e8 shift a score by far more than 300, above which exp(shift)² overflows
    W, b, X, labels = seeded_linear(5, 4, 3)
    X = X * scale
    X[0, 0] = 0.0
    options = {"loss": loss, "regularization": regularization}
    arguments = (W, b, X, labels)
    steps = {"h": h, "method": method}
    noise = difference_noise(largest_value(W, b, X, labels, options, h), h)
    expected = LOOPS.linear_numerical_gradient(*arguments, **options, **steps)
    results = kernels.linear_numerical_gradient(*arguments, **options, **steps)
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-10, atol=noise)


@pytest.mark.parametrize("text", [NUMPY, NUMBA], ids=["vectorized", "jit"])
@losses
@methods
def test_differences_of_the_texts_are_those_of_the_loops(text, loss, method):
    arrays, options = seeded_linear(5, 4, 3), {"loss": loss, "regularization": 0.3}
    steps = {"h": 1e-3, "method": method}
    expected = LOOPS.linear_numerical_gradient(*arrays, **options, **steps)
    noise = difference_noise(largest_value(*arrays, options, 1e-3), 1e-3)
    results = text.linear_numerical_gradient(*arrays, **options, **steps)
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-10, atol=noise)


def black_box(loss, W_shape):
    """Loss as a function of W and b in one vector, to move entries of."""
    features, classes = W_shape
    W, b, X, labels = seeded_linear(5, features, classes)

    def f(parameters):
        flat = np.asarray(parameters)
        weights = flat[: features * classes].reshape((features, classes))
        return kernels.linear_loss(weights, flat[features * classes :], X, labels, loss, 1.0, 0.2)

    return f, (W, b, X, labels)


@losses
def test_updated_differences_are_those_of_the_black_box(loss):
    f, (W, b, X, labels) = black_box(loss, (4, 3))
    point = np.concatenate([W.ravel(), b])
    expected = LIBRARY.numerical_gradient(f, point, h=0.1)
    dW, db = kernels.linear_numerical_gradient(W, b, X, labels, loss, 1.0, 0.2, h=0.1)
    np.testing.assert_allclose(np.concatenate([dW.ravel(), db]), expected, rtol=1e-9, atol=1e-12)


@every_version
@losses
def test_fine_differences_are_near_the_analytic_gradient(version, loss):
    arguments = seeded_linear(6, 5, 4)
    options = {"loss": loss, "regularization": 0.1}
    analytic = version.linear_gradient(*arguments, **options)[1:]
    for actual, expected in zip(
        version.linear_numerical_gradient(*arguments, **options), analytic, strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-8)


@losses
@methods
def test_differences_at_saturated_logits(loss, method):
    # scores ±1e3: probabilities 0 and 1 to the last digit, all losses far apart
    W, b = np.array([[1e3, -1e3, 0.0]]), np.zeros(3)
    X, labels = np.array([[1.0], [-1.0], [1.0]]), np.array([0, 0, 1])
    options = {"loss": loss, "h": 1e-3, "method": method}
    expected = LOOPS.linear_numerical_gradient(W, b, X, labels, **options)
    results = kernels.linear_numerical_gradient(W, b, X, labels, **options)
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, value, atol=difference_noise(2e3, 1e-3))


def test_differences_see_a_probability_that_the_losses_round_away():
    # p of class 1 is exp(−40): log(1 + p) as a whole loss loses it, its difference must not.
    # d/dw of log(1 + e^(w−40)) is p/(1 + p), to h²/6 of itself
    W, b, X, labels = [[40.0, 0.0]], [0.0, 0.0], [[1.0]], [0]
    dW, _ = kernels.linear_numerical_gradient(W, b, X, labels, h=1e-3)
    np.testing.assert_allclose(dW[0, 1], np.exp(-40), rtol=1e-6)


@fast_version
@losses
def test_differences_of_float32_are_taken_in_float64(version, loss):
    arrays = seeded_linear(6, 5, 4, dtype="float32")
    results = version.linear_numerical_gradient(*arrays, loss=loss)
    expected = LOOPS.linear_numerical_gradient(*arrays, loss=loss)
    for actual, value in zip(results, expected, strict=True):
        assert actual.dtype == np.float32
        # only the result is rounded: float32 losses would leave no digit at h = 1e-5
        np.testing.assert_allclose(actual, value, rtol=TOLERANCE["float32"], atol=1e-8)


@losses
@methods
@pytest.mark.parametrize(("samples", "features", "classes"), [(1, 1, 1), (3, 1, 2), (2, 131, 3)])
def test_differences_of_odd_sizes(loss, method, samples, features, classes):
    arrays = seeded_linear(samples, features, classes)
    options = {"loss": loss, "method": method, "h": 0.05}
    expected = LOOPS.linear_numerical_gradient(*arrays, **options)
    results = kernels.linear_numerical_gradient(*arrays, **options)
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-10, atol=difference_noise(20, 0.05))


@fast_version
@losses
def test_differences_of_nan_features_are_nan(version, loss):
    W, b, X, labels = seeded_linear(4, 3, 2)
    X[1, 2] = np.nan
    dW, db = version.linear_numerical_gradient(W, b, X, labels, loss=loss)
    assert np.isnan(dW).all()
    assert np.isnan(db).all()


# --- of any function


def weighed_cubes(x):
    values = np.asarray(x)
    total = 0.0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            total += (i + 2 * j + 1) * values[i, j] ** 3
    return total


@every_version
@methods
@pytest.mark.parametrize("h", [1e-5, 0.5])
def test_numerical_gradient_of_any_layout(version, method, h):
    x = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
    weights = np.add.outer(np.arange(2), 2 * np.arange(3) + 1)
    # ((x + h)³ − (x − h)³) / 2h = 3x² + h²; ((x + h)³ − x³) / h = 3x² + 3xh + h²
    slopes = weights * (3 * x**2 + h**2 + (3 * x * h if method == "forward" else 0))
    names = LAYOUTS.keys() - {"broadcast"} if version is LIBRARY else {"contiguous"}
    for name in names:
        point = LAYOUTS[name](x)
        before = point.copy()
        actual = version.numerical_gradient(weighed_cubes, point, h=h, method=method)
        np.testing.assert_allclose(actual, slopes, atol=difference_noise(160, h))
        np.testing.assert_array_equal(point, before)


@pytest.mark.parametrize(
    ("version", "given", "returned"),
    [
        *((LIBRARY, *pair) for pair in (("i4", "f8"), (">f4", "f4"), ("f2", "f8"))),
        *((version, dtype, dtype) for version in FAST.values() for dtype in ("f4", "f8")),
    ],
)
def test_numerical_gradient_comes_in_the_dtype_of_x(version, given, returned):
    x = np.array([[1, 2], [3, 4]], given)
    slopes = version.numerical_gradient(weighed_cubes, x)
    assert slopes.dtype == np.dtype(returned)
    # moved by 1e-5 in float32, x would not give a digit
    np.testing.assert_allclose(slopes, [[3, 36], [54, 192]], rtol=1e-6)


class Spy:
    """A function that remembers what it was given."""

    def __init__(self):
        self.points = []

    def __call__(self, x):
        self.points.append(np.array(x))
        return float(np.sum(x))


@pytest.mark.parametrize("package", [reference, vectorized, kernels], ids=lambda one: one.__name__)
@methods
def test_entries_are_moved_one_at_a_time_and_put_back(package, method):
    spy = Spy()
    package.numerical_gradient(spy, np.array([1.0, 2.0]), h=0.5, method=method)
    seen = {tuple(point) for point in spy.points}
    above = {(1.5, 2.0), (1.0, 2.5)}
    below = {(0.5, 2.0), (1.0, 1.5)} if method == "central" else {(1.0, 2.0)}
    assert seen == above | below


def spoiling(x):
    x[0] = 7.0
    return x * 2.0


@pytest.mark.parametrize("gradient", [spoiling, jitted(spoiling)], ids=["plain", "jitted"])
def test_functions_get_private_copies(gradient):
    x = np.array([1.0, 2.0])
    path = kernels.gradient_descent(gradient, x, learning_rate=0.5, steps=1)
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_array_equal(path, [[1, 2], [-6, 0]])


@pytest.mark.parametrize(
    ("version", "given", "returned"),
    [
        (LIBRARY, "i4", "f8"),
        *((version, dtype, dtype) for version in FAST.values() for dtype in ("f4", "f8")),
    ],
)
def test_a_path_comes_in_the_dtype_of_its_start(version, given, returned):
    path = version.gradient_descent(doubled, np.array([[4, 8]], given), learning_rate=0.25, steps=1)
    assert path.dtype == np.dtype(returned)
    np.testing.assert_array_equal(path, [[[4, 8]], [[2, 4]]])


@every_version
@methods
def test_difference_of_infinite_losses_is_nan(version, method):
    W, b, X, labels = seeded_linear(4, 2, 3)
    b[labels[0]] = -np.inf  # the softmax loss of the first sample is inf wherever W and b go
    dW, db = version.linear_numerical_gradient(W, b, X, labels, method=method)
    assert np.isnan(dW).all()
    assert np.isnan(db).all()


@every_version
def test_a_path_may_diverge_to_infinity(version):
    path = version.gradient_descent(cube_slope, 10.0, learning_rate=1.0, steps=12)
    assert not np.isfinite(path[-1])


def cube_slope(x):
    return x * x * x


def doubled(x):
    return 2 * x


@every_version
def test_relative_error_of_nan_and_infinity(version):
    assert np.isnan(version.relative_error([1.0, np.nan, 2.0], [1.0, 1.0, 5.0]))
    assert np.isnan(version.relative_error([np.inf], [1.0]))
