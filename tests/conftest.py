"""Settings that must precede the import of NumPy and Numba (cache, threads), and hypothesis's.

Helpers that tests import are in `support/`.
"""

import os
import shutil
import sys
import tempfile
from collections import Counter
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

# The modules of the minute before a commit (`-m quick`): they start no run and compile little, but
# for the Numba texts.
QUICK = {
    *("test_by_hand", "test_layering", "test_linear", "test_check", "test_values", "test_noise"),
    *("test_comparison", "test_ratios", "test_table", "test_code", "test_files", "test_records"),
    *("test_run_folder", "test_schedule", "test_selection", "test_terminal", "test_text"),
    *("test_machine", "test_kernels_package", "test_lecture"),
}


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: for the minute before a commit")
    config.addinivalue_line("markers", "slow: some seconds; `make test-all` runs these too")
    config.addinivalue_line("markers", "sampled: slow, but for every fifth set of its parameters")


def pytest_collection_modifyitems(items):
    seen = Counter()
    for item in items:
        if item.path.stem in QUICK and "jit" not in item.name:
            item.add_marker("quick")
        if item.get_closest_marker("sampled"):
            if seen[item.path, item.originalname] % 5:
                item.add_marker("slow")
            seen[item.path, item.originalname] += 1


def pytest_unconfigure():
    if not IS_WORKER:
        shutil.rmtree(CACHE, ignore_errors=True)
