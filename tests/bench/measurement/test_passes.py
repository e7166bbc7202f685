"""What the parent of a run does while its workers wait."""

import time
from dataclasses import replace

from bench.common import files
from bench.measurement import passes, records, run_folder
from bench.measurement.records import AGREEMENT
from bench.model import Options
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import cells_of
from bench.problems.user_file import look_at, problems_in


def test_a_table_can_be_shown_after_the_first_pass_while_the_worker_waits(tmp_path):
    options = Options(problems=("svm_loss",), sizes=("lecture",), tiers=("loop", "numpy"), passes=3)
    folder, shown = run_folder.begin(tmp_path, options), []

    def show():
        before = files.count_lines(folder / passes.CELLS)
        time.sleep(0.5)  # a pass of these cells takes a tenth of that
        found = records.read(folder / passes.CELLS)
        assert len(found) == before
        shown.append({record.pass_number for record in found})

    passes.measure(folder, cells_of(PROBLEMS, options), options, lambda _: None, show)
    assert shown == [{AGREEMENT, 1}, {AGREEMENT, 1, 2, 3}]


def test_the_workers_that_judge_share_the_problems(tmp_path):
    options = Options(sizes=("lecture",), tiers=("loop", "numpy"), costs=False)
    folder, cells = run_folder.begin(tmp_path, options), cells_of(PROBLEMS, options)
    passes.measure(folder, [*cells], replace(options, passes=0), lambda _: None)
    judged = [record.verdict.cell for record in records.read(folder / passes.CELLS)]
    assert sorted(judged, key=cells.index) == cells, "each once"
    assert {cell.problem for cell in judged} == {one.name for one in PROBLEMS}


SLOW_AT_FIRST = """
import time

waited = set()

def _double(n, tier):
    if tier not in waited:
        time.sleep(1.0)  # as a compiler would
    waited.add(tier)
    time.sleep(0.02)
    return 2.0 * n

def loop(n): return _double(n, "loop")
def vectorized(n): return _double(n, "numpy")

SIZES = {"S": {"n": 3}}

def make_inputs(size, dtype, rng):
    return (size["n"],)
"""


def test_the_first_call_of_any_tier_of_a_user_s_file_is_not_timed(tmp_path):
    file = tmp_path / "slow_at_first.py"
    file.write_text(SLOW_AT_FIRST, encoding="utf-8")
    options = Options(sizes=("S",), passes=1, costs=False, files=(look_at(file),))
    folder = run_folder.begin(tmp_path / "runs", options)
    cells = cells_of(problems_in(options.files), options)
    found = passes.measure(folder, cells, options, lambda _: None)
    timed = [record for record in found if record.times and not record.verdict.cell.twin]
    assert {record.verdict.cell.tier for record in timed} == {"loop", "numpy"}
    assert max(max(record.times) for record in timed) < 1.0


def test_a_worker_reuses_freed_memory_also_beside_dask(tmp_path, monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")  # as Dask's nanny does
    file = tmp_path / "environment.py"
    file.write_text(
        "import os\n"
        "def loop(n): return float('MALLOC_TRIM_THRESHOLD_' in os.environ)\n"
        "def vectorized(n): return 0.0\n"
        "SIZES = {'S': {'n': 3}}\n"
        "def make_inputs(size, dtype, rng): return (size['n'],)\n",
        encoding="utf-8",
    )
    options = Options(sizes=("S",), files=(look_at(file),))
    cells = cells_of(problems_in(options.files), options)
    verdicts = passes.judged(cells, options, lambda _: None)
    assert [one.status for one in verdicts] == ["ok", "ok"]
