"""Write and read cells.jsonl: one line per cell and pass, written as soon as it is measured."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.common import files
from bench.measurement.conditions import UNKNOWN, Conditions
from bench.model import STATUSES, Cell, Verdict

CELLS = "cells.jsonl"
# The pass number of agreement, in which cells are judged and nothing is timed.
AGREEMENT = 0


@dataclass(frozen=True)
class Record:
    """One cell in one pass.

    Attributes
    ----------
    pass_number : int
        From 1; `AGREEMENT` for agreement.
    verdict : Verdict
        Normally the same in every pass: agreement is checked once per run.
    iterations : int
        Calls per round; 0 if nothing was timed.
    times : tuple of float
        Seconds per call, one for each round, in order.
    conditions : Conditions
        Of the machine during the pass.
    """

    pass_number: int
    verdict: Verdict
    iterations: int = 0
    times: tuple[float, ...] = ()
    conditions: Conditions = UNKNOWN


def append(path: Path, record: Record) -> None:
    """Append a record to the file, unbuffered.

    Raises
    ------
    OSError
        The record cannot be written.
    """
    files.append_json(path, _to_values(record))


def read(path: Path) -> list[Record]:
    """Return the records of a file, without an incomplete last line.

    Raises
    ------
    ValueError
        A line is not a record; the message has its number.
    """
    return files.read_json_lines(path, "a record of a cell", _from_values)


def verdicts(records: Iterable[Record]) -> dict[Cell, Verdict]:
    """Return the last verdict on each cell."""
    return {record.verdict.cell: record.verdict for record in records}


def _to_values(record: Record) -> dict[str, Any]:
    verdict = asdict(record.verdict)
    values = {"pass": record.pass_number, **verdict.pop("cell"), **verdict}
    # JSON has no infinity: an infinite error is null here, and in the message
    finite = {key: None if _infinite(value) else value for key, value in values.items()}
    timing = {"iterations": record.iterations, "times": record.times}
    return finite | timing | asdict(record.conditions)


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _from_values(values: dict[str, Any]) -> Record:
    # Lines of older runs lack some values, which have defaults, and have the clock's frequency.
    values.pop("mhz", None)
    cell = Cell(**_pop(values, Cell.__annotations__))
    conditions = Conditions(**_pop(values, Conditions.__annotations__))
    pass_number, iterations = int(values.pop("pass")), int(values.pop("iterations"))
    times = tuple(float(seconds) for seconds in values.pop("times"))
    verdict = Verdict(cell, **values)
    _check_types(verdict)
    return Record(pass_number, verdict, iterations, times, conditions)


def _pop(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.pop(name) for name in names if name in values}


def _check_types(verdict: Verdict) -> None:
    """Raise a ValueError if a value that was read is not of the type that is written."""
    cell = verdict.cell
    words = (cell.problem, cell.tier, cell.size, cell.dtype, verdict.message, verdict.checked)
    numbers = (
        *(verdict.max_abs_error, verdict.max_rel_error),
        *(verdict.seconds, verdict.estimated_s, verdict.uncached_s),
    )
    if verdict.status not in STATUSES:
        raise ValueError(f"status {verdict.status!r}")
    if type(cell.threads) is not int or not all(isinstance(word, str) for word in words):
        raise ValueError(f"identity {cell}")
    if not all(number is None or isinstance(number, int | float) for number in numbers):
        raise ValueError("a figure that is not a number")
    if type(verdict.waits) is not bool:
        raise ValueError(f"waits {verdict.waits!r}")
