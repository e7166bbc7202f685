"""The words of the table, and the figures in it."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bench.analysis import table
from bench.common.choices import parse_counts, parse_names
from bench.common.format import digits, duration
from bench.measurement.records import Record
from bench.model import Cell, Verdict
from bench.problems.builtin import PROBLEMS
from bench.problems.builtin.inputs import SIZES
from bench.report.terminal import agreement_report, problem_list, run_table

LOOP, NUMPY, NUMBA = (
    Cell("svm_loss", tier, "S", "float64", 1) for tier in ("loop", "numpy", "numba")
)
PARALLEL = Cell("svm_loss", "numba-parallel", "S", "float64", 2)
OK = {cell: Verdict(cell, "ok", "", "full", 1e-16, 0.0, 1e-5) for cell in (LOOP, NUMPY, NUMBA)}
WRONG = Verdict(PARALLEL, "disagrees", "loss is 1, loop has 2")


def plain(renderable, width=100):
    out = Console(file=io.StringIO(), width=width)
    out.print(renderable)
    return out.file.getvalue()


def test_a_table_in_plain_words():
    found = [
        Record(1, OK[LOOP], 1, (1e-3,)),
        Record(1, OK[NUMPY], 1, (2e-5,)),
        Record(1, OK[NUMBA], 1, (2.5e-6,)),
        Record(1, WRONG),
    ]
    text = plain(run_table(table.tabulate("run", [LOOP, NUMPY, NUMBA, PARALLEL], found)))
    words = text.split()
    assert max(map(len, text.splitlines())) <= 100
    times = "\N{MULTIPLICATION SIGN}"
    speedups = (f"{factor}{times}?" for factor in ("50.0", "400", "8.00"))
    for word in ("1.00", "20.0", "2.50", *speedups, "disagrees", "threads"):
        assert word in words
    assert "disagrees: svm_loss numba-parallel S float64: loss is 1, loop has 2" in text
    assert "4 cells: 3 ok, 1 disagrees." in text


@pytest.mark.parametrize(("width", "tables"), [(100, 1), (60, 2), (33, 4)])
def test_nothing_is_cut_where_the_window_is_narrow(width, tables):
    cells = [LOOP, NUMPY, NUMBA, PARALLEL]
    verdicts = [Verdict(cell, "ok", "", "full", 0.0, 0.0, 1e-5) for cell in cells]
    found = [Record(1, verdict, 1, (1e-5,)) for verdict in verdicts]
    text = plain(run_table(table.tabulate("run", cells, found)), width)
    assert text.count("median of a call") == tables
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width
    for words in ("loop", "numpy", "numba", "numba-", "parallel", "2 threads"):
        assert f" {words} " in text


def test_a_problem_with_tiers_of_its_own_has_a_grid_of_its_own():
    others = [Cell("exp", tier, "S", "float64", 1) for tier in ("loop", "numba", "numba-math")]
    cells = [LOOP, NUMBA, PARALLEL, *others]
    found = [
        Record(1, Verdict(cell, "ok", "", "full", 0.0, 0.0, 1e-5), 1, (1e-5,)) for cell in cells
    ]
    text = plain(run_table(table.tabulate("run", cells, found)))
    ours, of_exp = text.split(" math ")[0], text[text.index(" exp ") :]
    assert " parallel " in ours
    assert "svm_loss" in ours
    assert "svm_loss" not in of_exp


def test_a_skipped_cell_shows_its_estimate():
    skipped = Verdict(
        LOOP, "skipped", "about 9.0 s per call, over the budget of 2 s", estimated_s=9.0
    )
    sampled = Verdict(NUMPY, "ok", "", "sample", 0.0, 0.0, 1e-3)
    found = [Record(1, skipped), Record(1, sampled, 1, (1e-3,))]
    text = plain(run_table(table.tabulate("run", [LOOP, NUMPY], found)))
    assert "skipped" in text
    assert "~ 9.0 s" in text
    assert "skipped: 1 cell over the budget" in text
    assert (
        "on a sample of the inputs, and on all of them with NumPy if that agreed: svm_loss S."
        in " ".join(text.split())
    )


def test_a_cell_that_was_judged_and_not_timed_yet_says_so():
    found = [Record(0, OK[LOOP]), Record(0, OK[NUMPY]), Record(1, OK[NUMPY], 1, (1e-3,))]
    text = plain(run_table(table.tabulate("run", [LOOP, NUMPY], found)))
    assert "not timed" in text
    assert "nan" not in text


TWIN = replace(NUMPY, twin=True)


def over_passes(cell, seconds, noise=0.0, count=8):
    return [
        Record(n, replace(OK[replace(cell, twin=False)], cell=cell), 1, (seconds * factor,))
        for n, factor in zip(range(1, count + 1), (1.0, 1.0 + noise, 1.0 - noise) * 3, strict=False)
    ]


def run_report(*found):
    cells = [LOOP, NUMPY, NUMBA]
    return plain(
        run_table(table.tabulate("run", cells, [record for part in found for record in part]))
    )


def test_what_the_same_code_shows_is_a_tie():
    ours = (over_passes(LOOP, 1e-3), over_passes(NUMPY, 2e-5), over_passes(TWIN, 2.1e-5))
    text = run_report(*ours, over_passes(NUMBA, 1.96e-5))
    assert "tie numpy" in text
    assert "51.0\N{MULTIPLICATION SIGN} loop" in text
    assert "The same code, timed twice, differed by up to 5.0 %: " in text
    clear = run_report(*ours, over_passes(NUMBA, 1.5e-5))
    assert "tie numpy" not in clear
    assert "1.33\N{MULTIPLICATION SIGN} numpy" in clear


def test_an_interval_that_holds_1_and_is_wider_than_noise_is_marked():
    text = run_report(
        *(over_passes(LOOP, 1e-3), over_passes(NUMPY, 2e-5), over_passes(TWIN, 2e-5)),
        over_passes(NUMBA, 2e-5, noise=0.08),
    )
    assert "1.00\N{MULTIPLICATION SIGN}? numpy" in text
    assert "? at a speed-up: too uncertain to trust: 1 of 3 (may be none 1)." in text


def test_noisy_times_are_marked_and_warned_of_once():
    text = run_report(
        *(over_passes(LOOP, 1e-3, count=3), over_passes(NUMPY, 2e-5, count=3)),
        over_passes(NUMBA, 1e-5, noise=0.5),
    )
    lines = [line.rstrip() for line in text.splitlines()]
    assert sum(line.count(" !") for line in lines) == 3
    assert "! at a time: too noisy to trust: 3 of 3 cells (few passes 2, spread 1)." in lines
    steady = run_report(over_passes(LOOP, 1e-3), over_passes(NUMPY, 2e-5))
    assert "!" not in steady
    assert "?" not in steady


def test_a_noisy_time_leaves_its_speedups_alone():
    """Each pass is slower than the one before, but both cells of a pass alike."""
    drift = [
        [replace(one, times=(one.times[0] * 1.1**one.pass_number,)) for one in found]
        for found in (over_passes(NUMPY, 2e-5), over_passes(NUMBA, 1e-5))
    ]
    text = run_report(*drift)
    assert "! at a time: too noisy to trust: 2 of 2 cells (spread 2)." in text
    assert "2.00\N{MULTIPLICATION SIGN} numpy" in text
    assert "?" not in text


def test_an_uncertain_speedup_leaves_its_times_alone():
    """Three passes of each are quiet, but never the same ones."""
    quiet = {NUMPY: (1, 2, 3), NUMBA: (6, 7, 8)}
    found = [
        [
            replace(one, times=(one.times[0] * (1 if one.pass_number in quiet[cell] else 2.5),))
            for one in over_passes(cell, seconds)
        ]
        for cell, seconds in ((NUMPY, 2e-5), (NUMBA, 1e-5))
    ]
    text = run_report(*found)
    assert "!" not in text
    assert "2.00\N{MULTIPLICATION SIGN}? numpy" in text
    assert "? at a speed-up: too uncertain to trust: 1 of 1 (may be none 1)." in text


def test_a_speedup_of_unknown_size_is_marked_as_such():
    """Faster in each pass, by a factor of 3 to 12."""
    found = [
        replace(one, times=(1e-5 * (1.0 + one.pass_number % 4),)) for one in over_passes(NUMBA, 1.0)
    ]
    text = run_report(over_passes(NUMPY, 1.2e-4), found)
    assert "\N{MULTIPLICATION SIGN}? numpy" in text
    assert "? at a speed-up: too uncertain to trust: 1 of 1 (wide interval 1)." in text


def test_floors_of_several_orders_of_time_are_given_as_a_range():
    ours = (over_passes(LOOP, 1e-2), over_passes(replace(LOOP, twin=True), 1.2e-2))
    text = run_report(*ours, over_passes(NUMPY, 2e-5), over_passes(TWIN, 2.1e-5))
    words = " ".join(text.split())
    assert "differed by up to 5.0 to 20 %, depending on how long it takes: a speed-up" in words


def test_nothing_measured():
    assert "Nothing was measured." in plain(run_table(table.tabulate("run", [LOOP], [])))


def test_agreement_in_plain_words():
    text = plain(agreement_report([*OK.values(), WRONG]))
    assert "ok 1.0e-16" in text
    assert "disagrees: svm_loss-numba-parallel-S-float64-2threads: loss is 1, loop has 2" in text
    assert "4 cells: 3 ok, 1 disagrees." in text


def test_the_list_names_every_problem_and_size():
    text = plain(problem_list(PROBLEMS, SIZES))
    for name in (*(problem.name for problem in PROBLEMS), *SIZES, "50,257"):
        assert name in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ns"),
        (4.2e-9, "4.20 ns"),
        (9.999e-7, "1000 ns"),
        (1.234e-6, "1.23 µs"),
        (0.0999999, "100 ms"),
        (1.5, "1.50 s"),
        (119.0, "119 s"),
        (120.0, "2.00 min"),
        (3 * 3600.0, "3.00 h"),
        (9 * 86400.0, "9.00 d"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.00123, "0.00123"), (9.999, "10.0"), (99.96, "100"), (4321.0, "4321"), (0.0, "0")],
)
def test_digits(value, words):
    assert digits(value) == words


def test_names_are_taken_apart_and_put_in_order():
    known = ("lecture", "S", "M", "L")
    assert parse_names("size", ["M,S", "lecture", "S"], known) == ("lecture", "S", "M")
    assert parse_names("size", [], known) == ()
    assert parse_counts("threads", ["4, 1", "2"]) == (1, 2, 4)


def test_an_unknown_name_is_answered_with_the_nearest_first():
    with pytest.raises(ValueError, match="unknown size 'lectrue'; choose from lecture, "):
        parse_names("size", ["lectrue"], ("M", "lecture", "S"))


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5"])
def test_thread_counts_are_numbers_above_zero(given):
    with pytest.raises(ValueError, match="threads has to be at least 1"):
        parse_counts("threads", [given])
