"""The library on Dask arrays: its values, lazily, with the same bits on any number of threads."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
from closeness import assert_agrees
from commands import run_python
from inputs import every_other, seeded_classification, seeded_linear
from mistakes import GOOD, MISTAKES
from tiers import GRADIENTS, LABELLED, LOSSES, OF_SCORES, PROBABILITIES, call, parts

import kernels
from kernels import blockwise

LINEAR = ("linear_loss", "linear_gradient")
ROWS = 101
CHUNKS = {
    "one": (101,),
    "even": (25, 25, 25, 25, 1),
    "uneven": (1, 60, 3, 37),
    "with empty ones": (0, 50, 0, 51, 0),
    "a row each": (1,) * 101,
}
KEPT = {"labels in memory": np.asarray, "labels in Dask": lambda x: da.from_array(x, 33)}

of_scores = pytest.mark.parametrize("operation", OF_SCORES)
labelled = pytest.mark.parametrize("operation", LABELLED)
both_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])


def computed(result):
    """What a lazy result gives, as a tuple."""
    return dask.compute(*parts(result))


def bits(result):
    return [np.asarray(part).tobytes() for part in computed(result)]


def assert_same(lazy, expected, dtype, rows):
    scales = (1.0,) if not isinstance(expected, tuple) else (1.0, 1 / rows, 1 / rows)
    for got, want, scale in zip(computed(lazy), parts(expected), scales, strict=False):
        assert np.asarray(got).dtype == np.asarray(want).dtype
        assert_agrees(got, want, dtype=dtype, scale=scale)


@pytest.mark.sampled
@of_scores
@both_dtypes
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_values_are_those_of_the_library(operation, dtype, chunks, kept):
    scores, labels = seeded_classification(ROWS, 7, dtype=dtype)
    lazy = call(blockwise, operation, da.from_array(scores, (chunks, 7)), kept(labels))
    assert_same(lazy, call(kernels, operation, scores, labels), dtype, ROWS)


@of_scores
def test_scores_in_memory_take_the_blocks_of_labels_in_dask(operation):
    scores, labels = seeded_classification(ROWS, 7)
    lazy = call(blockwise, operation, scores.tolist(), da.from_array(labels, 40))
    assert_same(lazy, call(kernels, operation, scores, labels), "float64", ROWS)
    if operation in GRADIENTS:
        assert lazy[1].chunks == ((40, 40, 21), (7,))


@of_scores
def test_both_in_memory(operation):
    scores, labels = seeded_classification(9, 4)
    lazy = call(blockwise, operation, scores, labels)
    assert_same(lazy, call(kernels, operation, scores, labels), "float64", 9)


@of_scores
@pytest.mark.parametrize("classes", [1, 3, 150])
def test_chunks_along_the_classes_are_joined(operation, classes):
    scores, labels = seeded_classification(20, classes)
    lazy = call(blockwise, operation, da.from_array(scores, (6, 2)), labels)
    assert_same(lazy, call(kernels, operation, scores, labels), "float64", 20)


@of_scores
@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", ">f4", ">f8", "bool_"])
def test_other_dtypes(operation, dtype):
    scores = np.arange(30).reshape(10, 3).astype(dtype)
    labels = np.arange(10) % 3
    lazy_scores = da.from_array(scores, 4)
    for kind in ("int8", "uint64", ">i4"):
        kept = da.from_array(labels.astype(kind), 3)
        if dtype == "bool_":
            with pytest.raises(TypeError, match="must be real numbers, got booleans"):
                call(blockwise, operation, lazy_scores, kept)
        else:
            name = "float32" if dtype == ">f4" else "float64"
            expected = call(kernels, operation, scores, labels)
            assert_same(call(blockwise, operation, lazy_scores, kept), expected, name, 10)


@of_scores
@both_dtypes
def test_special_values_are_kept(operation, dtype):
    scores, labels = seeded_classification(60, 5, dtype=dtype)
    hard = [np.nan, np.inf, -np.inf, np.finfo(dtype).max, -np.finfo(dtype).max, 1e4]
    for row, value in enumerate(hard):
        some = scores.copy()
        some[7 * row, (labels[7 * row] + row) % 5] = value
        some[50] = -np.inf if row == 2 else some[50]
        lazy = call(blockwise, operation, da.from_array(some, (9, 5)), labels)
        assert_same(lazy, call(kernels, operation, some, labels), dtype, 60)


@pytest.mark.sampled
@pytest.mark.parametrize("operation", [*OF_SCORES, *LINEAR])
@both_dtypes
def test_threads_change_no_bit(operation, dtype):
    if operation in LINEAR:
        W, b, X, labels = seeded_linear(4_001, 5, 17, dtype=dtype)
        result = getattr(blockwise, operation)(W, b, da.from_array(X, (37, 5)), labels)
    else:
        scores, labels = seeded_classification(4_001, 17, dtype=dtype)
        result = call(blockwise, operation, da.from_array(scores, (37, 17)), labels)
    with dask.config.set(scheduler="synchronous"):
        expected = bits(result)
    for workers in (1, 2, 5):
        with dask.config.set(scheduler="threads", num_workers=workers):
            assert bits(result) == expected


@pytest.mark.parametrize("operation", PROBABILITIES)
def test_probabilities_keep_the_chunks_of_rows(operation):
    result = getattr(blockwise, operation)(da.zeros((10, 6), chunks=((3, 0, 7), (4, 2))))
    assert result.chunks == ((3, 0, 7), (6,))


@pytest.mark.parametrize("operation", blockwise.__all__)
def test_names_and_positional_arguments_are_those_of_the_library(operation):
    ours, theirs = (
        [
            (one.name, one.default)
            for one in inspect.signature(getattr(package, operation)).parameters.values()
            if one.kind is not one.KEYWORD_ONLY
        ]
        for package in (blockwise, kernels)
    )
    assert ours == theirs


def test_it_computes_without_jit():
    done = run_python(
        """
        import dask.array as da, numpy as np
        import kernels
        from kernels import blockwise
        X, labels = da.from_array(np.arange(40.0).reshape(20, 2) / 40, (6, 2)), np.arange(20) % 3
        np.testing.assert_allclose(
            float(blockwise.softmax_loss(da.zeros((20, 3), chunks=(6, 3)), labels)), np.log(3)
        )
        options = {"epochs": 2, "batch_size": 7, "seed": -1}
        for got, want in zip(
            blockwise.train_linear(X, labels, **options),
            kernels.train_linear(X.compute(), labels, **options),
            strict=True,
        ):
            np.testing.assert_allclose(got, want, rtol=1e-6)
        """,
        NUMBA_DISABLE_JIT="1",
    )
    assert done.returncode == 0, done.stderr


# --- laziness


class Counted:
    """Scores that count how often each block is read, as a file would be."""

    def __init__(self, array):
        self.array, self.reads = array, []
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index):
        self.reads.append(index[0].start or 0)
        return self.array[index]


@of_scores
def test_nothing_is_read_before_it_is_computed_and_then_once(operation):
    scores, labels = seeded_classification(40, 3)
    counted = Counted(scores)
    lazy = da.from_array(counted, (10, 3), name="counted-" + operation)
    reads_for_dask = len(counted.reads)
    result = call(blockwise, operation, lazy, labels)
    assert all(isinstance(part, da.Array) for part in parts(result))
    assert len(counted.reads) == reads_for_dask
    computed(result)
    assert sorted(counted.reads[reads_for_dask:]) == [0, 10, 20, 30]


def test_shapes_and_dtypes_are_known_before():
    scores, labels = seeded_classification(40, 3, dtype="float32")
    lazy = da.from_array(scores, (10, 3))
    loss, dscores = blockwise.svm_loss_gradient(lazy, labels)
    assert (loss.shape, loss.dtype) == ((), np.float64)
    assert (dscores.shape, dscores.dtype, dscores.chunks) == ((40, 3), np.float32, lazy.chunks)
    assert blockwise.softmax(lazy).dtype == np.float32
    W, b, X, labels = seeded_linear(40, 3, 2)
    loss, dW, db = blockwise.linear_gradient(W, b, da.from_array(X, (7, 3)), labels)
    assert (dW.shape, db.shape, dW.dtype) == ((3, 2), (2,), np.float64)


def test_a_gradient_in_memory_is_not_the_scores():
    scores, labels = seeded_classification(40, 3)
    lazy, before = da.from_array(scores, (10, 3)), scores.copy()
    computed(blockwise.softmax_loss_gradient(lazy, labels))
    np.testing.assert_array_equal(scores, before)


def test_strided_blocks_are_taken():
    scores, labels = seeded_classification(40, 3)
    lazy = da.from_array(every_other(scores), (10, 3))
    assert_same(
        blockwise.softmax_loss_gradient(lazy, labels),
        kernels.softmax_loss_gradient(scores, labels), "float64", 40,
    )  # fmt: skip


# --- the linear classifier


@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("loss", ["svm", "softmax"])
@both_dtypes
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_linear_values_are_those_of_the_library(operation, loss, dtype, chunks):
    arrays = seeded_linear(ROWS, 6, 4, dtype=dtype)
    W, b, X, labels = arrays
    options = {"loss": loss, "margin": 0.5, "regularization": 0.3}
    expected = getattr(kernels, operation)(*arrays, **options)
    lazy_X, lazy_labels = da.from_array(X, (chunks, 4)), da.from_array(labels, 50)
    function = getattr(blockwise, operation)
    assert_same(function(W, b, lazy_X, labels, **options), expected, dtype, 1)
    lazy_W, lazy_b = da.from_array(W, (2, 3)), da.from_array(b, 3)
    assert_same(function(lazy_W, lazy_b, lazy_X, lazy_labels, **options), expected, dtype, 1)


def test_one_float64_argument_makes_it_float64():
    W, b, X, labels = seeded_linear(ROWS, 6, 4, dtype="float32")
    lazy_X = da.from_array(X, (20, 6))
    _, dW, db = blockwise.linear_gradient(W.astype("float64"), b, lazy_X, labels)
    assert (dW.dtype, db.dtype) == (np.float64, np.float64)
    assert computed((dW, db))[0].dtype == np.float64


TRAININGS = {
    "defaults": {},
    "hinge": {"loss": "svm", "margin": 0.5, "classes": 6},
    "momentum": {"momentum": 0.9, "regularization": 0.1},
    "fixed bias": {"train_bias": False},
    "differences": {"gradient": "numerical", "h": 1e-3, "epochs": 2},
    "batches": {"batch_size": 16, "momentum": 0.5, "seed": -3},
    "batches of differences": {"batch_size": 30, "gradient": "numerical", "method": "forward"},
    "a batch of all": {"batch_size": 2**70},
    "no epochs": {"epochs": 0},
}


@pytest.mark.sampled
@pytest.mark.parametrize("options", TRAININGS.values(), ids=TRAININGS)
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_training_follows_the_library(options, kept):
    _, _, X, labels = seeded_linear(ROWS, 6, 4)
    options = {"epochs": 3, "learning_rate": 0.1} | options
    lazy_X = da.from_array(X, (CHUNKS["uneven"], 4))
    trained = blockwise.train_linear(lazy_X, kept(labels), **options)
    for got, want in zip(trained, kernels.train_linear(X, labels, **options), strict=True):
        assert type(got) is np.ndarray
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-12)


def test_training_from_a_start_changes_neither_it_nor_the_dtype():
    W0, b0, X, labels = seeded_linear(ROWS, 6, 4, dtype="float32")
    before = W0.copy(), b0.copy()
    options = {"epochs": 2, "learning_rate": 0.5, "batch_size": 40}
    expected = kernels.train_linear(X, labels, W0=W0, b0=b0, **options)
    for given in ((W0, b0), (da.from_array(W0, 2), da.from_array(b0, 2))):
        W, b, losses = blockwise.train_linear(
            da.from_array(X, (30, 6)), labels, W0=given[0], b0=given[1], **options
        )
        assert (W.dtype, b.dtype, losses.dtype) == (np.float32, np.float32, np.float64)
        np.testing.assert_allclose(W, expected[0], rtol=1e-4)
    np.testing.assert_array_equal(W0, before[0])
    np.testing.assert_array_equal(b0, before[1])


def test_few_rows_at_a_time_are_gathered_for_batches():
    _, _, X, labels = seeded_linear(ROWS, 6, 4)
    options = {"epochs": 2, "batch_size": 8}
    expected = blockwise.train_linear(da.from_array(X, (30, 6)), labels, **options)
    with dask.config.set({"array.chunk-size": "1kiB"}):  # 21 rows: two batches
        few = blockwise.train_linear(da.from_array(X, (30, 6)), labels, **options)
    for got, want in zip(few, expected, strict=True):
        np.testing.assert_array_equal(got, want)


# --- mistakes


def in_dask(arguments):
    """The arguments, with each array that NumPy makes one of as a Dask array."""
    dasked = {}
    for name, value in arguments.items():
        is_array = isinstance(value, list | np.ndarray) and name in {"scores", "labels", "X"}
        try:
            dasked[name] = da.from_array(np.asarray(value), 1) if is_array else value
        except ValueError:  # ragged
            dasked[name] = value
    return dasked


OURS = {*OF_SCORES, *LINEAR, "train_linear"}
OUR_MISTAKES = [one for one in MISTAKES if one.operation in OURS]


@pytest.mark.parametrize("mistake", OUR_MISTAKES, ids=str)
@pytest.mark.parametrize("form", [dict, in_dask], ids=["in memory", "in Dask"])
def test_mistakes_have_the_words_of_the_library(mistake, form):
    arguments = form(GOOD[mistake.operation] | mistake.change)
    with pytest.raises(mistake.error) as raised:
        computed(getattr(blockwise, mistake.operation)(**arguments))
    assert type(raised.value) is mistake.error
    assert str(raised.value) == f"{mistake.operation}: {mistake.words}"


def wrong_labels(operation, labels):
    """A function's arguments with these labels of two classes, and the words that name one."""
    column = da.zeros((len(labels), 2), chunks=(10, 2))
    if operation in LABELLED:
        return column, labels
    return (
        (column, labels, 2) if operation == "train_linear" else (np.eye(2), [0, 0], column, labels)
    )


WITH_LABELS = (*LABELLED, *LINEAR, "train_linear")


@pytest.mark.sampled
@pytest.mark.parametrize("operation", WITH_LABELS)
@pytest.mark.parametrize(
    ("places", "label"), [([0], 2), ([99], -1), ([47], 2**40), ([10], -(2**63)), ([59], 255)]
)
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_a_wrong_label_is_named_by_its_index_in_the_whole(operation, places, label, kept):
    labels = np.zeros(100, np.uint8 if label == 255 else np.int64)
    labels[places] = label
    words = f"{operation}: labels must be in [0, 2), got {label} at index {places[0]}"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        computed(getattr(blockwise, operation)(*wrong_labels(operation, kept(labels))))


@pytest.mark.parametrize("operation", [*LOSSES, *LINEAR, "train_linear"])
def test_the_first_of_several_wrong_labels_is_named(operation):
    labels = np.zeros(1000, np.int64)
    labels[[333, 334, 512, 998]] = 7, 8, 9, -1
    for kept in (labels, da.from_array(labels, 5)):
        with (
            dask.config.set(scheduler="threads", num_workers=5),
            pytest.raises(ValueError, match="got 7 at index 333"),
        ):
            computed(getattr(blockwise, operation)(*wrong_labels(operation, kept)))


@pytest.mark.parametrize("operation", GRADIENTS)
def test_a_gradient_alone_names_a_wrong_label(operation):
    labels = np.zeros(100, np.int64)
    labels[[55, 57]] = 3, 4
    _, dscores = getattr(blockwise, operation)(*wrong_labels(operation, da.from_array(labels, 9)))
    with pytest.raises(ValueError, match="got 3 at index 55"):
        dscores.compute()


@labelled
def test_labels_beyond_int64(operation):
    labels = np.zeros(100, np.uint64)
    labels[41] = 2**63 + 5
    for kept in (labels, da.from_array(labels, 9)):
        with pytest.raises(ValueError, match=f"got {2**63 + 5} at index 41"):
            computed(getattr(blockwise, operation)(*wrong_labels(operation, kept)))


def test_classes_from_labels_that_there_cannot_be():
    labels = np.zeros(100, np.int64)
    labels[[41, 77]] = 2**48, 2**50
    X = da.ones((100, 2), chunks=(10, 2))
    for kept in (labels, da.from_array(labels, 9)):
        with pytest.raises(ValueError, match=f"got {2**48} at index 41"):
            blockwise.train_linear(X, kept)


def unknown(array):
    return array[array[:, 0] > 0] if array.ndim == 2 else array[array >= 0]


@of_scores
def test_chunks_of_unknown_size_are_refused(operation):
    scores, labels = seeded_classification(20, 3)
    lazy, lazy_labels = da.from_array(scores, (6, 3)), da.from_array(labels, 6)
    words = r"scores must have known chunk sizes, got unknown ones: call its compute_chunk_sizes\("
    with pytest.raises(ValueError, match=f"{operation}: {words}"):
        call(blockwise, operation, unknown(lazy), lazy_labels)
    if operation in LABELLED:
        with pytest.raises(ValueError, match=f"{operation}: labels must have known chunk sizes"):
            call(blockwise, operation, lazy, unknown(lazy_labels))
    known = unknown(lazy).compute_chunk_sizes()
    expected = call(kernels, operation, unknown(scores), labels[scores[:, 0] > 0])
    result = call(blockwise, operation, known, labels[scores[:, 0] > 0])
    assert_same(result, expected, "float64", len(known))


@pytest.mark.parametrize("argument", ["X", "W", "b", "labels"])
def test_unknown_chunks_of_the_linear_classifier(argument):
    W, b, X, labels = (da.from_array(array, 3) for array in seeded_linear(20, 3, 4))
    given = {"W": W, "b": b, "X": X, "labels": labels}
    given[argument] = unknown(given[argument])
    with pytest.raises(ValueError, match=f"linear_loss: {argument} must have known chunk sizes"):
        blockwise.linear_loss(**given)


def test_masked_blocks_are_refused():
    scores = da.ma.masked_greater(da.from_array(np.eye(3), 1), 0.5)
    with pytest.raises(TypeError, match="softmax: scores must be real numbers, got a masked array"):
        blockwise.softmax(scores)


def test_it_says_what_to_install():
    code = """
import sys
sys.modules["dask"] = None
import kernels
try:
    import kernels.blockwise
except ImportError as error:
    print(error)
"""
    root = Path(kernels.__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, text=True, capture_output=True, check=True)
    assert done.stdout == 'kernels.blockwise needs Dask: python -m pip install "lossbench[dask]"\n'
