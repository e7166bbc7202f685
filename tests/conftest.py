"""Settings that must precede the import of NumPy and Numba (cache, threads), and hypothesis's.

Helpers that tests import are in `support/`.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.common.code import numba_cache

# Numba's cache does not see an edit in another module than the cached one: start without one. The
# workers of pytest-xdist share that of the process that started them, and so do those of runs.
# What they start shall not take itself for a worker: pytest-benchmark times nothing in one.
IS_WORKER = os.environ.pop("PYTEST_XDIST_WORKER", None) is not None
if not IS_WORKER:
    CACHE = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="lossbench-tests-")
    os.environ["NUMBA_CACHE_DIR"] = numba_cache()
# Two threads are enough to find out whether results depend on them, on a machine of one core too.
os.environ["NUMBA_NUM_THREADS"] = "2"
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "2")

sys.path.insert(0, str(Path(__file__).with_name("support")))

from hypothesis import settings  # noqa: E402  (the environment comes first)

settings.register_profile("lossbench", deadline=None, print_blob=True)
settings.load_profile("lossbench")


def pytest_unconfigure():
    if not IS_WORKER:
        shutil.rmtree(CACHE, ignore_errors=True)
