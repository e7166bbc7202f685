"""The command line, in its own process or in this one; copies of the project to be spoiled."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
from typer.testing import CliRunner

from bench.cli import app

ROOT = Path(__file__).parents[2]


def in_words(arguments):
    words = [str(argument) for argument in arguments]
    if words[:1] == ["run"] and not {"--floors", "--resume"} & set(words):
        words.append("--no-floors")  # which take longer than all the rest of a small run
    return words


def command(*arguments):
    return [sys.executable, "-W", "error", "-m", "bench", *in_words(arguments)]


def restore_sigint():
    # Whatever was started in the background of a script ignores Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


def environment(root=ROOT):
    return os.environ | {"PYTHONPATH": str(root)}


def lossbench(*arguments, root=ROOT, cwd=None, variables=None, **options):
    """Run the command; the process with its output and exit code."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=cwd or root,
        env=environment(root) | (variables or {}),
        timeout=300,
        check=False,
        **options,
    )


def answered(*arguments, cwd=ROOT):
    """Run the command in this process, which has loaded all that it needs; its workers are new."""
    with contextlib.chdir(cwd):
        result = CliRunner().invoke(app, in_words(arguments))
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def started(*arguments, root=ROOT, cwd=None, variables=None):
    """Start the command, to be sent signals."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd or root,
        env=environment(root) | (variables or {}),
        preexec_fn=restore_sigint,
    )


def wait_for(found):
    deadline = time.monotonic() + 120
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def gone(pid, within=20.0):
    """Whether a process has ended, or ends soon."""
    try:
        psutil.Process(pid).wait(within)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def run_python(code, **variables):
    """Run code that may import what tests import, in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-X", "faulthandler", "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": paths} | variables,
        text=True,
        capture_output=True,
        timeout=900,  # of compiling, where nothing is cached yet
        check=False,
    )


def only_folder(output):
    (folder,) = output.iterdir()
    return folder


def copied_tree(tmp_path):
    """The project in a folder of its own, to be spoiled."""
    tree = tmp_path / "tree"
    for package in ("bench", "kernels", "reference"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tree / package, ignore=ignored)
    return tree


def plant(tree, file, before, text):
    """Put text behind a line that a file has once."""
    path = tree / file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(before) == 1
    path.write_text(whole.replace(before, before + text), encoding="utf-8")
