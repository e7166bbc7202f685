"""Train with `train_linear` in one version, and time it: what the demos share."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.common import threads
from bench.model import PEERS, Arguments, Problem
from bench.problems.builtin import PROBLEMS

COMPILED = frozenset({"numba", "kernels"})


@dataclass(frozen=True)
class Training:
    """A training in one tier."""

    tier: str
    W: Any
    b: Any
    losses: Sequence[float]
    seconds: float
    compile_s: float
    """The first call's time minus the second's; 0 in a tier that compiles nothing."""


def training_problem() -> Problem:
    """Return the problem `train_linear`."""
    return next(one for one in PROBLEMS if one.name == "train_linear")


def versions() -> list[str]:
    """Return the tiers that are the project's own."""
    return [tier for tier in training_problem().tiers if tier not in PEERS]


def train(tier: str, arguments: Arguments, *, compiles: bool = True) -> Training:
    """Train twice in a tier at one thread, the second time without compiling.

    Parameters
    ----------
    tier : str
    arguments : tuple
        Those of `train_linear`, by position.
    compiles : bool
        False if the tier has compiled for such arguments before.
    """
    its_problem = training_problem()
    given = its_problem.prepared(tier, arguments)
    kernel = its_problem.tiers[tier].load()
    times = []
    for _ in range(2):
        with threads.limited(1):
            start = time.perf_counter()
            W, b, losses = kernel(*given)
            times.append(time.perf_counter() - start)
    compiled = compiles and tier in COMPILED
    return Training(tier, W, b, losses, times[1], times[0] - times[1] if compiled else 0.0)
