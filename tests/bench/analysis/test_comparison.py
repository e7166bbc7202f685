"""Two runs compared, on simulated passes with the noise that real ones have; words and mistakes."""

import io
import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.analysis import columns, table
from bench.analysis import comparison as comparing
from bench.analysis.comparison import ALPHA, compare, is_worse
from bench.measurement.machine import differences_of
from bench.model import DEFAULT_PASSES, Cell, Options
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of
from bench.report.comparison import comparison_markdown, comparison_report
from bench.report.words import TIMES

CELLS = cells_of(PROBLEMS, Options(threads=(1, 2)))
FEW = CELLS[:6]


def simulated(seed, cells=CELLS, passes=DEFAULT_PASSES, slower=None, noise=0.024, disturbed=0.007):
    """A run: each cell's time, noise, passes that something else disturbed; `slower` by cell."""
    rng = np.random.default_rng(seed)
    speeds = np.random.default_rng(0).uniform(-14.0, -6.0, len(cells))
    rows = []
    for speed, cell in zip(speeds, cells, strict=True):
        logs = speed + rng.normal(0.0, noise, passes)
        logs += (rng.random(passes) < disturbed) * rng.exponential(0.4, passes)
        times = np.exp(logs) * (slower or {}).get(cell, 1.0)
        rows.append(row(cell, times))
    return pd.DataFrame(rows)


def row(cell, times):
    """What `compare` looks at of a row of the table."""
    medians = " ".join(f"{seconds:.7g}" for seconds in times)
    work = {"n": 64, "d": 16, "c": 10, "flops": 1000.0, "bytes_moved": 5000.0}
    return asdict(cell) | {"status": "ok", "message": "", "pass_medians_s": medians} | work


def named(comparison):
    """The cells that are called slower or faster, each with which."""
    found = comparison.cells[comparison.cells["finding"].isin(["slower", "faster"])]
    return {
        Cell(*(getattr(row, name) for name in columns.IDENTITY)): row.finding
        for row in found.itertuples()
    }


def plain(renderable):
    out = Console(file=io.StringIO(), width=100)
    out.print(renderable)
    return out.file.getvalue()


# --- what is found, and what is not


def test_a_run_against_itself_shows_nothing():
    run = simulated(1)
    for effect in (0.0, 0.05):
        same = compare(run, run, min_effect=effect)
        assert same.count("same") == len(CELLS)
        assert (same.cells["ratio"] == 1.0).all()


def test_two_runs_of_the_same_code_show_nothing():
    assert named(compare(simulated(1), simulated(2))) == {}


@pytest.mark.parametrize("seed", range(5))
def test_a_cell_of_a_default_run_that_became_slower_is_found_and_no_other(seed):
    cell = CELLS[17 + 20 * seed]
    old, new = simulated(2 * seed), simulated(2 * seed + 1, slower={cell: 1.3})
    found = compare(old, new)
    assert named(found) == {cell: "slower"}
    assert named(compare(new, old)) == {cell: "faster"}
    (ratio,) = found.cells.loc[found.cells["finding"] == "slower", "ratio"]
    assert ratio == pytest.approx(1.3, rel=0.05)


def test_the_default_passes_are_enough_for_one_that_was_disturbed():
    steady = [1.0 + 0.001 * i for i in range(DEFAULT_PASSES)]
    cell = CELLS[0]
    old, new = simulated(1), simulated(2)
    where = (old["problem"] == cell.problem) & (old["tier"] == cell.tier)
    where &= old["size"] == cell.size
    disturbed = [9.0, *steady[1:]]
    for frame, times in ((old, disturbed), (new, [1.3 * one for one in steady])):
        frame.loc[where, "pass_medians_s"] = " ".join(map(str, times))
    assert named(compare(old, new)) == {cell: "slower"}


def test_one_pass_less_than_nine_cannot_find_one_cell_among_those_of_a_default_run():
    """Where 2/C(2n, n) > α/193, the cells are set aside, not called the same."""
    cell = CELLS[3]
    found = compare(
        simulated(1, passes=8, noise=0.001), simulated(2, passes=8, slower={cell: 2.0}, noise=0.001)
    )
    assert named(found) == {}
    assert found.count("untested") == len(CELLS)
    nine = compare(
        simulated(1, passes=9, noise=0.001, disturbed=0.0),
        simulated(2, passes=9, slower={cell: 2.0}, noise=0.001, disturbed=0.0),
    )
    assert named(nine) == {cell: "slower"}


def test_cells_with_few_passes_do_not_cost_the_others_their_evidence():
    cell, *slow = CELLS
    old, new = (
        pd.DataFrame(
            [
                row(cell, [factor, factor + 0.01, factor + 0.02, factor + 0.03, factor + 0.04]),
                *(row(one, [1.0, 1.1]) for one in slow),
            ]
        )
        for factor in (1.0, 2.0)
    )
    found = compare(old, new)
    assert named(found) == {cell: "slower"}, "2/C(10, 5) is below 0.01, if it is the one test"
    assert found.count("untested") == len(slow)


def test_what_changed_by_less_than_the_smallest_effect_is_the_same():
    slower = dict.fromkeys(CELLS, 1.04)
    old, new = simulated(1, noise=0.003), simulated(2, slower=slower, noise=0.003)
    assert named(compare(old, new)) == {}
    assert len(named(compare(old, new, min_effect=0.02))) == len(CELLS)


def test_many_cells_that_changed_are_all_found():
    slower = dict.fromkeys(CELLS[::4], 1.3)
    found = named(compare(simulated(1), simulated(2, slower=slower)))
    assert len(set(found) & set(slower)) >= 0.97 * len(slower)
    assert set(found) <= set(slower)


@pytest.mark.slow
def test_the_rate_of_false_alarms_of_a_whole_comparison():
    """No cell changed, and any change would count: one comparison in a hundred may name one.

    With 1500 comparisons the standard error of a rate of 0.01 is 0.0026. At the default smallest
    effect the rate is lower still, as no change at all is well within that.
    """
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(1500):
        logs = rng.normal(0.0, 0.024, (len(CELLS), 2, DEFAULT_PASSES))
        logs += (rng.random(logs.shape) < 0.05) * rng.exponential(0.4, logs.shape)
        alarms += bool((comparing._corrected(list(map(tuple, logs)), 0.0) <= ALPHA).any())
    assert 0.002 <= alarms / 1500 <= ALPHA + 3 * 0.0026


def test_a_machine_that_is_a_little_slower_today_raises_no_alarm():
    slower = dict.fromkeys(CELLS, 1.03)
    runs = [(simulated(2 * i), simulated(2 * i + 1, slower=slower)) for i in range(10)]
    assert all(named(compare(old, new)) == {} for old, new in runs)


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_other_work_beside_one_of_the_runs_is_no_change(share):
    """Most passes are slower, and significantly so; the quickest are as quick as before."""
    old, new = simulated(1, FEW), simulated(2, FEW)
    rng = np.random.default_rng(3)
    for i, text in enumerate(new["pass_medians_s"]):
        times = columns.pass_medians(text)
        times[rng.permutation(DEFAULT_PASSES)[: round(share * DEFAULT_PASSES)]] *= 1.8
        new.loc[i, "pass_medians_s"] = " ".join(map(str, times))
    assert named(compare(old, new)) == {}
    assert named(compare(new, old)) == {}


def test_quickest_passes_that_are_far_apart_are_a_change_though_the_others_are_disturbed():
    before = np.array([1.0, 1.01, 1.02, *[1.9] * 5, *[2.2] * 6])
    cells = FEW[:3]
    old = pd.DataFrame([row(cell, before) for cell in cells])
    after = 1.3 * before, 1.1 * before, np.where(before < 1.02, 1.0, 1.3) * before
    new = pd.DataFrame([row(cell, times) for cell, times in zip(cells, after, strict=True)])
    assert named(compare(old, new)) == {cells[0]: "slower"}, "10 % could be noise; 3 disagree"
    assert named(compare(new, old)) == {cells[0]: "faster"}


# --- what is tested, and how


def test_the_p_value_is_twice_that_of_the_better_side_beyond_the_smallest_effect():
    before, after = np.arange(5.0), np.arange(5.0) + 20.0
    two_sided = 2.0 / math.comb(10, 5)
    for pair in ((before, after), (after, before)):
        assert comparing._p_values([pair], 1.0) == pytest.approx([two_sided])
        assert comparing._p_values([pair], 30.0) == pytest.approx([1.0])


def test_many_passes_are_tested_in_bearable_time_by_the_normal_distribution():
    rng = np.random.default_rng(1)
    few, many = rng.normal(0.0, 1.0, (2, 50)), rng.normal(0.0, 1.0, (2, 400))
    exact, normal = (comparing._p_values([tuple(pair)], 0.0)[0] for pair in (few, many))
    assert 0.0 < exact <= 1.0
    assert 0.0 < normal <= 1.0


@pytest.mark.parametrize(
    ("smallest", "able"),
    [
        ([], []),
        ([0.02, 0.5], []),
        ([0.004, 0.02], [0]),
        ([0.004, 0.004], [0, 1]),
        ([0.008, 0.008], []),
        ([0.008, 1e-6, 0.5], [1]),
        ([1e-6] * 3 + [0.009], [0, 1, 2]),
    ],
)
def test_tests_that_cannot_count_are_set_aside(smallest, able):
    assert comparing._testable(smallest) == able


def test_the_ratio_and_times_on_numbers_that_a_person_can_check():
    cell = FEW[0]
    old, new = (pd.DataFrame([row(cell, t)]) for t in ((1.0, 2.0, 4.0), (2.0, 8.0, 8.0)))
    (found,) = compare(old, new).cells.itertuples()
    assert (found.old_s, found.new_s) == pytest.approx((2.0, 8.0))
    # of 2, 1, 0.5 and twice 8, 4, 2 the one in the middle
    assert found.ratio == pytest.approx(2.0)
    assert found.finding == "untested"


def test_only_what_is_slower_and_above_fails():
    old, new = simulated(1, FEW), simulated(2, FEW, slower={FEW[0]: 1.3, FEW[1]: 0.5})
    found = compare(old, new)
    assert is_worse(found, 1.10)
    assert not is_worse(found, 1.5)
    assert not is_worse(compare(new, new), 1.0)
    assert not is_worse(compare(old, new, ["cpu: a → b"]), 1.10)


def test_a_cell_that_is_right_no_more_fails():
    old = simulated(1, FEW[:3])
    new = old.assign(
        status=["ok", "ok", "disagrees"], pass_medians_s=[*old["pass_medians_s"][:2], ""]
    )
    assert is_worse(compare(old, new), 1.10)
    assert not is_worse(compare(new, new), 1.10)
    assert not is_worse(compare(new, old), 1.10)


def test_a_size_that_is_another_now_is_not_judged():
    old, new = simulated(1, FEW), simulated(2, FEW, slower={FEW[0]: 10.0, FEW[1]: 1.3})
    new["n"] = [640, *new["n"][1:]]
    found = compare(old, new)
    assert found.cells["finding"][0] == "not judged"
    assert found.cells["ratio"][0] == pytest.approx(10.0, rel=0.2)
    assert named(found) == {FEW[1]: "slower"}
    text = plain(comparison_report(found))
    assert "Not judged, because the size of their inputs changed: 1 cell." in text
    assert "of 5 cells that were tested" in text
    unknown = compare(old.assign(n=pd.NA), new)
    assert "slower" in set(unknown.cells["finding"][:1])


# --- cells that are not in both, machines that differ


def test_cells_without_a_partner_are_counted_and_changes_of_status_named():
    old, new = simulated(1, FEW[:4]), simulated(2, FEW[1:])
    wrong = FEW[1]
    where = new["tier"].eq(wrong.tier) & new["size"].eq(wrong.size)
    new = new.assign(
        status=new["status"].astype(str).mask(where, "disagrees"),
        message=new["message"].mask(where, "off by a mile"),
        pass_medians_s=new["pass_medians_s"].mask(where, ""),
    )
    found = compare(old, new)
    assert (len(found.cells), found.only_old, found.only_new) == (2, 1, 2)
    text = plain(comparison_report(found))
    assert f"{wrong.id} was ok and is now disagrees: off by a mile" in text
    assert "Only in the old run: 1 cell." in text
    assert "Only in the new run: 2 cells." in text


def test_runs_with_nothing_in_common():
    found = compare(simulated(1, FEW[:2]), simulated(2, FEW[4:]))
    assert "No cell has a time in both runs." in plain(comparison_report(found))
    empty = table.tabulate("run", FEW, [])  # with the dtypes of a real table
    assert compare(empty, empty).cells.empty


def test_runs_of_several_hosts_are_refused():
    run = simulated(1, FEW)
    both = pd.concat([run.assign(host=host) for host in ("a", "b")])
    with pytest.raises(ValueError, match="the old run has several hosts: compare the folder of"):
        compare(both, run)
    assert len(compare(both[both["host"] == "a"], run).cells) == len(run)


def test_a_cell_that_is_there_twice_is_refused():
    run = simulated(1, FEW)
    twice = run.iloc[[0, 1, 0]]
    with pytest.raises(ValueError, match="the new run has a cell twice: svm_loss loop lecture"):
        compare(run, twice)


@pytest.mark.parametrize("effect", [-0.1, math.nan, math.inf])
def test_a_smallest_effect_that_is_none(effect):
    with pytest.raises(ValueError, match="the smallest effect has to be at least 0"):
        compare(simulated(1, FEW), simulated(2, FEW), min_effect=effect)


MACHINE = {
    "python": "3.12.1",
    "cpu": "one",
    "libraries": {"lossbench": "0.1.0", "numpy": "2.0", "torch": None},
    "blas": [{"library": "openblas", "version": "1"}],
    "threading_layer": "omp",
    "caches": {"L1 data": "32K"},
}
OURS = ("loop", "numpy", "numba")


def test_what_differs_between_machines_is_named():
    assert differences_of(MACHINE, MACHINE, OURS) == ()
    other = MACHINE | {
        "cpu": "two",
        "blas": [],
        "libraries": {"lossbench": "0.2.0", "numpy": "2.1", "torch": "2.9", "new": "1"},
        "caches": {"L1 data": "48K"},
    }
    assert differences_of(MACHINE, other, OURS) == (
        *("cpu: one → two", "numpy: 2.0 → 2.1", "blas: openblas 1 → none"),
        *("L1 data: 32K → 48K", "new: none → 1"),
    )
    assert "torch: none → 2.9" in differences_of(MACHINE, other, (*OURS, "torch"))


def test_the_order_in_which_libraries_were_loaded_is_no_difference():
    blas = [{"library": "openblas", "version": "1"}, {"library": "mkl", "version": "2"}]
    assert differences_of(MACHINE | {"blas": blas}, MACHINE | {"blas": blas[::-1]}, OURS) == ()


def test_nothing_known_of_a_machine_is_a_difference():
    assert differences_of(None, MACHINE, OURS) == ("no machine is recorded for the old run",)
    assert differences_of(None, None, OURS) == ("no machine is recorded for the old and new run",)


def test_where_machines_differ_ratios_are_shown_and_nothing_is_judged():
    old, new = simulated(1, FEW), simulated(2, FEW, slower={FEW[0]: 3.0})
    found = compare(old, new, ["cpu: one → two"])
    assert named(found) == {}
    assert found.count("not judged") == len(FEW)
    text = plain(comparison_report(found))
    for words in ("cpu: one → two", "Nothing is judged", *(c.id for c in FEW)):
        assert words in text
    assert "slower" not in text.replace("called slower", "")


# --- words


def test_a_comparison_in_plain_words():
    slow, quick = FEW[0], FEW[1]
    old, new = simulated(1, FEW), simulated(2, FEW, slower={slow: 1.3, quick: 0.5})
    text = plain(comparison_report(compare(old, new)))
    assert max(map(len, text.splitlines())) <= 100
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("svm_loss")]
    assert [(row[0], row[-1]) for row in rows] == [(slow.id, "slower"), (quick.id, "faster")]
    assert "1 slower and 1 faster by more than 5 %, of 6 cells that were tested." in text
    none = plain(comparison_report(compare(old, old)))
    assert none.startswith("None is shown to differ by more than 5 %, of 6 cells that were tested.")


def test_a_comparison_as_markdown():
    slow = FEW[0]
    old, new = simulated(1, FEW), simulated(2, FEW, slower={slow: 1.3})
    lines = comparison_markdown(compare(old, new)).splitlines()
    assert lines[0] == "| cell | old | new | new/old |  |"
    assert lines[1] == "|---|--:|--:|--:|---|"
    assert lines[2].startswith(f"| {slow.id} | ")
    assert lines[2].endswith(f"{TIMES} | slower |")
    assert lines[3] == ""
    assert all(line.startswith("- ") for line in lines[4:])


def test_hundreds_of_passes_can_be_compared():
    cells, runs = FEW[:2], [simulated(seed, FEW[:2], passes=600) for seed in (1, 2)]
    assert len(compare(*runs).cells) == len(cells)
