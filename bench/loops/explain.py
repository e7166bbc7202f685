"""Compile a kernel in processes of its own, and explain its loops."""

import json
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.loops.findings import Explanation, explain
from bench.model import Cell, Options
from bench.workers import job
from bench.workers.job import Job

WORKER = "bench.loops.compile_worker"


class ExplainError(RuntimeError):
    """A kernel cannot be compiled, or is not compiled by Numba; the message says why."""


def explain_cell(cell: Cell, options: Options) -> Explanation:
    """Explain the loops of a tier, compiled for the arguments of a cell.

    Parameters
    ----------
    cell : Cell
    options : Options
        Its files.

    Raises
    ------
    ExplainError
        It cannot be compiled, or Numba compiles nothing for it.
    """
    return _explained([cell], options, {}, _text_of)


def explain_function(
    function: Callable[..., Any], types: Sequence[Any], text_of: Callable[[str], str]
) -> Explanation:
    """Explain the loops of a function.

    Parameters
    ----------
    function : function
        Jitted or not.
    types : sequence of Numba types
        Of its arguments.
    text_of : function of str
        Returns the source of a file; that of a notebook's cell only its own process has.

    Raises
    ------
    ExplainError
        It cannot be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        path = Path(scratch) / "function"
        path.write_bytes(pickle.dumps((function, tuple(types))))
        return _explained([], Options(), {"function": str(path)}, text_of)


def _explained(
    cells: Sequence[Cell],
    options: Options,
    details: Mapping[str, str],
    text_of: Callable[[str], str],
) -> Explanation:
    """Compile with lines and without, side by side."""
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        paths = {with_lines: Path(scratch) / f"{with_lines}.json" for with_lines in (True, False)}
        jobs = [
            Job(cells, options, {**details, "path": str(path), "with_lines": with_lines})
            for with_lines, path in paths.items()
        ]
        for ending in job.run(WORKER, jobs):
            if ending.exit_code:
                raise ExplainError(ending.message)
        lined, plain = (json.loads(path.read_text(encoding="utf-8")) for path in paths.values())
    if not lined["functions"]:
        raise ExplainError("Numba compiles nothing for it")
    files = dict.fromkeys(one["file"] for one in lined["functions"] if not one["is_numba"])
    return explain(lined, plain, {path: text_of(path) for path in files})


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # made by `exec`, or gone
