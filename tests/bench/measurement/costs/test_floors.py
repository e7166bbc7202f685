"""The least that a call can take, on simulated machines; and this one, measured once."""

import json
import math
from dataclasses import asdict

import pytest

from bench.measurement.costs import floors, measure
from bench.measurement.costs.floors import Bandwidth, EmptyCall, ExpRate, Floor, Floors, Level
from bench.measurement.costs.measure import FloorsError, measure_floors
from bench.model import Cell, Cost, Options
from bench.problems.builtin import PROBLEMS
from bench.workers import spawn

CACHE = Level("L1", 1000, shared=False, measured=500)
SHARED = Level("L2", 10_000, shared=True, measured=5000)
MEMORY = Level("memory", None, shared=True, measured=40_000)
MACHINE = Floors(
    bandwidths=tuple(
        Bandwidth(kind, level, threads, rate * threads)
        for threads in (1, 2)
        # the largest first: they are not looked up by their order
        for level, read, copy in ((MEMORY, 10.0, 20.0), (SHARED, 50.0, 40.0), (CACHE, 100.0, 80.0))
        for kind, rate in (("read", read), ("copy", copy))
    ),
    exps=(ExpRate("float64", 1, 4.0), ExpRate("float32", 1, 8.0)),
    calls=(EmptyCall("numba", 1, 1e-7),),
)


@pytest.mark.parametrize(
    ("cost", "threads", "wanted"),
    [
        (Cost(800, 0), 1, Floor(8.0, "L1")),
        (Cost(1000, 0), 1, Floor(10.0, "L1")),  # it just fits
        (Cost(1001, 0), 1, Floor(1001 / 50, "L2")),
        (Cost(2000, 0), 2, Floor(10.0, "L1")),  # each core has a cache of its own
        (Cost(10_001, 0), 2, Floor(10_001 / 20, "memory")),  # but not of this one
        (Cost(800, 0, bytes_written=400), 1, Floor(10.0, "L1")),  # a copy
        (Cost(800, 0, bytes_written=100), 1, Floor(6.0 + 2.5, "L1")),
        (Cost(800, 0, bytes_written=800), 1, Floor(10.0, "L1")),  # no more than is moved
        (Cost(100_000, 0, working_set=900), 1, Floor(1000.0, "L1")),  # again and again
        (Cost(800, 0, exps=40), 1, Floor(10.0, "exp")),
        (Cost(800, 0, exps=20), 1, Floor(8.0, "L1")),
        (Cost(800, 0, exps=40), 2, Floor(4.0, "L1")),  # no rate of exp at two threads
    ],
)
def test_the_larger_of_bytes_and_exps(cost, threads, wanted):
    found = floors.floor_of(MACHINE, cost, "float64", threads)
    assert found.seconds == pytest.approx(wanted.seconds)
    assert found.bound_by == wanted.bound_by


def test_exps_have_a_rate_for_each_dtype():
    assert floors.floor_of(MACHINE, Cost(8, 0, exps=40), "float32", 1) == Floor(5.0, "exp")


def test_no_floor_where_none_was_measured():
    assert floors.floor_of(MACHINE, Cost(800, 0), "float64", 3) is None
    assert floors.floor_of(floors.NOT_MEASURED, Cost(800, 0), "float64", 1) is None


def test_there_and_back(tmp_path):
    assert floors.load(tmp_path) == floors.NOT_MEASURED
    (tmp_path / floors.FLOORS).write_text(json.dumps(asdict(MACHINE)), encoding="utf-8")
    assert floors.load(tmp_path) == MACHINE


@pytest.mark.parametrize("text", ["", "[]", '{"bandwidths": [{}], "exps": [], "calls": []}'])
def test_a_foreign_file_is_refused(tmp_path, text):
    (tmp_path / floors.FLOORS).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"floors\.json does not hold the floors of a machine"):
        floors.load(tmp_path)


def test_levels_rise_to_the_memory():
    *caches, memory = floors.levels()
    sizes = [level.capacity for level in caches]
    assert sizes == sorted(sizes)
    assert all(2 * level.measured == level.capacity for level in caches)
    assert (memory.name, memory.capacity) == ("memory", None)
    assert memory.holds(10**18, 1)


def test_a_report_s_fastest_round_is_the_floor():
    level = floors.levels()[0].name
    report = {
        "benchmarks": [
            {
                "extra_info": {
                    "of": "bandwidth",
                    "kind": "read",
                    "level": level,
                    "threads": 1,
                    "amount": 100,
                },
                "stats": {"min": 4.0, "data": [4.0, 9.0]},
            },
            {
                "extra_info": {"of": "exps", "dtype": "float64", "threads": 2, "amount": 30},
                "stats": {"min": 3.0, "data": [3.0]},
            },
            {
                "extra_info": {"of": "call", "tier": "numpy", "threads": 1},
                "stats": {"min": 1.0, "data": [1.0, 2.0, 9.0]},
            },
        ]
    }
    found = floors.of_report(report)
    assert [one.bytes_per_s for one in found.bandwidths] == [25.0]
    assert found.exps == (ExpRate("float64", 2, 10.0),)
    assert found.calls == (EmptyCall("numpy", 1, 2.0),)


@pytest.mark.slow
def test_this_machine_is_measured_once(tmp_path, monkeypatch):
    cells = [Cell("svm_loss", "kernels-parallel", "L", "float64", 2)]
    options = Options(threads=(2,))
    found = measure_floors(tmp_path, cells, options)
    assert {one.threads for one in found.bandwidths} == {1, 2}
    names = [level.name for level in floors.levels()]
    assert [one.level.name for one in found.bandwidths if one.kind == "copy"].count("memory") == 2
    assert {one.level.name for one in found.bandwidths} == set(names)
    assert all(math.isfinite(one.bytes_per_s) and one.bytes_per_s > 0 for one in found.bandwidths)
    assert {(one.dtype, one.threads) for one in found.exps} == {
        *(("float64", 1), ("float64", 2), ("float32", 1), ("float32", 2))
    }
    assert [one.tier for one in found.calls] == list(floors.CALLED)
    assert floors.load(tmp_path) == found
    monkeypatch.setattr(spawn, "run", None)  # a second time, nothing is started
    assert measure_floors(tmp_path, cells, options) == found


def test_a_process_that_breaks_off_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "TIME_FLOORS", tmp_path / "nothing.py")
    with pytest.raises(FloorsError, match=r"exit code 4.*ERROR.*nothing\.py"):
        measure_floors(tmp_path, [], Options(threads=(1,)))
    assert not (tmp_path / floors.FLOORS).exists()


def test_costs_of_the_problems_hold_together():
    softmaxes = {"softmax_loss", "softmax", "log_softmax", "softmax_loss_gradient"}
    for one in PROBLEMS:
        for size, numbers in one.sizes.items():
            cost = one.cost_of(size, "float64")
            assert 0 <= cost.bytes_written <= cost.bytes_moved, (one.name, size)
            assert 0 <= cost.working_set <= cost.bytes_moved, (one.name, size)
            assert 0 <= cost.exps <= cost.flops, (one.name, size)
            if one.name in softmaxes:
                assert cost.exps == numbers["n"] * numbers["c"]
            if one.name in {"svm_loss", "svm_loss_gradient", "relative_error", "gradient_descent"}:
                assert cost.exps == 0
