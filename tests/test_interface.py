"""One name, one set of arguments and a tested example for each operation in each tier."""

import doctest
import importlib
import inspect

import pytest
from tiers import FILLING, OF_SCORES, OPERATIONS, every_tier, fast_tier

import kernels
import reference
from kernels import simd, vectorized

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
operations = pytest.mark.parametrize("operation", OPERATIONS)


def parameters(tier, operation):
    return inspect.signature(getattr(tier, operation)).parameters.values()


def shared(tier, operation):
    """Names and defaults of the arguments that all tiers have, in their order."""
    return [
        (one.name, one.default) for one in parameters(tier, operation) if one.kind != KEYWORD_ONLY
    ]


def extras(tier, operation):
    """Names and defaults of the keyword-only arguments."""
    return {
        one.name: one.default for one in parameters(tier, operation) if one.kind == KEYWORD_ONLY
    }


@every_tier
def test_the_operations_are_those_of_the_design(tier):
    assert set(tier.__all__) == {
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


@fast_tier
@operations
def test_arguments_are_those_of_the_loops(tier, operation):
    assert shared(tier, operation) == shared(reference, operation)


@operations
def test_keywords_that_only_some_tiers_have(operation):
    out = {"out": None} if operation in FILLING else {}
    has_threads = operation in {*OF_SCORES, "numerical_gradient", "linear_numerical_gradient"}
    parallel = {"parallel": False} if has_threads else {}
    assert extras(reference, operation) == {}
    assert extras(vectorized, operation) == out
    assert extras(simd, operation) == out | parallel


@operations
def test_kernels_gives_the_jit_tier(operation):
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


@every_tier
@operations
def test_each_operation_is_explained_with_an_example(tier, operation):
    function = getattr(tier, operation)
    text = inspect.getdoc(function)
    examples = doctest.DocTestParser().get_examples(text)
    assert any(f"{operation}(" in example.source for example in examples)
    if tier is not reference:
        assert "Returns\n-------" in text
        assert "Raises\n------" in text
        assert "Examples\n--------" in text
        for one in parameters(tier, operation):
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
