"""Arguments are never changed. The library also takes read-only arrays and memmaps."""

import numpy as np
import pytest
from inputs import LAYOUTS, read_only, reversed_view, seeded_classification, seeded_linear
from mistakes import GOOD
from tiers import LINEAR, OF_SCORES, call, fast_version, parts

import kernels
import reference
from kernels.simd import _check_arguments

of_scores = pytest.mark.parametrize("operation", OF_SCORES)


@pytest.fixture
def memmaps(tmp_path):
    """Return a function that saves arrays and opens them read-only."""

    def store(*arrays):
        for number, array in enumerate(arrays):
            np.save(tmp_path / f"{number}.npy", array)
            yield np.load(tmp_path / f"{number}.npy", mmap_mode="r")

    return store


@of_scores
def test_memmaps_of_scores(operation, memmaps):
    arrays = seeded_classification(6, 4)
    results = parts(call(kernels, operation, *memmaps(*arrays)))
    for result, expected in zip(results, parts(call(kernels, operation, *arrays)), strict=True):
        np.testing.assert_array_equal(result, expected)
        assert not isinstance(result, np.memmap)


@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("wrapped", ["memmap", "read-only"])
def test_linear_inputs_that_cannot_be_written(operation, wrapped, memmaps):
    arrays = seeded_linear(5, 4, 3)
    given = memmaps(*arrays) if wrapped == "memmap" else map(read_only, arrays)
    results = parts(getattr(kernels, operation)(*given))
    for result, expected in zip(results, parts(getattr(kernels, operation)(*arrays)), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.sampled
@fast_version
@pytest.mark.parametrize("operation", GOOD)
def test_no_operation_changes_its_arrays(version, operation):
    arrays = {
        name: np.array(value) for name, value in GOOD[operation].items() if isinstance(value, list)
    }
    before = {name: array.copy() for name, array in arrays.items()}
    getattr(version, operation)(**GOOD[operation] | arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name], strict=True)


@pytest.mark.parametrize("operation", GOOD)
def test_every_operation_takes_read_only_arrays(operation):
    given = GOOD[operation]
    arrays = {
        name: read_only(np.array(value)) for name, value in given.items() if isinstance(value, list)
    }
    results = parts(getattr(kernels, operation)(**given | arrays))
    for result, expected in zip(results, parts(getattr(kernels, operation)(**given)), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("package", [kernels, reference], ids=["kernels", "reference"])
@pytest.mark.parametrize("operation", GOOD)
def test_no_operation_changes_its_lists(package, operation):
    before = repr(GOOD[operation])
    getattr(package, operation)(**GOOD[operation])
    assert repr(GOOD[operation]) == before


@pytest.mark.parametrize(
    "layout", ["contiguous", "fortran", "every other", "reversed", "broadcast"]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_native_floats_are_not_copied(layout, dtype):
    scores = LAYOUTS[layout](np.ones((4, 3), dtype))
    array = _check_arguments.real_array("svm_loss", "scores", scores, ("N", "C"))
    assert np.shares_memory(array, scores)
    assert array.strides == scores.strides


@pytest.mark.parametrize("layout", ["big-endian", "unaligned"])
def test_other_floats_are_copied_in_their_own_width(layout):
    scores = LAYOUTS[layout](np.ones((4, 3), np.float32))
    array = _check_arguments.real_array("svm_loss", "scores", scores, ("N", "C"))
    assert array.dtype == np.float32
    assert array.dtype.isnative
    assert array.flags.aligned


def test_labels_become_contiguous_int64():
    labels = np.arange(5)
    assert _check_arguments.label_array("svm_loss", labels) is labels
    for other in (reversed_view(labels), labels.astype(np.uint8), labels.astype(">i8")):
        array = _check_arguments.label_array("svm_loss", other)
        assert array.dtype == np.int64
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, labels)


@of_scores
def test_subclasses_are_taken_for_arrays(operation):
    class Tagged(np.ndarray):
        pass

    scores, labels = seeded_classification(4, 3)
    results = parts(call(kernels, operation, scores.view(Tagged), labels.view(Tagged)))
    for result, expected in zip(
        results, parts(call(kernels, operation, scores, labels)), strict=True
    ):
        assert type(result) is type(expected)
        np.testing.assert_array_equal(result, expected)
