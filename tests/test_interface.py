"""One name, one set of arguments and a tested example for each operation in each version."""

import doctest
import importlib
import inspect

import numpy as np
import pytest
from numba import njit
from tiers import FILLING, OF_SCORES, OPERATIONS, jitted, parts

import kernels
import reference
from kernels import jit, simd, vectorized

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
PACKAGES = {"reference": reference, "vectorized": vectorized, "jit": jit, "kernels": kernels}
every_package = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
operations = pytest.mark.parametrize("operation", OPERATIONS)


def parameters(package, operation):
    return inspect.signature(getattr(package, operation)).parameters.values()


def shared(package, operation):
    """Names and defaults of the arguments that all versions have, in order."""
    return [
        (one.name, one.default)
        for one in parameters(package, operation)
        if one.kind != KEYWORD_ONLY
    ]


def extras(package, operation):
    """Names and defaults of the keyword-only arguments."""
    return {
        one.name: one.default for one in parameters(package, operation) if one.kind == KEYWORD_ONLY
    }


@every_package
def test_the_operations_are_those_of_the_design(package):
    assert set(package.__all__) == {
        *OF_SCORES,
        "numerical_gradient",
        "relative_error",
        "check_gradient",
        "gradient_descent",
        "linear_loss",
        "linear_gradient",
        "linear_numerical_gradient",
        "train_linear",
    }


@every_package
@operations
def test_arguments_are_those_of_the_loops(package, operation):
    assert shared(package, operation) == shared(reference, operation)


@operations
def test_only_the_library_has_keywords_of_its_own(operation):
    out = {"out": None} if operation in FILLING else {}
    has_threads = operation in {*OF_SCORES, "numerical_gradient", "linear_numerical_gradient"}
    parallel = {"parallel": False} if has_threads else {}
    assert extras(kernels, operation) == out | parallel
    for text in (reference, vectorized, jit):
        assert extras(text, operation) == {}


@operations
def test_kernels_gives_the_library(operation):
    assert getattr(kernels, operation) is getattr(simd, operation)
    assert kernels.__all__ == simd.__all__


def test_defaults_of_the_design():
    assert dict(shared(reference, "train_linear")[2:]) == {
        "classes": None,
        "loss": "softmax",
        "gradient": "analytic",
        "margin": 1.0,
        "h": 1e-5,
        "method": "central",
        "train_bias": True,
        "learning_rate": 0.01,
        "epochs": 100,
        "batch_size": None,
        "momentum": 0.0,
        "regularization": 0.0,
        "seed": 0,
        "W0": None,
        "b0": None,
    }


@pytest.mark.parametrize(
    "package", [reference, vectorized, kernels], ids=["reference", "vectorized", "kernels"]
)
@operations
def test_each_operation_is_explained_with_an_example(package, operation):
    text = inspect.getdoc(getattr(package, operation))
    examples = doctest.DocTestParser().get_examples(text)
    assert any(f"{operation}(" in example.source for example in examples)


@operations
def test_the_library_documents_its_arguments_results_and_errors(operation):
    text = inspect.getdoc(getattr(kernels, operation))
    assert "Returns\n-------" in text
    assert "Raises\n------" in text
    assert "Examples\n--------" in text
    for one in parameters(kernels, operation):
        assert one.annotation is not inspect.Parameter.empty
        assert one.name in text


MODULES = [
    f"{package}.{name}"
    for package in ("reference", "kernels.vectorized", "kernels.simd")
    for name in ("losses", "gradients", "descent", "linear")
] + ["kernels.blockwise.losses", "kernels.blockwise.linear"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


# --- 0-d points, and arguments that may be None, in jitted code


@njit
def cube(x):
    return x * x * x


@njit
def cube_slope(x):
    return 3.0 * x * x


def of_point(x):
    slope = kernels.numerical_gradient(cube, x)
    forward = kernels.numerical_gradient(cube, x, 0.5, "forward")
    error, entry, within = kernels.check_gradient(cube, cube_slope, x)
    path = kernels.gradient_descent(cube_slope, x, 0.01, 3)
    return slope, forward, error, entry, within, path


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u2", "i8"])
@pytest.mark.parametrize("value", [2, 3])
def test_points_of_no_dimension_in_jitted_code(dtype, value):
    x = np.array(value, dtype)
    for actual, expected in zip(jitted(of_point)(x), of_point(x), strict=True):
        assert np.shape(actual) == np.shape(expected)
        assert np.asarray(actual).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9)
    assert x == value


@njit
def maybe(value, there):
    """A value that is optional to the compiler: it may be None."""
    return value if there else None


@njit
def total_cube(x):
    return (x * x * x).sum()


@njit
def optional_slopes(x, h, method, missing):
    return kernels.numerical_gradient(
        total_cube, maybe(x, missing != 0), maybe(h, missing != 1), maybe(method, missing != 2)
    )


@njit
def optional_check(x, h, tolerance, missing):
    return kernels.check_gradient(
        total_cube,
        cube_slope,
        maybe(x, missing != 0),
        maybe(h, missing != 1),
        maybe(tolerance, missing != 2),
    )


@njit
def optional_path(x0, rate, steps, missing):
    return kernels.gradient_descent(
        cube_slope, maybe(x0, missing != 0), maybe(rate, missing != 1), maybe(steps, missing != 2)
    )


@njit
def optional_number(x, rate, missing):
    point = maybe(x, missing != 0)
    slope = kernels.numerical_gradient(cube, point)
    error, entry, within = kernels.check_gradient(cube, cube_slope, point)
    path = kernels.gradient_descent(cube_slope, point, maybe(rate, missing != 1), 2)
    return slope, error, entry, within, path


@njit
def optional_errors(a, b, missing):
    return kernels.relative_error(maybe(a, missing != 0), maybe(b, missing != 1))


def all_of_number(x, rate):
    check = kernels.check_gradient(cube, cube_slope, x)
    path = kernels.gradient_descent(cube_slope, x, rate, 2)
    return kernels.numerical_gradient(cube, x), *check, path


POINTS = {"vector": np.array([1.0, 2.0]), "matrix": np.array([[1, -2, 3]], np.float32)}
OPTIONAL = {
    "numerical_gradient": (
        optional_slopes,
        lambda *arguments: kernels.numerical_gradient(total_cube, *arguments),
        (POINTS["vector"], 1e-3, "forward"),
    ),
    "numerical_gradient of float32": (
        optional_slopes,
        lambda *arguments: kernels.numerical_gradient(total_cube, *arguments),
        (POINTS["matrix"], 1e-3, "central"),
    ),
    "check_gradient": (
        optional_check,
        lambda *arguments: kernels.check_gradient(total_cube, cube_slope, *arguments),
        (POINTS["vector"], 1e-4, 1e-3),
    ),
    "gradient_descent": (
        optional_path,
        lambda *arguments: kernels.gradient_descent(cube_slope, *arguments),
        (POINTS["matrix"], 0.01, 3),
    ),
    "numbers": (optional_number, all_of_number, (1.5, 0.1)),
    "arrays of no dimension": (optional_number, all_of_number, (np.array(1.5), 0.1)),
    "relative_error": (optional_errors, kernels.relative_error, (POINTS["vector"], np.ones(2))),
}


@pytest.mark.slow
@pytest.mark.parametrize(("compiled", "function", "arguments"), OPTIONAL.values(), ids=OPTIONAL)
def test_arguments_that_may_be_none_in_jitted_code(compiled, function, arguments):
    results = parts(compiled(*arguments, -1))
    for actual, expected in zip(results, parts(function(*arguments)), strict=True):
        assert np.asarray(actual).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9)
    for missing in range(len(arguments)):
        with pytest.raises(TypeError, match="None"):
            compiled(*arguments, missing)
