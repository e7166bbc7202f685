"""`%%lossbench`: a notebook cell is checked and timed, and its table shows itself."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.lib.pretty import pretty

VERSIONS = """
import numpy as np
from numba import njit

def loop(x):
    total = 0.0
    for value in x:
        total += value * value
    return total

def vectorized(x):
    return np.dot(x, x)

jit = njit(loop)
"""
WHOLE = (
    VERSIONS
    + """
SIZES = {"few": {"n": 7}}

def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""
)
QUICK = "--passes 1 --no-floors"


@pytest.fixture
def cell_magic(tmp_path, monkeypatch):
    """Run a cell with `%%lossbench` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "bench")
    return lambda line, cell: shell.run_cell_magic("lossbench", line, cell)


def test_a_cell_of_versions_gets_inputs_for_its_sizes(cell_magic, capsys):
    table = cell_magic(f"{QUICK} --size n=10,500 --dtype float64", VERSIONS)
    assert table[["tier", "size"]].values.tolist() == [
        [tier, size] for size in ("n10", "n500") for tier in ("loop", "numpy", "numba")
    ]
    assert set(table["status"]) == {"ok"}
    assert (table["median_s"] > 0.0).all()
    assert "<table" in table._repr_html_()
    assert "median of a call" in pretty(table)
    out = capsys.readouterr().out
    assert "agreement" in out
    assert "Written to cell.py" not in out, "it is in no folder that its reader knows"


@pytest.mark.slow
def test_a_cell_that_is_a_whole_file_and_a_folder_for_the_run(cell_magic, tmp_path):
    table = cell_magic(f"{QUICK} --tier loop,numpy --output mine --dtype float32", WHOLE)
    assert table[["tier", "size", "dtype"]].values.tolist() == [
        [tier, "few", "float32"] for tier in ("loop", "numpy")
    ]
    assert len(list((tmp_path / "mine").iterdir())) == 1


@pytest.mark.slow
def test_a_wrong_version_is_in_the_table_and_is_said(cell_magic, capsys):
    table = cell_magic(f"{QUICK} --tier loop,numpy", WHOLE.replace("np.dot(x, x)", "x.sum()"))
    assert table["status"].tolist() == ["ok", "disagrees"]
    assert "disagrees" in capsys.readouterr().out


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("line", "cell", "words"),
    [
        (QUICK, VERSIONS, "Missing option '--size'"),
        ("--size n=few", VERSIONS, "a size is given as n=100,10000"),
        ("--size n=3 --call loop(", VERSIONS, "--call is no Python"),
        ("--tier nothing", WHOLE, "nothing"),
        (QUICK, "def loop(:", "invalid syntax"),
        (QUICK, "1 / 0\n" + WHOLE, "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_is_said(cell_magic, capsys, line, cell, words):
    assert cell_magic(line, cell) is None
    assert words in capsys.readouterr().out
