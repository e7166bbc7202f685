"""Temporary memory: what a call needs besides its arguments and its result."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.common import files
from bench.model import Cell, Verdict

MEMORY = "memory.jsonl"
# tracemalloc sees all allocations of these tiers.
SEEN = ("loop", "numpy")
# Tracing makes loops several times slower: slower calls than this are skipped.
LONGEST_S = 0.5


def candidates(verdicts: Iterable[Verdict]) -> list[Cell]:
    """Return the cells whose memory is measured: right, fully traceable, and not too slow."""
    return [
        one.cell
        for one in verdicts
        if one.status == "ok"
        and one.cell.tier in SEEN
        and not one.cell.twin
        and (one.seconds or 0.0) <= LONGEST_S
    ]


def load(folder: Path) -> dict[Cell, int]:
    """Return the temporary bytes of the cells of a run, without an incomplete last line.

    Raises
    ------
    ValueError
        A line holds something else; the message has its number.
    """
    return dict(files.read_json_lines(folder / MEMORY, "a record of memory", _from_values))


def _from_values(values: dict[str, Any]) -> tuple[Cell, int]:
    count = int(values.pop("temporary_bytes"))
    return Cell(**values), count
