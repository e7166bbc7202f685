"""Time the best that the machine can do, with pytest-benchmark: read, copy, exp, empty calls.

`measure` runs this file once per run; `pytest bench` does not collect it.
"""

from typing import Any

import numpy as np
import pytest
from numba import prange
from numpy.typing import NDArray

from bench.common import threads
from bench.measurement.costs.floors import CALLED, KINDS, Level, levels
from bench.model import DTYPES, is_threaded
from bench.workers import job
from kernels import svm_loss
from kernels.simd import elementary
from kernels.simd.compiler import kernel

JOB = job.begin()
COUNTS: list[int] = JOB.details["threads"] if JOB else [1]
# The least that one round reads or copies: the time to start threads is negligible beside it.
ROUND_BYTES = 1 << 25
# Numbers per thread for the exps, computed once. Repeating fewer numbers in the L1 cache took a
# third longer: with a loop around it, the inner loop compiled to slower code.
EXPS = 1 << 17


@kernel
def _add(share: Any, times: int) -> Any:
    # Integers: each addition of a sum of floats would wait for the one before
    total = 0
    for _ in range(times):
        for i in range(share.size):
            total += share[i]
    return total


@kernel
def _copy(source: Any, target: Any, times: int) -> None:
    for _ in range(times):
        for i in range(source.size):
            target[i] = source[i]


@kernel(entry=True)
def exps_serial(source: Any, target: Any) -> None:
    for i in range(source.size):
        target[i] = elementary.exp(source[i])


@kernel(entry=True, parallel=True)
def read(words: Any, times: int) -> Any:
    totals = np.zeros(len(words), np.int64)
    for thread in prange(len(words)):
        totals[thread] = _add(words[thread], times)
    return totals


@kernel(entry=True, parallel=True)
def copy(source: Any, target: Any, times: int) -> None:
    for thread in prange(len(source)):
        _copy(source[thread], target[thread], times)


@kernel(entry=True, parallel=True)
def exps(source: Any, target: Any) -> None:
    for thread in prange(len(source)):
        exps_serial(source[thread], target[thread])


def _nothing(_scores: Any, _labels: Any) -> float:
    return 0.0


@kernel(entry=True)
def _nothing_jitted(_scores: Any, _labels: Any) -> float:
    return 0.0


@kernel(entry=True, parallel=True)
def _nothing_on_threads(_scores: Any, _labels: Any) -> float:
    total = 0.0
    for _ in prange(len(_labels)):
        total += 0.0
    return total


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("level", levels(), ids=lambda level: level.name)
@pytest.mark.parametrize("kind", KINDS)
def test_bandwidth(benchmark: Any, kind: str, level: Level, count: int) -> None:
    moved = level.bytes_of(count)
    times = max(1, ROUND_BYTES // moved)
    numbers = moved // 8 // (1 if kind == "read" else 2)
    source = np.arange(numbers - numbers % count).reshape(count, -1)
    with threads.limited(count):
        if kind == "read":
            totals = read(source, 1)
            assert totals.sum() == source.sum()
            benchmark(read, source, times)
        else:
            target = np.zeros_like(source)
            benchmark(copy, source, target, times)
            assert np.array_equal(source, target)
    gone_through = source.nbytes * (1 if kind == "read" else 2) * times
    benchmark.extra_info.update(
        of="bandwidth", kind=kind, level=level.name, threads=count, amount=gone_through
    )


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_exps(benchmark: Any, dtype: str, count: int) -> None:
    source = np.linspace(-8.0, 0.0, count * EXPS, dtype=dtype).reshape(count, -1)
    target = np.zeros_like(source)
    with threads.limited(count):
        if count == 1:  # LLVM compiles the loop of a thread to code that takes a third longer
            benchmark(exps_serial, source[0], target[0])
        else:
            benchmark(exps, source, target)
    np.testing.assert_allclose(target, np.exp(source), rtol=1e-6)
    benchmark.extra_info.update(of="exps", dtype=dtype, threads=count, amount=source.size)


@pytest.mark.parametrize("tier", CALLED)
def test_empty_call(benchmark: Any, tier: str) -> None:
    count = max(COUNTS) if is_threaded(tier) else 1
    if is_threaded(tier) and count == 1:
        pytest.skip("no cell of the run has threads")
    scores, labels = np.zeros((8, 8)), np.zeros(8, np.int64)
    result: NDArray[Any] = np.zeros(1)
    given: dict[str, tuple[Any, ...]] = {
        "loop": (_nothing, [[0.0]], [0]),
        "numpy": (np.negative, result, result),
        "numba": (_nothing_jitted, scores, labels),
        "kernels": (svm_loss, scores[:1, :1], labels[:1]),
        "kernels-parallel": (_nothing_on_threads, scores, labels),
    }
    function, *arguments = given[tier]
    with threads.limited(count):
        function(*arguments)
        benchmark(function, *arguments)
    benchmark.extra_info.update(of="call", tier=tier, threads=count)
