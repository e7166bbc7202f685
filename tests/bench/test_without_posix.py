"""The command without what Windows lacks: simulated, from `list` to a run that is killed."""

import ctypes
import os
import signal
from contextlib import contextmanager

import pytest
from commands import ROOT, gone, lossbench, only_folder, run_python, started, wait_for

import bench
from bench.workers import windows_job

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="takes away what only POSIX systems have"
)
SIMULATED = os.pathsep.join([str(ROOT), str(ROOT / "tests/support/without_posix")])
WITHOUT = {"PYTHONPATH": SIMULATED}
# What its kernel starts is in a group of its own: Ctrl-Break does not reach it.
FILE = """
import subprocess, sys, time
from pathlib import Path
def loop(x):
    return sum(value * value for value in x)
def vectorized(x):
    if "pytest" in sys.modules and not Path("pid").exists():
        sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        started = subprocess.Popen(sleep, creationflags=group)
        Path("starting").write_text(str(started.pid), encoding="utf-8")
        Path("starting").rename("pid")
        time.sleep(20)
    return x @ x
SIZES = {"S": {"n": 3}}
def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
"""


def answer(*arguments, cwd=ROOT):
    """What the command prints if it ends well."""
    process = lossbench(*arguments, cwd=cwd, variables=WITHOUT)
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    return process.stdout


def test_what_is_taken_away():
    code = """
        import os, signal, subprocess, sys
        import bench.workers.lifeline
        for name in ("fcntl", "resource"):
            try:
                __import__(name)
            except ImportError:
                print(name)
        print([name for name in ("killpg", "getpgrp", "sched_getaffinity") if hasattr(os, name)])
        print([name for name in ("SIGKILL", "SIGHUP") if hasattr(signal, name)])
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            child.send_signal(signal.SIGINT)
        except ValueError as error:
            print(error)
        child.communicate()
    """
    done = run_python(code, **WITHOUT)
    words = ["fcntl", "resource", "[]", "[]", "Unsupported signal: 2"]
    assert done.stdout.splitlines() == words, done.stderr


def test_list_and_check():
    assert "svm_loss" in answer("list")
    arguments = ["svm_loss", "softmax", "--size", "lecture", "--tier", "loop,numpy"]
    assert "4 cells: 4 ok." in answer("check", *arguments)


@contextmanager
def under_way(folder):
    """A run whose kernel has started a process and waits; that process, and the run's folder."""
    (folder / "squares.py").write_text(FILE, encoding="utf-8")
    arguments = ["run", "--problem", "squares.py", "--passes", "2"]
    process = started(*arguments, cwd=folder, variables=WITHOUT)
    try:
        wait_for((folder / "pid").exists)
        yield process, int((folder / "pid").read_text(encoding="utf-8"))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_run_that_is_interrupted_is_resumed_reported_and_compared(tmp_path):
    with under_way(tmp_path) as (process, started_by_kernel):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert gone(started_by_kernel)
    assert (process.returncode, err) == (130, "")
    assert "interrupted. Partial results were saved." in out
    assert "2 cells: 2 ok." in answer("run", "--resume", "latest", cwd=tmp_path)
    assert (bench.load(only_folder(tmp_path / "results"))["passes"] == 2).all()
    assert "Written to" in answer("report", "latest", cwd=tmp_path)
    assert "ratio of all cells is 1.00" in answer("compare", "latest", "latest", cwd=tmp_path)


@pytest.mark.slow
def test_a_run_that_is_killed_takes_what_its_kernels_started_along(tmp_path):
    with under_way(tmp_path) as (process, started_by_kernel):
        process.kill()
        assert gone(started_by_kernel)


def test_the_limits_of_a_job_are_laid_out_as_windows_reads_them():
    """Its documentation: 144 bytes, with the flags behind two times."""
    assert ctypes.sizeof(windows_job.ExtendedLimits) == 144
    assert windows_job.ExtendedLimits.flags.offset == 16
    assert windows_job.hold(None) is None, "elsewhere there are none"
