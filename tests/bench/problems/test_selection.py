"""Which cells a run measures."""

from collections import Counter
from dataclasses import replace

from bench.common.threads import all_cores
from bench.model import Cell, Options
from bench.problems import selection
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of


def test_the_default_plan():
    cells = cells_of(PROBLEMS, Options(threads=(2,)))
    assert len(cells) == len(set(cells)) == 173
    assert Counter(cell.tier for cell in cells) == {
        "loop": 43,
        "numpy": 43,
        "numba": 43,
        "kernels": 43,
        "kernels-parallel": 1,
    }
    assert {cell.threads for cell in cells if cell.tier != "kernels-parallel"} == {1}
    assert {cell.dtype for cell in cells} == {"float64"}


def test_parallel_tiers_run_on_all_cores_unless_counts_are_given():
    parallel = Options(problems=("svm_loss",), sizes=("S",), tiers=("kernels-parallel",))
    assert [cell.threads for cell in cells_of(PROBLEMS, parallel)] == [all_cores()]
    given = replace(parallel, threads=(1, 2))
    assert [cell.threads for cell in cells_of(PROBLEMS, given)] == [1, 2]


def test_parallel_kernels_are_measured_where_they_use_threads_or_are_asked_for():
    def sizes(**given):
        options = selection.select(PROBLEMS, (), problems=("svm_loss",), **given)
        return [c.size for c in cells_of(PROBLEMS, options) if c.tier == "kernels-parallel"]

    every_size = ["lecture", "S", "M", "L", "wide", "tall"]
    assert sizes(sizes=every_size) == ["L", "wide", "tall"], "from 32,768 scores on"
    assert sizes(sizes=every_size, tiers=["kernels-parallel"]) == every_size
    assert sizes(sizes=every_size, threads=["2"]) == every_size
    assert sizes(sizes=every_size, threads=["1"]) == []
    swept = Options(problems=("svm_loss",), sizes=("M@2000", "M@8000"), threads=(2,))
    assert [c.size for c in cells_of(PROBLEMS, swept) if c.threads == 2] == ["M@8000"]


def test_on_one_core_the_parallel_kernels_are_measured_only_where_they_are_named():
    one_core = Options(problems=("svm_loss",), sizes=("S",), threads=(1,))
    assert "kernels-parallel" not in {cell.tier for cell in cells_of(PROBLEMS, one_core)}
    named = replace(one_core, tiers=("kernels-parallel",))
    assert [cell.threads for cell in cells_of(PROBLEMS, named)] == [1]


def test_a_plan_of_what_is_not_there_is_empty():
    assert cells_of(PROBLEMS, Options(problems=("numerical_gradient",), sizes=("L",))) == []


def test_cells_have_names_that_pytest_selects_by():
    assert Cell("svm_loss", "numba", "M", "float64", 1).id == "svm_loss-numba-M-float64"
    parallel = Cell("softmax", "kernels-parallel", "L", "float32", 2)
    assert parallel.id == "softmax-kernels-parallel-L-float32-2threads"
    ids = [cell.id for cell in cells_of(PROBLEMS, Options(threads=(1, 2)))]
    assert len(ids) == len(set(ids))
