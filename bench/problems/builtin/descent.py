"""The problem of `descent.py`: the post's longer descent on x², of one number or a vector."""

from collections.abc import Iterator

import numpy as np

from bench.model import Arguments, Cost, Output, Problem, Size, Tolerance
from bench.problems.builtin.inputs import SIZES, layouts, some
from bench.problems.builtin.tiers import our_tiers

POST_START = -4.5
POST_RUNS = ((0.01, 100), (0.8, 1000))
RATE, STEPS = POST_RUNS[1]
SAMPLED_COORDINATES = 16


def _start(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    from bench.problems.builtin.black_boxes import bowl_slope  # loads Numba

    one = size["d"] == 1
    x0 = np.array(POST_START if one else 3 * rng.standard_normal(size["d"]), dtype)
    return bowl_slope(), x0, RATE, STEPS


def _sampled(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    slope, x0, *run = arguments
    return slope, x0[some(x0.size, SAMPLED_COORDINATES, rng)], *run


def _hard(dtype: str) -> Iterator[tuple[str, Arguments]]:
    slope, x0, *_ = _start({"d": 3}, dtype, np.random.default_rng(0))
    yield "a rate that crawls", (slope, x0, *POST_RUNS[0])
    yield "a rate that diverges", (slope, x0, 1.1, 30)
    yield "no steps", (slope, x0, 0.1, 0)
    for label, (_, laid) in layouts((slope, x0)):
        yield label, (slope, laid, 0.5, 5)


def _cost(size: Size, itemsize: int) -> Cost:
    points = STEPS * size["d"]
    written = points * itemsize
    return Cost(written, 3 * points, bytes_written=written)  # slope, times the rate, difference


def _tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    """Allow 1e-6 relative and 1e-12 of the start; in float32, the rounding of each step."""
    _, x0, _, steps = arguments
    start = float(np.abs(x0).max())
    if dtype == "float64":
        return Tolerance(1e-6, 1e-12 * max(start, 1.0))
    eps = float(np.finfo(dtype).eps)
    return Tolerance(2 * eps * steps, eps * start)


DESCENT = (
    Problem(
        name="gradient_descent",
        tiers=our_tiers("descent", "gradient_descent"),
        sizes={
            "lecture": {"d": 1},
            "S": {"d": SIZES["S"]["d"]},
            "M": {"d": SIZES["M"]["d"]},
        },
        make_inputs=_start,
        outputs=(Output("path", "array", _tolerance),),
        cost=_cost,
        growth=0.0,  # there are no samples
        sample=_sampled,
        hard_inputs=_hard,
    ),
)
