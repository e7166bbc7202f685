"""Compile a kernel in processes of its own, and explain its loops."""

import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import files
from bench.loops.findings import Explanation, explain
from bench.model import Cell, Options
from bench.workers import job
from bench.workers.job import Job

WORKER = "bench.loops.compile_worker"


class ExplainError(RuntimeError):
    """A kernel cannot be compiled, or is not compiled by Numba; the message says why."""


def explain_cells(
    cells: Sequence[Cell], options: Options, watch: Callable[[int], None] = lambda _: None
) -> dict[Cell, Explanation | str]:
    """Explain the loops of tiers, compiled for the arguments of cells.

    Parameters
    ----------
    cells : sequence of Cell
    options : Options
        Their files.
    watch : function of int
        Called a few times per second with the number of kernels compiled.

    Returns
    -------
    dict
        For each cell its explanation; or why there is none, if it cannot be compiled or Numba
        compiles nothing for it.
    """
    found: dict[Cell, Explanation | str] = {}
    while left := [cell for cell in cells if cell not in found]:
        done = len(found)
        builds, message = _compiled(left, options, {}, partial(_watch, watch, done))
        for cell, (lined, plain) in zip(left, builds, strict=False):
            found[cell] = _explanation(lined, plain, _text_of)
        if message:  # a kernel ended its process: the next ones are compiled in a new one
            found[left[len(builds)]] = message
    return found


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
        builds, message = _compiled([], Options(), {"function": str(path)}, lambda _: None)
    found = _explanation(*builds[0], text_of) if builds else message
    if isinstance(found, str):
        raise ExplainError(found)
    return found


def _compiled(
    cells: Sequence[Cell],
    options: Options,
    details: Mapping[str, str],
    watch: Callable[[int], None],
) -> tuple[list[tuple[Any, Any]], str]:
    """Compile with lines and without, side by side; return both of each kernel, and what failed."""
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        paths = {with_lines: Path(scratch) / f"{with_lines}.jsonl" for with_lines in (True, False)}
        jobs = [
            Job(cells, options, {**details, "path": str(path), "with_lines": with_lines})
            for with_lines, path in paths.items()
        ]
        endings = job.run(WORKER, jobs, watch=lambda: watch(files.count_lines(paths[True])))
        read = (files.read_json_lines(path, "a kernel", dict) for path in paths.values())
        builds = list(zip(*read, strict=False))
    return builds, next((one.message for one in endings if one.exit_code), "")


def _explanation(
    lined: Mapping[str, Any], plain: Mapping[str, Any], text_of: Callable[[str], str]
) -> Explanation | str:
    if "failed" in lined:
        return str(lined["failed"])
    if not lined["assembly"]:
        return "Numba compiles nothing for it"
    own = dict.fromkeys(one["file"] for one in lined["functions"] if not one["is_numba"])
    return explain(lined, plain, {path: text_of(path) for path in own})


def _watch(watch: Callable[[int], None], before: int, count: int) -> None:
    watch(before + count)


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # made by `exec`, or gone
