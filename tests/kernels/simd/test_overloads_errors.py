"""Mistakes in calls from jitted code.

Wrong values raise the same error as from Python, at run time. Wrong types or dimensions raise
Numba's TypingError, with the same message.
"""

import callers
import numpy as np
import pytest
from inputs import read_only
from mistakes import MISTAKES
from numba import njit, types
from numba.core.errors import TypingError
from tiers import FILLING, LABELLED, OF_SCORES

import kernels
from kernels.simd._check_types import accept_gradient, accept_value


def compiled_value(mistake):
    """The mistake in the type that the caller is compiled for; None if there is none."""
    ((argument, value),) = mistake.change.items()
    good = callers.arguments(mistake.operation)[argument]
    if isinstance(value, list):
        try:
            value = np.array(value, dtype=None if value else np.asarray(good).dtype)
        except ValueError:  # ragged lists are no arrays
            return None
    if isinstance(good, np.ndarray):
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "bcfi":
            return None
        # the widths in the table do not matter, and cost a compilation each
        return value.astype({"f": "f8", "i": "i8"}.get(value.dtype.kind, value.dtype))
    if isinstance(value, np.ndarray):
        return None
    if isinstance(good, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return int(value) if isinstance(value, np.integer) else value


def is_of_type(mistake):
    """Whether the mistake is visible in Numba's types."""
    return mistake.error is TypeError or "dimension" in mistake.words


IN_JIT = [(one, value) for one in MISTAKES if (value := compiled_value(one)) is not None]
OF_TYPE = [pair for pair in IN_JIT if is_of_type(pair[0])]
OF_VALUE = [pair for pair in IN_JIT if not is_of_type(pair[0])]


def make(mistake, value):
    (argument,) = mistake.change
    arguments = callers.arguments(mistake.operation) | {argument: value}
    getattr(callers, mistake.operation)(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "value"), OF_VALUE, ids=str)
def test_mistakes_of_value_are_refused_at_run_time(mistake, value):
    with pytest.raises(mistake.error) as raised:
        make(mistake, value)
    assert type(raised.value) is mistake.error
    assert str(raised.value) == f"{mistake.operation}: {mistake.words}"


@pytest.mark.parametrize(("mistake", "value"), OF_TYPE, ids=str)
def test_mistakes_of_type_are_refused_while_the_caller_is_typed(mistake, value):
    with pytest.raises(TypingError) as raised:
        make(mistake, value)
    assert f"{mistake.operation}: {mistake.words}" in str(raised.value)


@pytest.mark.parametrize("operation", OF_SCORES)
def test_lists_are_no_arrays(operation):
    @njit
    def caller(labels):
        if operation in LABELLED:
            return function([[1.0, 2.0]], labels)
        return function([[1.0, 2.0]])

    function = getattr(kernels, operation)
    with pytest.raises(TypingError, match=f"{operation}: scores must be an array"):
        caller(np.array([0]))


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        ("numerical_gradient", "f"),
        ("check_gradient", "f"),
        ("check_gradient", "gradient"),
        ("gradient_descent", "gradient"),
    ],
)
@pytest.mark.parametrize("value", [None, 3.0], ids=repr)
def test_a_function_has_to_be_jitted(operation, argument, value):
    arguments = callers.arguments(operation) | {argument: value}
    words = f"{operation}: {argument} must be an @njit function, got one that is not jitted"
    with pytest.raises(TypingError, match=words):
        getattr(callers, operation)(**arguments)


@njit
def on_threads_or_not(scores, labels, parallel):
    return kernels.softmax_loss(scores, labels, parallel=parallel)


def test_which_kernel_runs_is_known_while_the_caller_is_typed():
    words = "softmax_loss: parallel must be a constant True or False in jitted code"
    with pytest.raises(TypingError, match=words):
        on_threads_or_not(np.eye(2), np.array([0, 1]), True)


@njit
def gradient_into(scores, labels, out):
    return kernels.svm_loss_gradient(scores, labels, 1.0, out)


@njit
def probabilities_into(scores, out):
    return kernels.softmax(scores, out=out)


@njit
def log_probabilities_into(scores, out):
    return kernels.log_softmax(scores, out=out)


@njit
def softmax_gradient_into(scores, labels, out):
    return kernels.softmax_loss_gradient(scores, labels, out=out)


INTO = {
    "svm_loss_gradient": gradient_into,
    "softmax": probabilities_into,
    "log_softmax": log_probabilities_into,
    "softmax_loss_gradient": softmax_gradient_into,
}


def fill(operation, out, labels=(0, 1)):
    into = INTO[operation]
    return into(np.eye(2), np.array(labels), out) if operation in LABELLED else into(np.eye(2), out)


@pytest.mark.parametrize("operation", FILLING)
@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.empty((2, 2), np.float32), "out must be an array in the dtype of the scores"),
        (1.0, "out must be an array in the dtype of the scores"),
        (read_only(np.empty((2, 2))), "out must be writeable, got a read-only array"),
    ],
    ids=["float32", "number", "read-only"],
)
def test_outs_of_another_type(operation, out, words):
    with pytest.raises(TypingError, match=f"{operation}: {words}"):
        fill(operation, out)


@pytest.mark.slow
@pytest.mark.parametrize("operation", FILLING)
def test_outs_of_another_shape(operation):
    with pytest.raises(ValueError, match="out must have shape") as raised:
        fill(operation, np.empty((2, 3)))
    assert str(raised.value) == f"{operation}: out must have shape (2, 2), got shape (2, 3)"


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["svm_loss_gradient", "softmax_loss_gradient"])
def test_a_bad_label_leaves_out_as_it_was(operation):
    out = np.full((2, 2), 7.0)
    with pytest.raises(ValueError, match=f"{operation}: labels must be in"):
        fill(operation, out, labels=(0, 2))
    np.testing.assert_array_equal(out, 7)


@njit
def trained(X, labels, classes, epochs, batch_size):
    return kernels.train_linear(X, labels, classes=classes, epochs=epochs, batch_size=batch_size)


UINT64 = np.array([0, 2**63 + 5], np.uint64)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["svm_loss", "softmax_loss_gradient", "linear_loss"])
def test_a_label_that_int64_does_not_hold_is_named_as_it_is(operation):
    arguments = callers.arguments(operation)
    with pytest.raises(ValueError, match=f"labels must be in .*, got {2**63 + 5} at index 1"):
        getattr(callers, operation)(**arguments | {"labels": UINT64})
    with pytest.raises(ValueError, match=r"labels must be in .*, got 9 at index 0"):
        getattr(callers, operation)(**arguments | {"labels": np.array([9, 0], np.uint64)})


@pytest.mark.slow
def test_uint64_labels_are_taken():
    labels = np.array([1, 0])
    want = callers.svm_loss(np.eye(2), labels, 1.0)
    assert callers.svm_loss(np.eye(2), labels.astype(np.uint64), 1.0) == want


@pytest.mark.slow
@pytest.mark.parametrize("labels", [UINT64, np.array([0, 2**63 - 1]), np.array([0, 2**48])])
def test_labels_of_more_classes_than_there_can_be(labels):
    for classes, known in ((None, 2**48), (2, 2)):
        words = rf"labels must be in \[0, {known}\), got {labels[1]} at index 1"
        with pytest.raises(ValueError, match=words):
            trained(np.eye(2), labels, classes, 2, None)


@pytest.mark.slow
@pytest.mark.parametrize("value", [2**48 + 1, 2**63 - 1, np.uint64(2**63 + 1)])
def test_more_than_there_can_be(value):
    for argument, counts in (("classes", (value, 2)), ("epochs", (2, value))):
        with pytest.raises(ValueError, match=f"{argument} must be at most {2**48}, got {value}"):
            trained(np.eye(2), np.array([0, 1]), *counts, None)


@pytest.mark.slow
@pytest.mark.parametrize("value", [2, 2**62, 2**63 - 1, np.uint64(2**63), np.uint64(2**64 - 1)])
def test_a_batch_of_all_samples_and_more(value):
    arguments = np.eye(2), np.array([0, 1]), 2, 3
    for got, want in zip(trained(*arguments, value), trained(*arguments, None), strict=True):
        np.testing.assert_array_equal(got, want)


def test_float16_is_refused_in_words():
    half = np.eye(2, dtype=np.float16)
    for arguments, argument in (
        ((half, np.array([0, 1]), 1.0), "scores"),
        ((np.eye(2), np.array([0, 1]), np.float16(1)), "margin"),
    ):
        words = f"svm_loss: {argument} must be in float32 or float64 in jitted code, got float16"
        with pytest.raises(TypingError, match=words):
            callers.svm_loss(*arguments)


@pytest.mark.parametrize(
    ("value", "words"), [((1.0, 2.0), "UniTuple"), (None, "none"), (1.0, "float64")], ids=repr
)
def test_what_is_no_array_is_named(value, words):
    with pytest.raises(TypingError, match=f"softmax: scores must be an array, got {words}"):
        callers.softmax(value)


# --- results of jitted functions: the helpers alone; the tests of their callers use them, too

POINT, NUMBER = types.Array(types.float64, 1, "C"), types.float64


def total(x):
    return x.sum()


def complex_sum(x):
    return x.sum() * 1j


def same(x):
    return x


def nothing(x):
    pass


def with_loss(x):
    return x.sum(), x


def number_with_loss(x):
    return x * x, 2 * x


def positive(x):
    return x.sum() > 0


def complex_slopes(x):
    return x * 1j


@pytest.mark.parametrize("error", [TypingError, TypeError])
@pytest.mark.parametrize(
    ("f", "words"),
    [
        (complex_sum, "complex numbers"),
        (same, "a 1-dimensional array"),
        (nothing, "None"),
        (with_loss, "a tuple of 2"),
        (positive, "booleans"),
    ],
)
def test_what_a_function_may_not_return(f, words, error):
    with pytest.raises(error) as raised:
        accept_value("numerical_gradient", "f", njit(f), POINT, error)
    assert str(raised.value) == f"numerical_gradient: f must return a real number, got {words}"


@pytest.mark.parametrize(
    ("gradient", "point", "words"),
    [
        (with_loss, POINT, "the gradient alone, got (loss, gradient)"),
        (number_with_loss, NUMBER, "the gradient alone, got (loss, gradient)"),
        (nothing, POINT, "an array of real numbers, got None"),
        (total, POINT, "an array of real numbers, got floats"),
        (complex_slopes, POINT, "an array of real numbers, got a 1-dimensional array of co"),
        (complex_slopes, NUMBER, "a real number, got complex numbers"),
    ],
)
def test_what_a_gradient_may_not_return(gradient, point, words):
    with pytest.raises(TypingError) as raised:
        accept_gradient("gradient_descent", "gradient", njit(gradient), point)
    assert str(raised.value).startswith(f"gradient_descent: gradient must return {words}")


def test_what_jitted_functions_may_return():
    accept_value("check_gradient", "f", njit(lambda x: x.sum()), POINT)
    accept_value("check_gradient", "f", njit(lambda x: int(x)), NUMBER)
    accept_gradient("check_gradient", "gradient", njit(same), POINT)
    accept_gradient("check_gradient", "gradient", njit(lambda x: 2 * x), NUMBER)
