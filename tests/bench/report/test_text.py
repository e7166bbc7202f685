"""A run's table for other programs."""

import io
import json
import math
from pathlib import Path

import pandas as pd

from bench.analysis import csv_file, table
from bench.common.format import duration
from bench.measurement import run_folder
from bench.report.text import as_text
from bench.report.words import cell_words, with_fastest

SAMPLE = Path(__file__).parents[3] / "results" / "sample"
FRAME = csv_file.load(SAMPLE)
OK = int((FRAME["status"] == "ok").sum())
COUNTS = f"{len(FRAME)} cells: {OK} ok, {len(FRAME) - OK} skipped."


def test_markdown_has_the_words_of_the_terminal():
    lines = as_text(FRAME, "markdown", None).splitlines()
    blank = lines.index("")
    assert all(line.count("|") == 9 for line in lines[:blank]), "a table"
    assert lines[0].startswith("| problem | size | dtype | loop | numpy | numba | kernels |")
    assert blank == 2 + len(FRAME.drop_duplicates(["problem", "size", "dtype"]))
    (row,) = (line for line in lines if line.startswith(r"| svm\_loss | M |"))
    ours = with_fastest(FRAME[(FRAME["problem"] == "svm_loss") & (FRAME["size"] == "M")])
    for cell in ours.itertuples():
        time, *speedups = cell_words(cell).plain.split("\n")
        shown = f"**{time}**" if cell.fastest else time
        assert f"| {'<br>'.join([shown, *speedups])} |" in row
        assert duration(cell.median_s) in time
    assert f"- {COUNTS}" in lines


def test_a_problem_with_tiers_of_its_own_has_a_table_of_its_own():
    ours = FRAME.head(2).astype({"problem": str, "tier": str})
    theirs = ours.assign(problem="ladder", tier=["rung-1", "rung-2"])
    text = as_text(table.derived(pd.concat([ours, theirs], ignore_index=True)), "markdown", None)
    heads = [line for line in text.splitlines() if line.startswith("| problem")]
    assert heads == [
        "| problem | size | dtype | loop | numpy |",
        "| problem | size | dtype | rung-1 | rung-2 |",
    ]


def test_what_markdown_would_take_for_its_own_is_escaped():
    odd = FRAME.head(1).assign(problem="a|b*", status="failed", message="<x> | `y`", median_s=None)
    text = as_text(table.derived(odd), "markdown", None)
    assert r"| a\|b\* |" in text
    assert r"\<x> \| \`y\`" in text


def test_csv_is_the_whole_table():
    text = as_text(FRAME, "csv", None)
    assert text.splitlines()[0].split(",") == list(FRAME.columns)
    assert list(pd.read_csv(io.StringIO(text))["rounds"].dropna()) == list(FRAME["rounds"].dropna())


def test_json_has_cells_words_and_machine():
    machine = run_folder.machine_of(SAMPLE)
    uncertain = FRAME["speedup_vs_numpy_high"] * 10
    values = json.loads(as_text(FRAME.assign(speedup_vs_numpy_high=uncertain), "json", machine))
    assert values["machine"] == machine
    assert values["counts"] == COUNTS
    assert any("speed-up: too uncertain to trust" in line for line in values["remarks"])
    first = values["cells"][0]
    assert list(first) == list(FRAME.columns)
    assert first["median_s"] == FRAME["median_s"].iloc[0]
    assert first["d"] is None
    assert first["n"] == 3
    never = FRAME.head(1).assign(break_even_calls_vs_numpy=math.inf)
    (only,) = json.loads(as_text(never, "json", None))["cells"]
    assert only["break_even_calls_vs_numpy"] == "inf"


def test_a_table_without_cells():
    empty = table.tabulate("empty", [], [])
    assert as_text(empty, "markdown", None) == "Nothing was measured.\n"
    assert json.loads(as_text(empty, "json", None))["cells"] == []
