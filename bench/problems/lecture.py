"""Compute the post's examples: gradient descent on x², and the training of its classifier."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.model import Problem
from bench.problems.builtin import PROBLEMS
from bench.problems.builtin.descent import POST_RUNS, POST_START

# The post warns of rates above 1. After more steps than this, the path would not fit the picture.
DIVERGING = (1.05, 12)
DESCENTS = (*POST_RUNS, DIVERGING)


def descent_path(rate: float, steps: int) -> NDArray[np.float64]:
    """Return the path on x² from the post's start."""
    from kernels import gradient_descent  # loads Numba

    path: NDArray[np.float64] = gradient_descent(lambda x: 2.0 * x, POST_START, rate, steps)
    return path


@dataclass(frozen=True)
class Training:
    """The post's training in one tier."""

    tier: str
    losses: Sequence[float]
    seconds: float
    compile_s: float
    """The first call's time minus the second's; 0 in a tier that compiles nothing."""


def train_lecture(say: Callable[[str], None] = lambda _: None) -> list[Training]:
    """Train the post's classifier in every tier.

    Parameters
    ----------
    say : function of str
        Called with a line of progress for each tier.
    """
    its_problem = _lecture()
    trainings = []
    for tier in its_problem.tiers:
        say(f"training: {tier}")
        trainings.append(_train(its_problem, tier))
    return trainings


def _lecture() -> Problem:
    return next(one for one in PROBLEMS if one.name == "train_linear")


def _train(its_problem: Problem, tier: str) -> Training:
    arguments = its_problem.inputs("lecture", "float64")
    given = its_problem.prepared(tier, arguments)
    kernel = its_problem.tiers[tier].load()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        _, _, losses = kernel(*given)
        times.append(time.perf_counter() - start)
    compiled = tier in {"numba", "kernels"}
    return Training(tier, losses, times[1], times[0] - times[1] if compiled else 0.0)
