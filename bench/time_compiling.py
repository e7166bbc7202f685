"""The first calls of one kernel in a fresh process, timed by pytest-benchmark for `compiling`."""

import os
from pathlib import Path
from typing import Any

from numba.core import event

from bench import plan, steps
from bench.compiling import LATER_CALLS, PLAN
from bench.given import Given
from bench.problem_file import problems_in
from bench.results import waiting


def test_first_call(benchmark: Any) -> None:
    steps.start_as_told()
    (cell,), files = plan.read(Path(os.environ[PLAN]))
    steps.take(cell, preparing=True)
    (one,) = (one for one in problems_in(files) if one.name == cell.problem)
    kernel = one.tiers[cell.tier].load()
    inputs = one.inputs(cell.size, cell.dtype)
    given = Given(one, cell.tier, inputs)
    with event.install_recorder("numba:compile") as compilations:
        # A round a call and none before: the first is what this is about
        rounds = 1 + LATER_CALLS
        benchmark.pedantic(waiting(kernel), setup=lambda: (given.next(), {}), rounds=rounds)
    benchmark.extra_info["compiled"] = bool(compilations.buffer)
