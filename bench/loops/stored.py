"""Keep the explanations of a run's kernels in its folder, for its page."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common import files
from bench.loops.findings import Explanation, Finding, Loop
from bench.model import Cell

LOOPS = "loops.jsonl"


def store(folder: Path, cell: Cell, found: Explanation) -> None:
    """Add the explanation of a cell's kernel to a run's folder."""
    identity = {"problem": cell.problem, "tier": cell.tier}
    files.append_json(folder / LOOPS, identity | {"explanation": asdict(found)})


def load(folder: Path) -> dict[tuple[str, str], Explanation]:
    """Return a run's explanations by problem and tier; most runs have none.

    Raises
    ------
    ValueError
        A line is no explanation; the message has its number.
    """
    return dict(files.read_json_lines(folder / LOOPS, "an explanation", _of_values))


def _of_values(values: Mapping[str, Any]) -> tuple[tuple[str, str], Explanation]:
    its = dict(values["explanation"])
    loops = tuple(
        Loop(**{**loop, "findings": tuple(Finding(**one) for one in loop["findings"])})
        for loop in its["loops"]
    )
    lists = {"loops": loops, "notes": tuple(its["notes"]), "strided": tuple(its["strided"])}
    return (values["problem"], values["tier"]), Explanation(**{**its, **lists})
