"""`out=` of the library: the array that is filled and returned."""

import numpy as np
import pytest
from closeness import assert_agrees
from inputs import FLOAT_DTYPES, every_other, reversed_view, seeded_classification
from tiers import FILLING, GRADIENTS, call, parts

import kernels

filling = pytest.mark.parametrize("operation", FILLING)
dtypes = pytest.mark.parametrize("dtype", FLOAT_DTYPES)
# Rows of less than a line of numbers, of a line, of a few, and longer ones
lengths = pytest.mark.parametrize("classes", [3, 10, 16, 37, 300])
SHAPES = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "every other": every_other,
    "reversed": reversed_view,
}


def filled(operation, scores, labels, **options):
    """The (N, C) part of a result."""
    return parts(call(kernels, operation, scores, labels, **options))[-1]


@filling
@dtypes
@pytest.mark.parametrize("layout", SHAPES.values(), ids=SHAPES)
def test_out_is_filled_and_returned(operation, dtype, layout):
    scores, labels = seeded_classification(5, 4, dtype=dtype)
    expected = call(kernels, operation, scores, labels)
    out = layout(np.full_like(scores, 7))
    result = call(kernels, operation, scores, labels, out=out)
    assert parts(result)[-1] is out
    for actual, value in zip(parts(result), parts(expected), strict=True):
        assert_agrees(actual, value, dtype=dtype, scale=0.1)


@filling
def test_nothing_around_a_strided_out_is_touched(operation):
    scores, labels = seeded_classification(3, 4)
    around = np.full((6, 8), 7.0)
    call(kernels, operation, scores, labels, out=around[::2, ::2])
    np.testing.assert_array_equal(around[1::2], 7)
    np.testing.assert_array_equal(around[:, 1::2], 7)
    assert (around[::2, ::2] != 7).all()


@filling
@dtypes
@lengths
def test_nothing_around_the_rows_is_touched_or_counted(operation, dtype, classes):
    original, labels = seeded_classification(19, classes, dtype=dtype)
    expected = call(kernels, operation, original, labels)
    scores, out = (np.full((23, classes), np.nan, dtype) for _ in range(2))
    scores[2:-2] = original
    for target in (out, scores):
        result = call(kernels, operation, scores[2:-2], labels, out=target[2:-2])
        assert np.isnan(target[:2]).all()
        assert np.isnan(target[-2:]).all()
        for actual, value in zip(parts(result), parts(expected), strict=True):
            assert_agrees(actual, value, dtype=dtype, scale=1 / 19)


@filling
@dtypes
@lengths
@pytest.mark.parametrize("layout", SHAPES.values(), ids=SHAPES)
def test_scores_may_be_overwritten(operation, dtype, layout, classes):
    original, labels = seeded_classification(6, classes, dtype=dtype)
    expected = call(kernels, operation, original, labels)
    scores = layout(original)
    result = call(kernels, operation, scores, labels, out=scores)
    assert parts(result)[-1] is scores
    for actual, value in zip(parts(result), parts(expected), strict=True):
        assert_agrees(actual, value, dtype=dtype, scale=0.1)


@filling
def test_scores_may_be_overwritten_on_threads(operation):
    scores, labels = seeded_classification(4000, 9)
    expected = filled(operation, scores, labels)
    filled(operation, scores, labels, out=scores, parallel=True)
    assert_agrees(scores, expected, scale=1 / len(scores))


@pytest.mark.parametrize("operation", GRADIENTS)
@pytest.mark.parametrize("options", [{}, {"parallel": True}], ids=["serial", "parallel"])
def test_a_wrong_label_leaves_the_scores_as_they_were(operation, options):
    original, labels = seeded_classification(20_000, 9)
    labels[-1] = 9
    scores = original.copy()
    with pytest.raises(ValueError, match=r"labels must be in \[0, 9\), got 9 at index 19999"):
        call(kernels, operation, scores, labels, out=scores, **options)
    np.testing.assert_array_equal(scores, original)


@filling
def test_integer_scores_fill_a_float64_out(operation):
    out = np.empty((2, 2))
    assert filled(operation, [[1, 2], [5, 3]], [0, 1], out=out) is out
    np.testing.assert_array_equal(out, filled(operation, [[1.0, 2.0], [5.0, 3.0]], [0, 1]))


DTYPE_WORDS = "out must be an array in the dtype of the scores"
BAD_OUTS = {
    "a list": ([[0.0, 0.0], [0.0, 0.0]], TypeError, DTYPE_WORDS),
    "float32": (np.empty((2, 2), np.float32), TypeError, DTYPE_WORDS),
    "integers": (np.empty((2, 2), np.int64), TypeError, DTYPE_WORDS),
    "big-endian": (np.empty((2, 2), ">f8"), TypeError, DTYPE_WORDS),
    "a shape": (np.empty((2, 3)), ValueError, "out must have shape (2, 2), got shape (2, 3)"),
    "transposed": (np.empty((3, 2)), ValueError, "out must have shape (2, 2), got shape (3, 2)"),
    "one dimension": (np.empty(2), ValueError, "out must have shape (2, 2), got shape (2,)"),
    "three": (np.empty((1, 2, 2)), ValueError, "out must have shape (2, 2), got shape (1, 2, 2)"),
    "read-only": (
        np.broadcast_to(0.0, (2, 2)), ValueError, "out must be writeable, got a read-only array",
    ),
}  # fmt: skip


@filling
@pytest.mark.parametrize(("out", "error", "words"), BAD_OUTS.values(), ids=BAD_OUTS)
def test_bad_outs_are_refused(operation, out, error, words):
    with pytest.raises(error) as raised:
        call(kernels, operation, np.eye(2), np.array([0, 1]), out=out)
    assert type(raised.value) is error
    assert str(raised.value) == f"{operation}: {words}"


@pytest.mark.parametrize("operation", GRADIENTS)
@pytest.mark.parametrize("label", [-1, 3, 2**40, -(2**63)])
@pytest.mark.parametrize("options", [{}, {"parallel": True}], ids=["serial", "parallel"])
def test_a_bad_label_leaves_out_as_it_was(operation, label, options):
    scores, labels = seeded_classification(5000, 3)
    labels[4321] = label
    out = np.full_like(scores, 7)
    with pytest.raises(ValueError, match="labels must be in"):
        call(kernels, operation, scores, labels, out=out, **options)
    np.testing.assert_array_equal(out, 7)
