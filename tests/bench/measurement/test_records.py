"""cells.jsonl: a line a cell, torn tails, foreign lines."""

import json
import math
from dataclasses import replace

import pytest

from bench.common import files
from bench.measurement import records
from bench.measurement.conditions import UNKNOWN, Conditions
from bench.measurement.records import Record
from bench.model import Cell, Verdict

CELL = Cell("svm_loss", "numba", "M", "float64", 1)
OK = Verdict(CELL, "ok", "", "full", 1e-16, 1e-15, 2e-5)
TIMED = Record(2, OK, 50, (1e-5, 2e-5), Conditions(0.9))
WAITED = Record(2, replace(OK, waits=True), 1, (3e-5,))
REFUSED = Record(1, Verdict(CELL, "disagrees", "it does", max_abs_error=0.5))


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "cells.jsonl"
    assert records.read(path) == []
    for record in (TIMED, WAITED, REFUSED):
        records.append(path, record)
    assert records.read(path) == [TIMED, WAITED, REFUSED]
    assert files.count_lines(path) == 3
    assert records.verdicts(records.read(path)) == {CELL: REFUSED.verdict}


def test_a_line_is_plain_json(tmp_path):
    path = tmp_path / "cells.jsonl"
    records.append(path, Record(1, Verdict(CELL, "disagrees", "far off", max_abs_error=math.inf)))
    values = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert values["pass"] == 1
    assert (values["problem"], values["threads"]) == ("svm_loss", 1)
    assert values["max_abs_error"] is None
    assert values["times"] == []


def test_a_twin_is_another_cell(tmp_path):
    path = tmp_path / "cells.jsonl"
    twin = Record(2, replace(OK, cell=replace(CELL, twin=True)), 50, (1e-5,))
    for record in (TIMED, twin):
        records.append(path, record)
    assert records.read(path) == [TIMED, twin]
    assert len(records.verdicts(records.read(path))) == 2


def test_a_line_from_before_there_were_twins_conditions_and_waiting_is_read(tmp_path):
    path = tmp_path / "cells.jsonl"
    records.append(path, TIMED)
    values = json.loads(path.read_text(encoding="utf-8"))
    for name in ("twin", "cpu_share", "waits"):
        del values[name]
    path.write_text(json.dumps({**values, "mhz": 3100.0}) + "\n", encoding="utf-8")
    assert records.read(path) == [replace(TIMED, conditions=UNKNOWN)]


def test_a_torn_last_line_is_left_out_and_mended(tmp_path):
    path = tmp_path / "cells.jsonl"
    for record in (TIMED, REFUSED):
        records.append(path, record)
    path.write_bytes(path.read_bytes()[:-20])
    assert records.read(path) == [TIMED]
    records.append(path, REFUSED)
    assert records.read(path) == [TIMED, REFUSED]


def test_a_file_that_is_cut_keeps_its_whole_lines(tmp_path):
    path = tmp_path / "cells.jsonl"
    for record in (TIMED, REFUSED):
        records.append(path, record)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert records.read(path) == [TIMED, REFUSED][: whole[:length].count(b"\n")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"ok"', '"fine"'),
        ('"threads": 1', '"threads": "1"'),
        ('"problem": "svm_loss"', '"problem": 3'),
        ('"seconds": 2e-05', '"seconds": "2e-05"'),
        ('"waits": false', '"waits": "no"'),
        ('"iterations": 50', '"iterations": null'),
        ("[1e-05", '["soon"'),
        ("svm_loss", "\udcff"),
    ],
)
def test_a_line_of_other_kinds_is_named(tmp_path, old, new):
    path = tmp_path / "cells.jsonl"
    records.append(path, TIMED)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_bytes(text.replace(old, new).encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"cells\.jsonl, line 1: not a record of a cell"):
        records.read(path)


def test_a_foreign_line_is_named(tmp_path):
    path = tmp_path / "cells.jsonl"
    records.append(path, TIMED)
    for line in ("{}", "[]", "3", "{", '{"pass": 1, "problem": "a"}'):
        path.write_text(
            path.read_text(encoding="utf-8").splitlines()[0] + f"\n{line}\n", encoding="utf-8"
        )
        with pytest.raises(ValueError, match=r"cells\.jsonl, line 2: not a record of a cell"):
            records.read(path)
