"""Pooling and derived columns on numbers that a person can check; files there and back."""

import json
import math
import os
from dataclasses import replace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import bench
from bench.analysis import columns, csv_file, table
from bench.measurement import records, run_folder
from bench.measurement.conditions import Conditions
from bench.measurement.costs import Costs
from bench.measurement.costs.compiling import Compiling
from bench.measurement.costs.floors import Bandwidth, Floors, Level
from bench.measurement.records import Record
from bench.model import Cell, Options, Verdict

LOOP, NUMPY, NUMBA, PARALLEL = (
    Cell("svm_loss", tier, "S", "float64", threads)
    for tier, threads in (("loop", 1), ("numpy", 1), ("numba", 1), ("numba-parallel", 2))
)
CELLS = [LOOP, NUMPY, NUMBA, PARALLEL]


def timed(cell, number, *times, iterations=10):
    verdict = Verdict(cell, "ok", "", "full", 1e-16, 2e-16, 1e-5)
    return Record(number, verdict, iterations, times)


FOUND = [
    timed(NUMPY, 1, 2e-6, 4e-6),
    timed(LOOP, 1, 1e-3),
    timed(NUMBA, 2, 4e-7, 5e-7, iterations=30),
    timed(NUMBA, 1, 1e-7, 2e-7, 3e-7),
    Record(1, Verdict(PARALLEL, "disagrees", "off, by a mile", max_abs_error=0.5)),
]


@pytest.fixture
def frame():
    return table.tabulate("run", CELLS, FOUND)


def row(frame, tier):
    return frame[frame["tier"] == tier].iloc[0]


LEVEL = Level("L1", 32768, shared=False, measured=16384)
COSTS = Costs(
    floors=Floors(
        bandwidths=(Bandwidth("read", LEVEL, 1, 1e11), Bandwidth("copy", LEVEL, 1, 2e11)),
    ),
    compiling=(Compiling("svm_loss", "numba", "float64", "S", 2.0, 0.5),),
    temporary_bytes={NUMPY: 4096},
)


def test_what_else_was_measured():
    found = [*FOUND, timed(PARALLEL, 1, 1e-7)]
    frame = table.tabulate("run", CELLS, found, costs=COSTS)
    numba, parallel = row(frame, "numba"), row(frame, "numba-parallel")
    assert numba["floor_s"] == pytest.approx(5632 / 1e11)
    assert numba["bound_by"] == "L1"
    assert numba["share_of_floor"] == pytest.approx(5632 / 1e11 / 3e-7)
    assert row(frame, "loop")["share_of_floor"] == pytest.approx(5632 / 1e11 / 1e-3)
    assert math.isnan(parallel["share_of_floor"]), "nothing was measured at two threads"
    assert parallel["bound_by"] == ""
    assert (numba["compile_s"], numba["load_s"]) == (2.0, 0.5)
    assert frame["compile_s"].isna().tolist() == [True, True, False, True]
    # the medians are 1 ms, 3 µs and 0.3 µs
    assert numba["break_even_calls_vs_loop"] == pytest.approx(2.0 / (1e-3 - 3e-7))
    assert numba["break_even_calls_vs_numpy"] == pytest.approx(2.0 / 2.7e-6)
    assert frame["temporary_bytes"].isna().tolist() == [True, False, True, True]
    assert row(frame, "numpy")["temporary_bytes"] == 4096


def test_what_saves_nothing_never_pays_and_what_is_not_known_stays_blank():
    slow = [timed(NUMPY, 1, 3e-6), timed(NUMBA, 1, 3e-6)]
    frame = table.tabulate("run", CELLS, slow, costs=COSTS)
    assert math.isinf(row(frame, "numba")["break_even_calls_vs_numpy"])
    assert math.isnan(row(frame, "numba")["break_even_calls_vs_loop"]), "there are no loops"
    assert math.isnan(row(frame, "numpy")["break_even_calls_vs_numpy"]), "nothing is compiled"


def test_costs_there_and_back(tmp_path):
    slow = [timed(NUMPY, 1, 3e-6), timed(NUMBA, 1, 3e-6)]
    frame = table.tabulate("run", CELLS, slow, costs=COSTS)
    csv_file.save(frame, tmp_path / "measurements.csv")
    loaded = bench.load(tmp_path)
    assert_frame_equal(loaded, frame, check_categorical=False)
    spoiled = loaded.assign(share_of_floor=0.0, break_even_calls_vs_numpy=1.0)
    assert_frame_equal(table.derived(spoiled), pd.DataFrame(loaded))


def test_a_table_of_an_older_version_has_blanks(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame.drop(columns=list(columns.NEWER)), path)
    loaded = bench.load(path)
    assert list(loaded.columns) == list(columns.COLUMNS)
    assert loaded["share_of_floor"].isna().all()
    assert (loaded["bound_by"] == "").all()
    blank = ["exps", "tier", *(name for name in frame if name.startswith("speedup_vs_numba"))]
    assert_frame_equal(
        loaded.drop(columns=blank), frame.drop(columns=blank), check_categorical=False
    )


def older(frame, problem, tiers):
    """A table of before there was the column `numba` of today."""
    frame = frame.assign(problem=problem, tier=tiers)
    return frame.drop(columns=[name for name in frame if name.startswith("speedup_vs_numba")])


@pytest.mark.parametrize(
    ("problem", "tiers", "now"),
    [
        ("svm_loss", ["numba", "numba-parallel"], ["kernels", "kernels-parallel"]),
        ("exp", ["numba", "numba-math"], ["kernels", "numba"]),
        ("my_problem", ["numba", "numba-parallel"], ["numba", "numba-parallel"]),
    ],
)
def test_the_tiers_of_an_older_table_are_named_as_now(frame, tmp_path, problem, tiers, now):
    path = tmp_path / "measurements.csv"
    csv_file.save(older(frame, problem, ["loop", "numpy", *tiers]), path)
    assert bench.load(path)["tier"].tolist() == ["loop", "numpy", *now]


def test_the_tiers_of_an_older_run_are_named_as_now(tmp_path):
    folder = run_folder.begin(tmp_path, Options())
    for record in FOUND:
        records.append(folder / "cells.jsonl", record)
    assert set(bench.load(folder)["tier"]) == {"loop", "numpy", "numba", "numba-parallel"}
    known = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    del known["format"]
    (folder / "environment.json").write_text(json.dumps(known), encoding="utf-8")
    loaded = bench.load(folder)
    assert set(loaded["tier"]) == {"loop", "numpy", "kernels", "kernels-parallel"}
    assert loaded["speedup_vs_numba"].isna().all(), "what was numba is no baseline any more"


def test_columns_and_order(frame):
    assert ",".join(frame.columns) == (
        "run_id,problem,tier,size,n,d,c,dtype,threads,status,message,checked,max_abs_error,"
        "max_rel_error,passes,rounds,iterations,min_s,q1_s,median_s,q3_s,stddev_s,estimated_s,"
        "noise,speedup_vs_loop,speedup_vs_loop_low,speedup_vs_loop_high,speedup_vs_numpy,"
        "speedup_vs_numpy_low,speedup_vs_numpy_high,speedup_vs_numba,speedup_vs_numba_low,"
        "speedup_vs_numba_high,noise_floor,bytes_moved,flops,exps,gb_per_s,"
        "floor_s,bound_by,share_of_floor,compile_s,load_s,break_even_calls_vs_loop,"
        "break_even_calls_vs_numpy,temporary_bytes,pass_medians_s,twin_medians_s,empty_call_s"
    )
    assert frame["tier"].tolist() == ["loop", "numpy", "numba", "numba-parallel"]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == columns.COLUMNS


def test_rounds_of_all_passes_are_one_sample(frame):
    numba = row(frame, "numba")
    assert (numba["passes"], numba["rounds"], numba["iterations"]) == (2, 5, 20)
    assert numba["min_s"] == 1e-7
    assert numba["q1_s"] == pytest.approx(2e-7)
    assert numba["median_s"] == pytest.approx(3e-7)
    assert numba["q3_s"] == pytest.approx(4e-7)
    assert numba["stddev_s"] == pytest.approx(math.sqrt(2.5) * 1e-7)
    assert math.isnan(row(frame, "loop")["stddev_s"]), "one round has no spread"


def test_derived_columns(frame):
    numba = row(frame, "numba")
    # by their medians in pass 1, the one pass that they share: 1 ms, 3 µs, 0.2 µs
    assert numba["speedup_vs_loop"] == pytest.approx(1e-3 / 2e-7)
    assert numba["speedup_vs_numpy"] == pytest.approx(15.0)
    # 64 × 10 scores and 64 labels of 8 bytes, in 0.3 µs
    assert numba["bytes_moved"] == 5632
    assert numba["gb_per_s"] == pytest.approx(5632 / 3e-7 / 1e9)
    assert row(frame, "loop")["speedup_vs_loop"] == 1.0
    assert row(frame, "loop")["speedup_vs_numpy"] == pytest.approx(3e-3)


def test_what_is_not_ok_has_no_time_and_no_speedup(frame):
    refused = row(frame, "numba-parallel")
    assert (refused["status"], refused["message"]) == ("disagrees", "off, by a mile")
    assert refused["max_abs_error"] == 0.5
    timing = ["passes", "rounds", "iterations", "min_s", "median_s", "stddev_s"]
    speedups = [name for name in columns.COLUMNS if name.startswith("speedup")]
    derived = [*speedups, "gb_per_s"]
    assert refused[timing + derived].isna().all()
    assert (refused["noise"], refused["pass_medians_s"]) == ("", "")


def test_times_of_a_cell_that_is_not_ok_are_dropped():
    found = [Record(1, Verdict(NUMBA, "disagrees", "no"), 1, (1e-6,)), timed(LOOP, 1, 1e-3)]
    frame = table.tabulate("run", CELLS, found)
    assert math.isnan(row(frame, "numba")["median_s"])


def test_a_speedup_over_an_estimate_stays_blank():
    found = [
        Record(1, Verdict(LOOP, "skipped", "about 9 s a call", estimated_s=9.0)),
        timed(NUMPY, 1, 1e-3),
    ]
    frame = table.tabulate("run", CELLS, found)
    assert row(frame, "loop")["estimated_s"] == 9.0
    assert math.isnan(row(frame, "numpy")["speedup_vs_loop"])
    assert row(frame, "numpy")["speedup_vs_numpy"] == 1.0


def test_groups_are_not_mixed():
    other = Cell("svm_loss", "loop", "S", "float32", 1)
    frame = table.tabulate("run", [*CELLS, other], [*FOUND, timed(other, 1, 5.0)])
    assert row(frame, "numba")["speedup_vs_loop"] == pytest.approx(1e-3 / 2e-7)


def test_derived_columns_can_be_computed_again(frame):
    spoiled = frame.assign(speedup_vs_loop=0.0, gb_per_s=0.0)
    assert_frame_equal(table.derived(spoiled), frame)


def test_a_run_without_records_is_an_empty_table():
    frame = table.tabulate("run", CELLS, [])
    assert frame.empty
    assert list(frame.columns) == list(columns.COLUMNS)


# --- pairs of passes


def over_passes(cell, seconds, count=8, step=1e-3):
    return [timed(cell, n, seconds * (1.0 + step * (n % 3))) for n in range(1, count + 1)]


STEADY = [*over_passes(LOOP, 1e-3), *over_passes(NUMPY, 2e-5), *over_passes(NUMBA, 1e-5)]
TWIN = replace(NUMPY, twin=True)


def test_speedups_have_an_interval_over_the_passes():
    found = [one for one in STEADY if one.verdict.cell != NUMBA]
    frame = table.tabulate("run", CELLS, [*found, *over_passes(NUMBA, 1e-5, step=0.02)])
    numba = row(frame, "numba")
    low, high = numba["speedup_vs_numpy_low"], numba["speedup_vs_numpy_high"]
    assert 1.9 < low < numba["speedup_vs_numpy"] < high <= 2.001
    assert 95.0 < numba["speedup_vs_loop_low"] < numba["speedup_vs_loop_high"] < 100.1
    loop = row(frame, "loop")
    assert loop["speedup_vs_loop_low"] == loop["speedup_vs_loop_high"] == 1.0


def test_too_few_passes_in_common_have_no_interval():
    found = [one for one in STEADY if one.verdict.cell != LOOP or one.pass_number < 3]
    numba = row(table.tabulate("run", CELLS, found), "numba")
    assert numba["speedup_vs_loop"] == pytest.approx(100.0)
    assert math.isnan(numba["speedup_vs_loop_low"])
    assert not math.isnan(numba["speedup_vs_numpy_low"])


def test_passes_are_paired_by_their_numbers():
    """A slow half of the run hits what was timed in it; the ratio is that of the same pass."""
    slow = {2: 5.0, 4: 5.0}
    found = [
        *(timed(NUMPY, n, 2e-5 * slow.get(n, 1.0)) for n in (4, 1, 2, 3)),
        *(timed(NUMBA, n, 1e-5 * slow.get(n, 1.0)) for n in (2, 4)),
    ]
    frame = table.tabulate("run", CELLS, found)
    numba = row(frame, "numba")
    assert numba["pass_medians_s"] == "nan 5e-05 nan 5e-05"
    assert numba["speedup_vs_numpy"] == pytest.approx(2.0)


def test_a_twin_has_no_row_and_sets_the_noise_floor():
    found = [*STEADY, *over_passes(TWIN, 2.1e-5)]
    frame = table.tabulate("run", [*CELLS, TWIN], found)
    assert frame["tier"].tolist() == ["loop", "numpy", "numba"]
    assert row(frame, "numpy")["twin_medians_s"].startswith("2.1021e-05 2.1042e-05 2.1e-05")
    assert row(frame, "loop")["twin_medians_s"] == ""
    assert frame["noise_floor"].tolist() == pytest.approx([1.05] * 3)
    assert row(frame, "numpy")["rounds"] == 8, "its rounds are no rounds of the cell"
    without = table.tabulate("run", CELLS, STEADY)
    assert without["noise_floor"].isna().all()
    assert_frame_equal(
        without.drop(columns=["noise_floor", "twin_medians_s"]),
        frame.drop(columns=["noise_floor", "twin_medians_s"]),
    )


def test_the_time_is_that_of_the_quickest_passes():
    disturbed = {1: 1.9, 2: 1.4, 4: 2.5, 7: 1.8}
    found = [
        timed(NUMPY, n, *(2e-5 * disturbed.get(n, 1.0) + n * step for step in (1e-8, 2e-8, 9e-7)))
        for n in range(1, 8)
    ]
    numpy = row(table.tabulate("run", CELLS, found), "numpy")
    # of passes 3, 5, 6 the middle one, by its middle round
    assert numpy["median_s"] == pytest.approx(2.01e-5)
    assert numpy["min_s"] == pytest.approx(2.003e-5)
    assert numpy["min_s"] < numpy["q1_s"] < numpy["median_s"] < numpy["q3_s"]
    assert (numpy["passes"], numpy["rounds"], numpy["noise"]) == (7, 21, "")


def test_each_cell_has_the_floor_of_its_own_order_of_time():
    other = Cell("softmax_loss", "loop", "S", "float64", 1)
    twins = [replace(NUMPY, twin=True), replace(other, twin=True)]
    found = [*STEADY, *over_passes(twins[0], 2.1e-5), *over_passes(other, 5e-3)]
    found += over_passes(twins[1], 6e-3)
    frame = table.tabulate("run", [*CELLS, other, *twins], found)
    # 1 ms, 20 µs, 10 µs; 5 ms
    assert frame["noise_floor"].tolist() == pytest.approx([1.2, 1.05, 1.05, 1.2])
    noisy = [*found[:-8], *over_passes(twins[1], 6e-3, step=0.8)]
    frame = table.tabulate("run", [*CELLS, other, *twins], noisy)
    assert frame["noise_floor"].tolist() == pytest.approx([1.05] * 4)


def test_reasons_not_to_trust_a_cell_are_in_its_row():
    shared = [replace(one, conditions=Conditions(0.4)) for one in over_passes(NUMBA, 1e-3)]
    found = [*over_passes(LOOP, 1e-3, count=2), *over_passes(NUMPY, 2e-5), *shared]
    frame = table.tabulate("run", CELLS, found)
    assert frame["noise"].tolist() == [
        *("few passes: 2", "", "load: shared its core in 3 of the 3 quickest passes")
    ]


# --- files


def test_there_and_back(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    loaded = bench.load(path)
    assert_frame_equal(loaded, frame, check_categorical=False)
    assert {name: str(dtype) for name, dtype in loaded.dtypes.items()} == columns.COLUMNS
    again = tmp_path / "again.csv"
    csv_file.save(loaded, again)
    assert again.read_bytes() == path.read_bytes()
    assert_frame_equal(bench.load(str(tmp_path)), loaded)


def test_an_empty_table_there_and_back(tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(table.tabulate("run", CELLS, []), path)
    assert bench.load(path).empty


def test_an_interrupted_run_is_put_together_from_its_cells(frame, tmp_path):
    for record in FOUND:
        records.append(tmp_path / "cells.jsonl", record)
    loaded = bench.load(tmp_path).set_index("tier").sort_index()
    wanted = frame.set_index("tier").sort_index().assign(run_id=tmp_path.name)
    assert_frame_equal(loaded, wanted, check_categorical=False, check_index_type=False)


def test_what_was_measured_after_the_table_was_written_is_read(frame, tmp_path):
    for record in FOUND:
        records.append(tmp_path / "cells.jsonl", record)
    fewer = frame.assign(status="failed")
    csv_file.save(fewer, tmp_path / "measurements.csv")
    assert set(bench.load(tmp_path)["status"]) == {"failed"}
    later = (tmp_path / "measurements.csv").stat().st_mtime_ns + 1_000_000
    os.utime(tmp_path / "cells.jsonl", ns=(later, later))
    assert bench.load(tmp_path)["status"].tolist() == frame["status"].tolist()


def test_words_that_look_like_numbers_stay_words(tmp_path):
    found = [Record(1, Verdict(NUMBA, "failed", "nan")), Record(1, Verdict(LOOP, "failed", "1"))]
    csv_file.save(table.tabulate("001", CELLS, found), tmp_path / "measurements.csv")
    loaded = bench.load(tmp_path)
    assert loaded["message"].tolist() == ["1", "nan"]
    assert loaded["run_id"].tolist() == ["001", "001"]


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    pd.DataFrame({"problem": ["svm_loss"], "tier": ["loop"]}).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"lossbench: no column run_id, size, n and \d+ more"):
        bench.load(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="no column run_id, problem, tier and"):
        bench.load(path)


def test_a_file_that_is_cut_short_is_refused(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex(",disagrees")], encoding="utf-8")
    with pytest.raises(ValueError, match="cut short: line 5 has no status, message, checked"):
        bench.load(path)


def test_a_file_is_refused_wherever_it_is_cut_but_between_lines(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        lines = whole[:length].count(b"\n")
        if lines and whole[:length].endswith(b"\n"):
            assert len(bench.load(path)) == lines - 1
        else:
            with pytest.raises(ValueError, match=r"is cut short|is not a table of lossbench"):
                bench.load(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("svm_loss", "\udcff", "is not a table of lossbench: 'utf-8'"),
        (",5632,", ",5632.5,", "column bytes_moved has other values than numbers"),
        (",5632,", ",5632,1,", "has too many values"),
        ("gb_per_s", "gb_per_s,n", "it has a column twice"),
    ],
)
def test_what_no_run_writes_is_refused(frame, tmp_path, old, new, words):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    text = path.read_text(encoding="utf-8").replace(old, new)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=words):
        bench.load(path)


def test_a_cell_of_no_problem_is_named(tmp_path):
    strange = Record(1, Verdict(Cell("svm_los", "loop", "S", "float64", 1), "ok"), 1, (1.0,))
    records.append(tmp_path / "cells.jsonl", strange)
    with pytest.raises(ValueError, match="cells of unknown problems: svm_los-loop-S-float64"):
        bench.load(tmp_path)


def test_a_column_that_is_not_of_numbers_is_named(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    path.write_text(path.read_text(encoding="utf-8").replace("5632", "many"), encoding="utf-8")
    with pytest.raises(ValueError, match="column bytes_moved has other values than numbers"):
        bench.load(path)


@pytest.mark.parametrize("text", ["1e-05 soon", "1e-05 -2", "0", "inf"])
def test_passes_that_are_no_times_are_named(frame, tmp_path, text):
    path = tmp_path / "measurements.csv"
    frame.loc[frame["tier"] == "numba", "pass_medians_s"] = text
    csv_file.save(frame, path)
    with pytest.raises(ValueError, match="column pass_medians_s, line 4: "):
        bench.load(path)


def test_a_status_that_is_none_is_refused(frame, tmp_path):
    path = tmp_path / "measurements.csv"
    csv_file.save(frame, path)
    path.write_text(path.read_text(encoding="utf-8").replace(",ok,", ",fine,"), encoding="utf-8")
    with pytest.raises(ValueError, match="status fine"):
        bench.load(path)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        bench.load(tmp_path)
