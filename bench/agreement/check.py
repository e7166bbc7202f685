"""Is a tier right? Every tier of a cell's group is held against the loops before it is timed.

What the loops and the inputs are is left to the problem, what a cell costs to `measurement`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

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
from bench.model import (
    Arguments,
    Cell,
    Problem,
    Verdict,
    seeded,
)
from bench.problems.user_source import ProblemFileError
from bench.workers.watchdog import Step

# What all of a result is held against where the loops can only do a sample of it.
SECOND_ORACLE = "numpy"
# The part of the budget that one call may take which only foretells the time of a larger size.
CALIBRATION = 0.25
# The time of a small size is mostly dispatch, which foretells too much for a larger one. The loops
# have none; another tier is called unless it is foretold to take so many budgets.
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
        Seconds that one call may take. Where the oracle would need more it gets a sample of the
        inputs; another tier is skipped.

    Returns
    -------
    list of Verdict
        One for each cell, in their order.
    """
    try:
        return _check(problem, cells, budget)
    except ProblemFileError as error:  # of what is no tier: hard inputs, a sample, the cost
        return [Verdict(cell, "failed", str(error)) for cell in cells]


def _check(problem: Problem, cells: Sequence[Cell], budget: float) -> list[Verdict]:
    oracle = replace(cells[0], tier=problem.oracle, threads=1)
    try:
        arguments = inputs_of(problem, oracle)
    except RefusalError as refusal:
        message = f"its inputs cannot be made: {refusal.message}"
        return [Verdict(cell, refusal.status, message) for cell in cells]
    try:
        own, expected = _ask_oracle(problem, oracle, arguments, budget)
    except RefusalError as refusal:
        return [_without_oracle(cell, oracle, refusal) for cell in cells]
    return [
        own if cell == oracle else _judge(problem, cell, arguments, expected, budget)
        for cell in cells
    ]


def _ask_oracle(
    problem: Problem, oracle: Cell, arguments: Arguments, budget: float
) -> tuple[Verdict, list[Expected]]:
    """Return the oracle's own verdict and what the other tiers are held against."""
    slow: Verdict | None = None
    try:
        predicted = predicted_s(problem, oracle, CALIBRATION * budget)
        if predicted is not None and predicted > budget:
            slow = _over_budget(oracle, predicted, budget)
        else:
            returned = call(problem, Step(oracle), arguments)
            outputs_of(problem, returned.value, oracle.dtype)  # refuses what cannot be compared
            # That of a first call says little: what it loads or compiles, it does once.
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
    """Return the oracle's result for a sample, and NumPy's for all where it holds for that."""
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
    return Verdict(cell, "failed", f"nothing to agree with: {oracle.tier}: {refusal.message}")


def _over_budget(cell: Cell, seconds: float, budget: float) -> Verdict:
    message = f"about {duration(seconds, 2)} a call, over the budget of {budget:g} s"
    return Verdict(cell, "skipped", message, estimated_s=seconds)


def _judge(
    problem: Problem,
    cell: Cell,
    arguments: Arguments,
    expected: Sequence[Expected],
    budget: float,
) -> Verdict:
    """Hold a tier against the hard inputs, then against what is expected of this size."""
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
    message = f"other special values: {', '.join(differing)}" if differing else ""
    errors = found.max_abs_error, found.max_rel_error
    return Verdict(cell, "ok", message, checked, *errors, again.seconds, waits=again.waits)
