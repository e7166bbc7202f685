"""Dask arrays larger than the memory that a process may have, and a cluster that loses workers."""

import os
import signal
import sys
import time

import dask
import dask.array as da
import numpy as np
import pytest
from commands import run_python, wait_for
from distributed import Client, LocalCluster
from inputs import seeded_classification, seeded_linear

import kernels
from kernels import blockwise

pytestmark = pytest.mark.slow

BEYOND_MEMORY = """
import resource, sys
from pathlib import Path
import dask, dask.array as da, numpy as np
import kernels
from kernels import blockwise

FORM, FILE = {form!r}, {file!r}
ROWS, CLASSES = 2000, 1000  # of a chunk of 8 MB
rng = np.random.default_rng(0)
W, b = rng.standard_normal((CLASSES, 3)).astype("f4"), rng.standard_normal(3).astype("f4")


def results(scores, labels):
    loss, dscores = blockwise.softmax_loss_gradient(scores, labels)
    hinge = blockwise.svm_loss(scores, labels)
    linear = blockwise.linear_gradient(W, b, scores, labels % 3)
    runs = (loss, dscores.sum(axis=0, dtype="f8")), (hinge,), linear
    return [dask.compute(*lazy, num_workers=2) for lazy in runs]


def data_in_use():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmData:")[1].split()[0])


results(da.zeros((4, CLASSES), chunks=(1, CLASSES), dtype="f4"), np.zeros(4, int))  # compiles
limit = data_in_use() + 16 * 4 * ROWS * CLASSES  # with the buffers of BLAS and of malloc
samples = 3 * limit // (4 * CLASSES)
file = np.lib.format.open_memmap(FILE, "w+", np.float32, (samples, CLASSES))
labels = np.zeros(samples, int)
places = rng.choice(samples, 200, replace=False)
places[:2] = 0, samples - 1
file[places] = few = 3 * rng.standard_normal((200, CLASSES)).astype("f4")
labels[places] = rng.integers(0, CLASSES, 200)
del file
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

mapped = np.load(FILE, mmap_mode="r")
assert mapped.nbytes >= 2.99 * limit
try:
    np.array(mapped)
    sys.exit("the limit does not hold")
except MemoryError:
    pass


def read(block_info):
    (start, stop), _ = block_info[None]["array-location"]
    return np.array(np.load(FILE, mmap_mode="r")[start:stop])


if FORM == "mapped":
    dask.config.set({{"array.chunk-size": f"{{4 * ROWS * CLASSES}}B"}})
    scores = mapped
else:
    chunks = da.core.normalize_chunks((ROWS, CLASSES), mapped.shape)
    scores = da.map_blocks(read, chunks=chunks, dtype="f4", meta=np.empty((0, 0), "f4"))
got = results(scores, labels)

# In memory: the few rows that are not 0, and one of the others, which counts for all of them
zeros, others = np.zeros((1, CLASSES), "f4"), samples - 200
for result, function, first in (
    (got[0], kernels.softmax_loss_gradient, ()),
    (got[1], kernels.svm_loss, ()),
    (got[2], kernels.linear_gradient, (W, b)),
):
    modulus = 3 if first else CLASSES
    some, rest = function(*first, few, labels[places] % modulus), function(*first, zeros, [0])
    some, rest = (one if isinstance(one, tuple) else (one,) for one in (some, rest))
    for value, part, other in zip(result, some, rest, strict=True):
        if function is kernels.softmax_loss_gradient and np.ndim(part):
            part, other = part.sum(axis=0, dtype="f8"), other.sum(axis=0, dtype="f8")
        expected = (np.multiply(part, 200.0) + np.multiply(other, float(others))) / samples
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)
print("as in memory")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts threads' memory on Linux")
@pytest.mark.parametrize("form", ["mapped", "read"])
def test_three_times_the_memory_that_a_process_may_have(tmp_path, form):
    code = BEYOND_MEMORY.format(form=form, file=str(tmp_path / "scores.npy"))
    done = run_python(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stdout) == (0, "as in memory\n"), done.stderr


# --- a cluster


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of two threads each, which Dask starts by spawn."""
    with pytest.MonkeyPatch.context() as patch:
        for name in THREADS:  # Dask sets what is not set
            patch.delenv(name, raising=False)
        with (
            LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0") as workers,
            Client(workers) as client,
        ):
            yield client


def in_worker():
    """A worker's thread counts, and whether Numba has started threads."""
    from numba.np.ufunc import parallel

    return [os.environ.get(name) for name in THREADS], parallel._is_initialized


def test_a_cluster_gives_the_bits_of_threads(cluster):
    scores, labels = seeded_classification(5_000, 30)
    results = blockwise.softmax_loss_gradient(da.from_array(scores, (123, 30)), labels)
    with dask.config.set(scheduler="threads"):
        expected = dask.compute(*results)
    for got, want in zip(cluster.compute(results, sync=True), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_workers_have_one_thread_per_product_and_none_of_numba(cluster):
    W, b, X, labels = seeded_linear(4_000, 40, 5)
    lazy = da.from_array(X, (200, 40))
    options = {"epochs": 3, "batch_size": 700, "learning_rate": 0.1, "momentum": 0.5}
    trained = blockwise.train_linear(lazy, labels, W0=W, b0=b, **options)
    expected = kernels.train_linear(X, labels, W0=W, b0=b, **options)
    for got, want in zip(trained, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-12)
    for threads, numba_has_started in cluster.run(in_worker).values():
        assert threads == ["1", "1", "1"]
        assert not numba_has_started


def test_a_wrong_label_is_named_by_the_cluster(cluster):
    scores, labels = seeded_classification(5_000, 30)
    labels[[3456, 4567]] = 30, -1
    lazy = da.from_array(scores, (123, 30))
    with pytest.raises(ValueError, match=r"labels must be in \[0, 30\), got 30 at index 3456$"):
        cluster.compute(blockwise.svm_loss(lazy, da.from_array(labels, 1000)), sync=True)


def slow_block(block, folder):
    """A block that takes a while to read, and leaves a note that it was."""
    time.sleep(0.05)
    (folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return block


def test_ten_workers_killed_in_mid_computation_change_nothing(cluster, tmp_path):
    scores, labels = seeded_classification(4_000, 30)
    arrays = seeded_linear(4_000, 30, 4)
    expected = [
        *kernels.softmax_loss_gradient(scores, labels), *kernels.linear_gradient(*arrays)
    ]  # fmt: skip
    W, b, X, few = arrays
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        lazy, lazy_X = (
            da.from_array(array, (50, 30)).map_blocks(
                slow_block, folder=folder, dtype="f8", meta=np.empty((0, 0))
            )
            for array in (scores, X)
        )
        results = (
            *blockwise.softmax_loss_gradient(lazy, labels),
            *blockwise.linear_gradient(W, b, lazy_X, few),
        )
        futures = cluster.compute(results)
        wait_for(lambda: len(list(folder.iterdir())) > 30)  # noqa: B023 - called at once
        assert not all(future.done() for future in futures)
        victim = int(next(folder.iterdir()).name.partition("-")[0])
        os.kill(victim, signal.SIGKILL)
        for got, want in zip(cluster.gather(list(futures)), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
        assert len({path.name.partition("-")[0] for path in folder.iterdir()}) >= 2


def compiled_in(kind):
    kernels.svm_loss(np.zeros((2, 3), kind), [0, 1])
    return kernels.softmax_loss(np.zeros((2, 3), kind), [0, 1])


def test_workers_compile_into_one_cache_at_once(tmp_path):
    """Two processes and two threads in each meet an empty cache with different variants."""
    variables = {"NUMBA_CACHE_DIR": str(tmp_path)}
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": variables}),
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0") as workers,
        Client(workers) as client,
    ):
        kinds = ["f4", "f8"] * 4
        losses = client.gather(client.map(compiled_in, kinds, pure=False))
    assert losses == [pytest.approx(np.log(3), rel=1e-6)] * 8
    done = run_python(
        """
        import numpy as np
        import kernels
        for kind in ("f4", "f8"):
            for function in (kernels.svm_loss, kernels.softmax_loss):
                print(round(function(np.zeros((2, 3), kind), [0, 1]), 4))
        """,
        NUMBA_CACHE_DIR=str(tmp_path),
    )
    assert done.stdout.split() == ["2.0", "1.0986"] * 2, done.stderr
