"""Mistakes in calls of the library from Python: the class and the message of each error.

The same mistakes inside a caller's jitted code are in `kernels/simd/test_overloads_errors.py`.
"""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from mistakes import GOOD, MISTAKES, even_slopes, mean
from tiers import LABELLED, LINEAR, jitted

import kernels
from kernels.simd import _check_results


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
WITH_INTEGERS_BEYOND = [
    (HUGE, 2**63 + 5),
    (HUGE[::-1], 2**63 + 5),
    ([0, 2**63], 2**63),
    ([0, 2**70], 2**70),
    ([-(2**70), 0], -(2**70)),
]


@pytest.mark.parametrize("operation", [*LABELLED, *LINEAR, "train_linear"])
@pytest.mark.parametrize(("labels", "label"), WITH_INTEGERS_BEYOND, ids=str)
def test_a_label_that_int64_does_not_hold_is_named_as_it_is(operation, labels, label):
    with pytest.raises(ValueError, match="labels must be in") as raised:
        getattr(kernels, operation)(**GOOD[operation] | {"labels": labels})
    assert f"got {label} at index {list(labels).index(label)}" in str(raised.value)


@pytest.mark.parametrize("labels", [HUGE, [0, 2**70], [0, 2**63 - 1], [0, 2**48]], ids=str)
def test_labels_of_more_classes_than_there_can_be(labels):
    words = rf"labels must be in \[0, {2**48}\), got {labels[1]} at index 1"
    with pytest.raises(ValueError, match=words):
        kernels.train_linear([[1.0], [2.0]], labels)


@pytest.mark.parametrize(
    ("operation", "argument"),
    [("train_linear", "epochs"), ("train_linear", "classes"), ("gradient_descent", "steps")],
)
@pytest.mark.parametrize("value", [2**48 + 1, 2**62, 2**63, 2**70, np.uint64(2**64 - 1)])
def test_more_than_there_can_be(operation, argument, value):
    with pytest.raises(ValueError, match=f"{argument} must be at most {2**48}, got {value}"):
        getattr(kernels, operation)(**GOOD[operation] | {argument: value})


@pytest.mark.parametrize("value", [2, 2**62, 2**63, 2**63 + 1, 2**70, np.uint64(2**64 - 1)])
def test_a_batch_of_all_samples_and_more(value):
    arguments = GOOD["train_linear"]
    for got, want in zip(
        kernels.train_linear(**arguments, batch_size=value),
        kernels.train_linear(**arguments),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_integers_beyond_int64_are_numbers():
    assert kernels.softmax([[2**70, 0]]).tolist() == [[1.0, 0.0]]
    assert kernels.relative_error([2**64, 1.5], [2.0**64, 1.5]) == 0.0
    assert kernels.svm_loss([[0.0, 0.0]], [0], 2**70) == 2.0**70
    with pytest.raises(ValueError, match="real numbers, got an integer that float64 does not hold"):
        kernels.softmax([[10**400, 0]])
    with pytest.raises(ValueError, match="margin must be finite and at least 0, got an infinity"):
        kernels.svm_loss([[0.0]], [0], 10**400)
    with pytest.raises(ValueError, match="learning_rate must be finite, got an infinity"):
        kernels.gradient_descent(even_slopes, 1.0, -(10**400))


# --- arrays of other libraries

NULLABLE = {"Int64": np.int64, "UInt8": np.uint8, "Float64": np.float64, "Float32": np.float32}


@pytest.mark.parametrize(("nullable", "plain"), NULLABLE.items(), ids=str)
def test_nullable_dtypes_are_taken(nullable, plain):
    plain_scores = np.array([[1, 2, 0], [4, 3, 9]], plain)
    frame = pd.DataFrame(plain_scores).astype(nullable)
    got, want = kernels.softmax(frame), kernels.softmax(plain_scores)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    b = plain_scores[0]
    given = (frame[0], pd.array(b, dtype=nullable), pd.Series(b, dtype=nullable))
    for one in given[1:]:
        assert kernels.relative_error(one, b) == 0.0
    mixed = pd.DataFrame({"a": given[0], "b": [1.5, 2.5]})
    assert kernels.softmax(mixed).dtype == np.float64
    if np.dtype(plain).kind in "iu":
        labels = pd.Series([1, 0], dtype=nullable)
        assert kernels.svm_loss(frame, labels) == kernels.svm_loss(plain_scores, [1, 0])


def test_other_real_dtypes_are_taken():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    scores = np.array([[1.5, 2.0], [3.0, -0.5]])
    for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.float16, np.longdouble):
        np.testing.assert_array_equal(
            kernels.softmax(scores.astype(dtype)), kernels.softmax(scores)
        )
    assert kernels.svm_loss(scores, [0, 1], ml_dtypes.bfloat16(1)) == kernels.svm_loss(
        scores, [0, 1]
    )
    with pytest.raises(TypeError, match="labels must be integers, got bfloat16"):
        kernels.svm_loss(scores, np.array([0, 1], ml_dtypes.bfloat16))


SPARSE = "a sparse matrix: give its .toarray()"
MASKED = "a masked array: fill it, or leave out what is masked"
NOT_TAKEN = [
    (scipy.sparse.csr_matrix(np.eye(2)), SPARSE),
    (scipy.sparse.coo_array(np.eye(2, dtype=int)), SPARSE),
    ([scipy.sparse.csr_matrix([[1, 2]])], SPARSE),
    (np.ma.masked_less(np.eye(2), 1), MASKED),
    (np.ma.array(np.eye(2, dtype=int)), MASKED),
    ([np.ma.array([1.0, 2.0]), np.ma.array([1.0, 2.0])], MASKED),
    (pd.DataFrame([[1, None], [2, 3]], dtype="Int64"), "missing values (NA)"),
    (pd.DataFrame([[1.5, None], [2, 3]], dtype="Float64"), "missing values (NA)"),
    (pd.DataFrame(np.eye(2, dtype=bool)).astype("boolean"), "booleans"),
    (pd.DataFrame({"a": pd.array([True, False]), "b": pd.array([1.5, 2.5])}), "booleans"),
    (pd.DataFrame([["1", "2"]]), "objects"),
    (np.zeros((2, 2), "M8[s]"), "dates"),
    (None, "None"),
    ("12", "a str"),
    ({"a": 1}, "a dict"),
    ({1, 2}, "a set"),
    ((i for i in range(2)), "a generator"),
]


@pytest.mark.parametrize(("value", "words"), NOT_TAKEN, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        ("softmax", "scores"),
        ("linear_loss", "X"),
        ("linear_loss", "W"),
        ("relative_error", "b"),
        ("numerical_gradient", "x"),
        ("gradient_descent", "x0"),
    ],
)
def test_what_is_not_taken_is_named(operation, argument, value, words):
    with pytest.raises(TypeError) as raised:
        getattr(kernels, operation)(**GOOD[operation] | {argument: value})
    assert str(raised.value) == f"{operation}: {argument} must be real numbers, got {words}"


NO_LABELS = [
    (scipy.sparse.csr_matrix([[0, 1]]), SPARSE),
    (np.ma.masked_less([0, 1], 1), MASKED),
    (pd.Series([0, None], dtype="Int64"), "missing values (NA)"),
    (pd.array([0, None], dtype="UInt8"), "missing values (NA)"),
    (pd.Series([0.0, 1.0], dtype="Float64"), "floats"),
    (pd.Series([True, False], dtype="boolean"), "booleans"),
    (np.zeros(2, "m8[s]"), "time differences"),
    (None, "None"),
    ("01", "a str"),
]


@pytest.mark.parametrize(("value", "words"), NO_LABELS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("operation", ["svm_loss", "linear_gradient", "train_linear"])
def test_labels_that_are_not_taken_are_named(operation, value, words):
    with pytest.raises(TypeError) as raised:
        getattr(kernels, operation)(**GOOD[operation] | {"labels": value})
    assert str(raised.value) == f"{operation}: labels must be integers, got {words}"


class Foreign:
    """An array that NumPy cannot read, such as a bfloat16 tensor of torch."""

    dtype = "its.bfloat16"

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


def test_an_array_that_numpy_does_not_take_is_named_with_the_reason():
    with pytest.raises(TypeError) as raised:
        kernels.softmax(Foreign())
    words = (
        "a Foreign of its.bfloat16 that NumPy does not take (Got unsupported ScalarType BFloat16)"
    )
    assert str(raised.value) == f"softmax: scores must be real numbers, got {words}"


@pytest.mark.parametrize(
    ("value", "words"), [(pd.NA, "a missing value (NA)"), (np.ma.masked, "a masked array")], ids=str
)
def test_numbers_that_are_not_there(value, words):
    with pytest.raises(TypeError, match=re.escape(f"margin must be a real number, got {words}")):
        kernels.svm_loss([[1.0]], [0], value)


# --- results of functions: the helpers alone; the tests of their callers use them, too

NUMBERS = [
    1.5,
    2,
    np.float32(1.5),
    np.float64(2),
    np.int8(3),
    np.array(1.5),
    np.array([1.5]),
    2**70,
]


@pytest.mark.parametrize("result", [*NUMBERS, Fraction(3, 2), Decimal("1.5")], ids=repr)
def test_what_a_function_may_return(result):
    value = _check_results.value_of("numerical_gradient", "f", result)
    assert type(value) is float
    assert value == result
    assert _check_results.value_of("numerical_gradient", "f", 10**400) == np.inf
    assert _check_results.value_of("numerical_gradient", "f", -(10**400)) == -np.inf


NO_NUMBERS = [
    (np.ones(2), "an array of shape (2,)"),
    (np.ones((1, 3)), "an array of shape (1, 3)"),
    (np.ones(0), "an array of shape (0,)"),
    (1j, "complex numbers"),
    (np.complex64(1), "complex numbers"),
    (np.array([1j]), "complex numbers"),
    (True, "booleans"),
    (np.bool_(True), "booleans"),
    (None, "None"),
    ("1.5", "a str"),
    ((1.5, 2.5), "a tuple"),
    ([1.5], "a list"),
    (np.ma.masked, "a masked array"),
    (pd.Series([1.5, 2.5]), "an array of shape (2,)"),
]


@pytest.mark.parametrize(("result", "words"), NO_NUMBERS, ids=repr)
def test_what_a_function_may_not_return(result, words):
    with pytest.raises(TypeError) as raised:
        _check_results.value_of("check_gradient", "f", result)
    assert str(raised.value) == f"check_gradient: f must return a real number, got {words}"


@pytest.mark.parametrize(
    ("result", "shape"),
    [
        ((1.0, np.ones(2)), (2,)),
        ((1.0, [1.0, 2.0]), (2,)),
        ((np.float64(1), np.ones((1, 2))), (1, 2)),
        ((1.0, [3.0]), (1,)),
        ((1.0, 2.0), ()),
    ],
    ids=repr,
)
def test_a_gradient_that_returns_its_loss_too(result, shape):
    with pytest.raises(TypeError) as raised:
        _check_results.gradient_of("gradient_descent", "gradient", result, shape)
    words = "gradient must return the gradient alone, got (loss, gradient)"
    assert str(raised.value) == f"gradient_descent: {words}"


def test_what_a_gradient_may_return():
    for result in ((1.0, 2.0), [1, 2], np.array([1.0, 2.0], np.float16)):
        slope = _check_results.gradient_of("check_gradient", "gradient", result, (2,))
        assert slope.tolist() == [1.0, 2.0]
    assert _check_results.gradient_of("check_gradient", "gradient", 3, ()) == 3.0
    with pytest.raises(ValueError, match=r"gradient must return shape \(2,\), got shape \(3,\)"):
        _check_results.gradient_of("check_gradient", "gradient", [1, 2, 3], (2,))
    with pytest.raises(TypeError, match="gradient must be real numbers, got None"):
        _check_results.gradient_of("check_gradient", "gradient", None, (2,))


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
