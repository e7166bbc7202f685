"""Which cells each pass times, and how often a slow one."""

from dataclasses import replace
from itertools import groupby

import pytest

from bench.measurement.judging_worker import groups
from bench.measurement.records import AGREEMENT, Record
from bench.measurement.schedule import (
    cells_of_pass,
    cells_of_worker,
    twins,
    warm_up,
    workers,
)
from bench.model import LEAST_PASSES, TIERS, Cell, Options, Verdict
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of

CELLS = [Cell("svm_loss", tier, "S", "float64", 1) for tier in ("loop", "numpy", "numba")]
OPTIONS = Options(passes=8, budget=2.0)


def ok(cell, number=1, seconds=1e-5):
    return Record(number, Verdict(cell, "ok", seconds=seconds), 1, (seconds,))


def test_groups_hold_what_is_compared():
    options = Options(problems=("svm_loss",), threads=(1, 2), tiers=TIERS)
    found = groups(cells_of(PROBLEMS, options))
    assert [[cell.size for cell in group] for group in found] == [
        [size] * 6 for size in ("lecture", "S", "M")
    ]


def test_passes_are_shuffled_each_in_its_own_way_and_always_the_same():
    cells = cells_of(PROBLEMS, Options(threads=(1, 2)))
    first, second = (cells_of_pass(cells, number, OPTIONS, []) for number in (1, 2))
    assert sorted(map(str, first)) == sorted(map(str, cells))
    assert first != second
    assert first == cells_of_pass(cells, 1, OPTIONS, [])


def test_cells_that_are_compared_are_timed_one_after_the_other():
    cells = cells_of(PROBLEMS, Options(threads=(1, 2)))
    for number in (1, 2):
        order = cells_of_pass(cells, number, OPTIONS, [judged(cell) for cell in cells])
        together = [group for group, _ in groupby(order, key=lambda cell: cell.group)]
        assert len(together) == len({cell.group for cell in cells})
    tiers = [[c.tier for c in cells_of_pass(CELLS, n, OPTIONS, [])] for n in range(1, 9)]
    assert len(set(map(tuple, tiers))) > 2, "in another order each time"


# --- twins


def judged(cell, seconds=1e-5, status="ok"):
    return Record(AGREEMENT, Verdict(cell, status, seconds=seconds))


def test_one_cell_of_each_problem_is_timed_twice():
    cells = cells_of(PROBLEMS, Options(threads=(1, 2)))
    done = [judged(cell) for cell in cells]
    found = twins(cells, OPTIONS, done)
    assert [cell.problem for cell in found] == [one.name for one in PROBLEMS]
    assert all(cell.twin and replace(cell, twin=False) in cells for cell in found)
    assert {cell.threads for cell in found} == {1}
    assert len({cell.tier for cell in found}) > 1, "not always the same tier"
    for number in (1, 2):
        assert set(cells_of_pass(cells, number, OPTIONS, done)) == {*cells, *found}
    assert len({cell.id for cell in (*cells, *found)}) == len(cells) + len(found)


def test_the_twin_stays_the_same_as_the_run_goes_on():
    done = [judged(cell) for cell in CELLS]
    (twin,) = twins(CELLS, OPTIONS, done)
    later = [*done, *(ok(cell) for cell in CELLS), ok(twin)]
    assert twins(CELLS, OPTIONS, later) == [twin]
    assert twin not in cells_of_pass(CELLS, 1, OPTIONS, later)
    assert twin in cells_of_pass(CELLS, 2, OPTIONS, later)


def test_a_twin_is_of_a_cell_that_is_right_and_timed_in_every_pass():
    loop, numpy, numba = CELLS
    done = [judged(loop, seconds=1.0), judged(numpy, status="disagrees"), judged(numba)]
    assert twins(CELLS, OPTIONS, done) == [replace(numba, twin=True)]
    assert twins(CELLS, OPTIONS, done[:2]) == []
    assert twins(CELLS, OPTIONS, []) == [], "nothing is known to be right yet"


def test_a_twin_ends_with_its_cell():
    loop, numpy, numba = CELLS
    done = [judged(loop, 1.0), judged(numpy, 1.0), judged(numba)]
    twin = replace(numba, twin=True)
    failed = Record(1, Verdict(numba, "failed", "in pass 1"))
    assert twin not in cells_of_pass(CELLS, 2, OPTIONS, [*done, failed])
    failed_twin = Record(1, Verdict(twin, "failed", "in pass 1"))
    assert set(cells_of_pass(CELLS, 2, OPTIONS, [*done, failed_twin])) >= {numba}
    assert twin not in cells_of_pass(CELLS, 2, OPTIONS, [*done, failed_twin])


# --- what is done


def test_what_is_done_in_a_pass_is_not_done_again():
    done = [ok(CELLS[0]), ok(CELLS[1]), ok(CELLS[0], number=2)]
    assert cells_of_pass(CELLS, 1, OPTIONS, done) == [CELLS[2]]
    assert set(cells_of_pass(CELLS, 2, OPTIONS, done)) == {CELLS[1], CELLS[2]}


@pytest.mark.parametrize("status", ["disagrees", "failed", "skipped", "unavailable"])
def test_what_is_not_ok_is_not_tried_in_a_later_pass(status):
    done = [Record(1, Verdict(CELLS[0], status, "a reason"))]
    assert CELLS[0] not in cells_of_pass(CELLS, 2, OPTIONS, done)


# --- workers


@pytest.mark.parametrize("passes", [1, 2, 3, 6, 14, 23])
def test_each_pass_is_in_one_worker(passes):
    found = workers(Options(passes=passes))
    assert [number for its in found for number in its] == list(range(1, passes + 1))
    assert max(map(len, found)) <= 7


def test_a_worker_warms_up_each_of_its_cells_once():
    done = [judged(cell) for cell in CELLS]
    todo = cells_of_worker(CELLS, [3, 4], OPTIONS, done)
    assert [number for number, _ in todo] == [3] * 4 + [4] * 4, "a twin in each"
    warm = warm_up(todo)
    assert {cell for _, cell in warm} == set(CELLS)
    assert [number for number, _ in warm] == [3] * 3


# --- slow cells


def passes_of(cell, seconds, passes=8):
    options = replace(OPTIONS, passes=passes)
    later = range(2, passes + 1)
    done = [ok(cell, seconds=seconds)]
    return [1, *(n for n in later if cell in cells_of_pass(CELLS, n, options, done))]


@pytest.mark.parametrize(
    ("seconds", "passes"), [(1e-5, 8), (0.25, 8), (0.28, 7), (0.34, LEAST_PASSES), (1.9, 6)]
)
def test_a_slow_cell_is_timed_in_as_many_passes_as_its_budget_holds(seconds, passes):
    assert len(passes_of(CELLS[0], seconds)) == passes


def test_the_passes_of_a_slower_cell_are_among_those_of_a_faster_one():
    slower = set()
    for seconds in (1.9, 0.27, 0.24, 0.22, 0.2, 0.17, 0.16, 0.001):
        its = set(passes_of(CELLS[0], seconds, passes=14))
        assert slower <= its
        slower = its
    assert slower == set(range(1, 15))


@pytest.mark.parametrize("passes", [1, 2, 6])
def test_in_few_passes_every_cell_is_timed(passes):
    assert len(passes_of(CELLS[0], 1.9, passes=passes)) == passes


def test_the_passes_of_a_slow_cell_lie_apart():
    assert passes_of(CELLS[0], 1.9, passes=14) == [1, 3, 5, 9, 11, 13]


def test_in_a_quick_run_a_slow_cell_may_be_timed_once():
    quick = replace(OPTIONS, quick=True, passes=3, budget=0.5)
    done = [ok(CELLS[0], seconds=0.4)]
    assert CELLS[0] not in cells_of_pass(CELLS, 2, quick, done)
    assert CELLS[0] not in cells_of_pass(CELLS, 3, quick, done)
