"""Limits of threads: of libraries loaded before the first limit, and after it."""

from commands import run_python

LATE = """
    import numpy as np
    from bench.common import threads
    from threadpoolctl import threadpool_info

    def counts():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threads.limited(1):
        assert counts() == {1}
    before = len(threadpool_info())
    import scipy.linalg  # which has a BLAS library of its own
    assert len(threadpool_info()) > before
    with threads.limited(1):
        assert counts() == {1}
    assert counts() == {2}
"""


def test_a_library_that_is_loaded_later_is_limited_too():
    done = run_python(LATE, OPENBLAS_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr
