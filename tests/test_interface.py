"""One name, one set of arguments and a tested example for each operation in each version."""

import doctest
import importlib
import inspect

import pytest
from tiers import FILLING, OF_SCORES, OPERATIONS

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
    """Names and defaults of the arguments that all versions have, in their order."""
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
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
