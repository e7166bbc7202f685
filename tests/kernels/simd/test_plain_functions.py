"""Plain Python functions in the library, such as a student's NumPy gradient."""

import threading

import numpy as np
import pytest
from tiers import jitted, parts

import kernels

POINT = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])


def cubes(x):
    return (x * x * x).sum()


def cubes_slope(x):
    return 3.0 * x * x


def square(x):
    return x * x


def twice(x):
    return 2.0 * x


@pytest.mark.sampled
@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_numerical_gradient_is_that_of_a_jitted_function(method, parallel, dtype):
    x, options = POINT.astype(dtype), {"h": 0.25, "method": method, "parallel": parallel}
    plain = kernels.numerical_gradient(cubes, x, **options)
    compiled = kernels.numerical_gradient(jitted(cubes), x, **options)
    assert (plain.dtype, plain.shape) == (compiled.dtype, compiled.shape)
    np.testing.assert_allclose(plain, compiled, rtol=1e-12, atol=1e-12)


def test_check_gradient_is_that_of_jitted_functions():
    plain = kernels.check_gradient(cubes, cubes_slope, POINT)
    assert plain[0] < 1e-8
    assert plain[2] is True
    wrong = kernels.check_gradient(cubes, twice, POINT)
    compiled = kernels.check_gradient(jitted(cubes), jitted(twice), POINT)
    assert wrong[0] == pytest.approx(compiled[0], rel=1e-7)
    assert wrong[1:] == compiled[1:]


@pytest.mark.parametrize(
    ("f", "gradient"), [(cubes, jitted(cubes_slope)), (jitted(cubes), cubes_slope)]
)
def test_one_function_may_be_jitted_and_the_other_not(f, gradient):
    error, _, within = kernels.check_gradient(f, gradient, POINT)
    assert error < 1e-8
    assert within is True


@pytest.mark.parametrize("x0", [POINT, POINT.astype("f4"), np.arange(3), 4.0], ids=repr)
def test_gradient_descent_is_that_of_a_jitted_gradient(x0):
    plain = kernels.gradient_descent(twice, x0, learning_rate=0.1, steps=3)
    compiled = kernels.gradient_descent(jitted(twice), x0, learning_rate=0.1, steps=3)
    np.testing.assert_array_equal(plain, compiled, strict=True)


def test_numbers_come_and_go_as_numbers():
    kinds = set()

    def f(x):
        kinds.add(type(x))
        return x * x

    slope = kernels.numerical_gradient(f, 3.0, h=0.5)
    assert (slope.shape, slope.item()) == ((), 6.0)
    assert kernels.check_gradient(f, twice, 3.0)[1:] == ((), True)
    np.testing.assert_array_equal(
        kernels.gradient_descent(f, 1.0, steps=1, learning_rate=1), [1, 0]
    )
    assert kinds == {float}


def test_a_gradient_may_return_lists():
    def slopes(x):
        return [[2.0 * value for value in row] for row in x]

    def f(x):
        return sum(value * value for row in x for value in row)

    error, _, within = kernels.check_gradient(f, slopes, POINT)
    assert error < 1e-8
    assert within is True
    path = kernels.gradient_descent(slopes, POINT, learning_rate=0.25, steps=2)
    np.testing.assert_array_equal(path, [POINT, POINT / 2, POINT / 4])


def test_a_function_may_return_an_integer_or_a_numpy_number():
    for number in (int, np.float32, np.int64):
        slopes = kernels.numerical_gradient(lambda x, number=number: number(4 * x[0]), [1.0], h=0.5)
        np.testing.assert_array_equal(slopes, [4.0])


class UnusualError(Exception):
    """An error that no kernel raises."""


def raising(x):
    raise UnusualError(x)


@pytest.mark.parametrize(
    ("operation", "functions"),
    [
        ("numerical_gradient", (raising,)),
        ("check_gradient", (raising, cubes_slope)),
        ("check_gradient", (cubes, raising)),
        ("gradient_descent", (raising,)),
    ],
)
@pytest.mark.parametrize("x", [POINT, 2.0], ids=["array", "number"])
def test_errors_of_a_function_are_passed_on(operation, functions, x):
    if not np.ndim(x) and cubes in functions:
        functions = (square, raising)
    with pytest.raises(UnusualError):
        getattr(kernels, operation)(*functions, x)


def test_parallel_calls_a_plain_function_from_one_thread():
    callers = set()

    def f(x):
        callers.add(threading.get_ident())
        return x.sum()

    serial = kernels.numerical_gradient(f, np.ones(50))
    shared = kernels.numerical_gradient(f, np.ones(50), parallel=True)
    assert callers == {threading.get_ident()}
    assert shared.tobytes() == serial.tobytes()


def test_functions_get_a_contiguous_float64_array():
    points = []

    def f(x):
        points.append((x.dtype.name, x.flags.c_contiguous, x.flags.writeable))
        return x.sum()

    kernels.numerical_gradient(f, np.asfortranarray(POINT.astype("f4")))
    kernels.check_gradient(f, np.ones_like, POINT.T.astype(">i2"))
    assert set(points) == {("float64", True, True)}


def test_callable_objects_and_methods_are_functions():
    class Bowl:
        def loss(self, x):
            return (x * x).sum()

        def __call__(self, x):
            return 2.0 * x

    bowl = Bowl()
    assert kernels.check_gradient(bowl.loss, bowl, POINT)[2] is True


def test_a_gradient_by_numpy_of_the_loss_of_scores():
    labels = np.array([2, 0])

    def loss(scores):
        return kernels.softmax_loss(scores, labels)

    def gradient(scores):
        exps = np.exp(scores)
        probabilities = exps / exps.sum(axis=1, keepdims=True)
        return (probabilities - np.eye(3)[labels]) / 2

    assert parts(kernels.check_gradient(loss, gradient, POINT, tolerance=1e-6))[2] is True
