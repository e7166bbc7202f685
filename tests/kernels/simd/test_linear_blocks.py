"""The linear classifier by blocks of samples: their boundaries, their sums, and their memory."""

import math
import subprocess
import sys
import textwrap

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys
from tiers import parts

from kernels import simd, vectorized
from kernels.simd._linear import rows_at_once, samples_at_once
from kernels.simd.thresholds import LINEAR_BLOCK_BYTES

CLASSES = LINEAR_BLOCK_BYTES // 8 // 32
"""With so many, a block has 32 samples in float64 and 64 in float32."""

LOSSES = ("softmax", "svm")
of_each_loss = pytest.mark.parametrize("loss", LOSSES)
of_each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def classifier(samples, features, classes, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    W = 0.1 * rng.standard_normal((features, classes))
    b = rng.standard_normal(classes)
    X = rng.standard_normal((samples, features))
    labels = rng.integers(0, classes, samples)
    return W.astype(dtype), b.astype(dtype), X.astype(dtype), labels


def in_float64(W, b, X, labels):
    return *(array.astype(np.float64) for array in (W, b, X)), labels


def bits(result):
    return [np.asarray(part).tobytes() for part in parts(result)]


def assert_near(actual, expected, dtype, pull=1.0):
    """Compare with float64; `pull` is the largest abs(dscores) times N."""
    (loss, *slopes), (its_loss, *its_slopes) = actual, expected
    tolerance = TOLERANCE[dtype]
    assert loss == pytest.approx(its_loss, rel=tolerance, abs=tolerance)
    for result, value in zip(slopes, its_slopes, strict=True):
        assert result.dtype == dtype
        np.testing.assert_allclose(result, value, rtol=tolerance, atol=pull * tolerance)


@pytest.mark.parametrize(
    ("samples", "row_bytes", "least_rows", "rows"),
    [
        (3, 24, 64, 3),
        (10**9, 80, 64, LINEAR_BLOCK_BYTES // 80 // 16 * 16),
        (10**9, LINEAR_BLOCK_BYTES // 65, 64, 64),
        (10**9, LINEAR_BLOCK_BYTES, 64, 64),
        (63, LINEAR_BLOCK_BYTES, 64, 63),
        (10**9, LINEAR_BLOCK_BYTES // 10, 1, 10),
        (10**9, 10 * LINEAR_BLOCK_BYTES, 1, 1),
    ],
)
def test_samples_in_a_block(samples, row_bytes, least_rows, rows):
    assert rows_at_once(samples, row_bytes, least_rows) == rows


@pytest.mark.parametrize(
    ("features", "classes", "rows"),
    [
        (3, CLASSES, 32),
        (3, 4 * CLASSES, 8),
        (3, 40 * CLASSES, 3),
        (50, 4 * CLASSES, 50),
        (200, 4 * CLASSES, 64),
        (200, 10, LINEAR_BLOCK_BYTES // 80 // 16 * 16),
    ],
)
def test_a_block_is_no_larger_than_the_weights_where_it_takes_many_bytes(features, classes, rows):
    W = np.broadcast_to(np.zeros(1), (features, classes))
    assert samples_at_once(W, 10**9) == rows


# --- linear_loss, linear_gradient


@pytest.mark.sampled
@of_each_dtype
@of_each_loss
@pytest.mark.parametrize(("blocks", "more"), [(1, -1), (1, 0), (1, 1), (2, 2)])
def test_samples_at_the_boundaries_of_blocks(blocks, more, loss, dtype):
    samples = blocks * (64 if dtype == "float32" else 32) + more
    arrays = classifier(samples, 3, CLASSES, dtype)
    options = loss, 0.5, 0.01
    expected = vectorized.linear_gradient(*in_float64(*arrays), *options)
    pull = CLASSES if loss == "svm" else 1.0
    assert_near(simd.linear_gradient(*arrays, *options), expected, dtype, pull)
    assert_near((simd.linear_loss(*arrays, *options),), expected[:1], dtype)


@of_each_loss
def test_many_samples_of_few_classes(loss):
    samples = rows_at_once(10**9, 5 * 4, 1) + 9
    arrays = classifier(samples, 2, 5, "float32")
    expected = vectorized.linear_gradient(*in_float64(*arrays), loss)
    assert_near(simd.linear_gradient(*arrays, loss), expected, "float32", 4.0)
    assert_near((simd.linear_loss(*arrays, loss),), expected[:1], "float32")


@of_each_loss
def test_nan_in_the_second_of_several_blocks(loss):
    W, b, X, labels = classifier(130, 2, CLASSES)
    X[40, 1] = np.nan
    assert math.isnan(simd.linear_loss(W, b, X, labels, loss))
    value, dW, db = simd.linear_gradient(W, b, X, labels, loss)
    assert math.isnan(value)
    assert np.isnan(dW).all()
    assert np.isnan(db).all()


def test_a_hinge_too_large_for_float32_is_finite_in_every_block():
    W, b, X, labels = classifier(130, 1, CLASSES, "float32")
    W[:], b[:], X[:], labels[:] = 0.0, 0.0, 1.0, 0
    b[1:] = 1e38
    wanted = (CLASSES - 1) * float(b[1])
    assert simd.linear_loss(W, b, X, labels, "svm") == pytest.approx(wanted, rel=1e-6)
    value, _, db = simd.linear_gradient(W, b, X, labels, "svm")
    assert value == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_allclose(db, [1 - CLASSES, *[1.0] * (CLASSES - 1)], rtol=1e-5)


@numba.njit
def gradient_in_jit(W, b, X, labels):
    return simd.linear_gradient(W, b, X, labels, "svm")


@pytest.mark.slow
def test_several_blocks_in_jitted_code():
    arrays = classifier(130, 3, CLASSES)
    assert bits(gradient_in_jit(*arrays)) == bits(simd.linear_gradient(*arrays, "svm"))


# --- linear_numerical_gradient


def difference(W, b, X, labels, loss, regularization, h, entry):
    """Central difference of the NumPy text by one entry of W, or of b where the row is None."""
    values = []
    for step in (h, -h):
        moved = W.copy(), b.copy()
        if entry[0] is None:
            moved[1][entry[1]] += step
        else:
            moved[0][entry] += step
        values.append(vectorized.linear_loss(*moved, X, labels, loss, 0.5, regularization))
    return (values[0] - values[1]) / (2 * h)


@pytest.mark.sampled
@of_each_loss
@pytest.mark.parametrize("samples", [15, 16, 17, 50])
def test_differences_at_the_boundaries_of_blocks(samples, loss):
    classes = LINEAR_BLOCK_BYTES // 8 // 3 // 16
    assert rows_at_once(samples, 24 * classes, 1) == min(samples, 16)
    features = 65  # more than one block of features
    arrays = classifier(samples, features, classes, seed=samples)
    h, labels = 1e-2, arrays[3]
    dW, db = simd.linear_numerical_gradient(*arrays, loss, 0.5, 0.01, h)
    noise = 50 * 2.0**-52 * (vectorized.linear_loss(*arrays, loss) + 1.0) / h
    for entry in [(0, 0), (64, 3), (7, labels[-1]), (63, labels[0]), (2, classes - 1)]:
        wanted = difference(*arrays, loss, 0.01, h, entry)
        assert dW[entry] == pytest.approx(wanted, rel=1e-9, abs=noise), entry
    for c in (0, labels[-1], classes - 1):
        wanted = difference(*arrays, loss, 0.01, h, (None, c))
        assert db[c] == pytest.approx(wanted, rel=1e-9, abs=noise), c


@pytest.mark.sampled
@of_each_loss
@pytest.mark.parametrize("samples", [16, 50])
def test_parallel_differences_of_blocks_give_the_bits_of_the_serial_ones(samples, loss):
    arrays = classifier(samples, 66, LINEAR_BLOCK_BYTES // 8 // 3 // 16)
    serial = bits(simd.linear_numerical_gradient(*arrays, loss))
    assert bits(simd.linear_numerical_gradient(*arrays, loss, parallel=True)) == serial


# --- train_linear


@pytest.mark.sampled
@of_each_loss
@pytest.mark.parametrize("batch_size", [None, 70])
def test_training_by_blocks_follows_the_text(batch_size, loss):
    _, _, X, labels = classifier(130, 2, CLASSES)
    options = {"loss": loss, "epochs": 2, "learning_rate": 0.1, "batch_size": batch_size}
    expected = vectorized.train_linear(X, labels, CLASSES, **options, momentum=0.5)
    actual = simd.train_linear(X, labels, CLASSES, **options, momentum=0.5)
    for result, value in zip(actual, expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
@of_each_loss
def test_training_by_differences_of_blocks_takes_their_step(loss):
    W, b, X, labels = classifier(50, 2, LINEAR_BLOCK_BYTES // 8 // 3 // 16)
    trained, its_b, losses = simd.train_linear(
        X, labels, len(b), loss, "numerical", epochs=1, learning_rate=0.5, W0=W, b0=b
    )
    dW, db = simd.linear_numerical_gradient(W, b, X, labels, loss)
    np.testing.assert_allclose(trained, W - 0.5 * dW, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(its_b, b - 0.5 * db, rtol=1e-12, atol=1e-15)
    assert losses[0] == pytest.approx(vectorized.linear_loss(W, b, X, labels, loss), rel=1e-12)


# --- memory


@pytest.fixture
def allocations():
    _nrt_python.memsys_enable_stats()
    yield rtsys.get_allocation_stats
    _nrt_python.memsys_disable_stats()


@pytest.mark.sampled
@of_each_loss
@pytest.mark.parametrize("samples", [30, 80])  # one block, and three
def test_every_array_is_freed(samples, loss, allocations):
    W, b, X, labels = classifier(samples, 3, CLASSES)
    calls = {
        "loss": lambda: simd.linear_loss(W, b, X, labels, loss),
        "gradient": lambda: simd.linear_gradient(W, b, X, labels, loss),
        "training": lambda: simd.train_linear(X, labels, CLASSES, loss, epochs=2, batch_size=70),
    }
    for name, run in calls.items():
        run()
        before = allocations()
        run()
        after = allocations()
        assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free > 0, name


PEAK = """
    import re
    import sys
    from pathlib import Path

    import numpy as np

    import kernels

    def kilobytes(name):
        status = Path("/proc/self/status").read_text()
        return int(re.search(rf"{name}:\\s+(\\d+) kB", status)[1])

    operation, loss, samples, features, classes, dtype = sys.argv[1:]
    classes = int(classes)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((int(samples), int(features))).astype(dtype)
    W = rng.standard_normal((int(features), classes)).astype(dtype)
    b, labels = W[0].copy(), rng.integers(0, classes, int(samples))
    call = getattr(kernels, operation)
    call(W[:, :1000].copy(), b[:1000].copy(), X, labels % 1000, loss)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = kilobytes("VmRSS")
    result = call(W, b, X, labels, loss)
    peak = kilobytes("VmHWM") - before
    arrays = result if isinstance(result, tuple) else (result,)
    print(peak - sum(np.asarray(one).nbytes for one in arrays) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it reads the peak from /proc")
@of_each_loss
@pytest.mark.parametrize(
    ("operation", "samples", "features", "classes", "dtype"),
    [
        ("linear_loss", 1024, 64, 32000, "float32"),
        ("linear_gradient", 1024, 64, 32000, "float32"),
        ("linear_gradient", 600, 16, 32000, "float64"),
        ("linear_gradient", 64, 2, 500_000, "float32"),
        ("linear_numerical_gradient", 600, 2, 32000, "float64"),
    ],
)
def test_many_classes_take_no_memory_for_all_scores(
    operation, samples, features, classes, dtype, loss
):
    command = [sys.executable, "-c", textwrap.dedent(PEAK), operation, loss]
    command += [str(samples), str(features), str(classes), dtype]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 40_000, "an array of all scores has 125,000 or more"
