"""Every public function gives the same values in jitted code as from Python."""

import os
import subprocess
import sys
import textwrap

import callers
import numpy as np
import pytest
from closeness import assert_agrees, computed_dtype
from inputs import every_other, read_only, seeded_classification, seeded_linear
from mistakes import GOOD
from numba import njit, prange
from tiers import OF_SCORES, call, jitted, parts

import kernels

of_scores = pytest.mark.parametrize("operation", OF_SCORES)
SCORES, LABELS = seeded_classification(6, 4)


def assert_same(actual, expected):
    """Compare two results, including types of numbers and dtypes of arrays.

    Not bit by bit: within a caller, LLVM may vectorise a sum in another way.
    """
    for value, wanted in zip(parts(actual), parts(expected), strict=True):
        assert type(value) is type(wanted)
        if isinstance(wanted, np.ndarray):
            assert value.dtype == wanted.dtype
        assert_agrees(value, wanted, dtype=computed_dtype(wanted), scale=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("operation", GOOD)
def test_values_are_those_from_python(operation):
    arguments = callers.arguments(operation)
    actual = getattr(callers, operation)(**arguments)
    assert_same(actual, getattr(kernels, operation)(**arguments))


# One dtype and layout at a time, so that few variants are compiled
VIEWS = {
    "float32": lambda scores, labels: (scores.astype(np.float32), labels),
    "integers": lambda scores, labels: (scores.astype(np.int32), labels.astype(np.int32)),
    "small labels": lambda scores, labels: (scores, labels.astype(np.uint8)),
    "fortran": lambda scores, labels: (np.asfortranarray(scores), labels),
    "strided": lambda scores, labels: (every_other(scores), every_other(labels)),
    "read-only": lambda scores, labels: (read_only(scores), read_only(labels)),
}


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("operation", "view"),
    [*(("svm_loss", view) for view in VIEWS), ("softmax", "strided"), ("softmax", "integers")],
)
def test_arrays_of_any_kind(operation, view):
    scores, labels = VIEWS[view](SCORES, LABELS)
    options = {"margin": 0.75} if operation == "svm_loss" else {}
    expected = call(kernels, operation, scores, labels, **options)
    assert_same(call(callers, operation, scores, labels, **options), expected)


@pytest.mark.slow
def test_linear_functions_take_arrays_of_mixed_kinds():
    W, b, X, labels = seeded_linear(5, 4, 3)
    W, b, X = np.asfortranarray(W), b.astype(np.float32), every_other(X)
    labels = labels.astype(np.uint8)
    expected = kernels.linear_loss(W, b, X, labels, "svm", 0.5, 0.1)
    actual = callers.linear_loss(W, b, X, labels, "svm", 0.5, 0.1)
    assert actual == pytest.approx(expected, rel=1e-14)


@njit
def keywords_and_constants(scores, labels):
    svm = kernels.svm_loss(margin=0.5, labels=labels, scores=scores)
    svm_on_threads = kernels.svm_loss(scores, labels, margin=0.5, parallel=True)
    probabilities = kernels.softmax(scores, out=None, parallel=False)
    return svm, svm_on_threads, probabilities


@pytest.mark.slow
def test_keywords_defaults_and_constants():
    svm, svm_on_threads, probabilities = keywords_and_constants(SCORES, LABELS)
    expected = kernels.svm_loss(SCORES, LABELS, 0.5)
    assert_same((svm, svm_on_threads, probabilities), (expected, expected, kernels.softmax(SCORES)))


@njit
def fill(scores, labels, out):
    loss, dscores = kernels.softmax_loss_gradient(scores, labels, out=out)
    dscores[0, 0] = 9.0
    return loss


@pytest.mark.slow
def test_out_is_filled_in_jitted_code():
    out = np.empty_like(SCORES)
    loss, expected = kernels.softmax_loss_gradient(SCORES, LABELS)
    expected[0, 0] = 9.0  # what is returned is `out` itself
    assert_same((fill(SCORES, LABELS, out), out), (loss, expected))


@njit
def train_with_defaults(X, labels, W0):
    return kernels.train_linear(
        X, labels, None, epochs=3, batch_size=None, seed=-1, W0=W0, b0=None, train_bias=False
    )


@pytest.mark.slow
def test_optional_arguments_may_be_none_or_left_out():
    W0, _, X, labels = seeded_linear(6, 3, 4)
    labels[0] = 3
    before = W0.copy()
    expected = kernels.train_linear(X, labels, epochs=3, W0=W0, train_bias=False)
    assert_same(train_with_defaults(X, labels, W0), expected)
    np.testing.assert_array_equal(W0, before)


@njit
def half_square(x):
    return 0.5 * x * x


@njit
def itself(x):
    return x


@njit
def of_numbers(x):
    slope = kernels.numerical_gradient(half_square, x, method="forward", h=0.5)
    error, entry, within = kernels.check_gradient(half_square, itself, x)
    path = kernels.gradient_descent(itself, x, steps=2, learning_rate=0.5)
    return slope, kernels.relative_error(x, 2 * x), error, entry, within, path


@pytest.mark.slow
def test_functions_of_numbers():
    slope, difference, error, entry, within, path = of_numbers(3.0)
    assert (slope, difference) == (3.25, 3 / 9)
    assert error < 1e-8
    assert (entry, within) == ((), True)
    np.testing.assert_array_equal(path, [3, 1.5, 0.75])


def cubes(x):
    return (x * x * x).sum()


def cubes_slope(x):
    return 3.0 * x * x


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_differences_come_in_the_dtype_of_the_point(dtype):
    f, x = jitted(cubes), np.array([[1, 2, 3], [4, 5, 6]], dtype).T
    assert_same(
        callers.numerical_gradient(f, x, 0.5, "forward"),
        kernels.numerical_gradient(f, x, 0.5, "forward"),
    )


@pytest.mark.slow
def test_the_entry_of_the_largest_error():
    def doubled_in_one(x):
        slopes = 3.0 * x * x
        slopes[1, 2] *= 2.0
        return slopes

    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    error, entry, within = callers.check_gradient(
        jitted(cubes), jitted(doubled_in_one), x, 1e-5, 1e-6
    )
    assert error == pytest.approx(1 / 3, rel=1e-6)
    assert (entry, within) == ((1, 2), False)


@njit(parallel=True)
def losses_of_many(scores, labels):
    losses = np.empty(len(scores))
    for i in prange(len(scores)):
        losses[i] = kernels.svm_loss(scores[i], labels[i])
    return losses


@pytest.mark.slow
def test_serial_kernels_in_a_callers_own_prange():
    scores = np.random.default_rng(0).standard_normal((40, 6, 4))
    labels = np.random.default_rng(1).integers(0, 4, (40, 6))
    expected = [kernels.svm_loss(*pair) for pair in zip(scores, labels, strict=True)]
    assert_agrees(losses_of_many(scores, labels), expected)


CACHED_CALLER = """
    import kernels
    import numpy as np
    from numba import njit

    @njit(cache=True)
    def caller(scores, labels):
        return kernels.svm_loss(scores, labels) + kernels.softmax_loss(scores, labels)

    if __name__ == "__main__":
        value = caller(np.eye(3), np.array([0, 2, 2]))
        print(repr(value), sum(caller.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_a_caller_may_be_cached(tmp_path):
    script = tmp_path / "caller.py"
    script.write_text(textwrap.dedent(CACHED_CALLER), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run():
        command = [sys.executable, "-W", "error", script]
        return subprocess.run(command, env=environment, text=True, capture_output=True, check=True)

    expected = kernels.svm_loss(np.eye(3), [0, 2, 2]) + kernels.softmax_loss(np.eye(3), [0, 2, 2])
    for hits in (0, 1):
        value, found = run().stdout.split()
        assert (float(value), int(found)) == (pytest.approx(expected, rel=1e-14), hits)
