"""Compute the post's examples: gradient descent on x², and the training of its classifier."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.problems.builtin.descent import POST_RUNS, POST_START
from bench.problems.training import Training, train, training_problem, versions

# The post warns of rates above 1. After more steps than this, the path would not fit the picture.
DIVERGING = (1.05, 12)
DESCENTS = (*POST_RUNS, DIVERGING)


def descent_path(rate: float, steps: int) -> NDArray[np.float64]:
    """Return the path on x² from the post's start."""
    from kernels import gradient_descent  # loads Numba

    path: NDArray[np.float64] = gradient_descent(lambda x: 2.0 * x, POST_START, rate, steps)
    return path


def train_lecture(say: Callable[[str], None] = lambda _: None) -> list[Training]:
    """Train the post's classifier in every tier.

    Parameters
    ----------
    say : function of str
        Called with a line of progress for each tier.
    """
    trainings = []
    for tier in versions():
        say(f"training: {tier}")
        trainings.append(train(tier, training_problem().inputs("lecture", "float64")))
    return trainings
