"""The table of a run as Parquet: there and back, damaged, and without pyarrow."""

import sys

import pandas as pd
import pytest
from commands import ROOT, answered
from pandas.testing import assert_frame_equal

import bench
from bench.analysis import columns, parquet_file
from bench.common.extras import MissingLibraryError

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

SAMPLE = ROOT / "results" / "sample"


@pytest.fixture(scope="module")
def frame():
    """A table with blanks, infinities, and cells that are not ok."""
    return pd.DataFrame(bench.load(SAMPLE))


@pytest.fixture
def run(tmp_path):
    """A run of which only the table is left."""
    folder = tmp_path / "20260101-000000"
    folder.mkdir()
    (folder / "measurements.csv").write_bytes((SAMPLE / "measurements.csv").read_bytes())
    return folder


@pytest.mark.parametrize("extra", [{}, {"host": "east", "weight": 1.5}])
def test_there_and_back(frame, tmp_path, extra):
    frame = frame.assign(**extra)
    parquet_file.save(frame, tmp_path / "table.parquet")
    assert_frame_equal(pd.DataFrame(bench.load(tmp_path / "table.parquet")), frame)
    (tmp_path / "table.parquet").rename(tmp_path / "table")  # known by its content
    assert_frame_equal(pd.DataFrame(bench.load(tmp_path / "table")), frame)


def test_a_folder_named_as_a_partition_adds_no_column(frame, tmp_path):
    folder = tmp_path / "host=east"
    folder.mkdir()
    parquet_file.save(frame, folder / "table.parquet")
    assert list(bench.load(folder / "table.parquet").columns) == list(columns.COLUMNS)


def test_words_that_look_like_numbers_stay_words(frame, tmp_path):
    words = frame[:2].assign(run_id="001", message=["nan", ""])
    parquet_file.save(words, tmp_path / "table.parquet")
    loaded = bench.load(tmp_path / "table.parquet")
    assert loaded["run_id"].tolist() == ["001", "001"]
    assert loaded["message"].tolist() == ["nan", ""]


def test_report_writes_it_beside_the_table(run):
    process = answered("report", run, "--format", "parquet")
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"Written to {run / 'measurements.parquet'}\n"
    assert_frame_equal(bench.load(run / "measurements.parquet"), bench.load(run))
    from_parquet = answered("report", run / "measurements.parquet", "--format", "csv")
    assert from_parquet.stdout == answered("report", run, "--format", "csv").stdout


def test_that_of_another_program_with_nulls_and_other_integers(frame, tmp_path):
    words = {name: "object" for name, kind in columns.COLUMNS.items() if kind in columns.WORDS}
    plain = frame.astype(words | {"threads": "int32"}).replace({"message": {"": None}})
    plain.drop(columns=list(columns.NEWER)).to_parquet(tmp_path / "other.parquet")
    loaded = bench.load(tmp_path / "other.parquet")
    assert {name: str(dtype) for name, dtype in loaded.dtypes.items()} == columns.COLUMNS
    assert loaded["message"].tolist() == frame["message"].tolist()
    assert loaded["floor_s"].isna().all()
    assert (loaded["bound_by"] == "").all()


def test_what_is_damaged_or_foreign_is_refused(frame, tmp_path):
    path = tmp_path / "table.parquet"
    parquet_file.save(frame, path)
    whole = path.read_bytes()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"table\.parquet is not a Parquet file, or is cut"):
            bench.load(path)
    pd.DataFrame({"problem": ["svm_loss"]}).to_parquet(path)
    with pytest.raises(ValueError, match="is not a table of lossbench: no column run_id, tier"):
        bench.load(path)
    frame.assign(status="fine").to_parquet(path)
    with pytest.raises(ValueError, match="status fine"):
        bench.load(path)
    frame.assign(median_s="soon").to_parquet(path)
    with pytest.raises(ValueError, match="column median_s has other values than numbers"):
        bench.load(path)


def test_without_pyarrow_it_says_what_to_install(frame, run, tmp_path, monkeypatch):
    parquet_file.save(frame, tmp_path / "table.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingLibraryError, match="pip install pyarrow"):
        bench.load(tmp_path / "table.parquet")
    process = answered("report", run, "--format", "parquet")
    assert process.returncode == 2
    words = " ".join(process.stderr.split())
    assert "Parquet files need pyarrow" in words
    assert "python -m pip install pyarrow" in words
    assert not (run / "measurements.parquet").exists()
