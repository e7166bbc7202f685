"""Many runs in one table, from folders, CSV and Parquet files."""

from importlib.util import find_spec

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import bench
from bench.analysis import columns, csv_file, parquet_file, table
from bench.measurement import records
from bench.measurement.records import Record
from bench.model import Cell, Verdict

LOOP, NUMPY, FLOAT32 = (
    Cell("svm_loss", tier, size, dtype, 1)
    for tier, size, dtype in (
        ("loop", "S", "float64"), ("numpy", "S", "float64"), ("numpy", "M", "float32")
    )
)  # fmt: skip


needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")


def record(cell, seconds):
    return Record(1, Verdict(cell, "ok", "", "full", 0.0, 0.0, 1e-5), 10, (seconds,))


def frame_of(run_id, *cells, seconds=1e-5):
    return table.tabulate(run_id, cells, [record(cell, seconds) for cell in cells])


def folder_of(output, run_id, *cells, **options):
    frame = frame_of(run_id, *cells, **options)
    (output / run_id).mkdir(parents=True)
    csv_file.save(frame, output / run_id / "measurements.csv")
    return output / run_id


@pytest.fixture
def output(tmp_path):
    """Two runs, and what else may lie in the folder of the runs."""
    folder = tmp_path / "results"
    folder_of(folder, "20260101-000000", LOOP, NUMPY)
    folder_of(folder, "20260202-000000", NUMPY, FLOAT32, seconds=2e-5)
    (folder / "demo").mkdir()
    (folder / "demo" / "descent.png").write_bytes(b"")
    (folder / "history.png").write_bytes(b"")
    return folder


def dtypes(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def run_ids(frame):
    return frame["run_id"].unique().tolist()


BOTH = ["20260101-000000", "20260202-000000"]


def test_a_pattern_reads_all_runs_and_leaves_out_what_is_none(output):
    frame = bench.load(str(output / "*"))
    assert dtypes(frame) == columns.COLUMNS
    assert list(frame.index) == [0, 1, 2, 3]
    assert run_ids(frame) == BOTH
    assert frame["dtype"].cat.categories.tolist() == ["float32", "float64"]
    second = bench.load(output / BOTH[1])
    assert_frame_equal(
        frame[2:].reset_index(drop=True), pd.DataFrame(second), check_categorical=False
    )


def test_a_pattern_is_relative_to_the_current_folder_and_may_be_a_path(output, monkeypatch):
    monkeypatch.chdir(output.parent)
    assert run_ids(bench.load("results/*")) == BOTH
    assert run_ids(bench.load(output / "202602*")) == BOTH[1:]


@needs_pyarrow
def test_several_paths_in_their_order_each_run_once(output, tmp_path):
    one, two = (output / name for name in BOTH)
    csv_file.save(bench.load(one), tmp_path / "copy.csv")
    parquet_file.save(bench.load(one), tmp_path / "copy.parquet")
    copies = [tmp_path / "copy.csv", tmp_path / "copy.parquet"]
    frame = bench.load([two, str(one), one / "measurements.csv", *copies, output / "demo"])
    assert run_ids(frame) == BOTH[::-1]
    assert len(frame) == 4


def test_a_recursive_pattern_reads_a_folder_and_not_what_is_in_it(output, tmp_path):
    stale = bench.load(output / BOTH[0]).assign(status="failed")
    csv_file.save(stale, output / BOTH[0] / "copy.csv")
    folder_of(output / BOTH[0] / "east", BOTH[1], LOOP)  # as in the folder of a cluster's run
    frame = bench.load(str(tmp_path / "**"))
    assert len(frame) == 4
    assert set(frame["status"]) == {"ok"}


@needs_pyarrow
def test_files_of_all_kinds_and_a_run_without_a_table(tmp_path):
    parquet_file.save(frame_of("parquet", LOOP), tmp_path / "one.parquet")
    csv_file.save(frame_of("csv", FLOAT32), tmp_path / "two.csv")
    (tmp_path / "broken-off").mkdir()
    records.append(tmp_path / "broken-off" / "cells.jsonl", record(NUMPY, 1e-5))
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    frame = bench.load(tmp_path / "*")
    assert run_ids(frame) == ["broken-off", "parquet", "csv"]
    assert dtypes(frame) == columns.COLUMNS


def test_a_rebuilt_table_has_the_order_of_the_problems(tmp_path):
    judged = [Cell(name, "numpy", "S", "float64", 1) for name in ("exp", "svm_loss", "softmax")]
    for cell in judged:
        records.append(tmp_path / "cells.jsonl", record(cell, 1e-5))
    assert bench.load(tmp_path)["problem"].tolist() == ["svm_loss", "softmax", "exp"]


def test_a_column_of_some_is_blank_in_the_others(tmp_path):
    csv_file.save(frame_of("a", LOOP).assign(host="east"), tmp_path / "a.csv")
    csv_file.save(frame_of("b", LOOP), tmp_path / "b.csv")
    frame = bench.load([tmp_path / "b.csv", tmp_path / "a.csv"])
    assert list(frame.columns) == [*columns.COLUMNS, "host"]
    assert frame["host"].isna().tolist() == [True, False]


def test_rows_that_only_look_alike_stay(tmp_path):
    for host in ("east", "west"):
        csv_file.save(frame_of("a", LOOP).assign(host=host), tmp_path / f"{host}.csv")
    assert bench.load(tmp_path / "*.csv")["host"].tolist() == ["east", "west"]


def test_a_name_that_is_a_pattern_too_is_that_file(tmp_path):
    csv_file.save(frame_of("a", LOOP), tmp_path / "run[1].csv")
    assert run_ids(bench.load(tmp_path / "run[1].csv")) == ["a"]


def test_a_notebook_shows_several_runs_row_by_row(output):
    shown = bench.load(output / "*")._repr_html_()
    assert all(name in shown for name in BOTH)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("{}/nothing*", FileNotFoundError, "no run, CSV or Parquet file among: .*nothing"),
        ("{}/results/demo*", FileNotFoundError, "no run, CSV or Parquet file among: .*demo"),
        (["{}/results/demo", "{}/results/history.png"], FileNotFoundError, "no run, CSV or Parq"),
        ([], FileNotFoundError, "no run, CSV or Parquet file among: nothing"),
        (["{}/results/*", "{}/nowhere"], FileNotFoundError, "nowhere"),
        ("{}/results/demo", FileNotFoundError, "demo holds no run"),
        ("{}/results/history.png", ValueError, "history.png is not a table of lossbench"),
        (["{}/results/*", "{}/other.csv"], ValueError, r"other\.csv is not a table of lossbench"),
    ],
)
@pytest.mark.usefixtures("output")
def test_what_holds_no_run_is_named(tmp_path, given, error, words):
    (tmp_path / "other.csv").write_text("name,price\nbread,2\n", encoding="utf-8")
    several = isinstance(given, list)
    named = [one.format(tmp_path) for one in given] if several else given.format(tmp_path)
    with pytest.raises(error, match=words):
        bench.load(named)
