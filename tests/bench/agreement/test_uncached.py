"""Only compiling that no cache keeps is counted, and a run says what it takes."""

import textwrap
import time

import numba
import pytest
from commands import answered

from bench.agreement import uncached
from bench.cli import stages

KERNEL = """
    from numba import njit

    SIZES = {"S": {"n": 10}}

    def make_inputs(size, dtype, rng):
        return (rng.random(size["n"]).astype(dtype),)

    def loop(x):
        return sum(x)

    def jit(x):
        total = 0.0
        for i in range(len(x)):
            total += x[i]
        return total

    jit, kept = njit(jit), njit(cache=True)(jit)

    TIERS = {"kept": kept}
"""


def compiled_anew(x):
    return x + 1.0


@pytest.mark.parametrize("cache", [False, True])
def test_only_functions_without_a_cache_count(cache):
    function = numba.njit(cache=cache)(compiled_anew)
    start = time.perf_counter()
    with uncached.timed() as compiling:
        function(1.0)
        function(2.0)  # compiled already
    whole = time.perf_counter() - start
    assert compiling.seconds == 0.0 if cache else 0.5 * whole < compiling.seconds < whole


def test_what_is_compiled_with_a_function_counts_once_and_as_it_does():
    inner = numba.njit(compiled_anew)
    outer = numba.njit(lambda x: inner(x) * inner(x))
    start = time.perf_counter()
    with uncached.timed() as compiling:
        outer(1.0)
    assert 0.0 < compiling.seconds < time.perf_counter() - start

    @numba.njit(cache=True)
    def cached(x):
        return inner(x) + 2.0

    with uncached.timed() as compiling:
        cached(numba.float32(1.0))
    assert compiling.seconds == 0.0


def test_nothing_is_counted_afterwards():
    with uncached.timed() as compiling:
        pass
    numba.njit(compiled_anew)(1.0)
    assert compiling.seconds == 0.0


@pytest.mark.slow
def test_a_run_names_them_with_an_estimate(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "LONG_COMPILING_S", 0.01)
    path = tmp_path / "sums.py"
    path.write_text(textwrap.dedent(KERNEL), encoding="utf-8")
    shown = answered("run", "--problem", path, "--passes", 2, "--output", tmp_path / "results")
    assert shown.returncode == 0, shown.stdout
    (line,) = [line for line in shown.stdout.splitlines() if "has no cache" in line]
    assert line.startswith("sums numba has no cache and compiles ")
    assert "in each of 2 processes" in line
    assert "cache=True" in line
