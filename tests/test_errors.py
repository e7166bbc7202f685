"""Mistakes in calls of the library from Python: the class and the words of each error.

The same mistakes inside a caller's jitted code are in `kernels/simd/test_in_jit_errors.py`.
"""

import numpy as np
import pytest
from mistakes import GOOD, MISTAKES, mean
from tiers import jitted

import kernels


@pytest.mark.parametrize("operation", GOOD)
def test_the_calls_that_mistakes_are_made_in_are_right(operation):
    getattr(kernels, operation)(**GOOD[operation])


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_mistakes_are_refused(mistake):
    with pytest.raises(mistake.error) as raised:
        getattr(kernels, mistake.operation)(**GOOD[mistake.operation] | mistake.change)
    assert type(raised.value) is mistake.error
    assert str(raised.value) == f"{mistake.operation}: {mistake.words}"


HUGE = np.array([0, 2**63 + 5], np.uint64)


def test_a_label_that_int64_does_not_hold_is_out_of_range():
    # it is named by the largest number that int64 holds
    with pytest.raises(ValueError, match=r"labels must be in \[0, 2\), got 92233\d{14} at index 1"):
        kernels.svm_loss(np.eye(2), HUGE)


# --- functions


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        ("numerical_gradient", "f"),
        ("check_gradient", "f"),
        ("check_gradient", "gradient"),
        ("gradient_descent", "gradient"),
    ],
)
@pytest.mark.parametrize("value", [None, 3.0, "sum", [1.0], np.ones(2)], ids=repr)
def test_what_cannot_be_called_is_refused(operation, argument, value):
    with pytest.raises(TypeError) as raised:
        getattr(kernels, operation)(**GOOD[operation] | {argument: value})
    words = f"{operation}: {argument} must be a function, got a {type(value).__name__}"
    assert str(raised.value) == words


def as_it_is(function):
    return function


plain_or_jitted = pytest.mark.parametrize("given", [as_it_is, jitted], ids=["plain", "jitted"])


def first_row(x):
    return np.asarray(x)[0]


@plain_or_jitted
def test_a_gradient_of_another_shape(given):
    with pytest.raises(ValueError, match="gradient must return shape") as raised:
        kernels.check_gradient(given(mean), given(first_row), [[1.0, 2.0, 3.0]])
    words = "gradient must return shape (1, 3), got shape (3,)"
    assert str(raised.value) == f"check_gradient: {words}"


def transposed(x):
    return np.asarray(x).T


@plain_or_jitted
def test_a_descent_along_another_shape(given):
    with pytest.raises(ValueError, match="gradient must return shape") as raised:
        kernels.gradient_descent(given(transposed), [[1.0, 2.0, 3.0]])
    words = "gradient must return shape (1, 3), got shape (3, 1)"
    assert str(raised.value) == f"gradient_descent: {words}"


BAD_SLOPES = {
    "booleans": lambda x: [True, False],  # noqa: ARG005
    "complex numbers": lambda x: [1j, 2j],  # noqa: ARG005
    "strings": lambda x: ["1", "2"],  # noqa: ARG005
    "objects": lambda x: [None, 1.0],  # noqa: ARG005
}


@pytest.mark.parametrize("operation", ["check_gradient", "gradient_descent"])
@pytest.mark.parametrize(("kind", "gradient"), BAD_SLOPES.items(), ids=BAD_SLOPES)
def test_a_gradient_of_no_real_numbers(operation, kind, gradient):
    with pytest.raises(TypeError) as raised:
        getattr(kernels, operation)(**GOOD[operation] | {"gradient": gradient})
    assert str(raised.value) == f"{operation}: gradient must be real numbers, got {kind}"
