"""Both forms of the hinge of short rows, whichever the processor of this machine takes."""

import numpy as np
import pytest
from numba import njit

import reference
from kernels.simd import _parts_hinge, _rows_hinge, thresholds

FORMS = {"masks": _rows_hinge, "parts": _parts_hinge}
CLASSES = [2, 3, 5, 7, 8, 9, 12, 14, 15, 17, 31, 64, 103]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}

each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
each_form = pytest.mark.parametrize("form", FORMS)


def compiled(module):
    losses, gradients = module.short_hinge_losses, module.short_hinge_gradients

    @njit
    def loss(scores, labels, margin, start, stop):
        return losses(scores, labels, margin, start, stop)

    @njit
    def gradient(scores, labels, margin, start, stop, out):
        return gradients(scores, labels, margin, 1.0 / len(labels), start, stop, out)

    return loss, gradient


COMPILED = {name: compiled(module) for name, module in FORMS.items()}


def rows(samples, classes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, classes)).astype(dtype), rng.integers(0, classes, samples)


def expected(scores, labels, margin):
    loss, gradient = reference.svm_loss_gradient(scores.tolist(), labels.tolist(), margin)
    return loss * len(scores), np.array(gradient)


def assert_equal_to_loops(form, scores, labels, margin=0.75, out=None):
    loss, gradient = COMPILED[form]
    total, slopes = expected(scores, labels, margin)
    tolerance = TOLERANCE[scores.dtype.name]
    out = np.full_like(scores, 7.0) if out is None else out
    everything = 0, len(scores)
    np.testing.assert_allclose(loss(scores, labels, margin, *everything), total, rtol=tolerance)
    given = gradient(scores, labels, margin, *everything, out)
    np.testing.assert_allclose(given, total, rtol=tolerance)
    np.testing.assert_allclose(out, slopes, rtol=tolerance, atol=tolerance / len(scores))


@each_form
@each_dtype
@pytest.mark.parametrize("classes", CLASSES)
def test_rows_of_any_length_agree_with_the_loops(form, dtype, classes):
    assert_equal_to_loops(form, *rows(19, classes, dtype))


@each_form
@each_dtype
@pytest.mark.parametrize("classes", [3, 8, 13, 30])
def test_every_class_may_be_the_label(form, dtype, classes):
    scores, _ = rows(classes, classes, dtype)
    assert_equal_to_loops(form, scores, np.arange(classes))


@each_form
@each_dtype
@pytest.mark.parametrize("classes", [3, 6, 11, 29])
def test_the_output_may_be_the_scores(form, dtype, classes):
    scores, labels = rows(6, classes, dtype)
    total, slopes = expected(scores, labels, 1.0)
    given = COMPILED[form][1](scores, labels, 1.0, 0, len(scores), scores)
    np.testing.assert_allclose(given, total, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(scores, slopes, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@each_form
@each_dtype
@pytest.mark.parametrize("classes", [3, 5, 9, 15, 26])
def test_rows_of_other_blocks_are_not_written(form, dtype, classes):
    scores, labels = rows(8, classes, dtype)
    out = np.full_like(scores, 7.0)
    COMPILED[form][1](scores, labels, 1.0, 2, 5, out)
    assert (out[:2] == 7.0).all()
    assert (out[5:] == 7.0).all()
    np.testing.assert_allclose(out[2:5], expected(scores, labels, 1.0)[1][2:5], rtol=1e-5)


@each_form
@each_dtype
@pytest.mark.parametrize("classes", [2, 7, 13, 24])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_special_values_in_every_place(form, dtype, classes, value):
    scores, labels = rows(2 * classes, classes, dtype)
    scores[np.arange(classes), np.arange(classes)] = value  # and rows without one
    assert_equal_to_loops(form, scores, labels)
    labels[:classes] = np.arange(classes)  # now at the labels
    assert_equal_to_loops(form, scores, labels)


@each_form
@each_dtype
@pytest.mark.parametrize("classes", [3, 12, 22])
def test_scores_at_the_kink_have_no_slope(form, dtype, classes):
    scores = np.full((5, classes), 0.25, dtype)
    labels = np.arange(5) % classes
    scores[np.arange(5), labels] = 1.5
    out = np.full_like(scores, 7.0)
    assert COMPILED[form][1](scores, labels, 1.25, 0, 5, out) == 0.0
    assert not out.any()


@pytest.mark.sampled
@each_form
@each_dtype
def test_strided_rows_are_copied(form, dtype):
    scores, labels = rows(7, 11, dtype)
    larger = np.full((7, 22), 7.0, dtype)
    assert_equal_to_loops(form, np.asfortranarray(scores), labels, out=larger[:, ::2])
    assert (larger[:, 1::2] == 7.0).all()


@pytest.mark.parametrize(
    ("machine", "name", "features", "key"),
    [
        ("x86_64", "znver4", "+avx2,+avx512f,+avx512vl", "AVX-512"),
        ("AMD64", "sapphirerapids", "", "AVX-512"),
        ("x86_64", "x86-64-v4", "", "AVX-512"),
        ("x86_64", "skylake-avx512", "-avx512f", "x86"),
        ("x86_64", "haswell", "+avx512f", "AVX-512"),
        ("x86_64", "haswell", "", "x86"),
        ("x86_64", "znver3", "+avx2,-avx512f", "x86"),
        ("AMD64", "alderlake", "", "x86"),
        ("x86_64", "icelake-client", "+avx", "AVX-512"),
        ("x86_64", "generic", "", "x86"),
        ("arm64", "apple-m1", "+neon", "other"),
        ("aarch64", "neoverse-v1", "+sve", "other"),
        ("ppc64le", "pwr9", "", "other"),
    ],
)
def test_the_processor_decides(machine, name, features, key):
    assert thresholds.processor(machine, name, features) == key


@pytest.mark.parametrize(
    ("name", "features", "key"),
    [("haswell", "", "x86"), ("znver5", "", "AVX-512"), (None, "+avx512f", "AVX-512")],
)
def test_the_settings_of_numba_decide(monkeypatch, name, features, key):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("numba.config.CPU_NAME", name)
    monkeypatch.setattr("numba.config.CPU_FEATURES", features)
    assert thresholds.processor_of_numba() == key


def test_only_avx512_masks():
    assert [key for key, hinge in thresholds.HINGES.items() if hinge.masks] == ["AVX-512"]
