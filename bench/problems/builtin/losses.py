"""The problems of `losses.py`: losses, probabilities, and gradients with respect to the scores."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.model import Arguments, Cost, Output, Problem, Size
from bench.problems.builtin import tolerances
from bench.problems.builtin.inputs import (
    INTEGER_BYTES,
    SIZES,
    hard_scores,
    pick,
    sampled_rows,
    scores_and_labels,
)
from bench.problems.builtin.tiers import our_tiers


def _scores(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    return scores_and_labels(size, dtype, rng)[:1]


def _hard(dtype: str) -> Iterator[tuple[str, Arguments]]:
    for label, scores, labels in hard_scores(dtype):
        yield label, (scores, labels)


def _hard_scores(dtype: str) -> Iterator[tuple[str, Arguments]]:
    for label, scores, _ in hard_scores(dtype):
        yield label, (scores,)


def _hard_with_margin(dtype: str) -> Iterator[tuple[str, Arguments]]:
    yield from _hard(dtype)
    scores, labels = np.array([[0.5, 0.25, 0.75, 0.0]], dtype), np.array([0])
    yield "scores at the kink of a margin of 1/4", (scores, labels, 0.25)
    yield "no margin, with ties", (np.array([[1.0, 1.0, 2.0]], dtype), np.array([0]), 0.0)


def _reading(flops: int, *, exps: int = 0) -> Any:
    """Cost of a loss: it reads scores and labels, and does `flops` operations per score."""

    def cost(size: Size, itemsize: int) -> Cost:
        scores = size["n"] * size["c"]
        moved = scores * itemsize + size["n"] * INTEGER_BYTES
        return Cost(moved, flops * scores, exps * scores)

    return cost


def _mapping(flops: int, *, labels: bool, exps: int = 0) -> Any:
    """Cost of a function that returns one number per score."""

    def cost(size: Size, itemsize: int) -> Cost:
        scores = size["n"] * size["c"]
        integers = size["n"] * INTEGER_BYTES if labels else 0
        moved, written = 2 * scores * itemsize + integers, scores * itemsize
        return Cost(moved, flops * scores, exps * scores, bytes_written=written)

    return cost


def _problem(name: str, **parts: Any) -> Problem:
    return Problem(
        name=name,
        tiers=our_tiers("losses", name, lambda size: size["n"] * size["c"]),
        sizes=pick(SIZES, "n", "c"),
        growth=1.0,
        sample=sampled_rows,
        **parts,
    )


LOSSES = (
    _problem(
        "svm_loss",
        make_inputs=scores_and_labels,
        outputs=(Output("loss", "scalar", tolerances.of_hinge),),
        cost=_reading(4),  # difference, margin, maximum, sum
        hard_inputs=_hard_with_margin,
    ),
    _problem(
        "softmax_loss",
        make_inputs=scores_and_labels,
        outputs=(Output("loss", "scalar", tolerances.of_nats),),
        cost=_reading(4, exps=1),  # maximum, difference, exp, sum
        hard_inputs=_hard,
    ),
    _problem(
        "softmax",
        make_inputs=_scores,
        outputs=(Output("probabilities", "array", tolerances.of_probabilities),),
        cost=_mapping(5, labels=False, exps=1),  # maximum, difference, exp, sum, quotient
        hard_inputs=_hard_scores,
    ),
    _problem(
        "log_softmax",
        make_inputs=_scores,
        outputs=(Output("log-probabilities", "array", tolerances.of_nats),),
        cost=_mapping(5, labels=False, exps=1),  # maximum, difference, exp, sum, difference
        hard_inputs=_hard_scores,
    ),
    _problem(
        "svm_loss_gradient",
        make_inputs=scores_and_labels,
        outputs=(
            Output("loss", "scalar", tolerances.of_hinge),
            Output("dscores", "array", tolerances.of_hinge_gradient),
        ),
        cost=_mapping(5, labels=True),  # as the loss, and the count of the active ones
        hard_inputs=_hard_with_margin,
    ),
    _problem(
        "softmax_loss_gradient",
        make_inputs=scores_and_labels,
        outputs=(
            Output("loss", "scalar", tolerances.of_nats),
            Output("dscores", "array", tolerances.of_softmax_gradient),
        ),
        cost=_mapping(6, labels=True, exps=1),  # as softmax, and the division by N
        hard_inputs=_hard,
    ),
)
