"""The lines of cells.jsonl: what one pass found about one cell, written the moment it is found.

What the lines add up to is left to `table`, which of them are still missing to `measurement`.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.common import files
from bench.measurement.conditions import UNKNOWN, Conditions
from bench.model import STATUSES, Cell, Verdict

CELLS = "cells.jsonl"
# The number of the pass in which cells are judged and nothing is timed.
AGREEMENT = 0


@dataclass(frozen=True)
class Record:
    """One cell in one pass.

    Attributes
    ----------
    pass_number : int
        From 1; `AGREEMENT` for the one before.
    verdict : Verdict
        The same in every pass: agreement is once a run.
    iterations : int
        Calls in a round; 0 where nothing was timed.
    times : tuple of float
        Seconds a call, of each round in the order of the clock.
    conditions : Conditions
        Of the machine meanwhile.
    """

    pass_number: int
    verdict: Verdict
    iterations: int = 0
    times: tuple[float, ...] = ()
    conditions: Conditions = UNKNOWN


def append(path: Path, record: Record) -> None:
    """Write a record at the end of the file, and out of this process.

    Raises
    ------
    OSError
        It cannot be written.
    """
    files.append_line(path, _to_line(record))


def read(path: Path) -> list[Record]:
    """Return the records of a file; a last line that was torn while it was written is left out.

    Raises
    ------
    ValueError
        A line that is not a record, with its number.
    """
    if not path.exists():
        return []
    whole_lines = path.read_bytes().rpartition(b"\n")[0].splitlines()
    return [_from_line(path, i, line) for i, line in enumerate(whole_lines, 1)]


def count(path: Path) -> int:
    """Return the number of records."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def verdicts(records: Iterable[Record]) -> dict[Cell, Verdict]:
    """Return what was found about each cell."""
    return {record.verdict.cell: record.verdict for record in records}


def _to_line(record: Record) -> str:
    verdict = asdict(record.verdict)
    values = {"pass": record.pass_number, **verdict.pop("cell"), **verdict}
    # JSON knows no infinity: an error that large is in the message, and null here
    finite = {key: None if _infinite(value) else value for key, value in values.items()}
    timing = {"iterations": record.iterations, "times": record.times}
    return json.dumps(finite | timing | asdict(record.conditions), allow_nan=False)


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _from_line(path: Path, number: int, line: bytes) -> Record:
    try:
        values = json.loads(line)
        # What a line of an older run does not have yet has a default.
        cell = Cell(**_taken(values, Cell.__annotations__))
        conditions = Conditions(**_taken(values, Conditions.__annotations__))
        pass_number, iterations = int(values.pop("pass")), int(values.pop("iterations"))
        times = tuple(float(seconds) for seconds in values.pop("times"))
        verdict = Verdict(cell, **values)
        _typed(verdict)
        return Record(pass_number, verdict, iterations, times, conditions)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {number}: not a record of a cell ({error!r})") from error


def _taken(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.pop(name) for name in names if name in values}


def _typed(verdict: Verdict) -> None:
    """Raise a ValueError where what was read is of another kind than what is written."""
    cell = verdict.cell
    words = (cell.problem, cell.tier, cell.size, cell.dtype, verdict.message, verdict.checked)
    numbers = (
        *(verdict.max_abs_error, verdict.max_rel_error),
        *(verdict.seconds, verdict.estimated_s),
    )
    if verdict.status not in STATUSES:
        raise ValueError(f"status {verdict.status!r}")
    if type(cell.threads) is not int or not all(isinstance(word, str) for word in words):
        raise ValueError(f"identity {cell}")
    if not all(number is None or isinstance(number, int | float) for number in numbers):
        raise ValueError("a figure that is not a number")
    if type(verdict.waits) is not bool:
        raise ValueError(f"waits {verdict.waits!r}")
