"""Compare each tier with the oracle on the hard inputs of a problem, once per worker."""

from functools import cache
from typing import Any

import numpy as np

from bench.agreement.calls import Expected, RefusalError, call, compare_all
from bench.model import PEERS, Arguments, Cell, Problem
from bench.workers.watchdog import Step


@cache
def _hard_results(problem: Problem, dtype: str) -> list[Any]:
    """Return the oracle's results for the hard inputs."""
    found = []
    for label, arguments in problem.hard_inputs(dtype):
        step = _hard_step(problem, problem.oracle, label, dtype, 1)
        try:
            found.append(call(problem, step, arguments).value)
        except RefusalError as refusal:
            where = f"{problem.oracle}: {_words(step)}"
            message = f"nothing to compare with: {where}: {refusal.message}"
            raise RefusalError("failed", message) from refusal
    return found


def _hard_step(problem: Problem, tier: str, label: str, dtype: str, count: int) -> Step:
    return Step(Cell(problem.name, tier, "", dtype, count), "hard input", label)


def _words(step: Step) -> str:
    return f"{step.kind} “{step.label}”"


def stand_hard_inputs(problem: Problem, tier: str, dtype: str, count: int) -> tuple[str, ...]:
    """Refuse a tier that fails a hard input; return the labels of those that a peer may fail."""
    refusal, differing = _hard_refusal(problem, tier, dtype, count)
    if refusal:
        raise refusal
    return differing


@cache
def _hard_refusal(
    problem: Problem, tier: str, dtype: str, count: int
) -> tuple[RefusalError | None, tuple[str, ...]]:
    """Return the refusal of a tier that fails a hard input, and the labels a peer may fail."""
    differing: list[str] = []
    wanted = _hard_results(problem, dtype)
    for (label, arguments), want in zip(problem.hard_inputs(dtype), wanted, strict=True):
        step = _hard_step(problem, tier, label, dtype, count)
        excused = tier in PEERS and _has_special_values(arguments)
        try:
            with np.errstate(all="ignore"):  # NaN or an infinity may be the right answer
                compare_all(problem, step, [Expected(arguments, want, problem.oracle)])
        except RefusalError as refusal:
            if refusal.status == "unavailable":
                return refusal, ()
            if excused:
                differing.append(label)
                continue
            message = f"{_words(step)}: {refusal.message}"
            return RefusalError(refusal.status, message, **refusal.found), ()
    return None, tuple(differing)


def _has_special_values(arguments: Arguments) -> bool:
    arrays = [item for item in arguments if isinstance(item, np.ndarray)]
    return not all(np.isfinite(array).all() for array in arrays)
