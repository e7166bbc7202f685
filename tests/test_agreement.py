"""The fast versions agree with the loops, on inputs that hypothesis generates."""

import numpy as np
import pytest
from closeness import assert_agrees, computed_dtype, kink_allowance, rounding_of
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import (
    FLOAT_DTYPES,
    HARD,
    LATTICE,
    LAYOUTS,
    ORDINARY,
    SPECIAL,
    classifications,
    seeded_classification,
)
from tiers import FILLING, LOOPS, NUMBA, NUMPY, OF_SCORES, call, fast_version, parts

import kernels
import reference

of_scores = pytest.mark.parametrize("operation", OF_SCORES)
svm = pytest.mark.parametrize("operation", ["svm_loss", "svm_loss_gradient"])


def assert_as_reference(version, operation, scores, labels, **options):
    """Compare a version with the loops: values within their tolerances, types and shapes."""
    dtype = computed_dtype(scores)
    before = scores.copy(), labels.copy()
    results = parts(call(version, operation, scores, labels, **options))
    expected = parts(call(LOOPS, operation, scores, labels, **options))
    assert len(results) == len(expected)
    if operation in FILLING:
        assert results[-1].dtype.name == dtype
    if len(results) == 2 or operation not in FILLING:
        assert isinstance(results[0], float)
    margin = options.get("margin", 1.0)
    rounding = rounding_of(scores, dtype)
    for result, value in zip(results, expected, strict=True):
        is_gradient = np.ndim(result) == 2 and operation.endswith("_gradient")
        hinge = operation.startswith("svm")
        scale = 1 / len(scores) if is_gradient else margin if hinge else 1.0
        allowed = rounding * scores.shape[1] if hinge else rounding
        if is_gradient:
            allowed = kink_allowance(scores, labels, margin, dtype) if hinge else allowed * scale
        assert_agrees(result, value, dtype=dtype, scale=scale, rounding=allowed)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(labels, before[1])


@pytest.mark.slow
@fast_version
@of_scores
@settings(max_examples=60)
@given(case=classifications(ORDINARY))
def test_ordinary_scores(version, operation, case):
    assert_as_reference(version, operation, *case)


@pytest.mark.slow
@fast_version
@of_scores
@settings(max_examples=60)
@given(case=classifications(HARD))
def test_extreme_and_tied_scores(version, operation, case):
    assert_as_reference(version, operation, *case)


@pytest.mark.slow
@fast_version
@of_scores
@settings(max_examples=80)
@given(case=classifications(SPECIAL, dtypes=FLOAT_DTYPES))
def test_infinities_and_nan(version, operation, case):
    with np.errstate(invalid="ignore"):  # of the allowance for kinks
        assert_as_reference(version, operation, *case)


@pytest.mark.sampled
@fast_version
@svm
@settings(max_examples=60)
@given(case=classifications(ORDINARY), margin=st.one_of(st.just(0.0), st.floats(0, 100, width=32)))
def test_margins(version, operation, case, margin):
    assert_as_reference(version, operation, *case, margin=margin)


@fast_version
@settings(max_examples=80)
@given(
    case=classifications(LATTICE, dtypes=FLOAT_DTYPES), margin=st.sampled_from([0.0, 0.5, 1.0, 2.0])
)
def test_hinge_at_its_kink(version, case, margin):
    # scores and margins that are multiples of ½: each margin is exact, and many are exactly 0
    scores, labels = case
    dscores = version.svm_loss_gradient(scores, labels, margin)[1]
    expected = LOOPS.svm_loss_gradient(scores, labels, margin)[1]
    assert_agrees(dscores, expected, dtype=computed_dtype(scores), scale=1 / len(scores))


@pytest.mark.sampled
@fast_version
@of_scores
@pytest.mark.parametrize(
    ("samples", "classes"), [(1, 1), (1, 3000), (2000, 1), (67, 129), (1500, 33)]
)
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_sizes_that_fill_blocks_and_vectors(version, operation, samples, classes, dtype):
    assert_as_reference(version, operation, *seeded_classification(samples, classes, dtype=dtype))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_strided_labels(layout):
    scores = np.tile([[0.0, 1.0, 3.0]], (4, 1))
    labels = layout(np.array([2, 0, 1, 1]))
    expected = reference.svm_loss(scores.tolist(), labels.tolist())
    assert kernels.svm_loss(scores, labels) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u8"])
def test_label_dtypes(dtype):
    scores, labels = seeded_classification(20, 5)
    assert kernels.softmax_loss(scores, labels.astype(dtype)) == kernels.softmax_loss(
        scores, labels
    )


@of_scores
@pytest.mark.parametrize(
    "dtype", ["f2", "g", ">f4", ">f8", "i1", "u1", "i2", "u4", "i8", "u8", ">i2"]
)
def test_score_dtypes(operation, dtype):
    scores = np.array([[3, 0, 1], [1, 2, 120], [0, 1, 0]]).astype(dtype)
    labels = np.array([0, 1, 1])
    native = scores.astype(np.float32 if dtype == ">f4" else np.float64)
    results = parts(call(kernels, operation, scores, labels))
    for result, expected in zip(
        results, parts(call(kernels, operation, native, labels)), strict=True
    ):
        np.testing.assert_array_equal(result, expected, strict=True)


@of_scores
def test_lists_are_taken(operation):
    scores, labels = seeded_classification(6, 4)
    from_lists = parts(call(kernels, operation, scores.tolist(), labels.tolist()))
    for result, expected in zip(
        from_lists, parts(call(kernels, operation, scores, labels)), strict=True
    ):
        np.testing.assert_array_equal(result, expected)


@of_scores
def test_the_loops_take_arrays(operation):
    scores, labels = seeded_classification(6, 4)
    assert call(reference, operation, scores, labels) == call(LOOPS, operation, scores, labels)
    single = parts(call(reference, operation, scores.astype(np.float32), labels))
    for result, expected in zip(single, parts(call(LOOPS, operation, scores, labels)), strict=True):
        assert_agrees(result, expected, dtype="float32")


@pytest.mark.parametrize("text", [NUMPY, NUMBA], ids=["vectorized", "jit"])
@pytest.mark.parametrize("operation", ["svm_loss", "softmax_loss_gradient"])
@pytest.mark.parametrize("name", ["fortran", "every other", "read-only"])
def test_texts_take_the_views_that_numpy_and_numba_take(text, operation, name):
    scores, labels = seeded_classification(6, 4)
    function = getattr(text.module, operation)
    result = parts(function(LAYOUTS[name](scores), LAYOUTS[name](labels)))
    for part, expected in zip(result, parts(call(LOOPS, operation, scores, labels)), strict=True):
        assert_agrees(part, expected, scale=1 / 6)


@pytest.mark.parametrize("operation", ["svm_loss", "svm_loss_gradient"])
def test_a_mean_of_float32_losses_is_summed_in_float64(operation):
    # one loss of 2²⁵, to which a float32 sum cannot add the others, of 1
    scores = np.zeros((64, 2), np.float32)
    scores[:, 1] = 1.0
    scores[0, 1] = 2.0**25
    result = call(kernels, operation, scores, np.zeros(64, np.int64), margin=0.0)
    assert parts(result)[0] == (2**25 + 63) / 64


@fast_version
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_log_softmax_keeps_its_digits_at_large_logits(version, dtype):
    # (s − m) − log Σ, not s − (m + log Σ), which is 5e-4 wrong in float32
    scores = np.array([[1e4, 1e4 - 1, 1e4 - 2]], dtype)
    expected = reference.log_softmax(scores.tolist())
    assert_agrees(version.log_softmax(scores), expected, dtype=dtype)
