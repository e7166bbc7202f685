"""The memory of a timing process: freed arrays are reused, whatever was freed before."""

import sys

import pytest
from commands import run_python

from bench.measurement import conditions

FAULTS = """
    import resource
    import numpy as np
    from bench.measurement.conditions import reuse_freed_memory

    def faults(numbers):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(numbers)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    reuse_freed_memory()
    for megabytes in (1, 3, 24):  # rising: each is larger than what was freed before
        numbers = megabytes << 17
        faults(numbers)
        print(faults(numbers))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_an_array_takes_the_memory_of_one_that_was_freed(monkeypatch):
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)  # a Dask cluster sets it
    done = run_python(FAULTS, NUMPY_MADVISE_HUGEPAGE="0")
    assert done.returncode == 0, done.stderr
    assert all(int(count) < 20 for count in done.stdout.split()), done.stdout


def test_the_load_is_not_measured_by_the_clock_of_windows(monkeypatch):
    before = conditions.start()
    assert conditions.conditions_since(before).cpu_share is not None
    monkeypatch.setattr(sys, "platform", "win32")
    assert conditions.conditions_since(before) == conditions.UNKNOWN
