"""The problems of `gradients.py`: finite differences of a black box, and gradient checks."""

from collections.abc import Iterator

import numpy as np

from bench.model import Arguments, Cost, Forms, Output, Problem, Size, Tolerance
from bench.problems.builtin import tolerances
from bench.problems.builtin.inputs import SIZES, classifier, layouts, pick, sampled_rows, some
from bench.problems.builtin.tiers import our_tiers

BLACK_BOX_SIZES = {name: SIZES[name] for name in ("lecture", "S")}
# A gradient has the shape of W.
COMPARED_SIZES = pick({name: SIZES[name] for name in ("lecture", "S", "M")}, "d", "c")
SAMPLED_LOSSES = 8


def _differentiated(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    from bench.problems.builtin.black_boxes import classifier_loss  # loads Numba

    how = (0.01, "forward") if size == SIZES["lecture"] else (1e-5, "central")
    return classifier_loss(**size), classifier(size, dtype, rng)[0], *how


def _fewer_samples(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    """Give the black boxes fewer samples; W has to stay whole."""
    rows = tuple(some(SIZES["S"]["n"], SAMPLED_LOSSES, rng).tolist())
    return tuple(
        item.fewer(rows) if isinstance(item, Forms) and item.fewer else item for item in arguments
    )


def _hard_differentiated(dtype: str) -> Iterator[tuple[str, Arguments]]:
    f, W, *_ = _differentiated(SIZES["lecture"], dtype, np.random.default_rng(0))
    for label, (_, laid) in layouts((f, W)):
        yield label, (f, laid, 1e-5, "central")


def _checked(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    from bench.problems.builtin.black_boxes import classifier_loss, wrong_gradient  # loads Numba

    W = classifier(size, dtype, rng)[0]
    # Where the post's hinge has a slope of 0, its difference is rounding: less with a longer step
    h = 1e-3 if size == SIZES["lecture"] else 1e-5
    return classifier_loss(**size), wrong_gradient(**size), W, h


def _hard_checked(dtype: str) -> Iterator[tuple[str, Arguments]]:
    yield from layouts(_checked(SIZES["lecture"], dtype, np.random.default_rng(0)))


def _losses_cost(size: Size, itemsize: int) -> Cost:
    """Return the cost of two losses per parameter, each with a product of X and W."""
    n, d, c = size["n"], size["d"], size["c"]
    losses = 2 * d * c
    loss = 2 * n * d * c + 4 * n * c
    working_set = (n * d + d * c) * itemsize
    return Cost(
        losses * working_set,
        losses * loss,
        exps=0 if size == SIZES["lecture"] else losses * n * c,  # the post's loss is a hinge
        bytes_written=d * c * itemsize,
        working_set=working_set,
    )


def _difference_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    """The black box computes in float64; the result is rounded to the cell's dtype."""
    f, W, h, _ = arguments
    noise = tolerances.difference_noise("float64", abs(f.numpy(W.astype(np.float64))), h)
    return Tolerance(tolerances.TOLERANCE[dtype], noise)


def _check_tolerance(arguments: Arguments, dtype: str) -> Tolerance:  # noqa: ARG001 - one signature
    """The error is a quotient: the difference's noise over the wrong entry's two values."""
    from bench.problems.builtin.black_boxes import WRONG_ENTRY  # loads Numba

    f, gradient, W, h = arguments
    point = W.astype(np.float64)
    noise = tolerances.difference_noise("float64", abs(f.numpy(point)), h)
    return tolerances.within("float64", 1.0, noise / abs(gradient.numpy(point)[WRONG_ENTRY]))


def _compared(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    shape = size["d"], size["c"]
    a = rng.standard_normal(shape)
    b = a * (1.0 + 1e-3 * rng.standard_normal(shape))
    return a.astype(dtype), b.astype(dtype)


def _hard_compared(dtype: str) -> Iterator[tuple[str, Arguments]]:
    a, b = _compared({"d": 5, "c": 3}, dtype, np.random.default_rng(0))
    yield "equal values", (a, a.copy())
    yield "zeros", (np.zeros((2, 2), dtype), np.zeros((2, 2), dtype))
    yield "values below 1e-8", (1e-12 * a, 1e-12 * b)
    yield "other signs", (a, -b)
    yield "a NaN", (np.where(a == a[1, 1], np.nan, a).astype(dtype), b)
    yield "one entry", (a[:1, :1], b[:1, :1])
    yield from layouts((a, b))


def _compared_cost(size: Size, itemsize: int) -> Cost:
    entries = size["d"] * size["c"]
    return Cost(2 * entries * itemsize, 7 * entries)  # difference, 3 abs, sum, 2 maxima, quotient


GRADIENTS = (
    Problem(
        name="numerical_gradient",
        tiers=our_tiers("gradients", "numerical_gradient"),
        sizes=BLACK_BOX_SIZES,
        make_inputs=_differentiated,
        outputs=(Output("gradient", "array", _difference_tolerance),),
        cost=_losses_cost,
        growth=1.0,
        sample=_fewer_samples,
        hard_inputs=_hard_differentiated,
    ),
    Problem(
        name="relative_error",
        tiers=our_tiers("gradients", "relative_error"),
        sizes=COMPARED_SIZES,
        make_inputs=_compared,
        outputs=(
            Output("error", "scalar", lambda _arguments, dtype: tolerances.within(dtype, 1.0)),
        ),
        cost=_compared_cost,
        growth=1.0,
        sample=sampled_rows,
        hard_inputs=_hard_compared,
    ),
    Problem(
        name="check_gradient",
        tiers=our_tiers("gradients", "check_gradient"),
        sizes=BLACK_BOX_SIZES,
        make_inputs=_checked,
        outputs=(
            Output("error", "scalar", _check_tolerance),
            Output("entry", "exact", tolerances.exact),
            Output("within", "exact", tolerances.exact),
        ),
        cost=_losses_cost,
        growth=1.0,
        sample=_fewer_samples,
        hard_inputs=_hard_checked,
    ),
)
