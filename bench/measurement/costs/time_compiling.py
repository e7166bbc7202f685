"""Time the first calls of one kernel in a fresh process, with pytest-benchmark."""

from typing import Any

from numba.core import event

from bench.agreement.given import Given
from bench.agreement.results import waiting
from bench.measurement.costs.compiling import LATER_CALLS
from bench.problems.user_file import problems_in
from bench.workers import job, watchdog
from bench.workers.watchdog import Step


def test_first_call(benchmark: Any) -> None:
    work = job.required()
    (cell,) = work.cells
    watchdog.take(Step(cell), preparing=True)
    (one,) = (one for one in problems_in(work.options.files) if one.name == cell.problem)
    kernel = one.tiers[cell.tier].load()
    given = Given(one, cell.tier, one.inputs(cell.size, cell.dtype))
    with event.install_recorder("numba:compile") as compilations:
        # One call per round and no warm-up: the first call is what is measured
        rounds = 1 + LATER_CALLS
        benchmark.pedantic(waiting(kernel), setup=lambda: (given.next(), {}), rounds=rounds)
    benchmark.extra_info["compiled"] = bool(compilations.buffer)
