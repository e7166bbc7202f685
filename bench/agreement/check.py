"""Compare each tier with the oracle before it is timed, and give each cell a verdict."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from bench.agreement import uncached
from bench.agreement.calls import (
    Expected,
    RefusalError,
    call,
    compare_all,
    inputs_of,
    outputs_of,
    predicted_s,
    quickest_call,
)
from bench.agreement.hard_inputs import stand_hard_inputs
from bench.common.format import duration
from bench.model import Arguments, Cell, Problem, Verdict, seeded
from bench.problems.user_source import ProblemFileError
from bench.workers.watchdog import Step

# Where the oracle can only do a sample, the whole result is compared with this tier's.
SECOND_ORACLE = "numpy"
# The part of the budget for a call that only serves to predict the time of a larger size.
CALIBRATION = 0.25
# The time of a small size is mostly dispatch, so the prediction for a larger one is too long. The
# loops have no dispatch; any other tier is called unless it is predicted to take this many budgets.
BENEFIT_OF_THE_DOUBT = 10.0


def check(problem: Problem, cells: Sequence[Cell], budget: float) -> list[Verdict]:
    """Judge the cells of one problem, size and dtype.

    Parameters
    ----------
    problem : Problem
        That of the cells.
    cells : sequence of Cell
        Of one `group`.
    budget : float
        Seconds that one call may take. An oracle that needs more gets a sample of the inputs;
        any other tier that needs more is skipped.

    Returns
    -------
    list of Verdict
        One for each cell, in their order.
    """
    try:
        return _check(problem, cells, budget)
    except ProblemFileError as error:  # in hard_inputs, sample or cost
        return [Verdict(cell, "failed", str(error)) for cell in cells]


def _check(problem: Problem, cells: Sequence[Cell], budget: float) -> list[Verdict]:
    oracle = replace(cells[0], tier=problem.oracle, threads=1)
    try:
        arguments = inputs_of(problem, oracle)
    except RefusalError as refusal:
        message = f"its inputs cannot be made: {refusal.message}"
        return [Verdict(cell, refusal.status, message) for cell in cells]
    try:
        with uncached.timed() as compiling:
            own, expected = _ask_oracle(problem, oracle, arguments, budget)
    except RefusalError as refusal:
        return [_without_oracle(cell, oracle, refusal) for cell in cells]
    own = replace(own, uncached_s=compiling.seconds)
    return [
        own if cell == oracle else _judge_and_time(problem, cell, arguments, expected, budget)
        for cell in cells
    ]


def _ask_oracle(
    problem: Problem, oracle: Cell, arguments: Arguments, budget: float
) -> tuple[Verdict, list[Expected]]:
    """Return the oracle's verdict and the results that the other tiers are compared with."""
    slow: Verdict | None = None
    try:
        predicted = predicted_s(problem, oracle, CALIBRATION * budget)
        if predicted is not None and predicted > budget:
            slow = _over_budget(oracle, predicted, budget)
        else:
            returned = call(problem, Step(oracle), arguments)
            outputs_of(problem, returned.value, oracle.dtype)  # refuses what cannot be compared
            # The time of the first call says little: it may have loaded or compiled something.
            again = returned
            if returned.seconds <= budget or oracle.tier != "loop":
                again = quickest_call(problem, oracle, arguments)
    except RefusalError as refusal:
        if refusal.status != "skipped":
            raise
        slow = Verdict(oracle, refusal.status, refusal.message)
    if slow:
        return slow, _sampled(problem, oracle, arguments, budget)
    expected = [Expected(arguments, returned.value, oracle.tier)]
    if again.seconds > budget:
        return _over_budget(oracle, again.seconds, budget), expected
    own = Verdict(oracle, "ok", "", "full", 0.0, 0.0, again.seconds, waits=again.waits)
    return own, expected


def _sampled(problem: Problem, oracle: Cell, arguments: Arguments, budget: float) -> list[Expected]:
    """Return the oracle's result for a sample, and NumPy's for all if it agrees on the sample."""
    rng = seeded(f"{problem.name}/{oracle.size}/sample")
    sample = (
        problem.sample(arguments, rng)
        if problem.sample
        else inputs_of(problem, replace(oracle, size=problem.smallest_size))
    )
    if sample is None:
        return []
    confirmed = Expected(sample, call(problem, Step(oracle, "sample"), sample).value, oracle.tier)
    if SECOND_ORACLE not in problem.tiers:
        return [confirmed]
    second = replace(oracle, tier=SECOND_ORACLE)
    if _judge(problem, second, arguments, [confirmed], budget).status != "ok":
        return [confirmed]
    return [
        confirmed,
        Expected(arguments, call(problem, Step(second), arguments).value, second.tier),
    ]


def _without_oracle(cell: Cell, oracle: Cell, refusal: RefusalError) -> Verdict:
    if cell == oracle:
        return Verdict(cell, refusal.status, refusal.message)
    return Verdict(cell, "failed", f"nothing to compare with: {oracle.tier}: {refusal.message}")


def _over_budget(cell: Cell, seconds: float, budget: float) -> Verdict:
    message = f"about {duration(seconds, 2)} per call, over the budget of {budget:g} s"
    return Verdict(cell, "skipped", message, estimated_s=seconds)


def _judge_and_time(problem: Problem, cell: Cell, *details: Any) -> Verdict:
    """Judge a tier, and note how long its functions compile that have no cache."""
    with uncached.timed() as compiling:
        verdict = _judge(problem, cell, *details)
    return replace(verdict, uncached_s=compiling.seconds)


def _judge(
    problem: Problem,
    cell: Cell,
    arguments: Arguments,
    expected: Sequence[Expected],
    budget: float,
) -> Verdict:
    """Compare a tier with the oracle on the hard inputs, then on the inputs of this size."""
    if not expected:
        message = f"{problem.oracle} is over its budget and the inputs cannot be sampled"
        return Verdict(cell, "skipped", message)
    try:
        differing = stand_hard_inputs(problem, cell.tier, cell.dtype, cell.threads)
        predicted = predicted_s(problem, cell, BENEFIT_OF_THE_DOUBT * CALIBRATION * budget)
        if predicted is not None and predicted > BENEFIT_OF_THE_DOUBT * budget:
            return _over_budget(cell, predicted, budget)
        found = compare_all(problem, Step(cell), expected)
        again = quickest_call(problem, cell, arguments)
        if again.seconds > budget and expected[-1].arguments is not arguments:
            again = quickest_call(problem, cell, arguments)  # its first call may have compiled
    except RefusalError as refusal:
        return Verdict(cell, refusal.status, refusal.message, **refusal.found)
    checked: Literal["full", "sample"] = "full" if expected[0].arguments is arguments else "sample"
    if again.seconds > budget:
        return replace(_over_budget(cell, again.seconds, budget), checked=checked)
    message = f"differs on special values: {', '.join(differing)}" if differing else found.remark
    errors = found.max_abs_error, found.max_rel_error
    return Verdict(cell, "ok", message, checked, *errors, again.seconds, waits=again.waits)
