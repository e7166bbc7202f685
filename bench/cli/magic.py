"""`%%lossbench` in a notebook: check and time the versions that a cell defines."""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.cli.options import RESULTS
from bench.common.choices import words_of
from bench.measurement.run_folder import MEASUREMENTS
from bench.problems.user_file_checks import TIER_OF_FUNCTION
from bench.report.notebook import Results, load
from bench.workers import processes


def lossbench(line: str, cell: str) -> Results | None:
    """Run a cell as a problem file: `%%lossbench [options of lossbench run]`.

    The cell is a file of its own: it imports what it needs. If it has no `make_inputs`, the line
    gives the sizes, and the inputs are guessed as by `lossbench adopt`:
    `%%lossbench --size n=100,10000 --call "loop(rng.random(n), 3)"`.

    Parameters
    ----------
    line : str
        The options.
    cell : str
        Defines `loop`, `vectorized`, `jit` and what else a problem file may have.

    Returns
    -------
    Results
        The table of the run, also of one that was interrupted; None if there is none. What went
        wrong is printed.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--output", type=Path, default=RESULTS)
    known, options = parser.parse_known_args(words_of(line))
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        file = Path(scratch) / "cell.py"
        if _is_whole(cell):
            file.write_text(cell, encoding="utf-8")
        else:
            (file.parent / "versions.py").write_text(cell, encoding="utf-8")
            adopting, options = _divided(options)
            versions = [f"versions:{name}" for name in _defined(cell) if name in TIER_OF_FUNCTION]
            if _told(["adopt", *versions, *adopting, "--file", file.name], scratch, shows=False):
                return None
        before = set(known.output.glob(f"*/{MEASUREMENTS}"))
        _told(["run", "--problem", str(file), "--output", str(known.output), *options])
    new = set(known.output.glob(f"*/{MEASUREMENTS}")) - before
    return load(new.pop()) if new else None


def _is_whole(cell: str) -> bool:
    """Return whether a cell says all that a problem file must, or is no Python, as its run says."""
    try:
        return "make_inputs" in _defined(cell)
    except SyntaxError:
        return True


def _defined(cell: str) -> list[str]:
    """Return the names that a cell gives to functions."""
    found = ast.parse(cell).body
    names = [[one.name] for one in found if isinstance(one, ast.FunctionDef)]
    targets = [one.targets for one in found if isinstance(one, ast.Assign)]
    names += [[one.id for one in some if isinstance(one, ast.Name)] for some in targets]
    return [name for some in names for name in some]


def _divided(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options of `adopt`, and those of `run`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--size", action="append", default=[])
    parser.add_argument("--call", action="append", default=[])
    found, others = parser.parse_known_args(options)
    sizes = [f"--size={size}" for size in found.size]
    return [*sizes, *(f"--call={call}" for call in found.call)], others


def _told(arguments: Sequence[str], folder: str | None = None, *, shows: bool = True) -> int:
    """Run the command; print its progress, and all that it says if it fails; return its code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        creationflags=processes.NEW_GROUP,
    )
    lines: list[str] = []
    with process:
        try:
            _print_until_a_table(process, lines, shows)
        except KeyboardInterrupt:
            processes.interrupt(process)
            _print_until_a_table(process, lines, shows)
    if process.returncode:
        table = lines.index("\n") if "\n" in lines else len(lines)
        print(*lines[table if shows else 0 :], sep="", end="")
    return process.returncode


def _print_until_a_table(process: "subprocess.Popen[str]", lines: list[str], shows: bool) -> None:
    """Read what a command says, and print it up to its table, which the notebook shows."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if shows and "\n" not in lines:
            print(line, end="")
