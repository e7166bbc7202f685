"""`lossbench explain --try`: changes are checked like any tier, and the best is a diff."""

import shutil
import subprocess
import textwrap

import pandas as pd
import pytest
from commands import answered

from bench.loops import remedies
from bench.loops.findings import Explanation, Finding, Loop
from bench.loops.remedies import diff
from bench.loops.trial import write_trial
from bench.problems.builtin import PROBLEMS
from bench.report.explanation import best_of

KERNELS = '''
"""A sum that must not be reordered, and one that may."""
import math
import numpy as np
from numba import njit
import helper

SIZES = {"S": {"n": 20000}}

def make_inputs(size, dtype, rng):
    return (rng.uniform(0.0, 1.0, size["n"]).astype(dtype),)

def hard_inputs(dtype):
    # Plain sums lose the small numbers
    return [("large beside small", (np.array([1.0, *[1e-16] * 8000]).astype(dtype),))]

TOLERANCE = {"float64": 1e-15, "float32": 1e-6}

def loop(x):
    return math.fsum(x)

@njit
def jit(x):
    total, lost = 0.0, 0.0
    for i in range(len(x)):
        term = helper.itself(x[i]) - lost
        new = total + term
        lost = (new - total) - term
        total = new
    return total
'''


@pytest.mark.slow
def test_a_change_that_makes_a_kernel_wrong_is_refused(tmp_path):
    folder_of_file = tmp_path / r"C:\Users \"mine\""
    folder_of_file.mkdir()
    (folder_of_file / "helper.py").write_text(
        "from numba import njit\n\n@njit\ndef itself(v):\n    return v\n", encoding="utf-8"
    )
    file = folder_of_file / "sums.py"
    file.write_text(textwrap.dedent(KERNELS), encoding="utf-8")
    shown = answered(
        "explain", "--problem", file, "--try", "--passes", 2, "--output", tmp_path / "runs"
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    table = pd.read_csv(folder / "measurements.csv").set_index("tier")
    assert table["status"]["numba"] == "ok"
    assert table["status"]["reassociation"] == "disagrees"
    assert table["status"]["fastmath"] == "disagrees"
    assert "disagrees" in shown.stdout
    assert "Too few passes to tell" in shown.stdout
    assert "nan to nan" not in shown.stdout
    assert "fastmath=True" in shown.stdout


def test_a_diff_of_a_loop_of_the_suite_can_be_applied(tmp_path):
    problem = next(one for one in PROBLEMS if one.name == "softmax_loss")
    findings = (Finding("reduction order", 1, ""),)
    loop = Loop("losses.py", "softmax_loss", 1, 1, "", "", "scalar", "", "", findings)
    found = Explanation((loop,), (), (), {})
    trial = write_trial(problem, "numba", "float64", found, tmp_path)
    change = diff(trial.written, trial.sources["reassociation"], "losses.py")
    shutil.copy(trial.path, tmp_path / "losses.py")
    subprocess.run(["git", "apply"], input=change.encode(), cwd=tmp_path, check=True)
    text = (tmp_path / "losses.py").read_text(encoding="utf-8")
    assert text == trial.sources["reassociation"].text
    assert '+@njit(fastmath={"reassoc", "nsz"})' in change


def rows(**gains):
    return pd.DataFrame(
        [
            {
                "tier": tier.replace("_", "+"),
                "status": "ok" if gain else "disagrees",
                "speedup_vs_numba": gain,
                "speedup_vs_numba_low": 0.9 * gain,
                "speedup_vs_numba_high": 1.1 * gain,
            }
            for tier, gain in gains.items()
        ]
    )


CHANGES = {
    "reassociation": (remedies.REASSOCIATION,),
    "elementary": (remedies.ELEMENTARY,),
    "reassociation+elementary": (remedies.REASSOCIATION, remedies.ELEMENTARY),
    "fastmath": (remedies.FASTMATH,),
}


@pytest.mark.parametrize(
    ("gains", "best"),
    [
        ({"reassociation": 1.5, "elementary": 2.0}, "elementary"),
        ({"elementary": 2.0, "reassociation_elementary": 2.01}, "elementary"),
        ({"elementary": 2.0, "reassociation_elementary": 6.0}, "reassociation+elementary"),
        ({"elementary": 1.05, "fastmath": 9.0}, None),
        ({"elementary": 0.0}, None),
    ],
)
def test_the_best_change_is_right_clear_and_small(gains, best):
    assert best_of(rows(**gains), CHANGES) == best
