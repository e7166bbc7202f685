"""What compiling costs: which kernels, how it is written down, and a small kernel for real."""

import io
import json
import math
from dataclasses import asdict

import pytest
from rich.console import Console

from bench.analysis import table
from bench.measurement.costs import Costs, compiling
from bench.measurement.costs.compiling import Compiling
from bench.measurement.costs.measure import measure_compiling
from bench.measurement.records import Record
from bench.model import Cell, Options, Verdict
from bench.problems.builtin import PROBLEMS
from bench.problems.user_file import look_at
from bench.report.costs import compile_report

KERNEL = """
import numpy as np
from numba import njit


def loop(x):
    total = 0.0
    for value in x:
        total += value
    return total


@njit(cache=True)
def jit(x):  # takes longer to compile than Numba takes to start
    return np.sort(x).sum() + np.median(x) - np.median(x)


TIERS = {"plain": loop}
SIZES = {"S": {"n": 10}, "M": {"n": 1000}}


def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""


def cell(tier, size="S", threads=1, problem="svm_loss"):
    return Cell(problem, tier, size, "float64", threads)


def judged(*cells, status="ok"):
    return [Record(0, Verdict(one, status)) for one in cells]


def test_a_kernel_is_called_at_the_largest_size_at_which_it_is_right():
    cells = [
        *(cell(tier) for tier in ("loop", "numpy", "numba", "torch")),
        *(cell("numba", "M"), cell("numba", "lecture"), cell("numba", "L")),
        *(cell("numba-parallel", threads=2), cell("numba", problem="softmax")),
    ]
    found = judged(*(one for one in cells if one.size != "L"))
    found += judged(cell("numba", "L"), status="skipped")
    assert compiling.candidates(cells, PROBLEMS, found) == [
        *(cell("numba", "M"), cell("numba", problem="softmax"))
    ]


def test_the_first_call_beyond_the_later_ones():
    assert compiling.beyond_later([3.0, 1.0, 0.5, 9.0]) == 2.0
    assert compiling.beyond_later([1.0, 2.0]) == 0.0


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / compiling.COMPILING
    one = Compiling("svm_loss", "numba", "float64", "S", 2.0, 0.25)
    path.write_text(json.dumps(asdict(one)) + '\n{"torn', encoding="utf-8")
    assert compiling.load(tmp_path) == [one]
    for text in ("[1]", "{}", "no"):
        path.write_text(text + "\n", encoding="utf-8")
        with pytest.raises(ValueError, match="line 1: not a record of a compile cost"):
            compiling.load(tmp_path)


@pytest.mark.slow
def test_kernels_are_measured_in_new_processes_and_once(tmp_path):
    file = tmp_path / "total.py"
    file.write_text(KERNEL, encoding="utf-8")
    options = Options(files=(look_at(file),))
    cells = [cell("numba", problem="total"), cell("plain", problem="total")]
    seen = []
    measure_compiling(tmp_path, cells, options, lambda i, one: seen.append((i, one)))
    jitted, plain = compiling.load(tmp_path)
    assert seen == [(1, cells[0]), (2, cells[1])]
    assert jitted.compile_s > jitted.load_s > 0.0, "finding it in the cache is less than making it"
    assert (plain.compile_s, plain.load_s, plain.message) == (None, None, "")
    before = (tmp_path / compiling.COMPILING).read_bytes()
    measure_compiling(tmp_path, cells, options, lambda i, one: seen.append((i, one)))
    assert (tmp_path / compiling.COMPILING).read_bytes() == before
    assert len(seen) == 2


@pytest.mark.slow
def test_a_kernel_that_ends_its_process_is_named_and_the_next_is_measured(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(
        KERNEL.replace("TIERS", "import os\n\n\ndef bad(x):\n    os._exit(3)\n\n\nTIERS").replace(
            '{"plain": loop}', '{"bad": bad}'
        ),
        encoding="utf-8",
    )
    options = Options(files=(look_at(file),))
    cells = [cell("bad", problem="broken"), cell("numba", problem="broken")]
    measure_compiling(tmp_path, cells, options, lambda *_: None)
    bad, jitted = compiling.load(tmp_path)
    assert bad.message.startswith("its process ended (exit code 3)")
    assert jitted.compile_s > 0.0


def test_a_report_names_what_never_pays():
    cells = [cell("loop"), cell("numpy"), cell("numba")]
    found = [
        Record(1, Verdict(one, "ok"), 1, (seconds,))
        for one, seconds in zip(cells, (1e-3, 1e-6, 2e-6), strict=True)
    ]
    costs = [
        Compiling("svm_loss", "numba", "float64", "S", 2.0, 0.25),
        Compiling("softmax", "numba", "float64", "S", message="broke off with exit code 3"),
    ]
    frame = table.tabulate("run", cells, found, costs=Costs(compiling=costs))
    assert math.isinf(frame["break_even_calls_vs_numpy"].iloc[2])
    out = io.StringIO()
    Console(file=out, width=100).print(compile_report(frame, costs))
    text = out.getvalue()
    (line,) = (line for line in text.splitlines() if line.startswith(" svm_loss"))
    assert line.split() == [*("svm_loss", "numba", "2.00", "s", "250", "ms", "S", "2,005", "never")]
    assert "softmax numba float64: broke off with exit code 3" in text
