"""Crossings and growth along N, on simulated runs; sizes with another n; a small sweep for real."""

import io
import json
import math

import numpy as np
import pytest
from commands import answered
from rich.console import Console

import bench
from bench.analysis import sweep, table
from bench.analysis.sweep import Crossing, Growth
from bench.measurement.costs.floors import EmptyCall
from bench.measurement.records import Record
from bench.model import Cell, Options, Verdict
from bench.problems import selection
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of
from bench.report.costs import crossing_words, sweep_report

NAMED = {one.name: one for one in PROBLEMS}
ALONG = (8, 32, 128, 512, 2048, 8192, 32768)


def simulated(times, noise=0.01, along=ALONG, passes=8):
    """A table of a sweep: seconds of (tier, threads) as a function of n, with seeded noise."""
    rng = np.random.default_rng(0)
    cells = [
        Cell("svm_loss", tier, f"M@{n}", "float64", threads)
        for n in along
        for tier, threads in times
    ]
    found = [
        Record(number, Verdict(cell, "ok"), 1, (seconds * math.exp(noise * rng.normal()),))
        for cell in cells
        for seconds in (times[cell.tier, cell.threads](int(cell.size.partition("@")[2])),)
        for number in range(1, passes + 1)
    ]
    return table.tabulate("run", cells, found)


def plain(renderable):
    out = io.StringIO()
    Console(file=out, width=100).print(renderable)
    return out.getvalue()


# --- sizes


def test_a_size_with_another_n():
    one = NAMED["svm_loss"]
    assert one.numbers("M") == one.sizes["M"]
    assert one.numbers("M@77") == {**one.sizes["M"], "n": 77}
    scores, labels = one.inputs("M@77", "float64")
    assert (scores.shape, labels.shape) == ((77, 10), (77,))
    assert one.cost_of("M@77", "float64").bytes_moved == 77 * 10 * 8 + 77 * 8
    assert one.work("numpy", "M@77") == 4 * 770


def test_sizes_along_a_range():
    one = NAMED["svm_loss"]
    assert selection.sizes_along(one, 10, 100) == ("M@10", "M@40", "M@100")
    assert selection.sizes_along(one, 10, 11, "L") == ("L@10", "L@11")
    assert selection.sizes_along(NAMED["numerical_gradient"], 1, 5)[0] == "S@1", "it has no M"
    with pytest.raises(ValueError, match="goes up from at least 1, not from 9 to 9"):
        selection.sizes_along(one, 9, 9)
    with pytest.raises(ValueError, match="gradient_descent has no n"):
        selection.sizes_along(NAMED["gradient_descent"], 1, 9)


def test_sizes_along_another_number():
    one = NAMED["svm_loss"]
    assert selection.sizes_along(one, 2, 9, "S", "c") == ("S@c=2", "S@c=9")
    assert one.numbers("S@c=9") == {**one.sizes["S"], "c": 9}
    assert one.has_size("S@c=9")
    for size in ("S@k=9", "S@c=", "S@c=x", "T@c=9", "S@c=9=9"):
        assert not one.has_size(size)
    with pytest.raises(ValueError, match="svm_loss has no k to sweep over"):
        selection.sizes_along(one, 2, 9, None, "k")


def test_along_another_number_it_is_that_which_counts():
    cells = [
        Cell("svm_loss", "numpy", f"M@c={c}", "float64", 1) for c in (2, 8, 32, 128, 512, 2048)
    ]
    found = [Record(1, Verdict(cell, "ok"), 1, (1e-6 * 4.0**i,)) for i, cell in enumerate(cells)]
    frame = table.tabulate("run", cells, found)
    assert set(frame["n"]) == {1000}
    number, swept = sweep.along(frame)
    assert (number, swept["n"].tolist()) == ("c", [2, 8, 32, 128, 512, 2048])
    (growth,) = sweep.growths(swept)
    assert growth.exponent == pytest.approx(1.0)
    words = plain(sweep_report([], [growth], None, [], "C"))
    assert "along C" in words
    assert "time grows as C^" in words


def test_the_cells_of_a_sweep():
    options = Options(("svm_loss",), ("M@10", "M@40"), tiers=("numpy", "numba"))
    cells = cells_of(PROBLEMS, options)
    assert [cell.id for cell in cells] == [
        f"svm_loss-{tier}-{size}-float64" for size in ("M@10", "M@40") for tier in options.tiers
    ]


# --- who passes whom


def test_crossings_are_found_by_intervals():
    frame = simulated(
        {
            ("loop", 1): lambda n: 1e-7 * n,
            ("numpy", 1): lambda n: 1e-5 + 1e-9 * n,  # passes the loops near n = 101
            ("numba", 1): lambda n: 1e-6 + 1e-10 * n,  # always ahead
            ("numba-parallel", 1): lambda _: 1e-9,  # the serial one, in truth
            ("numba-parallel", 2): lambda n: 1e-5 + 0.5e-10 * n,  # never
        }
    )
    numpy, over_loop, numba, parallel = sweep.crossings(frame)
    assert (over_loop.tier, over_loop.over, over_loop.ahead_from) == ("numba", "loop", 32)
    assert (numpy.tier, numpy.over, numpy.ahead_from, numpy.behind_to) == ("numpy", "loop", 128, 32)
    assert numpy.near == pytest.approx(101, rel=0.1)
    assert (numba.over, numba.ahead_from, numba.behind_to, numba.near) == ("numpy", 8, None, None)
    assert (parallel.tier, parallel.over, parallel.threads) == ("numba-parallel", "numba", 2)
    assert (parallel.ahead_from, parallel.behind_to) == (None, ALONG[-1])


def test_a_point_ahead_within_noise_is_no_crossing():
    frame = simulated(
        {("loop", 1): lambda n: 1e-6 * n, ("numpy", 1): lambda n: 1e-6 * n}, noise=0.1
    )
    (found,) = sweep.crossings(frame)
    ratios = frame.loc[frame["tier"] == "numpy", "speedup_vs_loop"]
    assert (ratios > 1.0).any(), "some are ahead by chance"
    assert found.ahead_from is None


def test_a_lead_that_is_lost_again_does_not_count():
    frame = simulated(
        {
            ("loop", 1): lambda n: 1e-6 * n,
            ("numpy", 1): lambda n: 1e-6 * n * (2.0 if n in {8, 512} else 0.5),
        }
    )
    (found,) = sweep.crossings(frame)
    assert (found.ahead_from, found.behind_to) == (2048, 512)


def test_cells_of_few_passes_say_nothing():
    times = {("loop", 1): lambda n: 1e-6 * n, ("numpy", 1): lambda n: 1e-9 * n}
    assert sweep.crossings(simulated(times, passes=3)) == []
    assert "each timed in 6 passes" in plain(sweep_report([], [], 1.0, []))


@pytest.mark.parametrize(
    ("crossing", "words"),
    [
        (
            Crossing("numpy", "loop", 1, "float64", 128, 32, 101.3, 8, 9000),
            "numpy is ahead of loop from N = 128 on; behind up to N = 32, about N = 101",
        ),
        (
            Crossing("numba", "numpy", 1, "float64", 8, None, None, 8, 9000),
            "numba is ahead of numpy at all N, from 8 on",
        ),
        (
            Crossing("numba-parallel", "numba", 2, "float64", None, 900, None, 8, 900),
            "numba-parallel (2 threads) is not ahead of numba up to N = 900; behind up to N = 900",
        ),
    ],
)
def test_crossings_in_words(crossing, words):
    assert crossing_words(crossing) == words


# --- growth


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0])
def test_the_slope_of_a_power_is_its_exponent(exponent):
    frame = simulated({("numpy", 1): lambda n: 1e-6 + 1e-8 * n**exponent})
    (found,) = sweep.growths(frame)
    assert found.exponent == pytest.approx(exponent, abs=0.1)
    assert found.low < found.exponent < found.high
    assert found.sizes >= sweep.LEAST_SIZES
    assert not found.disagrees(exponent)
    assert found.disagrees(exponent + 0.5)


def test_an_interval_holds_the_exponent_as_often_as_it_says():
    rng = np.random.default_rng(1)
    noise = np.exp(0.05 * rng.standard_normal((200, len(ALONG))))
    curves = {
        ("loop", sample): dict(zip(ALONG, 1e-8 * np.array(ALONG) * its, strict=True)).get
        for sample, its in enumerate(noise)
    }
    growths = sweep.growths(simulated(curves, noise=0.0, passes=1))
    held = sum(found.low <= 1.0 <= found.high for found in growths)
    assert len(growths) == 200
    assert 0.92 <= held / 200 <= 0.98


def test_too_few_sizes_above_the_smallest_have_no_slope():
    (found,) = sweep.growths(simulated({("numba", 1): lambda n: 1e-6 + 1e-11 * n}))
    assert math.isnan(found.exponent)
    assert not found.disagrees(1.0)
    assert "too few sizes" in plain(sweep_report([], [found], 1.0, []))


def test_a_bend_of_caches_is_no_disagreement():
    assert not Growth("numpy", 1, "float64", 1.05, 1.02, 1.08, 8, 9000, 6).disagrees(1.0)
    assert Growth("numpy", 1, "float64", 1.2, 1.02, 1.4, 8, 9000, 6).disagrees(1.0)


def test_a_report_names_a_disagreement_and_the_empty_call():
    found = Growth("numpy", 1, "float64", 2.0, 1.9, 2.1, 8, 9000, 6)
    text = plain(sweep_report([], [found], 1.0, [EmptyCall("numba-parallel", 2, 1.5e-6)]))
    assert "not as expected: numpy float64 grows as N^2.00, not as N^1" in text
    assert "A call that does nothing takes: numba-parallel 1.50 µs (2 threads)." in text
    assert "not as expected" not in plain(sweep_report([], [found], 2.0, []))
    assert "not as expected" not in plain(sweep_report([], [found], None, []))


# --- for real


@pytest.mark.slow
def test_a_sweep_is_a_run(tmp_path):
    options = ["--from", 8, "--to", 512, "--tier", "loop,numpy,numba", "--passes", 6]
    process = answered("sweep", "svm_loss", *options, "--output", tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    (folder,) = tmp_path.iterdir()
    frame = bench.load(folder)
    assert frame["size"].tolist()[::3] == ["M@8", "M@32", "M@128", "M@512"]
    assert set(frame["n"]) == {8, 32, 128, 512}
    assert set(frame["status"]) == {"ok"}
    for words in ("Who passes whom, along N", "numba", "time grows as N^", "A call that does"):
        assert words in process.stdout
    assert (
        json.loads((folder / "environment.json").read_text(encoding="utf-8"))["options"]["sizes"][0]
        == "M@8"
    )
    before = (folder / "cells.jsonl").read_bytes()
    again = answered("run", "--resume", folder)
    assert (again.returncode, (folder / "cells.jsonl").read_bytes()) == (0, before)
    assert "Who passes whom, along N" in again.stdout, "it is still a sweep"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a sweep measures one problem"),
        (["gradient_descent"], "gradient_descent has no n"),
        (["relative_error"], "relative_error has no n to sweep over: try --along d or --along c"),
        (["svm_loss", "--from", "0"], "from at least 1"),
        (["svm_loss", "--size", "nothing"], "unknown size 'nothing'"),
        (
            ["svm_loss", "--along", "k"],
            "svm_loss has no k to sweep over: try --along n or --along c",
        ),
    ],
)
def test_a_sweep_that_cannot_be(arguments, words, tmp_path):
    process = answered("sweep", *arguments, "--output", tmp_path)
    assert process.returncode == 2
    assert words in " ".join(process.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_compiling_is_added_to_a_run(tmp_path):
    run = ["run", "relative_error", "--size", "lecture,S", "--tier", "numpy,numba", "--passes", 1]
    assert answered(*run, "--output", tmp_path).returncode == 0
    (folder,) = tmp_path.iterdir()
    process = answered("compile-cost", "--output", tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert " relative_error numba " in process.stdout
    frame = bench.load(folder)
    compiled = frame["tier"] == "numba"
    assert frame.loc[compiled, ["compile_s", "load_s"]].notna().all(axis=None)
    assert frame.loc[compiled, "break_even_calls_vs_numpy"].notna().all()
    assert frame.loc[~compiled, "compile_s"].isna().all()
