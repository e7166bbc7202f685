"""Measure the error rates of docs/statistics.md on this machine, beside a process that computes in
bursts: python tests/support/busy_machine.py [RUNS]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from commands import command, environment

import bench
from bench.analysis.ratios import tie_or_clear

ON_S = OFF_S = 0.5
# All tiers but the loop are the same code, and the loop takes 1.3 times as many steps.
PAIRS = """
from numba import njit

@njit(cache=True)
def work(steps):
    x = 1.0
    for _ in range(steps):
        x = 0.999 * x + 0.1
    return x > 0.0

def loop(steps): return work(steps * 13 // 10)
def vectorized(steps): return work(steps)
def jit(steps): return work(steps)
def same(steps): return work(steps)
def again(steps): return work(steps)
TIERS = {"same": same, "again": again}
SIZES = {f"n{n}": {"n": n} for n in (5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000)}
def make_inputs(size, dtype, rng): return (size["n"],)
"""


def compute_in_bursts():
    while True:
        end = time.perf_counter() + ON_S
        while time.perf_counter() < end:
            pass
        time.sleep(OFF_S)


def measured(*arguments):
    """The table of a run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            command("run", *arguments, "--output", folder),
            env=environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (run,) = (path for path in Path(folder).iterdir() if path.is_dir())
        return bench.load(run)


def called_different(frame, baseline, tiers):
    """How many of the tiers' speed-ups over a baseline are called real, and of how many."""
    rows = frame[frame["tier"].isin(tiers)]
    found = [
        tie_or_clear(low, high, floor) == "clear"
        for low, high, floor in zip(
            rows[f"speedup_vs_{baseline}_low"],
            rows[f"speedup_vs_{baseline}_high"],
            rows["noise_floor"],
            strict=True,
        )
    ]
    return f"{sum(found)} of {len(found)}"


def main(runs):
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.py"
        pairs.write_text(PAIRS, encoding="utf-8")
        for _ in range(runs):
            frame = measured()
            print(f"times marked in a default run: {(frame['noise'] != '').sum()} of {len(frame)}")
            frame = measured("--problem", pairs)
            same = ["numba", "same", "again"]
            print("same code called different:", called_different(frame, "numpy", same))
            print("gains of 1.3 called gains:", called_different(frame, "loop", ["numpy", *same]))


if __name__ == "__main__":
    if sys.argv[1:] == ["bursts"]:
        compute_in_bursts()
    bursts = subprocess.Popen([sys.executable, __file__, "bursts"])
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    finally:
        bursts.kill()
