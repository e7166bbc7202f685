"""The worker that measures temporary memory.

tracemalloc sees what Python and NumPy allocate. It does not see the allocations of Numba (NRT) or
of other libraries: their tiers have no figure.
"""

import tracemalloc
from dataclasses import asdict
from pathlib import Path

from bench.agreement import results
from bench.agreement.given import Given
from bench.common import files
from bench.model import Arguments, Kernel
from bench.problems.user_file import problems_in
from bench.workers import job, watchdog
from bench.workers.job import Job
from bench.workers.watchdog import Step


def temporary_bytes(kernel: Kernel, arguments: Arguments, again: Arguments | None = None) -> int:
    """Return the peak memory of a call minus what remains allocated after it.

    Parameters
    ----------
    kernel : function
    arguments : tuple
    again : tuple, optional
        The arguments of the second call, if the first uses them up.

    Returns
    -------
    int
        The peak of the traced bytes minus those still allocated while the result is held. The
        arguments do not count. The size of the result is always subtracted, even if the result was
        made after the peak. 0 if only the result was allocated.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones(100_000)
    >>> temporary_bytes(lambda x: float((2.0 * x).sum()), (x,)) >= x.nbytes
    True
    """
    first = kernel(*arguments)  # what the kernel allocates once and keeps is no cost of a call
    if results.is_lazy(first):
        results.waited(first)
        kernel = results.waiting(kernel)
    del first
    arguments = arguments if again is None else again
    tracemalloc.start()
    try:
        result = kernel(*arguments)
        left, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - left


def measure_here(work: Job) -> None:
    """Measure the cells of a job in this process, and store one line for each."""
    named = {one.name: one for one in problems_in(work.options.files)}
    for cell in work.cells:
        watchdog.take(Step(cell), preparing=True)
        one = named[cell.problem]
        given = Given(one, cell.tier, one.inputs(cell.size, cell.dtype))
        found = temporary_bytes(one.tiers[cell.tier].load(), given.next(), given.next())
        values = {**asdict(cell), "temporary_bytes": found}
        files.append_json(Path(work.details["path"]), values)


if __name__ == "__main__":
    measure_here(job.required())
