"""Temporary bytes of a call: of functions whose allocations are known, and of a run's cells."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import asdict

import numpy as np
import pytest

from bench.measurement.costs import memory
from bench.measurement.costs.measure import measure_memory
from bench.measurement.costs.memory import GIVE_BACK, RESOLUTION, temporary_bytes
from bench.model import Cell, Options, Verdict
from bench.problems.builtin import PROBLEMS
from bench.problems.user_file import look_at

COUNT = 100_000
LOOP, NUMPY, NUMBA = (
    Cell("svm_loss", tier, "S", "float64", 1) for tier in ("loop", "numpy", "numba")
)


@pytest.mark.parametrize(
    ("kernel", "arrays"),
    [
        (lambda x: x, 0),
        (lambda x: 2.0 * x, 0),  # the result alone
        (lambda x: float(np.sum(2.0 * x)), 1),
        (lambda x: float(np.sum((2.0 * x) * (3.0 * x))), 2),  # the product takes a factor's place
        (lambda x: [value + 0.5 for value in x.tolist()], None),
    ],
)
def test_bytes_of_known_temporaries(kernel, arrays):
    x = np.ones(COUNT)
    found = temporary_bytes(kernel, (x,))
    if arrays is None:  # a list of 100,000 Python numbers, which is gone by the end
        assert 24 * COUNT <= found <= 60 * COUNT
    else:
        assert found == pytest.approx(arrays * x.nbytes, abs=5000)


def test_a_lazy_result_is_computed_in_a_call_that_is_traced():
    class Lazy:
        def compute(self):
            return float(np.sum(np.ones(COUNT)))

    assert temporary_bytes(Lazy, ()) == pytest.approx(8 * COUNT, abs=5000)


def test_arguments_that_are_used_up_are_given_anew():
    used_up, again = iter([np.ones(COUNT)]), iter([np.ones(COUNT)])
    found = temporary_bytes(lambda x: 2.0 * next(x), (used_up,), (again,))
    assert found == pytest.approx(0, abs=5000)


def test_tracing_ends_with_an_exception():
    import tracemalloc

    with pytest.raises(ZeroDivisionError):
        temporary_bytes(lambda: 1 / 0, ())
    assert not tracemalloc.is_tracing()


def test_cells_that_are_measured():
    slow = Cell("svm_loss", "loop", "M", "float64", 1)
    verdicts = [
        Verdict(LOOP, "ok", seconds=1e-3),
        Verdict(NUMPY, "disagrees", "no"),
        Verdict(NUMBA, "ok", seconds=1e-5),
        Verdict(slow, "ok", seconds=9.0),
    ]
    assert memory.candidates(verdicts) == [LOOP]


def test_cells_for_which_the_memory_of_a_process_is_read(monkeypatch):
    kernels, torch = (Cell("svm_loss", tier, "S", "float64", 1) for tier in ("kernels", "torch"))
    verdicts = [
        Verdict(NUMPY, "ok", seconds=1e-5),
        Verdict(NUMBA, "disagrees", "no"),
        Verdict(kernels, "ok", seconds=0.5),
        Verdict(torch, "ok", seconds=1e-5),
        Verdict(Cell("svm_loss", "kernels", "M", "float64", 1), "ok", seconds=9.0),
        Verdict(Cell("svm_loss", "kernels", "S", "float64", 1, twin=True), "ok", seconds=0.5),
    ]
    monkeypatch.setattr(sys, "platform", "linux")
    assert memory.resident_candidates(verdicts) == [kernels, torch]
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory.resident_candidates(verdicts) == []


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / memory.MEMORY
    line = json.dumps({**asdict(NUMPY), "temporary_bytes": 12})
    path.write_text(f'{line}\n{{"torn', encoding="utf-8")
    assert memory.load(tmp_path) == {NUMPY: 12}
    path.write_text(f'{line}\n{{"problem": "svm_loss"}}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: not a record of memory"):
        memory.load(tmp_path)


def measured(tmp_path, verdicts):
    (problem,) = (one for one in PROBLEMS if one.name == "svm_loss")
    memory.measure(problem, verdicts, tmp_path / memory.MEMORY)
    return memory.load(tmp_path)


def test_the_cells_of_a_group_are_measured(tmp_path):
    verdicts = [Verdict(cell, "ok", seconds=1e-5) for cell in (LOOP, NUMPY, NUMBA)]
    found = measured(tmp_path, verdicts)
    assert list(found) == [LOOP, NUMPY]
    assert found[NUMPY] >= 64 * 10 * 8, "an array of the margins at the least"


def test_a_call_that_fails_only_here_has_no_figure_and_others_have(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "temporary_bytes", fails_once(memory.temporary_bytes))
    verdicts = [Verdict(cell, "ok", seconds=1e-5) for cell in (LOOP, NUMPY)]
    assert list(measured(tmp_path, verdicts)) == [NUMPY]


def fails_once(function):
    calls = []

    def wrapped(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise MemoryError
        return function(*arguments)

    return wrapped


# --- the memory of a process

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux resets the peak")

RESIDENT = """
    import json

    import numba
    import numpy as np

    from bench.measurement.costs.memory import resident_bytes

    COUNT = 2_000_000

    @numba.njit
    def jitted(x):
        squares = np.empty(x.size)
        for i in range(x.size):
            squares[i] = x[i] * x[i]
        return squares.sum()

    @numba.njit
    def jitted_result(x):
        return x + 1.0

    kept = []

    def keeps(x):
        if not kept:
            kept.append(x + 1.0)  # made once: no cost of a call
        return float(np.sum(2.0 * kept[0]))

    x = np.ones(COUNT)
    kernels = {
        "nothing": lambda x: x,
        "result": lambda x: 2.0 * x,
        "one": lambda x: float(np.sum(2.0 * x)),
        "two": lambda x: float(np.sum((2.0 * x) * (3.0 * x))),
        "jitted": jitted,
        "jitted result": jitted_result,
        "kept": keeps,
    }
    found = {}
    for _ in range(2):  # what was freed before must not be reused
        for name, kernel in kernels.items():
            found.setdefault(name, []).append(resident_bytes(kernel, (x,)))
    print(json.dumps(found))
"""


@pytest.mark.slow
@only_linux
def test_resident_bytes_of_known_temporaries():
    environment = os.environ | GIVE_BACK | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RESIDENT)],
        env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    arrays = {"nothing": 0, "result": 0, "one": 1, "two": 2, "jitted": 1, "jitted result": 0}
    for name, found in json.loads(done.stdout).items():
        wanted = 16_000_000 * arrays.get(name, 1)
        assert found == pytest.approx([wanted, wanted], abs=2 * RESOLUTION), name
        assert all(one % RESOLUTION == 0 for one in found)


def test_where_the_peak_cannot_be_reset_there_is_no_figure(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "RESET", tmp_path / "none" / "clear_refs")
    assert memory.resident_bytes(lambda x: x, (1.0,)) is None


TIERS = """
import os

import numpy as np
from numba import njit


def loop(x):
    return sum(x)


@njit
def fills(x):
    squares = np.empty((1_000_000, 2))
    squares[:] = 1.0
    return squares[:, 0].sum() * 0.0 + x.sum()


def ends(x):
    os._exit(3)


def raises(x):
    raise MemoryError


TIERS = {"ends": ends, "raises": raises, "numba": fills}
SIZES = {"S": {"n": 10}}


def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""


@only_linux
def test_cells_are_measured_in_a_fresh_process_and_one_that_ends_it_is_left_out(tmp_path):
    file = tmp_path / "total.py"
    file.write_text(TIERS, encoding="utf-8")
    options = Options(files=(look_at(file),))
    cells = [Cell("total", name, "S", "float64", 1) for name in ("ends", "raises", "numba")]
    verdicts = [Verdict(cell, "ok", seconds=1e-5) for cell in cells]
    measure_memory(tmp_path, verdicts, options)
    found = memory.load(tmp_path)
    assert list(found) == [cells[2]]
    assert found[cells[2]] == pytest.approx(16_000_000, abs=2 * RESOLUTION)
    before = (tmp_path / memory.MEMORY).read_bytes()
    measure_memory(tmp_path, verdicts[2:], options)
    assert (tmp_path / memory.MEMORY).read_bytes() == before, "measured once"
