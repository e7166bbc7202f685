"""The problem `exp`: exp of each number of an array, where a softmax spends most of its time.

`numba` calls `math.exp`, `kernels` the library's exp, both in a jitted loop. Without SVML, Numba
does not vectorise `math.exp`.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model import Arguments, Cost, Kernel, Output, Problem, Size, Tier, Tolerance, to_lists
from bench.problems.builtin.inputs import SIZES, layouts, some

SAMPLED_NUMBERS = 20_000
# Units in the last place: the library promises at most 2, and the oracle's exp is rounded too.
ROUNDINGS = 4


def _numbers(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    return ((3 * rng.standard_normal((size["n"],))).astype(dtype),)


def _loop(x: list[float]) -> list[float]:
    try:
        return [math.exp(value) for value in x]
    except OverflowError:
        return [_exp_or_infinity(value) for value in x]


def _exp_or_infinity(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


@cache
def _numba() -> Kernel:
    from numba import njit

    @njit
    def exps(x: NDArray[Any]) -> NDArray[Any]:
        result = np.empty_like(x)
        for i in range(x.size):
            result[i] = math.exp(x[i])
        return result

    return exps  # type: ignore[no-any-return]


@cache
def _kernels() -> Kernel:
    """Return a compiled loop of the library's exp.

    NumPy allocates the result, because it asks for large pages: allocated in compiled code, a large
    result took longer than all the exps.
    """
    from kernels.simd import elementary
    from kernels.simd.compiler import kernel

    @kernel
    def fill(x: NDArray[Any], result: NDArray[Any]) -> None:
        for i in range(x.size):
            result[i] = elementary.exp(x[i])

    def exps(x: NDArray[Any]) -> NDArray[Any]:
        result = np.empty_like(x)
        fill(x, result)
        return result

    return exps


def _sampled(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    (x,) = arguments
    return (x[some(x.size, SAMPLED_NUMBERS, rng)],)


def _hard(dtype: str) -> Iterator[tuple[str, Arguments]]:
    finfo = np.finfo(dtype)
    highest, lowest = math.log(float(finfo.max)), math.log(float(finfo.smallest_normal))
    for label, numbers in (
        ("NaN, infinities and zeros", (math.nan, math.inf, -math.inf, 0.0, -0.0)),
        ("near the largest result", (highest - 1e-3,)),
        ("around the least normal result", (lowest - 1.0, lowest + 1.0, 2 * lowest)),
        ("one number", (1.0,)),
    ):
        yield label, (np.array(numbers, dtype),)
    if dtype == "float64":  # what overflows float32 is finite in the loops, which use float64
        yield "beyond the largest result", (np.array((highest + 1e-3, 2 * highest)),)
    yield from layouts(_numbers({"n": 20}, dtype, np.random.default_rng(0)))


def _cost(size: Size, itemsize: int) -> Cost:
    count = size["n"]
    return Cost(2 * count * itemsize, count, exps=count, bytes_written=count * itemsize)


def _tolerance(arguments: Arguments, dtype: str) -> Tolerance:  # noqa: ARG001 - one signature
    finfo = np.finfo(dtype)
    return Tolerance(ROUNDINGS * float(finfo.eps), float(finfo.smallest_normal))


EXPONENTIAL = (
    Problem(
        name="exp",
        tiers={
            "loop": Tier(lambda: _loop, to_lists),
            "numpy": Tier(lambda: np.exp),
            "numba": Tier(_numba),
            "kernels": Tier(_kernels),
        },
        # As many numbers as there are scores at that size
        sizes={name: {"n": size["n"] * size["c"]} for name, size in SIZES.items()},
        make_inputs=_numbers,
        outputs=(Output("exps", "array", _tolerance),),
        cost=_cost,
        growth=1.0,
        sample=_sampled,
        hard_inputs=_hard,
    ),
)
