"""Threads: Numba's, whose number changes no bit, and Python's, which may call in parallel."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from inputs import every_other, seeded_classification, seeded_linear
from tiers import OF_SCORES, call, parts

from kernels import simd


@numba.njit
def wave(x):
    total = 0.0
    for i, value in enumerate(x.flat):
        total += i * np.sin(value)
    return total


@numba.njit
def number_wave(x):
    return np.sin(3 * x)


of_scores = pytest.mark.parametrize("operation", OF_SCORES)

# one row and one block, blocks that end anywhere, and rows that are a block each
SHAPES = [(1, 1), (3, 5), (20_000, 3), (4_001, 17), (7, 20_000)]
LAYOUTS = {"contiguous": np.ascontiguousarray, "strided": every_other}


@pytest.fixture
def _one_thread():
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def bits(result):
    """Give a result's bytes."""
    return [np.asarray(part).tobytes() for part in parts(result)]


@pytest.mark.sampled
@of_scores
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("dtype", "layout"),
    [("float64", "contiguous"), ("float32", "contiguous"), ("float64", "strided")],
)
def test_parallel_kernels_give_the_bits_of_the_serial_ones(operation, shape, dtype, layout):
    scores, labels = seeded_classification(*shape, dtype=dtype)
    scores = LAYOUTS[layout](scores)
    serial = bits(call(simd, operation, scores, labels))
    for _ in range(3):
        assert bits(call(simd, operation, scores, labels, parallel=True)) == serial


@pytest.mark.sampled
@pytest.mark.usefixtures("_one_thread")
@of_scores
def test_parallel_kernels_give_the_same_bits_on_one_thread(operation):
    assert numba.get_num_threads() == 1
    scores, labels = seeded_classification(4_001, 17)
    serial = bits(call(simd, operation, scores, labels))
    assert bits(call(simd, operation, scores, labels, parallel=True)) == serial


@of_scores
def test_parallel_kernels_keep_nan_and_infinities(operation):
    scores, labels = seeded_classification(4_001, 17)
    scores[5, 3], scores[1000, 2], scores[4000, 16] = np.nan, np.inf, -np.inf
    serial = bits(call(simd, operation, scores, labels))
    assert bits(call(simd, operation, scores, labels, parallel=True)) == serial


@pytest.mark.parametrize("loss", ["svm", "softmax"])
@pytest.mark.parametrize("features", [1, 64, 200])
def test_parallel_differences_give_the_bits_of_the_serial_ones(loss, features):
    arrays = seeded_linear(9, features, 4)
    serial = bits(simd.linear_numerical_gradient(*arrays, loss=loss))
    assert bits(simd.linear_numerical_gradient(*arrays, loss=loss, parallel=True)) == serial


@numba.njit
def slopes_of_wave(x, method):
    return simd.numerical_gradient(wave, x, method=method, parallel=True)


@numba.njit
def slope_of_number_wave(x, method):
    return simd.numerical_gradient(number_wave, x, method=method, parallel=True)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (2, 3, 4), (0,)], ids=str)
def test_parallel_black_box_differences_give_the_bits_of_the_serial_ones(shape, method):
    x = np.random.default_rng(0).standard_normal(shape)
    f, in_jit = (wave, slopes_of_wave) if shape else (number_wave, slope_of_number_wave)
    serial = simd.numerical_gradient(f, x, method=method)
    shared = simd.numerical_gradient(f, x, method=method, parallel=True)
    assert bits(shared) == bits(serial)
    assert shared.shape == x.shape
    assert bits(in_jit(x if shape else float(x), method)) == bits(serial)


@pytest.mark.parametrize("operation", ["svm_loss", "softmax_loss_gradient"])
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
def test_eight_python_threads_at_once(operation, parallel):
    cases = [seeded_classification(500, 40, seed) for seed in range(8)]
    expected = [bits(call(simd, operation, *case)) for case in cases]

    def repeat(case):
        return [bits(call(simd, operation, *case, parallel=parallel)) for _ in range(30)]

    with ThreadPoolExecutor(8) as pool:
        for results, wanted in zip(pool.map(repeat, cases), expected, strict=True):
            assert results == [wanted] * 30


AT_ONCE = """
    import sys
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    import numba
    import numpy as np
    from kernels import softmax_loss, svm_loss_gradient

    scores = np.random.default_rng(0).standard_normal((3000, 20))
    labels = np.arange(3000) % 20
    barrier = Barrier(8)

    def run(_):
        barrier.wait()  # the first calls, which compile, come at once too
        return [
            (softmax_loss(scores, labels, parallel=True),
             svm_loss_gradient(scores, labels, parallel=True)[0])
            for _ in range(30)
        ]

    with ThreadPoolExecutor(8) as pool:
        results = [pair for pairs in pool.map(run, range(8)) for pair in pairs]
    serial = softmax_loss(scores, labels), svm_loss_gradient(scores, labels)[0]
    assert results == [serial] * 240, set(results)
    print(numba.threading_layer())
"""


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_eight_python_threads_at_once_under_each_threading_layer(layer):
    # workqueue ends the process when it is entered twice at once
    environment = os.environ | {
        "NUMBA_THREADING_LAYER": layer,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(AT_ONCE)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"this machine has no {layer}")
    assert (done.returncode, done.stdout.strip()) == (0, layer), done.stderr
