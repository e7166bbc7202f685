"""The table of a run as Markdown, CSV or JSON."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from bench.report.words import (
    cell_words,
    counts,
    heading,
    remarks,
    split_by_tiers,
    tier_columns,
    with_fastest,
)


def as_text(frame: pd.DataFrame, form: str, machine: Mapping[str, Any] | None) -> str:
    """Return a table as text that ends with a newline.

    Parameters
    ----------
    frame : DataFrame
        As `bench.load` returns it.
    form : "markdown", "csv" or "json"
        Markdown has one row per problem and size, as in a terminal. CSV and JSON have one row per
        cell with every column; JSON also has the remarks of the report and the machine.
    machine : mapping, optional
        As `bench.measurement.machine.facts` returns it.
    """
    forms: dict[str, Callable[[], str]] = {
        "markdown": lambda: "\n".join(_markdown(frame)),
        "csv": lambda: frame.to_csv(index=False, lineterminator="\n").rstrip("\n"),
        "json": lambda: json.dumps(
            _values(frame, machine), indent=2, ensure_ascii=False, allow_nan=False
        ),
    }
    return forms[form]() + "\n"


def _markdown(frame: pd.DataFrame) -> Iterator[str]:
    if frame.empty:
        yield "Nothing was measured."
        return
    for part in split_by_tiers(with_fastest(frame)):
        yield from _markdown_table(part)
        yield ""
    for line in (*remarks(frame), counts(frame)):
        yield f"- {_escaped(line.plain)}"


def _markdown_table(marked: pd.DataFrame) -> Iterator[str]:
    columns = tier_columns(marked)
    headings = (_escaped(heading(*column)).replace("\n", "<br>") for column in columns)
    yield markdown_row(["problem", "size", "dtype", *headings])
    yield f"|---|---|---|{'--:|' * len(columns)}"
    for key, rows in marked.groupby(["problem", "size", "dtype"], sort=False, observed=True):
        of_group: list[Any] = list(rows.itertuples())
        cells = {(str(cell.tier), int(cell.threads)): cell for cell in of_group}
        identity = [_escaped(str(part)) for part in key]
        shown = [_cell(cells[column]) if column in cells else "" for column in columns]
        yield markdown_row([*identity, *shown])


def _cell(cell: Any) -> str:
    first, *others = _escaped(cell_words(cell).plain).split("\n")
    return "<br>".join([f"**{first}**" if cell.fastest else first, *others])


def markdown_row(texts: Iterable[str]) -> str:
    """Return a row of a table from texts that are escaped."""
    return f"| {' | '.join(texts)} |"


def _escaped(words: str) -> str:
    for character in "\\|*_<`":
        words = words.replace(character, "\\" + character)
    return words


def _values(frame: pd.DataFrame, machine: Mapping[str, Any] | None) -> dict[str, Any]:
    known = frame.astype(object).where(frame.notna(), None)
    # JSON has no infinity (calls that never pay): it is the word that stands in the CSV
    cells = known.replace({math.inf: "inf", -math.inf: "-inf"}).to_dict(orient="records")
    words = [line.plain for line in remarks(frame)] if len(frame) else []
    return {
        "machine": dict(machine) if machine else None,
        "counts": counts(frame).plain,
        "remarks": words,
        "cells": cells,
    }
