"""Gradients: analytic ones, finite differences, and comparisons of the two."""

import itertools

import callers
import numba
import numpy as np
import pytest
from closeness import TOLERANCE, assert_agrees, difference_noise
from commands import run_python
from inputs import FLOAT_DTYPES, LAYOUTS, seeded_classification, seeded_linear
from numba import njit
from tiers import (
    FAST,
    GRADIENTS,
    LIBRARY,
    LINEAR,
    LOOPS,
    NUMBA,
    NUMPY,
    TEXTS,
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    """Bound of abs(loss) near the point: a step moves each score by at most h·|x|."""
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
    """Loss as a function of one vector that holds W and b."""
    features, classes = W_shape
    W, b, X, labels = seeded_linear(5, features, classes)

    def f(parameters):
        flat = np.asarray(parameters)
        weights = flat[: features * classes].reshape((features, classes))
        return kernels.linear_loss(weights, flat[features * classes :], X, labels, loss, 1.0, 0.2)

    return f, (W, b, X, labels)


@pytest.mark.slow
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


@pytest.mark.sampled
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
    """A function that records its arguments."""

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


@pytest.mark.sampled
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


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_relative_error_of_nan_and_infinity_in_the_texts(text):
    assert np.isnan(text.relative_error([1.0, np.nan, 2.0], [1.0, 1.0, 5.0]))
    assert np.isnan(text.relative_error([np.inf], [1.0]))


INF, NAN = np.inf, np.nan
RELATIVE_ERRORS = [
    (INF, INF, 0.0),
    (-INF, -INF, 0.0),
    (INF, -INF, 1.0),
    (INF, 1.0, 1.0),
    (0.0, -INF, 1.0),
    (1e308, -1e308, 1.0),
    (1.5e308, 1.5e308, 0.0),
    (1.5e308, 0.5e308, 0.5),
    (-1.7e308, -1.6e308, 1 / 33),
    (1e308, 1.0, 1.0),
    (5e-324, -5e-324, 0.0),
    (NAN, 1.0, NAN),
    (NAN, NAN, NAN),
    (INF, NAN, NAN),
    (NAN, -INF, NAN),
]


@pytest.mark.parametrize("package", [kernels, callers], ids=lambda one: one.__name__)
@pytest.mark.parametrize(("a", "b", "error"), RELATIVE_ERRORS)
def test_relative_error_of_infinities_and_huge_numbers(package, a, b, error):
    for first, second in ((a, b), (b, a)):
        actual = package.relative_error(np.array([0.5, first]), np.array([0.5, second]))
        np.testing.assert_allclose(actual, error, rtol=1e-13, atol=1e-300)


def test_relative_error_of_infinities_among_others():
    assert np.isnan(kernels.relative_error([INF, NAN, 1.0], [-INF, 0.0, 1.0]))
    assert kernels.relative_error(np.float32([1, INF, 2]), np.float32([1, INF, 6])) == 0.5
    assert kernels.relative_error(INF, INF) == 0.0


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize("special", [0.0, 5e-324, 1e-300, 1e-8, 1e308, INF, -INF, NAN])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 500])
def test_the_largest_error_of_many_entries_is_that_of_one(size, special, dtype):
    rng = np.random.default_rng(size)
    for scale in (1e-3, 1e-16, 1e-295, 0.0):
        a = rng.standard_normal(size)
        b = a * (1 + scale * rng.standard_normal(size)) + (scale < 1e-200) * scale
        where = rng.integers(0, size, 3)
        a[where[:2]], b[where[1:]] = special, special
        with np.errstate(over="ignore"):
            a, b = a.astype(dtype), b.astype(dtype)
        errors = [kernels.relative_error(a[i], b[i]) for i in range(size)]
        for one, other in ((a, b), (b, a), (np.repeat(a, 2)[::2], b)):
            np.testing.assert_array_equal(kernels.relative_error(one, other), np.max(errors))
        np.testing.assert_array_equal(callers.relative_error(a, b), np.max(errors))


def test_a_larger_error_is_found_however_little_larger():
    a = np.zeros(200)
    for size in (1e-317, 1e-308, 1e-298, 1e-24, 1e-9, 0.9e-8):
        b = np.full(200, size)
        b[150] = np.nextafter(size, 1.0)
        assert kernels.relative_error(a, b) == kernels.relative_error(a[150], b[150])


# --- the library does not change a jitted function that it calls


def risky():
    """Make a function that does what x[0] says with x[1], and fails where that is 0."""

    @njit
    def share(count):
        return 7 // count

    @njit
    def f(x):
        if x[0] == 1.0:
            return 1.0 / x[1]
        if x[0] == 2.0:
            return float(7 % int(x[1]))
        if x[0] == 3.0:
            return float(share(int(x[1])))
        if x[0] == 4.0 and x[1] == 0.0:
            raise ValueError("its own")
        if x[0] == 5.0:
            return 1.0 if np.isnan(x[1]) else 0.0
        return x.sum()

    return f


def risky_slopes():
    f = risky()

    @njit
    def gradient(x):
        return np.full(x.shape, f(x))

    return gradient


GOOD_POINT = np.array([9.0, 1.0])


def assert_as_it_was(function):
    for risk in (1.0, 2.0, 3.0):
        with pytest.raises(ZeroDivisionError):
            function(np.array([risk, 0.0]))
    with pytest.raises(ValueError, match="its own"):
        function(np.array([4.0, 0.0]))
    assert np.all(function(np.array([5.0, NAN])) == 1.0)


HANDED = {
    "serial": ("numerical_gradient", (risky,), {}),
    "parallel": ("numerical_gradient", (risky,), {"parallel": True}),
    "checked": ("check_gradient", (risky, risky_slopes), {}),
    "descent": ("gradient_descent", (risky_slopes,), {"steps": 2}),
}


@pytest.mark.sampled
@pytest.mark.parametrize(("operation", "makers", "options"), HANDED.values(), ids=HANDED)
def test_a_function_that_is_handed_over_stays_what_it_was(operation, makers, options):
    functions = [make() for make in makers]
    getattr(kernels, operation)(*functions, GOOD_POINT, **options)
    for function in functions:
        assert_as_it_was(function)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [{}, {"error_model": "numpy", "fastmath": True}], ids=str)
def test_a_function_that_jitted_code_hands_over_stays_what_it_was(flags):
    f, checked, of_threads = risky(), risky(), risky()
    claimed, followed = risky_slopes(), risky_slopes()

    @njit(**flags)
    def hand_over(x):
        kernels.numerical_gradient(f, x)
        kernels.numerical_gradient(of_threads, x, parallel=True)
        kernels.check_gradient(checked, claimed, x)
        kernels.gradient_descent(followed, x, steps=1)

    hand_over(GOOD_POINT)
    for function in (f, checked, of_threads, claimed, followed):
        assert_as_it_was(function)


def inverse(**options):
    @njit(**options)
    def f(x):
        return 1.0 / (x[0] - 1.0)

    return f


def inverses(**options):
    @njit(**options)
    def gradient(x):
        return np.full(x.shape, 1.0 / (x[0] - 1.0))

    return gradient


OF_INVERSES = {
    "serial": ("numerical_gradient", (inverse,), {}),
    "parallel": ("numerical_gradient", (inverse,), {"parallel": True}),
    "checked": ("check_gradient", (inverse, inverses), {}),
    "descent": ("gradient_descent", (inverses,), {"steps": 2}),
}
of_inverses = pytest.mark.parametrize(
    ("operation", "makers", "options"), OF_INVERSES.values(), ids=OF_INVERSES
)


@pytest.mark.sampled
@of_inverses
def test_a_function_is_cached_as_its_owner_compiles_it(
    operation, makers, options, monkeypatch, tmp_path
):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    functions = [make(cache=True) for make in makers]
    getattr(kernels, operation)(*functions, GOOD_POINT, **options)
    for make in makers:
        found = make(cache=True)
        with pytest.raises(ZeroDivisionError):
            found(np.ones(2))
        assert sum(found.stats.cache_hits.values()) == 1


@pytest.mark.sampled
@of_inverses
def test_a_function_with_flags_of_its_own_keeps_them(operation, makers, options):
    functions = [make(error_model="numpy") for make in makers]
    getattr(kernels, operation)(*functions, GOOD_POINT, **options)
    for function in functions:
        assert np.all(function(np.ones(2)) == INF)


RAISING = """
    import numba
    import numpy as np
    import pytest
    import kernels

    @numba.njit
    def fussy(x):
        if x[0] != 0.0 and x[5] != 1.0:
            raise ValueError("entry 5 was moved")
        if x[1] != 0.0 and x[40] != 1.0:
            return 1.0 / (x[40] - x[40])
        return x.sum()

    @numba.njit
    def in_jit(x, method):
        return kernels.numerical_gradient(fussy, x, method=method, parallel=True)

    def from_python(x, method):
        return kernels.numerical_gradient(fussy, x, method=method, parallel=True)

    x = np.ones(41)
    for method in ("central", "forward"):
        x[:2] = 1.0, 0.0
        with pytest.raises(ValueError, match="entry 5 was moved"):
            {way}(x, method)
        x[:2] = 0.0, 1.0
        with pytest.raises(ZeroDivisionError):
            {way}(x, method)
        x[:2] = 0.0
        np.testing.assert_allclose({way}(x, method)[2:], 1.0, atol=1e-8)
    print(numba.threading_layer())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "way"), [("workqueue", "from_python"), ("omp", "in_jit")])
def test_what_a_function_raises_comes_out_of_the_threads(layer, way):
    done = run_python(RAISING.format(way=way), NUMBA_THREADING_LAYER=layer)
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"this machine has no {layer}")
    assert (done.returncode, done.stdout.strip()) == (0, layer), done.stderr


# --- functions that change their argument


def value_of(x):
    total = 0.0
    for i in range(x.size):
        total += (i + 1) * x[i] ** 2
    return total


value_in_jit = jitted(value_of)


def centred(x):
    x -= x.mean()
    return value_in_jit(x)


def in_order(x):
    x.sort()
    return value_in_jit(x)


def negated(x):
    value = value_in_jit(x) + x[1]
    x[:] = -x
    return value


def swapped(x):
    x[1], x[4] = x[4], x[1]
    return value_in_jit(x)


def summed_up(x):
    for i in range(1, x.size):
        x[i] += x[i - 1]
    return value_in_jit(x)


def clipped(x):
    for i in range(x.size):
        x[i] = min(max(x[i], -1.0), 1.0)
    return value_in_jit(x)


def first_doubled(x):
    x[0] *= 2.0
    return value_in_jit(x)


def last_spent(x):
    value = value_in_jit(x)
    x[-1] = 0.0
    return value


def next_to_largest_raised(x):
    x[(x.argmax() + 1) % x.size] += 0.5
    return value_in_jit(x)


def filled_with_nan(x):
    value = value_in_jit(x)
    x[2] = np.nan
    return value


CHANGING = [
    centred,
    in_order,
    negated,
    swapped,
    summed_up,
    clipped,
    first_doubled,
    last_spent,
    next_to_largest_raised,
    filled_with_nan,
]
CHANGED_POINT = np.array([1.0, -1.0, 0.25, 1.0, 2.0, 0.5])


def slopes_on_copies(f, x, method):
    return LOOPS.module.numerical_gradient(lambda moved: f(np.array(moved)), x, method=method)


@pytest.mark.sampled
@methods
@pytest.mark.parametrize("f", CHANGING, ids=lambda one: one.__name__)
@pytest.mark.parametrize("given", [lambda f: f, jitted], ids=["plain", "jitted"])
def test_a_function_may_change_its_argument(f, given, method):
    x = CHANGED_POINT.copy()
    actual = kernels.numerical_gradient(given(f), x, method=method)
    expected = slopes_on_copies(f, x.tolist(), method)
    np.testing.assert_allclose(actual, expected, atol=difference_noise(40, 1e-5))
    np.testing.assert_array_equal(x, CHANGED_POINT)


@pytest.mark.slow
@pytest.mark.parametrize("f", [centred, swapped, last_spent], ids=lambda one: one.__name__)
def test_a_function_may_change_its_argument_on_threads_and_in_jitted_code(f):
    function = jitted(f)

    @njit
    def in_jit(x):
        return kernels.numerical_gradient(function, x)

    expected = slopes_on_copies(f, CHANGED_POINT.tolist(), "central")
    for actual in (
        kernels.numerical_gradient(function, CHANGED_POINT, parallel=True),
        in_jit(CHANGED_POINT),
    ):
        np.testing.assert_allclose(actual, expected, atol=difference_noise(40, 1e-5))


@methods
@pytest.mark.parametrize("shape", [(1,), (2,), (3, 4), (2, 1, 3)], ids=str)
def test_points_of_any_shape_may_be_changed(shape, method):
    def emptied(x):
        value = float((x**3).sum())
        x *= 0.5
        return value

    x = np.random.default_rng(0).standard_normal(shape)
    actual = kernels.numerical_gradient(emptied, x, method=method)
    expected = kernels.numerical_gradient(lambda moved: (moved**3).sum(), x, method=method)
    np.testing.assert_allclose(actual, expected, atol=difference_noise(40, 1e-5))


@pytest.mark.parametrize("given", [lambda f: f, jitted], ids=["plain", "jitted"])
def test_what_is_checked_may_change_its_argument(given):
    def slopes(x):
        x *= 2.0
        for i in range(x.size):
            x[i] *= i + 1
        return x

    error, _, within = kernels.check_gradient(given(last_spent), given(slopes), CHANGED_POINT)
    assert error < 1e-8
    assert within


# --- steps that are changed by rounding, or lost


def four_of_second(x):
    return 4.0 * x.flat[1]


def four_times(x):
    return 4.0 * x


LARGE = (1e6, -1e8, 3e10, 1e11, -1e11)
TOO_LARGE = (1e12, -1e15, 1e300)
LOST = r"h must be large enough to change {}, got a step lost to rounding at flat index {}"
plain_or_jitted = pytest.mark.parametrize("given", [lambda f: f, jitted], ids=["plain", "jitted"])
serial_or_parallel = pytest.mark.parametrize("parallel", [False, True])


@pytest.mark.sampled
@methods
@plain_or_jitted
@serial_or_parallel
@pytest.mark.parametrize("value", LARGE)
def test_a_difference_is_divided_by_the_step_that_was_taken(value, given, method, parallel):
    options = {"method": method, "parallel": parallel}
    for shape in ((2,), (2, 3)):
        slopes = kernels.numerical_gradient(given(four_of_second), np.full(shape, value), **options)
        assert slopes.ravel().tolist() == [0.0, 4.0, *[0.0] * (slopes.size - 2)]
    single = kernels.numerical_gradient(given(four_of_second), np.full(2, value, "f4"), **options)
    assert (single.dtype, single.tolist()) == (np.float32, [0.0, 4.0])
    assert kernels.numerical_gradient(given(four_times), value, **options) == 4.0


@methods
@plain_or_jitted
@serial_or_parallel
@pytest.mark.parametrize("value", TOO_LARGE)
def test_a_step_that_is_lost_is_refused(value, given, method, parallel):
    x = np.ones((2, 3))
    x[1, 1] = value
    options = {"method": method, "parallel": parallel}
    with pytest.raises(ValueError, match=f"numerical_gradient: {LOST.format('x', 4)}"):
        kernels.numerical_gradient(given(four_of_second), x, **options)
    with pytest.raises(ValueError, match=LOST.format("x", 0)):
        kernels.numerical_gradient(given(four_times), value, **options)
    slopes = kernels.numerical_gradient(given(four_of_second), x, abs(value) * 1e-3, **options)
    np.testing.assert_allclose(slopes, [[0, 4, 0], [0, 0, 0]], rtol=1e-12)


@methods
def test_a_step_that_is_lost_is_refused_in_jitted_code(method):
    f = jitted(four_of_second)
    assert callers.numerical_gradient(f, np.full(2, 1e11), 1e-5, method).tolist() == [0.0, 4.0]
    with pytest.raises(ValueError, match=LOST.format("x", 1)):
        callers.numerical_gradient(f, np.array([1.0, 1e12]), 1e-5, method)


@plain_or_jitted
def test_a_right_gradient_is_found_right_at_large_points(given):
    def fours(x):
        slopes = np.zeros_like(x)
        slopes[1] = 4.0
        return slopes

    f, gradient = given(four_of_second), given(fours)
    for value in LARGE:
        assert kernels.check_gradient(f, gradient, [value, value]) == (0.0, (0,), True)
    for value in TOO_LARGE:
        with pytest.raises(ValueError, match=f"check_gradient: {LOST.format('x', 0)}"):
            kernels.check_gradient(f, gradient, [value, 1.0])


@methods
@pytest.mark.parametrize("centre", [1e6, -1e8, 1e9])
@pytest.mark.parametrize("away", [0.0, 0.7])
def test_slopes_at_large_points_keep_their_digits(centre, away, method):
    # x − centre is exact: f has no rounding but that of the step, which is 1e-5 to 5e-2 of it
    def wave(x):
        return np.sin(x - centre)

    x = centre + away
    slope = kernels.numerical_gradient(wave, x, method=method)
    np.testing.assert_allclose(
        slope, np.cos(x - centre), atol=1e-10 if method == "central" else 1e-5
    )


@methods
@plain_or_jitted
@serial_or_parallel
def test_entries_that_are_not_finite_have_slopes_of_nan(given, method, parallel):
    x = np.array([NAN, 3.0, INF, -INF, 2.0])
    slopes = kernels.numerical_gradient(given(four_of_second), x, method=method, parallel=parallel)
    np.testing.assert_allclose(slopes, [NAN, 4, NAN, NAN, 0], rtol=1e-9)
    for value in (NAN, INF, -INF):
        slope = kernels.numerical_gradient(given(four_times), value, method=method)
        assert np.isnan(slope)


def test_a_gradient_is_not_right_where_entries_are_not_finite():
    error, entry, within = kernels.check_gradient(four_of_second, np.zeros_like, [1.0, 2.0, INF])
    assert np.isnan(error)
    assert (entry, within) == ((2,), False)


# --- the same of the linear classifier


@pytest.mark.slow
@losses
@methods
@pytest.mark.parametrize(("argument", "place"), [(0, (2, 1)), (1, (1,))], ids=["W", "b"])
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_a_step_that_a_parameter_loses_is_refused(loss, method, argument, place, dtype):
    arrays = seeded_linear(5, 4, 3, dtype=dtype)
    options = {"loss": loss, "method": method}
    arrays[argument][place] = 1e11
    for slopes in kernels.linear_numerical_gradient(*arrays, **options):
        assert np.isfinite(slopes).all()
    arrays[argument][place] = -1e13
    words = LOST.format("Wb"[argument], 7 if argument == 0 else 1)
    with pytest.raises(ValueError, match=f"linear_numerical_gradient: {words}"):
        kernels.linear_numerical_gradient(*arrays, **options)
    W, b, X, labels = arrays
    training = {"gradient": "numerical", "method": method, "epochs": 1, "loss": loss}
    with pytest.raises(ValueError, match=f"train_linear: {words}"):
        kernels.train_linear(X, labels, 3, W0=W, b0=b, **training)
    if argument == 1:  # which is then not moved
        assert np.isfinite(
            kernels.train_linear(X, labels, 3, b0=b, train_bias=False, **training)[0]
        ).all()


@methods
@pytest.mark.parametrize("value", [1e6, 1e9, -1e11])
def test_the_penalty_of_large_weights_keeps_its_digits(method, value):
    W, b, X, labels = seeded_linear(5, 4, 3)
    W[3, 0], X[:, 3] = value, 0.0
    options = {"regularization": 0.25}
    analytic = kernels.linear_gradient(W, b, X, labels, **options)
    dW, db = kernels.linear_numerical_gradient(W, b, X, labels, **options, method=method)
    tolerance = 1e-8 if method == "central" else 1e-4
    np.testing.assert_allclose(dW, analytic[1], rtol=1e-12, atol=tolerance)
    np.testing.assert_allclose(db, analytic[2], atol=tolerance)


@pytest.mark.sampled
@losses
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_parameters_that_are_not_finite_are_no_lost_steps(loss, value):
    W, b, X, labels = seeded_linear(5, 4, 3)
    W[0, 0] = value
    dW, _ = kernels.linear_numerical_gradient(W, b, X, labels, loss=loss)
    assert np.isnan(dW[0, 0])
    kernels.train_linear(X, labels, 3, gradient="numerical", epochs=2, loss=loss, W0=W)


# --- sums over many samples


@pytest.mark.sampled
@losses
@pytest.mark.parametrize("samples", [1000, 30_000, 1_000_000])
def test_slopes_of_float32_biases_are_summed_in_float64(loss, samples):
    W, b, X, labels = seeded_linear(samples, 2, 3, dtype="float32")
    wide = [array.astype(np.float64) for array in (W, b, X)]
    expected = kernels.linear_gradient(*wide, labels, loss)[2]
    np.testing.assert_allclose(
        kernels.linear_gradient(W, b, X, labels, loss)[2], expected, rtol=1e-6
    )
    options = {"loss": loss, "epochs": 1, "learning_rate": 1.0, "W0": W}
    trained = kernels.train_linear(X, labels, 3, b0=0 * b, **options)[1]
    expected = kernels.linear_gradient(wide[0], 0 * wide[1], wide[2], labels, loss)[2]
    np.testing.assert_allclose(trained, -expected, rtol=1e-6)


@losses
@pytest.mark.parametrize("value", [1e20, -1e25, 1e30])
def test_the_penalty_of_large_float32_weights_is_finite(loss, value):
    W, b, X, labels = seeded_linear(6, 3, 4, dtype="float32")
    W[1] = value
    expected = 0.5 * np.square(W.astype(np.float64)).sum()
    losses_of_W = (
        kernels.linear_loss(W, b, X, labels, loss, 1.0, 0.5),
        kernels.linear_gradient(W, b, X, labels, loss, 1.0, 0.5)[0],
        kernels.train_linear(X, labels, 4, loss, W0=W, regularization=0.5, epochs=1)[2][0],
    )
    np.testing.assert_allclose(losses_of_W, expected, rtol=1e-12)
