"""Temporary bytes of a call: of functions whose allocations are known, and of a run's cells."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from bench.measurement.costs import memory
from bench.measurement.costs.memory import temporary_bytes
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
        Verdict(NUMBA, "ok", seconds=1e-5),
        Verdict(slow, "ok", seconds=9.0),
    ]
    assert memory.candidates(verdicts) == [LOOP]


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
