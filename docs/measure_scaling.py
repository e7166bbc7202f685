"""Measure the tables of scaling.md: throughput on Dask against block size and workers.

python docs/measure_scaling.py

The library and NumPy on Dask are timed by turns, on the same arrays, and have to agree.
"""

import statistics
import time

import dask
import dask.array as da
import numpy as np

from kernels import blockwise, vectorized

SAMPLES, CLASSES, DTYPE = 100_000, 1000, np.float32
BLOCKS = (250, 1000, 4000, 16000, 50000)  # rows
WORKERS = (1, 2)
PASSES = 5


def numpy_on_dask(scores, labels):
    """The mean of NumPy's losses of the blocks."""
    losses = da.map_blocks(
        lambda some, its: np.array([vectorized.softmax_loss(some, its[:, 0]) * len(its)]),
        scores,
        labels[:, np.newaxis],  # along the rows of the scores
        drop_axis=1,
        chunks=((1,) * scores.numblocks[0],),
        dtype=np.float64,
    )
    return losses.sum() / len(labels)


def seconds_of(lazy, workers):
    """Compute a lazy value on threads."""
    start = time.perf_counter()
    value = lazy.compute(scheduler="threads", num_workers=workers)
    return time.perf_counter() - start, float(value)


def main():
    """Print a row for each block size: millions of scores a second, and ratios of medians."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((SAMPLES, CLASSES), dtype=DTYPE)
    labels = rng.integers(0, CLASSES, SAMPLES)
    print(
        "| rows | MB | library, 1 | library, 2 | NumPy, 1 | NumPy, 2 | 2 / 1 | library / NumPy, 2 |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for rows in BLOCKS:
        arrays = da.from_array(scores, (rows, CLASSES)), da.from_array(labels, rows)
        lazy = {"library": blockwise.softmax_loss(*arrays), "NumPy": numpy_on_dask(*arrays)}
        times = {(name, workers): [] for workers in WORKERS for name in lazy}
        for _ in range(1 + PASSES):  # the first is a warm-up
            values = []
            for name, workers in times:
                seconds, value = seconds_of(lazy[name], workers)
                times[name, workers].append(seconds)
                values.append(value)
            np.testing.assert_allclose(values, values[0], rtol=1e-5)
        medians = {key: statistics.median(some[1:]) for key, some in times.items()}
        rates = {key: SAMPLES * CLASSES / median / 1e6 for key, median in medians.items()}
        shown = [rates[name, workers] for name in lazy for workers in WORKERS]
        more = rates["library", 2] / rates["library", 1]
        ahead = rates["library", 2] / rates["NumPy", 2]
        size = rows * CLASSES * np.dtype(DTYPE).itemsize / 1e6
        numbers = " | ".join(f"{rate:.0f}" for rate in shown)
        print(f"| {rows} | {size:.0f} | {numbers} | {more:.2f} | {ahead:.2f} |", flush=True)


with dask.config.set(scheduler="threads"):
    main()
