"""What is refused, and with which words: the same class and text in every tier.

The words are written out here once more: the loops hold their own copy of the checks, and this
table holds the two together. The same mistakes inside a caller's jitted code are in
`kernels/simd/test_in_jit_errors.py`.
"""

import numpy as np
import pytest
from mistakes import GOOD, MISTAKES, arguments, mean
from tiers import every_tier, function_for, jit, reference, vectorized


@every_tier
@pytest.mark.parametrize("operation", GOOD)
def test_the_calls_that_mistakes_are_made_in_are_right(tier, operation):
    getattr(tier, operation)(**arguments(tier, operation))


@every_tier
@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_mistakes_are_refused(tier, mistake):
    with pytest.raises(mistake.error) as raised:
        getattr(tier, mistake.operation)(**arguments(tier, mistake.operation, mistake.change))
    assert type(raised.value) is mistake.error
    assert str(raised.value) == f"{mistake.operation}: {mistake.words}"


HUGE = np.array([0, 2**63 + 5], np.uint64)


@every_tier
def test_a_label_that_int64_does_not_hold_is_out_of_range(tier):
    # the fast tiers name the largest number they can
    with pytest.raises(ValueError, match=r"labels must be in \[0, 2\), got 92233\d{14} at index 1"):
        tier.svm_loss(np.eye(2), HUGE)


# --- what only some tiers take


def identity(x):
    return x


@pytest.mark.parametrize("tier", [reference, vectorized])
def test_plain_functions_are_for_the_tiers_without_numba(tier):
    assert np.ndim(tier.numerical_gradient(identity, 1.0)) == 0


NOT_JITTED = "must be an @njit function, got one that is not jitted: decorate it with @numba.njit"


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        ("numerical_gradient", "f"),
        ("check_gradient", "f"),
        ("check_gradient", "gradient"),
        ("gradient_descent", "gradient"),
    ],
)
@pytest.mark.parametrize("plain", [identity, sum, None])
def test_plain_functions_are_refused_by_the_jit_tier(operation, argument, plain):
    with pytest.raises(TypeError) as raised:
        getattr(jit, operation)(**arguments(jit, operation, {argument: plain}))
    assert str(raised.value) == f"{operation}: {argument} {NOT_JITTED}"


# --- mistakes that a function hands back


def first_row(x):
    return np.asarray(x)[0]


@every_tier
def test_a_gradient_of_another_shape(tier):
    gradient = function_for(tier, first_row)
    with pytest.raises(ValueError, match="gradient must return shape") as raised:
        tier.check_gradient(function_for(tier, mean), gradient, [[1.0, 2.0, 3.0]])
    words = "gradient must return shape (1, 3), got shape (3,)"
    assert str(raised.value) == f"check_gradient: {words}"


def transposed(x):
    return np.asarray(x).T


@every_tier
def test_a_descent_along_another_shape(tier):
    with pytest.raises(ValueError, match="gradient must return shape") as raised:
        tier.gradient_descent(function_for(tier, transposed), [[1.0, 2.0, 3.0]])
    words = "gradient must return shape (1, 3), got shape (3, 1)"
    assert str(raised.value) == f"gradient_descent: {words}"
