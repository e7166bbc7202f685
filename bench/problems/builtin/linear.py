"""The problems of `linear.py`: a linear classifier's loss, its gradients, and its training."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bench.model import Arguments, Cost, Output, Problem, Size, Tolerance
from bench.problems.builtin import tolerances
from bench.problems.builtin.inputs import (
    INTEGER_BYTES,
    LECTURE,
    SAMPLED_FEATURES,
    SAMPLED_ROWS,
    SIZES,
    classifier,
    layouts,
    some,
)
from bench.problems.builtin.tiers import import_kernel, our_tiers

LINEAR_SIZES = {name: SIZES[name] for name in ("lecture", "S", "M")}
# The post's training; one in mini-batches; the start of one on CIFAR-10.
TRAINING_SIZES: dict[str, Size] = {
    "lecture": LECTURE | {"epochs": 1001, "batch": 3, "gradient": "numerical"},
    "S": SIZES["S"] | {"epochs": 20, "batch": 16, "gradient": "analytic"},
    "M": SIZES["M"] | {"epochs": 2, "batch": 250, "gradient": "analytic"},
}

# --- inputs


def _classified(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    return *classifier(size, dtype, rng), "softmax"


def _sampled(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    W, b, X, labels, *options = arguments
    rows, features = some(len(X), SAMPLED_ROWS, rng), some(len(W), SAMPLED_FEATURES, rng)
    return W[features], b, X[np.ix_(rows, features)], labels[rows], *options


def _small(dtype: str) -> Arguments:
    return classifier({"n": 7, "d": 5, "c": 4}, dtype, np.random.default_rng(1))


def _hard_cases(dtype: str) -> Iterator[tuple[str, Arguments]]:
    """Yield cases; only their layouts differ in type, as Numba compiles anew for each type."""
    W, b, X, labels = _small(dtype)
    one_feature, one_class = X[:, :1].copy(), W[:, :1].copy()
    for loss in ("softmax", "svm"):
        yield f"{loss} with regularization", (W, b, X, labels, loss, 0.5, 0.25)
        yield f"{loss} of one sample", (W, b, X[:1], labels[:1], loss)
        yield f"{loss} of one feature", (W[:1], b, one_feature, labels, loss)
        yield f"{loss} of one class (C = 1)", (one_class, b[:1], X, 0 * labels, loss)
        yield f"{loss} with labels of one class only", (W, b, X, 0 * labels + 2, loss)
        for label, laid in layouts((W, b, X, labels, loss)):
            yield f"{loss} of {label}", laid


def _hard(dtype: str) -> Iterator[tuple[str, Arguments]]:
    W, b, X, labels = _small(dtype)
    yield from _hard_cases(dtype)
    yield "scores of ±1e4", (1e4 * W, b, X, labels, "softmax")
    yield "all scores at the kink", (0 * W, 0 * b, X, labels, "svm", 0.0, 0.0)


def _hard_differences(dtype: str) -> Iterator[tuple[str, Arguments]]:
    """Leave out scores of 1e4 and kinks, where a finite difference is nothing but rounding."""
    yield from _hard_cases(dtype)
    for loss in ("softmax", "svm"):
        yield f"{loss} by a forward difference", (*_small(dtype), loss, 1.0, 0.0, 1e-3, "forward")


def _trained(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    W, b, X, labels = classifier(size, dtype, rng)
    how: tuple[Any, ...]
    if _by_difference(size):
        by = ("svm", "numerical", 1e-8, 0.01, "forward", False, 1e-4)
        how = (*by, size["epochs"], size["batch"], 0.0, 0.0, 0)
    else:
        batches = size["epochs"], size["batch"], 0.9, 1e-3, 0
        how = ("softmax", "analytic", 1.0, 1e-5, "central", True, 0.05, *batches)
    return X, labels, len(b), *how, W, b


def _by_difference(size: Size) -> bool:
    """Whether this is the post's training, which uses finite differences."""
    return bool(size["gradient"] == "numerical")


def _sampled_training(arguments: Arguments, rng: np.random.Generator) -> Arguments:
    X, labels, *options, W, b = arguments
    rows, features = some(len(X), 4 * SAMPLED_ROWS, rng), some(len(W), SAMPLED_FEATURES, rng)
    return X[np.ix_(rows, features)], labels[rows], *options, W[features], b


def _hard_training(dtype: str) -> Iterator[tuple[str, Arguments]]:
    """Yield trainings of the kinds that are timed: each kind of training compiles for seconds."""
    W, b, X, labels = _small(dtype)
    batches = (0.1, 4, 3, 0.9, 0.01, 5)
    for loss in ("softmax", "svm"):
        how = (loss, "analytic", 1.0, 1e-5, "central", True, *batches)
        yield f"{loss} in batches", (X, labels, 4, *how, W, b)
    how = ("softmax", "analytic", 1.0, 1e-5, "central", True, *batches)
    yield from layouts((X, labels, 4, *how, W, b))
    yield "no epochs", (X, labels, 4, *how[:7], 0, *how[8:], W, b)
    by = ("svm", "numerical", 1.0, 1e-4, "central", True, 0.1)
    yield "svm by finite differences", (X, labels, 4, *by, 4, len(X), 0.9, 0.01, 5, W, b)


# --- tolerances


def _named(function: str, arguments: Arguments) -> dict[str, Any]:
    """Return the arguments by name, including defaults."""
    bound = inspect.signature(_text(function)).bind(*arguments)
    bound.apply_defaults()
    return bound.arguments


def _text(function: str) -> Callable[..., Any]:
    text: Callable[..., Any] = import_kernel("kernels.vectorized.linear", function)
    return text


def _options(arguments: Arguments) -> dict[str, Any]:
    return _named("linear_numerical_gradient", arguments)  # the others take the first of these


def _loss_scale(arguments: Arguments) -> float:
    options = _options(arguments)
    return float(options["margin"]) if options["loss"] == "svm" else 1.0


def _score_rounding(arguments: Arguments, dtype: str) -> float:
    """Return the rounding of scores that are computed: it grows with the absolute values summed."""
    W, b, X = (item.astype(np.float64) for item in arguments[:3])
    return tolerances.rounding_of(np.abs(X) @ np.abs(W) + np.abs(b), dtype)


def _pull(arguments: Arguments) -> float:
    """Return the largest N · abs(dscores): 1 for softmax; for a hinge, one per wrong class."""
    classes = arguments[0].shape[1]
    return float(max(1, classes - 1)) if _options(arguments)["loss"] == "svm" else 1.0


def _loss_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    return tolerances.within(dtype, _loss_scale(arguments), _score_rounding(arguments, dtype))


def _weights_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    """A sum of x · dscores over N samples: the scale of dscores is 1/N, that of the sum mean x."""
    mean_x = float(np.abs(arguments[2].astype(np.float64)).mean(axis=0).max())
    penalty = 2 * abs(_options(arguments)["regularization"]) * float(np.abs(arguments[0]).max())
    rounding = mean_x * _score_rounding(arguments, dtype)
    return tolerances.within(dtype, mean_x * _pull(arguments) + penalty, rounding)


def _biases_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    return tolerances.within(dtype, _pull(arguments), _score_rounding(arguments, dtype))


def _differences_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    """The differences are taken in float64 and rounded to the cell's dtype."""
    h = _options(arguments)["h"]
    noise = tolerances.difference_noise("float64", _largest_loss(arguments[:7]), h)
    return Tolerance(tolerances.TOLERANCE[dtype], noise)


def _largest_loss(arguments: Arguments) -> float:
    W, b, X = (item.astype(np.float64) for item in arguments[:3])
    return max(1.0, abs(float(_text("linear_loss")(W, b, X, *arguments[3:]))))


def _training_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    rtol, atol = {"float64": (1e-6, 1e-12), "float32": (1e-5, 1e-6)}[dtype]
    return Tolerance(rtol, atol + _drift(_named("train_linear", arguments), dtype))


def _losses_tolerance(arguments: Arguments, dtype: str) -> Tolerance:
    """The drift of a parameter moves a score by the drift times a feature."""
    of_parameters = _training_tolerance(arguments, dtype)
    largest = float(np.abs(arguments[0].astype(np.float64)).sum(axis=1).max())
    return Tolerance(of_parameters.rtol, of_parameters.atol * max(1.0, largest))


def _drift(options: dict[str, Any], dtype: str) -> float:
    """Return how far rounding moves the parameters: in differences, and in updates in float32."""
    X, W, b = options["X"], options["W0"], options["b0"]
    updates = options["epochs"] * -(-len(X) // (options["batch_size"] or len(X)))
    drift = 0.0
    if dtype == "float32":
        largest = 1.0 if W is None else max(1.0, float(np.abs(W).max()))
        drift += updates * float(np.finfo(dtype).eps) * largest
    if options["gradient"] == "numerical":
        loss = _largest_loss((W, b, X, options["labels"], options["loss"], options["margin"]))
        noise = tolerances.difference_noise("float64", loss, options["h"])
        drift += updates * options["learning_rate"] * noise / (1.0 - options["momentum"])
    return drift


# --- costs


def _products(size: Size, itemsize: int, *, products: int, written: int = 0) -> Cost:
    """Cost of products of X with a (D, C) matrix, and of results in the shapes of W and b."""
    n, d, c = size["n"], size["d"], size["c"]
    others = (1 + written) * (d * c + c) * itemsize + n * INTEGER_BYTES
    return Cost(
        products * n * d * itemsize + others,
        2 * products * n * d * c + 5 * n * c,
        exps=n * c,  # of the softmax, which only the post's training does not have
        bytes_written=written * (d * c + c) * itemsize,
        working_set=n * d * itemsize + others,
    )


def _loss_cost(size: Size, itemsize: int) -> Cost:
    return _products(size, itemsize, products=1)


def _gradient_cost(size: Size, itemsize: int) -> Cost:
    return _products(size, itemsize, products=2, written=1)


def _differences_cost(size: Size, itemsize: int) -> Cost:
    """The library: two losses per parameter, each updated in the column of scores that moves."""
    n, d, c = size["n"], size["d"], size["c"]
    once = _products(size, itemsize, products=1, written=1)
    return replace(once, flops=once.flops + 2 * (d * c + c) * 4 * n)


def _all_losses_cost(size: Size, itemsize: int) -> Cost:
    """The texts: two whole losses per parameter."""
    return _times(2 * (size["d"] * size["c"] + size["c"]), _loss_cost(size, itemsize))


def _training_cost(size: Size, itemsize: int) -> Cost:
    """Cost of epochs: each is a loss over all samples and the gradients of its batches."""
    gradient = _differences_cost if _by_difference(size) else _gradient_cost
    parts = _loss_cost(size, itemsize), gradient(size, itemsize)
    epoch = Cost(
        sum(p.bytes_moved for p in parts),
        sum(p.flops for p in parts),
        exps=0 if _by_difference(size) else sum(p.exps for p in parts),
        bytes_written=sum(p.bytes_written for p in parts),
        working_set=max(p.working_set for p in parts),
    )
    return _times(size["epochs"], epoch)


def _times(count: int, cost: Cost) -> Cost:
    return Cost(
        count * cost.bytes_moved,
        count * cost.flops,
        count * cost.exps,
        count * cost.bytes_written,
        cost.working_set,
    )


LINEAR = (
    Problem(
        name="linear_loss",
        tiers=our_tiers("linear", "linear_loss"),
        sizes=LINEAR_SIZES,
        make_inputs=_classified,
        outputs=(Output("loss", "scalar", _loss_tolerance),),
        cost=_loss_cost,
        growth=1.0,
        sample=_sampled,
        hard_inputs=_hard,
    ),
    Problem(
        name="linear_gradient",
        tiers=our_tiers("linear", "linear_gradient"),
        sizes=LINEAR_SIZES,
        make_inputs=_classified,
        outputs=(
            Output("loss", "scalar", _loss_tolerance),
            Output("dW", "array", _weights_tolerance),
            Output("db", "array", _biases_tolerance),
        ),
        cost=_gradient_cost,
        growth=1.0,
        sample=_sampled,
        hard_inputs=_hard,
    ),
    Problem(
        name="linear_numerical_gradient",
        tiers=our_tiers(
            "linear", "linear_numerical_gradient", lambda size: size["n"] * size["d"] * size["c"]
        ),
        sizes=LINEAR_SIZES,
        make_inputs=_classified,
        outputs=(
            Output("dW", "array", _differences_tolerance),
            Output("db", "array", _differences_tolerance),
        ),
        cost=_differences_cost,
        texts_cost=_all_losses_cost,
        growth=1.0,
        sample=_sampled,
        hard_inputs=_hard_differences,
    ),
    Problem(
        name="train_linear",
        tiers=our_tiers("linear", "train_linear"),
        sizes=TRAINING_SIZES,
        make_inputs=_trained,
        outputs=(
            Output("W", "array", _training_tolerance),
            Output("b", "array", _training_tolerance),
            Output("losses", "float64 array", _losses_tolerance),
        ),
        # No texts_cost: the post's training is mostly calls of NumPy, so the time that its
        # operations predict for the other sizes would be far too long.
        cost=_training_cost,
        growth=1.0,
        sample=_sampled_training,
        hard_inputs=_hard_training,
    ),
)
