"""Temporary bytes of a call: of functions whose allocations are known, and of a run's cells."""

import gc
import json
import sys
from dataclasses import asdict

import numba
import numpy as np
import pytest

from bench.measurement.costs import memory
from bench.measurement.costs.memory import RESOLUTION, resident_bytes, temporary_bytes
from bench.model import Cell, Verdict
from bench.problems.builtin import PROBLEMS

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
        Verdict(slow, "ok", seconds=9.0),
    ]
    assert memory.candidates(verdicts) == [LOOP]


def test_the_memory_of_the_process_is_read_for_other_tiers_on_linux_only(monkeypatch, tmp_path):
    kernels, torch = (Cell("svm_loss", tier, "S", "float64", 1) for tier in ("kernels", "torch"))
    verdicts = [
        Verdict(NUMBA, "disagrees", "no"),
        Verdict(kernels, "ok", seconds=0.5),
        Verdict(torch, "ok", seconds=1e-5),
        Verdict(Cell("svm_loss", "kernels", "M", "float64", 1), "ok", seconds=9.0),
    ]
    assert memory.candidates(verdicts) == [kernels, torch]
    monkeypatch.setattr(sys, "platform", "win32")
    assert measured(tmp_path, verdicts) == {}


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
    verdicts = [Verdict(cell, "ok", seconds=1e-5) for cell in (LOOP, NUMPY)]
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


@numba.njit
def jitted(x):
    squares = np.empty(x.size)
    for i in range(x.size):
        squares[i] = x[i] * x[i]
    return squares.sum()


@numba.njit
def jitted_result(x):
    return x + 1.0


def keeping():
    kept = []

    def keeps(x):
        if not kept:
            kept.append(x + 1.0)  # made once: no cost of a call
        return float(np.sum(2.0 * kept[0]))

    return keeps


def small_blocks(_):
    """Need 16 MB in blocks that the C library keeps when they are freed."""
    return sum(len(block) for block in [np.ones(1000) for _ in range(2000)])


def in_cycles(x):
    """Leave a temporary array that only a collection of garbage frees."""
    cycle = [x + 1.0]
    cycle.append(cycle)
    return 0.0


@only_linux
def test_resident_bytes_of_known_temporaries():
    x = np.ones(2_000_000)
    kernels = {
        "nothing": (lambda x: x, 0),
        "result": (lambda x: 2.0 * x, 0),
        "one": (lambda x: float(np.sum(2.0 * x)), 1),
        "two": (lambda x: float(np.sum((2.0 * x) * (3.0 * x))), 2),
        "jitted": (jitted, 1),
        "jitted result": (jitted_result, 0),
        "kept": (keeping(), 1),
        "small blocks": (small_blocks, 1),
        "cycles": (in_cycles, 1),
    }
    for _ in range(2):  # what was freed before must not be reused
        for name, (kernel, arrays) in kernels.items():
            found = resident_bytes(kernel, (x,))
            assert found == pytest.approx(arrays * x.nbytes, abs=2 * RESOLUTION), name
            assert found % RESOLUTION == 0
    assert gc.isenabled()


def test_where_the_peak_cannot_be_reset_there_is_no_figure(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "RESET", tmp_path / "none" / "clear_refs")
    assert memory.resident_bytes(lambda x: x, (1.0,)) is None


@only_linux
def test_cells_whose_memory_is_read_are_measured(tmp_path):
    cell = Cell("svm_loss", "kernels", "S", "float64", 1)
    assert measured(tmp_path, [Verdict(cell, "ok", seconds=1e-5)]) == {cell: 0}
