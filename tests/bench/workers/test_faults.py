"""Crashes, hangs, signals and full disks, each for real: what is kept and said, what goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import psutil
import pytest
from commands import (
    answered,
    copied_tree,
    gone,
    lossbench,
    only_folder,
    plant,
    started,
    wait_for,
)

import bench
from bench.common import files
from bench.measurement import passes, records
from bench.measurement.schedule import PASSES_PER_WORKER
from bench.model import Cell, Options, Verdict
from bench.workers import diagnosis, job, signals, watchdog
from bench.workers.job import Job
from bench.workers.watchdog import Step

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="processes are told what to do, and die, by POSIX's signals"
)
# What `softmax` of size S is told by, among the sizes and hard inputs.
AT_S, AT_TIES = "len(scores) == 64", "len(scores) == 2"
IS_TIMED = "'pytest' in sys.modules"
TIMED = f"{IS_TIMED} and {AT_S}"
SEGFAULT = "ctypes.string_at(0)"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
# Waits for ever in C, and keeps the lock that Python's own threads would need to end it.
HANG = "ctypes.PyDLL(None).pause()"
CELLS = ["svm_loss", "softmax", "--size", "lecture,S", "--tier", "loop,numpy"]
# A call may take ten times as long, and some seconds.
SHORT = ["--budget", "0.05"]
# Cells that can be told apart by their scores (`given`).
EACH = ["softmax", "softmax_loss", *CELLS[2:], "--dtype", "float64,float32"]


def at(cell):
    """What tells that the NumPy text of a cell is called."""
    problem, size, dtype = cell.split()
    has_labels = "'labels' in dir()" if problem == "softmax_loss" else "'labels' not in dir()"
    samples = {"lecture": 3, "S": 64}[size]
    return f"{has_labels} and len(scores) == {samples} and scores.dtype == '{dtype}'"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A project whose softmaxes do what a variable says: one for all, as Numba compiles it."""
    tree = copied_tree(tmp_path_factory.mktemp("faults"))

    def plant_at(file, before, variable):
        line = f"    import ctypes, os, signal, sys; exec(os.environ.get('{variable}', ''))\n"
        plant(tree, file, before, line)

    in_numpy = "    exps = np.exp(scores - scores.max(axis=1, keepdims=True))\n"
    plant_at("kernels/vectorized/losses.py", in_numpy, "IN_NUMPY")
    in_loss = "    log_totals = np.log(np.exp(shifted).sum(axis=1))\n"
    plant_at("kernels/vectorized/losses.py", in_loss, "IN_NUMPY")
    plant_at("reference/losses.py", "    probabilities = zeros_like(scores)\n", "IN_LOOPS")
    in_inputs = "def _scores(size: Size, dtype: str, rng: np.random.Generator) -> Arguments:\n"
    plant_at("bench/problems/builtin/losses.py", in_inputs, "IN_INPUTS")
    return tree


@pytest.fixture
def planted(monkeypatch):
    """Make `softmax` of the tree do something else, at times."""

    def plant_now(what_when, where="IN_NUMPY"):
        lines = [f"if {when}:\n    {what}" for when, what in what_when.items()]
        monkeypatch.setenv(where, "\n".join(lines))

    return plant_now


def run(tree, output, *arguments, passes=1):
    """A run, and its folder."""
    process = lossbench("run", *arguments, "--passes", passes, "--output", output, root=tree)
    assert process.stderr == ""
    assert "Traceback" not in process.stdout
    return process, only_folder(output)


def only_line(words, process):
    (line,) = [line for line in process.stdout.splitlines() if words in line]
    return line


def by_cell(folder, *more):
    """The table of a run, by problem, tier, size and the columns named besides."""
    frame = bench.load(folder)
    names = frame[["problem", "tier", "size", *more]].astype(str).agg(" ".join, axis=1)
    return frame.set_index(names)


def times_recorded(folder):
    """How often each cell was recorded in each pass; twins are not in every run's passes."""
    found = records.read(folder / "cells.jsonl")
    return Counter((r.pass_number, r.verdict.cell) for r in found if not r.verdict.cell.twin)


# --- crashes


DIED = "its process died of signal 11 (Segmentation fault)"


def test_kernels_that_crash_in_agreement_are_rows(tree, planted, tmp_path):
    crashes = {
        "softmax S float64": (SEGFAULT, DIED),
        "softmax S float32": ("os._exit(0)", "its process ended (exit code 0)"),
        "softmax_loss S float64": ("sys.exit(4)", "its process ended (exit code 4)"),
        "softmax_loss S float32": (KILL, "its process was killed (signal 9)"),
    }
    planted({at(cell): what for cell, (what, _) in crashes.items()})
    process, folder = run(tree, tmp_path, *EACH)
    assert process.returncode == 1
    frame = by_cell(folder, "dtype")
    assert frame["status"].value_counts().to_dict() == {"ok": 12, "failed": 4}
    for cell, (_, words) in crashes.items():
        name = cell.replace(" ", " numpy ", 1)
        assert only_line(f": {name}: ", process).startswith(f"failed: {name}: {words}")
        assert frame.loc[name, "message"].startswith(words)
    assert frame["median_s"].isna().sum() == 4, "all others are timed"


@pytest.mark.slow
def test_kernels_that_crash_while_they_are_timed_are_rows(tree, planted, tmp_path):
    crashes = {
        "softmax S float64": (SEGFAULT, DIED),
        "softmax S float32": ("os._exit(0)", "its process ended (exit code 0)"),
        "softmax_loss S float64": ("sys.exit(4)", "SystemExit: 4"),
        "softmax_loss S float32": (KILL, "its process was killed (signal 9)"),
        "softmax lecture float64": ("raise ValueError('of late')", "ValueError: of late"),
    }
    planted({f"{IS_TIMED} and {at(cell)}": what for cell, (what, _) in crashes.items()})
    process, folder = run(tree, tmp_path, *EACH, passes=2)
    assert process.returncode == 1
    frame = by_cell(folder, "dtype")
    assert frame["status"].value_counts().to_dict() == {"ok": 11, "failed": 5}
    for cell, (_, words) in crashes.items():
        name = cell.replace(" ", " numpy ", 1)
        line = only_line(f": {name}: ", process)
        assert line.startswith(f"failed: {name}: in pass 1: {words}")
    others = frame[frame["status"] == "ok"]
    assert (others["passes"] == 2).all()
    counts = times_recorded(folder).items()
    # That of a failed one says so once more where its twin failed too.
    failed = set(frame.index[frame["status"] == "failed"])
    often = {
        count
        for (_, cell), count in counts
        if f"{cell.problem} {cell.tier} {cell.size} {cell.dtype}" not in failed
    }
    assert often == {1}, "nothing is timed twice in a pass"


@pytest.mark.slow
def test_a_cell_that_fails_in_a_later_pass_keeps_no_time(tree, planted, tmp_path):
    second = f"__import__('glob').glob('{tmp_path}/*/pass-1.json')"
    later = f"{TIMED} and {second}"
    planted({later: SEGFAULT})
    process, folder = run(tree, tmp_path, *CELLS, passes=PASSES_PER_WORKER + 1)
    assert process.returncode == 1
    row = by_cell(folder).loc["softmax numpy S"]
    assert row["message"].startswith(f"in pass {PASSES_PER_WORKER + 1}: ")
    assert bench.load(folder)["median_s"].isna().sum() == 1
    assert row[["median_s", "speedup_vs_loop", "passes"]].isna().all()
    found = records.read(folder / "cells.jsonl")
    timed = [bool(r.times) for r in found if r.verdict.cell.id == "softmax-numpy-S-float64"]
    measured = [True] * PASSES_PER_WORKER
    assert timed == [False, *measured, False], "what was measured is in the records still"


@pytest.mark.slow
def test_a_crash_on_a_hard_input_names_it_and_costs_the_tier_all_sizes(tree, planted, tmp_path):
    planted({AT_TIES: SEGFAULT})
    process, folder = run(tree, tmp_path, *CELLS)
    assert process.returncode == 1
    frame = by_cell(folder)
    failed = frame[frame["status"] == "failed"]
    assert failed.index.tolist() == ["softmax numpy lecture", "softmax numpy S"]
    assert failed["message"].str.startswith("hard input “ties”: its process died").all()


@pytest.mark.slow
def test_loops_and_inputs_that_crash_cost_their_group(tree, planted, tmp_path):
    planted({AT_S: SEGFAULT}, "IN_LOOPS")
    planted({"size['n'] == 1000": SEGFAULT}, "IN_INPUTS")
    process, folder = run(tree, tmp_path, "softmax", "--size", "S,M,lecture", *CELLS[-2:])
    assert process.returncode == 1
    frame = by_cell(folder)
    messages = frame.loc[frame["status"] == "failed", "message"]
    for cell, words in {
        "softmax loop S": DIED,
        "softmax numpy S": "nothing to compare with: loop: its process died",
        "softmax loop M": "its inputs cannot be made: its process died",
        "softmax numpy M": "its inputs cannot be made: its process died",
    }.items():
        assert messages.pop(cell).startswith(words)
    assert messages.empty
    assert frame["median_s"].isna().sum() == 4, "all others are timed"


@pytest.mark.slow
def test_check_goes_on_behind_a_crash(tree, planted):
    planted({AT_S: SEGFAULT})
    process = lossbench("check", *CELLS, root=tree)
    assert (process.returncode, process.stderr) == (1, "")
    assert "failed: softmax-numpy-S-float64: its process died of signal 11" in process.stdout
    assert "8 cells: 7 ok, 1 failed." in process.stdout


def test_what_is_broken_for_all_cells_is_no_cell_s_fault(tmp_path):
    tree = copied_tree(tmp_path)
    (tree / "bench/measurement/judging_worker.py").write_text(
        "raise ImportError('nothing works')\n", encoding="utf-8"
    )
    process, folder = run(tree, tmp_path / "results", *CELLS)
    assert process.returncode == 3
    line = only_line("broke off", process)
    assert "(exit code 1): ImportError: nothing works" in line
    assert f"Resume with: lossbench run --resume {folder}" in line


# --- hangs


@pytest.mark.slow
def test_a_kernel_that_hangs_is_ended_at_its_limit(tree, planted, tmp_path):
    hangs = {
        "softmax S float64": ("skipped", "timed out after 5.5 s in <module>"),
        "softmax S float32": ("failed", "in pass 1: timed out after 5.5 s in <module>"),
    }
    first, second = map(at, hangs)
    planted({first: HANG, f"{IS_TIMED} and {second}": HANG})
    arguments = ["softmax", "--size", "S", "--dtype", "float64,float32", *CELLS[-2:], *SHORT]
    process, folder = run(tree, tmp_path, *arguments)
    assert process.returncode == 1
    frame = by_cell(folder, "dtype")
    assert frame["status"].value_counts().to_dict() == {"ok": 2, "skipped": 1, "failed": 1}
    for cell, (status, words) in hangs.items():
        line = only_line(f"{status}: ", process)
        name = cell.replace(" ", " numpy ", 1)
        assert line.startswith(f"{status}: {name}: {words}")
        assert frame.loc[name, "status"] == status
    assert frame["median_s"].isna().sum() == 2


@pytest.mark.slow
def test_a_kernel_that_hangs_on_a_hard_input_is_ended_at_its_limit(tree, planted, tmp_path):
    planted({AT_TIES: "while True: pass"})
    process, folder = run(tree, tmp_path, "softmax", "--size", "S", *CELLS[-2:], *SHORT)
    assert process.returncode == 1
    words = "hard input “ties”: timed out after 5.5 s in <module>"
    line = only_line("failed: ", process)
    assert line.startswith(f"failed: softmax numpy S float64: {words}")
    assert by_cell(folder)["status"].tolist() == ["ok", "failed"]


@pytest.mark.slow
def test_what_a_hung_kernel_started_is_ended_with_it(tree, planted, tmp_path):
    pid = tmp_path / "pid"
    what = (
        f"import subprocess; child = subprocess.Popen(['sleep', '600']); "
        f"open({str(pid)!r}, 'w').write(str(child.pid)); "
        "signal.sigwait([signal.SIGUSR1])"
    )
    arguments = ["softmax", "--size", "S", "--tier", "numpy", *SHORT]
    planted({AT_S: what})
    process, _ = run(tree, tmp_path / "results", *arguments)
    assert "timed out after 5.5 s" in process.stdout
    assert gone(int(pid.read_text(encoding="utf-8")))


@pytest.mark.slow
def test_loops_that_hang_at_a_size_see_a_sample_of_it(tree, planted, tmp_path):
    there = str(tmp_path / "there")
    once = f"len(scores) == 1000 and not os.path.exists({there!r})"
    planted({once: f"open({there!r}, 'w'); {HANG}"}, "IN_LOOPS")
    arguments = ["softmax", "--size", "M", "--tier", "loop,numpy", "--budget", "0.1"]
    process, folder = run(tree, tmp_path / "results", *arguments)
    assert process.returncode == 0, process.stdout
    frame = by_cell(folder)
    assert frame.loc["softmax loop M", "status"] == "skipped"
    assert frame.loc["softmax loop M", "message"].startswith("timed out after 6.0 s")
    assert frame.loc["softmax numpy M", ["status", "checked"]].tolist() == ["ok", "sample"]


def test_a_limit_has_room_for_what_is_called_and_for_compiling():
    assert watchdog.limit_s(2.0, preparing=False) == 25.0
    assert watchdog.limit_s(2.0, preparing=True) == 325.0
    assert watchdog.limit_s(1e-7, preparing=False) >= 5.0


COMPILES = """
import sys, time
from pathlib import Path
import numba
from bench.model import Cell
from bench.workers import watchdog
from bench.workers.watchdog import Step

watchdog.GRACE_S = 0.5
watchdog.start(Path(sys.argv[1]), 0.0, {})
watchdog.take(Step(Cell("p", "numba", "S", "float64", 1)))

@numba.extending.overload(len)
def slow(x):
    if isinstance(x, numba.types.Float):
        time.sleep(1.5)
        return lambda x: 1

@numba.njit
def inner(x):
    return len(x)

@numba.njit
def outer(x):
    return inner(x)

outer(1.0)
print("compiled", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_compiling_has_its_own_time_and_calling_its_own_again(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", COMPILES, tmp_path],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert process.stdout == "compiled\n", process.stderr
    assert process.returncode == 1
    found = diagnosis.diagnose(tmp_path, tmp_path / "no log", 1)
    assert found.step == Step(Cell("p", "numba", "S", "float64", 1))
    assert found.message.startswith("timed out after 500 ms")


# --- signals


TWO_WORKERS = 2 * PASSES_PER_WORKER
LONG = ["svm_loss", "--size", "lecture", "--tier", "loop,numpy"]


@contextmanager
def under_way(tmp_path, *arguments, until="*/pass-1.json", tree=None):
    """A run that is in the middle of something, and the processes that it started."""
    output = tmp_path / "results"
    process = started("run", *arguments, "--output", output, **({"root": tree} if tree else {}))
    try:
        wait_for(lambda: list(output.glob(until)))
        yield process, only_folder(output)
    finally:
        process.kill()
        process.communicate()


def children_of(process):
    return wait_for(psutil.Process(process.pid).children)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("SIGINT", 130, "interrupted. "),
        pytest.param("SIGTERM", 143, "interrupted by SIGTERM. ", marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, "interrupted by SIGHUP. ", marks=pytest.mark.slow),
    ],
)
def test_a_signal_leaves_a_run_that_can_be_read_and_resumed(tmp_path, name, code, words):
    with under_way(tmp_path, *LONG, "--passes", "200") as (process, folder):
        (child,) = children_of(process)
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
        assert gone(child.pid)
    assert process.returncode == code
    assert f"{words}Partial results were saved. Resume with: lossbench run --resume {folder}" in out
    assert err == ""
    frame = bench.load(folder)
    assert frame["tier"].tolist() == ["loop", "numpy"]
    assert frame["median_s"].notna().all()


@pytest.mark.slow
def test_a_signal_in_agreement(tree, planted, tmp_path):
    planted({AT_S: HANG})
    arguments = ["svm_loss", "softmax", "--size", "S", "--tier", "numpy"]
    with under_way(tmp_path, *arguments, until="*/cells.jsonl", tree=tree) as (process, folder):
        children = children_of(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert all(gone(child.pid) for child in children)
    assert (process.returncode, err) == (143, "")
    assert "not timed" in out
    assert bench.load(folder)["status"].tolist() == ["ok"]


def test_a_run_that_is_interrupted_at_once_can_be_resumed(tree, planted, tmp_path):
    planted({"True": HANG}, "IN_INPUTS")
    arguments = ["softmax", "--size", "S", "--tier", "loop,numpy", "--passes", "1"]
    with under_way(tmp_path, *arguments, until="*/environment.json", tree=tree) as (
        process,
        folder,
    ):
        children_of(process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Nothing was measured." in out
    assert f"interrupted. Resume with: lossbench run --resume {folder}" in out
    planted({"False": HANG}, "IN_INPUTS")
    process = lossbench("run", "--resume", folder, root=tree)
    assert process.returncode == 0, process.stdout + process.stderr
    assert bench.load(folder)["status"].tolist() == ["ok", "ok"]


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_at_once_says_no_more(tree, planted, tmp_path):
    planted({"True": HANG}, "IN_INPUTS")
    process = started("sweep", "softmax", "--output", tmp_path / "runs", root=tree)
    wait_for(lambda: [*(tmp_path / "runs").glob("*/environment.json")])
    wait_for(psutil.Process(process.pid).children)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "")
    assert "Resume with: lossbench run --resume" in out


@pytest.mark.slow
def test_a_check_that_is_interrupted_says_nothing(tree, planted, tmp_path):
    planted({AT_S: f"open({str(tmp_path / 'there')!r}, 'w'); {HANG}"})
    process = started("check", "softmax", "--size", "S", "--tier", "numpy", root=tree)
    wait_for((tmp_path / "there").exists)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "", "")


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.as_exception():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(signals.Interrupted, match="SIGTERM") as interruption:
                os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.value.exit_code == 143
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_break_ends_a_run_where_there_is_one(monkeypatch):
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR2, raising=False)
    before = signal.getsignal(signal.SIGUSR2)
    with signals.as_exception(), pytest.raises(signals.Interrupted, match="SIGUSR2"):
        os.kill(os.getpid(), signal.SIGUSR2)
    assert signal.getsignal(signal.SIGUSR2) == before


@pytest.mark.slow
@pytest.mark.parametrize("hung", [False, True])
def test_a_run_that_was_killed_leaves_no_process_and_is_resumed(tree, planted, tmp_path, hung):
    """The child notices by itself; one that hangs in C, at its limit."""
    there = tmp_path / "there"
    once = f"{TIMED} and not os.path.exists({str(there)!r})"
    planted({once: f"open({str(there)!r}, 'w'); {HANG}" if hung else "pass"})
    until = "../there" if hung else "*/pass-1.json"
    passes = 2 if hung else TWO_WORKERS
    arguments = [*CELLS, "--passes", passes, *(SHORT if hung else [])]
    with under_way(tmp_path, *arguments, until=until, tree=tree) as (process, folder):
        (child,) = children_of(process)
        process.kill()
        assert gone(child.pid)
    lines = (folder / "cells.jsonl").read_bytes()
    assert len(bench.load(folder)) == 8, "what was measured can be read"
    again = lossbench("run", "--resume", folder, root=tree)
    assert (again.returncode, again.stderr) == (0, ""), again.stdout
    whole = (folder / "cells.jsonl").read_bytes()
    assert whole.startswith(lines.rpartition(b"\n")[0]), "finished cells are not run again"
    counts = times_recorded(folder)
    assert len(counts) == sum(counts.values()) == 8 * (1 + passes)
    assert (bench.load(folder)["passes"] == passes).all()


@pytest.mark.slow
@pytest.mark.parametrize("until", ["*/environment.json", "*/pass-1.json"])
def test_a_child_that_is_killed_from_outside_costs_nothing(tmp_path, until):
    with under_way(tmp_path, *CELLS, "--passes", TWO_WORKERS, until=until) as (process, folder):
        children_of(process)[0].kill()
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), out
    assert (bench.load(folder)["passes"] == TWO_WORKERS).all()
    counts = times_recorded(folder)
    assert set(counts.values()) == {1}
    again = answered("run", "--resume", folder)
    assert again.returncode == 0
    assert "8 cells: 8 ok." in again.stdout


# --- files


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="limits of others: Linux")
def test_a_disk_that_is_full_is_one_line_and_the_run_is_resumed(tmp_path):
    """A limit on the size of files stands for it: writes fail in the same way, in part."""
    with under_way(tmp_path, *LONG, "--passes", TWO_WORKERS) as (process, folder):
        room = (folder / "cells.jsonl").stat().st_size + 300
        limit = (room, psutil.RLIM_INFINITY)
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, limit)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, ""), out
    (line,) = [line for line in out.splitlines() if "Resume with" in line]
    assert f"File too large: '{folder}/" in line
    assert bench.load(folder)["status"].tolist() == ["ok", "ok"]
    again = answered("run", "--resume", folder)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (bench.load(folder)["passes"] == TWO_WORKERS).all()


@pytest.mark.slow
def test_a_child_that_cannot_write_says_so_and_blames_no_cell(tmp_path):
    cell = Cell("svm_loss", "numpy", "lecture", "float64", 1)
    path = tmp_path / "file" / "cells.jsonl"
    path.parent.write_text("", encoding="utf-8")
    details = {"path": str(path), "passes": [1], "taken": str(tmp_path), "backwards": False}
    work = Job([cell], Options(), details)
    for worker, file in ((passes.JUDGE, path.with_name("texts.jsonl")), (passes.SPEED_TEST, path)):
        (ending,) = job.run(worker, [work])
        assert ending.exit_code == watchdog.CANNOT_WRITE
        assert (ending.step, ending.message) == (None, f"[Errno 20] Not a directory: '{file}'")


@pytest.mark.slow
def test_a_folder_that_is_gone_is_one_line(tmp_path):
    with under_way(tmp_path, *LONG, "--passes", "200") as (process, folder):
        folder.rename(tmp_path / "elsewhere")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")
    (line,) = [line for line in out.splitlines() if "Resume with" in line]
    assert "No such file or directory" in line
    assert bench.load(tmp_path / "elsewhere")["tier"].tolist() == ["loop", "numpy"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a finished run."""
    output = tmp_path_factory.mktemp("whole")
    assert answered("run", *LONG, "--passes", "1", "--output", output).returncode == 0
    return only_folder(output)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("environment.json", '{"run_id": "a", "opt', "is not a run that can be resumed"),
        ("environment.json", "\x00\xff", "is not a run that can be resumed"),
        ("cells.jsonl", '{"colour": "red"}\n', "cells.jsonl, line 1: not a record of a cell"),
        ("cells.jsonl", "\x00\xff\n", "cells.jsonl, line 1: not a record of a cell"),
    ],
)
def test_a_foreign_file_is_a_line_and_exit_code_2(whole, tmp_path, name, text, words):
    folder = tmp_path / whole.name
    shutil.copytree(whole, folder)
    (folder / name).write_bytes(text.encode("latin-1"))
    process = answered("run", "--resume", folder)
    assert (process.returncode, process.stdout) == (2, "")
    assert words in " ".join(process.stderr.replace("│", " ").split())
    assert "Traceback" not in process.stderr
    assert (folder / name).read_bytes() == text.encode("latin-1"), "it is left as it was"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    resource = pytest.importorskip("resource", reason="it limits files, and is POSIX's")
    path = tmp_path / "file"
    files.write_atomic(path, "first\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.write_atomic(path, "second\n" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text(encoding="utf-8") == "first\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_that_cannot_be_written_names_its_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    record = records.Record(0, Verdict(Cell("p", "loop", "S", "float64", 1), "ok"))
    with pytest.raises(NotADirectoryError, match=r"Not a directory: '.*/file/cells\.jsonl'"):
        records.append(tmp_path / "file" / "cells.jsonl", record)


def test_the_exit_codes_are_in_the_help():
    text = " ".join(answered("run", "--help").stdout.split())
    for words in ("1 one disagrees or failed", "3 the run broke off", "130 Ctrl-C", "143 SIGTERM"):
        assert words in text


def test_the_last_step_is_the_last_whole_line(tmp_path):
    program = (
        "import sys; from pathlib import Path; from bench.workers import watchdog; "
        "from bench.model import Cell; watchdog.start(Path(sys.argv[1]), 1.0, {}); "
        "[watchdog.take(watchdog.Step(Cell('p', 'loop', size, 'float64', 1))) for size in 'SM']"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
    assert watchdog.last(tmp_path) == Step(Cell("p", "loop", "M", "float64", 1))
    with (tmp_path / watchdog.STEPS).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"problem": "torn"})[:-5])
    assert watchdog.last(tmp_path) == Step(Cell("p", "loop", "M", "float64", 1))
