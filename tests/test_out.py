"""`out=` of the library: the array that is filled and returned."""

import functools

import numpy as np
import pandas as pd
import pytest
from closeness import assert_agrees
from commands import run_python
from inputs import FLOAT_DTYPES, every_other, reversed_view, seeded_classification
from numba import njit, types
from numpy.lib.stride_tricks import as_strided
from tiers import FILLING, GRADIENTS, call, parts

import kernels

filling = pytest.mark.parametrize("operation", FILLING)
dtypes = pytest.mark.parametrize("dtype", FLOAT_DTYPES)
# Rows of less than a line of numbers, of one line, of a few lines, and longer rows
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


@pytest.mark.sampled
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


@pytest.mark.sampled
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


@pytest.mark.slow
@filling
def test_scores_may_be_overwritten_on_threads(operation):
    scores, labels = seeded_classification(4000, 9)
    expected = filled(operation, scores, labels)
    filled(operation, scores, labels, out=scores, parallel=True)
    assert_agrees(scores, expected, scale=1 / len(scores))


@pytest.mark.sampled
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


# --- memory that `out` shares with the arguments


@functools.cache
def in_jit(operation):
    """Compile a caller for arrays of any strides."""
    function = getattr(kernels, operation)
    scores, labels = types.float64[:, :], types.int64[:]

    def fill_alone(scores, out):
        return function(scores, out=out)

    def fill(scores, labels, out):
        return function(scores, labels, out=out)

    if operation in GRADIENTS:
        return njit([(scores, labels, scores), (scores, types.int32[:], scores)])(fill)
    return njit([(scores, scores)])(fill_alone)


def from_jit(operation, scores, labels, out):
    arguments = (scores, labels) if operation in GRADIENTS else (scores,)
    return in_jit(operation)(*arguments, out)


def from_python(operation, scores, labels, out):
    return call(kernels, operation, scores, labels, out=out)


callers = pytest.mark.parametrize("fill", [from_python, from_jit])

OVERLAPPING = {
    "a row on": lambda b: (b[:-1], b[1:]),
    "two rows back": lambda b: (b[2:], b[:-2]),
    "a number on": lambda b: (b.ravel()[:-8].reshape(-1, 8), b.ravel()[1:-7].reshape(-1, 8)),
    "a column on": lambda b: (b[:, :-1], b[:, 1:]),
    "part of a row": lambda b: (b[:3, :5], b[2:5, 3:]),
    "one number": lambda b: (b[:2, :2], b[1:3, 1:3]),
    "rows reversed": lambda b: (b, b[::-1]),
    "columns reversed": lambda b: (b, b[:, ::-1]),
    "both reversed": lambda b: (b[::-1, ::-1], b),
    "reversed scores": lambda b: (b[:0:-1], b[1:]),
    "transposed": lambda b: (b[:8], b[:8].T),
    "rows that the scores skip": lambda b: (b[::2], b[:6]),
    "columns that the scores skip": lambda b: (b[:, ::2], b[:, 2:6]),
    "broadcast scores": lambda b: (as_strided(b[5], b.shape, (0, 8)), b),
    "one row": lambda b: (b[:1], b[:1, ::-1]),
    "one column": lambda b: (b[:, 3:4], b[::-1, 3:4]),
}
APART = {
    "the very scores": lambda b: (b, b),
    "an equal view": lambda b: (b[1:, ::3], b[1:, ::3]),
    "the same row": lambda b: (b[2][np.newaxis], b[2].reshape(1, -1)),
    "the same column": lambda b: (b[:, 2:3], b[:, 2::7]),
    "other rows": lambda b: (b[:5], b[6:]),
    "every other row": lambda b: (b[:10:2], b[1:10:2]),
    "other columns": lambda b: (b[:, :3], b[:, 5:]),
    "every other column": lambda b: (b[:, ::2], b[:, 1::2]),
    "other rows, reversed": lambda b: (b[:5], b[:5:-1]),
    "other columns, transposed": lambda b: (b[:4, :4], b[:4, 4:].T),
}


def buffer():
    return np.random.default_rng(0).standard_normal((11, 8))


@pytest.mark.slow
@filling
@callers
@pytest.mark.parametrize("views", OVERLAPPING.values(), ids=OVERLAPPING)
def test_out_that_overlaps_the_scores_is_refused(operation, fill, views):
    b = buffer()
    scores, out = views(b)
    labels = np.arange(len(scores)) % scores.shape[1]
    words = f"{operation}: out must be the scores .* shares memory with scores"
    with pytest.raises(ValueError, match=words):
        fill(operation, scores, labels, out)
    np.testing.assert_array_equal(b, buffer())


@pytest.mark.slow
@filling
@callers
@pytest.mark.parametrize("views", APART.values(), ids=APART)
def test_out_may_be_apart_in_the_memory_of_the_scores(operation, fill, views):
    scores, out = views(buffer())
    labels = np.arange(len(scores)) % scores.shape[1]
    expected = parts(call(kernels, operation, scores.copy(), labels))
    result = fill(operation, scores, labels, out)
    for actual, value in zip((*parts(result), out), (*expected, expected[-1]), strict=True):
        assert_agrees(actual, value, scale=0.1)


@pytest.mark.slow
@filling
@dtypes
@pytest.mark.parametrize("options", [{}, {"parallel": True}], ids=["serial", "parallel"])
def test_large_scores_are_told_from_out(operation, dtype, options):
    b = seeded_classification(1500, 600, dtype=dtype)[0]
    labels = np.arange(1500) % 300
    for scores, out in ((b[:, ::2], b[:, 1::2]), (b[:, :300], b[:, 300:])):
        expected = filled(operation, scores.copy(), labels)
        assert_agrees(filled(operation, scores, labels, out=out, **options), expected, dtype=dtype)
        with pytest.raises(ValueError, match="shares memory with scores"):
            call(kernels, operation, scores, labels, out=scores[:, ::-1], **options)


@pytest.mark.sampled
@filling
@callers
@pytest.mark.parametrize("strides", [(0, 8), (8, 0), (8, 8), (16, 8), (8, 16), (-8, 8), (0, 0)])
def test_out_that_overlaps_itself_is_refused(operation, fill, strides):
    out = as_strided(np.full(64, 7.0)[20:], (3, 4), strides)
    with pytest.raises(
        ValueError, match=f"{operation}: out must have entries that share no memory"
    ):
        fill(operation, np.eye(3, 4), np.arange(3), out)
    assert (out == 7).all()


class Subclass(np.ndarray):
    pass


def as_memmap(array, folder):
    file = folder / str(len(list(folder.iterdir())))
    mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped


SUBCLASSES = {
    "memmap": as_memmap,
    "plain": lambda array, _: array.view(Subclass),
    "matrix": lambda array, _: array.view(np.matrix),
}


@filling
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("made", SUBCLASSES.values(), ids=SUBCLASSES)
def test_subclasses_of_arrays(operation, made, tmp_path):
    b, labels = made(buffer(), tmp_path), np.arange(6) % 8
    with pytest.raises(ValueError, match="shares memory with scores"):
        call(kernels, operation, b[:6], labels, out=b[1:7])
    with pytest.raises(ValueError, match="shares memory with scores"):
        call(kernels, operation, np.asarray(b)[:6], labels, out=b[5::-1])
    for out in (made(np.zeros((6, 8)), tmp_path), b[:6]):
        assert filled(operation, b[:6], labels, out=out) is out
        assert_agrees(out, filled(operation, buffer()[:6], labels), scale=0.1)


@filling
def test_a_frame_may_be_overwritten_and_nothing_else_of_its_memory(operation):
    b, labels = buffer(), np.arange(11) % 8
    frame = pd.DataFrame(b, copy=False)
    with pytest.raises(ValueError, match="shares memory with scores"):
        call(kernels, operation, frame, labels, out=b[::-1])
    call(kernels, operation, frame, labels, out=b)
    assert_agrees(b, filled(operation, buffer(), labels), scale=0.1)


@filling
def test_a_masked_out_is_refused(operation):
    out = np.ma.masked_array(np.full((2, 2), 7.0), mask=np.eye(2))
    with pytest.raises(TypeError, match=f"{operation}: {DTYPE_WORDS}"):
        call(kernels, operation, np.eye(2), [0, 1], out=out)
    assert (out.data == 7).all()


LABELS = {
    "int64": lambda store: store.view(np.int64)[2:8],
    "int32": lambda store: store.view(np.int32)[5:11],
    "strided": lambda store: store.view(np.int32)[4:15:2],
    "last": lambda store: store.view(np.int64)[-6:],
}
HIDDEN = {
    "Series": lambda labels: pd.Series(labels, copy=False),
    "memoryview": memoryview,
    "reversed": lambda labels: labels[::-1],
    "subclass": lambda labels: labels.view(Subclass),
}


@pytest.mark.parametrize("operation", GRADIENTS)
@callers
@pytest.mark.parametrize("view", LABELS.values(), ids=LABELS)
def test_out_over_the_labels_is_refused(operation, fill, view):
    store = np.zeros(24)
    labels = view(store)
    labels[...] = np.arange(6) % 4
    with pytest.raises(ValueError, match="shares memory with labels"):
        fill(operation, np.ones((6, 4)), labels, store.reshape(6, 4))
    np.testing.assert_array_equal(labels, np.arange(6) % 4)


@pytest.mark.parametrize("operation", GRADIENTS)
@pytest.mark.parametrize("given", HIDDEN.values(), ids=HIDDEN)
def test_out_over_labels_of_any_kind_is_refused(operation, given):
    store = np.zeros(24)
    with pytest.raises(ValueError, match="shares memory with labels"):
        call(
            kernels,
            operation,
            np.ones((6, 4)),
            given(LABELS["int64"](store)),
            out=store.reshape(6, 4),
        )
    assert (store == 0).all()


# --- labels that change during a call


CHANGED_LABELS = """
    import itertools
    from threading import Event, Thread

    import numpy as np
    from guarded import guarded
    from kernels import simd
    from tiers import GRADIENTS, LABELLED, call

    WILD = (2**62, -(2**62), 2**40, -1, 10**6, -(2**63))

    def spoil(labels, right, stop):
        while not stop.is_set():
            for value in WILD:
                labels[:] = value
                labels[:] = right

    def attempt(function, *arguments, **options):
        try:
            function(*arguments, **options)
        except ValueError as error:
            assert "labels must be in" in str(error), error

    def run_all(scores, labels, W, b, X):
        for operation in LABELLED:
            for view in (scores, scores[:, ::-1]):
                out = {"out": guarded(np.zeros_like(scores))} if operation in GRADIENTS else {}
                attempt(call, simd, operation, view, labels, **out)
        for loss in ("svm", "softmax"):
            attempt(simd.linear_numerical_gradient, W, b, X, labels, loss)
            attempt(simd.train_linear, X, labels, b.size, loss, epochs=2, batch_size=64)

    SIZES = ((3, 4000), (20, 1000), (300, 150))
    for (classes, samples), dtype in itertools.product(SIZES, ("f4", "f8")):
        right, stop = np.arange(samples) % classes, Event()
        labels, scores = right.copy(), guarded(np.ones((samples, classes), dtype))
        W, b, X = (guarded(np.ones(shape)) for shape in ((2, classes), classes, (samples, 2)))
        arguments = scores, labels, W, b, X
        run_all(*arguments)  # compiled before there is another thread
        spoiler = Thread(target=spoil, args=(labels, right, stop))
        spoiler.start()
        for _ in range(60):
            run_all(*arguments)
        stop.set()
        spoiler.join()
    print("done")
"""


@pytest.mark.slow
def test_labels_that_change_during_a_call_lead_nowhere_else():
    done = run_python(CHANGED_LABELS)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr
