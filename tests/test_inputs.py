"""What comes in stays as it was: read-only arrays, memmaps, no write and no needless copy."""

import numpy as np
import pytest
from inputs import LAYOUTS, read_only, reversed_view, seeded_classification, seeded_linear
from mistakes import GOOD, arguments
from tiers import LINEAR, OF_SCORES, call, every_tier, fast_tier, parts

from kernels.simd import _check

of_scores = pytest.mark.parametrize("operation", OF_SCORES)


@pytest.fixture
def memmaps(tmp_path):
    """Give a function that stores arrays and opens them to be read."""

    def store(*arrays):
        for number, array in enumerate(arrays):
            np.save(tmp_path / f"{number}.npy", array)
            yield np.load(tmp_path / f"{number}.npy", mmap_mode="r")

    return store


@fast_tier
@of_scores
def test_memmaps_of_scores(tier, operation, memmaps):
    arrays = seeded_classification(6, 4)
    results = parts(call(tier, operation, *memmaps(*arrays)))
    for result, expected in zip(results, parts(call(tier, operation, *arrays)), strict=True):
        np.testing.assert_array_equal(result, expected)
        assert not isinstance(result, np.memmap)


@fast_tier
@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("wrapped", ["memmap", "read-only"])
def test_linear_inputs_that_cannot_be_written(tier, operation, wrapped, memmaps):
    arrays = seeded_linear(5, 4, 3)
    given = memmaps(*arrays) if wrapped == "memmap" else map(read_only, arrays)
    results = parts(getattr(tier, operation)(*given))
    for result, expected in zip(results, parts(getattr(tier, operation)(*arrays)), strict=True):
        np.testing.assert_array_equal(result, expected)


@every_tier
@pytest.mark.parametrize("operation", GOOD)
def test_no_operation_writes_to_what_it_is_given(tier, operation):
    given = arguments(tier, operation)
    arrays = {
        name: read_only(np.array(value)) for name, value in given.items() if isinstance(value, list)
    }
    before = {name: array.copy() for name, array in arrays.items()}
    getattr(tier, operation)(**given | arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


@every_tier
@pytest.mark.parametrize("operation", GOOD)
def test_no_operation_keeps_the_lists_it_is_given(tier, operation):
    given = arguments(tier, operation)
    before = repr({name: value for name, value in given.items() if isinstance(value, list)})
    getattr(tier, operation)(**given)
    assert repr({name: value for name, value in given.items() if isinstance(value, list)}) == before


@pytest.mark.parametrize(
    "layout", ["contiguous", "fortran", "every other", "reversed", "broadcast"]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_native_floats_are_not_copied(layout, dtype):
    scores = LAYOUTS[layout](np.ones((4, 3), dtype))
    array = _check.real_array("svm_loss", "scores", scores, ("N", "C"))
    assert np.shares_memory(array, scores)
    assert array.strides == scores.strides


@pytest.mark.parametrize("layout", ["big-endian", "unaligned"])
def test_other_floats_are_copied_in_their_own_width(layout):
    scores = LAYOUTS[layout](np.ones((4, 3), np.float32))
    array = _check.real_array("svm_loss", "scores", scores, ("N", "C"))
    assert array.dtype == np.float32
    assert array.dtype.isnative
    assert array.flags.aligned


def test_labels_become_contiguous_int64():
    labels = np.arange(5)
    assert _check.label_array("svm_loss", labels) is labels
    for other in (reversed_view(labels), labels.astype(np.uint8), labels.astype(">i8")):
        array = _check.label_array("svm_loss", other)
        assert array.dtype == np.int64
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, labels)


@fast_tier
@of_scores
def test_subclasses_are_taken_for_arrays(tier, operation):
    class Tagged(np.ndarray):
        pass

    scores, labels = seeded_classification(4, 3)
    results = parts(call(tier, operation, scores.view(Tagged), labels.view(Tagged)))
    for result, expected in zip(results, parts(call(tier, operation, scores, labels)), strict=True):
        assert type(result) is type(expected)
        np.testing.assert_array_equal(result, expected)
