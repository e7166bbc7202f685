"""The page of a run: one HTML file, and its pictures as files beside it."""

import base64
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.common.files import write_atomic
from bench.common.format import digits, duration
from bench.loops.findings import Explanation
from bench.measurement.machine import in_words
from bench.model import PEERS, STATUSES, WRONG, in_order, is_threaded
from bench.problems.texts import Text
from bench.report.costs import calls
from bench.report.explanation import as_html
from bench.report.pictures import pictures
from bench.report.pictures.style import Picture, inline, save
from bench.report.words import (
    NOISY,
    cell_words,
    compared_with,
    counts,
    floor_words,
    remarks,
    speedup_words,
    with_fastest,
)

PAGE = "report.html"
PICTURES = "pictures"
# Inches. A wider picture scrolls where it does not fit; others shrink.
NARROW = 4.6
POINTS_AN_INCH = 96


class Column(NamedTuple):
    """A column of the table: its key (also in the page's address), heading and meaning."""

    key: str
    heading: str
    meaning: str


IDENTITY = (
    Column("problem", "problem", "the operation"),
    Column("tier", "tier", "the way it is written"),
    Column("size", "size", "of its inputs"),
    Column("dtype", "dtype", "of its inputs"),
    Column("threads", "threads", "it may use"),
)
JUDGED = (
    Column("status", "status", "how the cell ended"),
    Column("median_s", "time", "median of a call in the quickest passes"),
    Column("speedup_vs_loop", "over loop", "speed-up over the loops, with its interval"),
    Column("speedup_vs_numpy", "over NumPy", "speed-up over NumPy, with its interval"),
    Column("speedup_vs_numba", "over Numba", "speed-up over Numba, with its interval"),
)
# Shown where the run has them.
MEASURED = (
    Column("share_of_floor", "of floor", "share of the most that this machine can do"),
    Column("compile_s", "compile", "seconds to compile, at the first call"),
    Column("load_s", "load", "seconds to load what was compiled before"),
    Column("break_even_calls_vs_numpy", "pays after", "calls until compiling has paid, over NumPy"),
    Column("break_even_calls_vs_loop", "pays after, over loop", "the same, over the loops"),
    Column(
        "temporary_bytes",
        "temporary bytes",
        "peak memory beyond arguments and result; of jitted tiers and peers to 256 KB",
    ),
)
REMARKS = (
    Column("max_abs_error", "error", "largest absolute error against the oracle"),
    Column("remark", "noise and messages", "why not to trust the time, or why there is none"),
)


@dataclass(frozen=True)
class Shown:
    """What a cell of the table shows, and its sort key; None comes last."""

    words: str
    order: float | None


def write(
    run: Path,
    frame: pd.DataFrame,
    machine: Mapping[str, Any] | None,
    stored: Sequence[Text],
    explained: Mapping[tuple[str, str], Explanation] = MappingProxyType({}),
) -> tuple[Path, ...]:
    """Write the page of a run, and its pictures into a folder beside it.

    Parameters
    ----------
    run : Path
        The folder of a run; or a CSV that a run has written, whose page is named after it.
    frame, machine, stored, explained
        As in `render`.

    Returns
    -------
    tuple of Path
        The page, then the pictures.
    """
    drawn = list(pictures(frame))
    if run.is_dir():
        page, its_pictures = run / PAGE, run / PICTURES
    else:
        page, its_pictures = run.with_suffix(".html"), run.with_name(f"{run.stem}-{PICTURES}")
    its_pictures.mkdir(exist_ok=True)
    files = [file for _, picture in drawn for file in save(picture, its_pictures)]
    write_atomic(page, render(frame, drawn, machine, stored, explained, its_pictures.name))
    return page, *files


def render(
    frame: pd.DataFrame,
    drawn: Sequence[tuple[str, Picture]],
    machine: Mapping[str, Any] | None,
    stored: Sequence[Text] = (),
    explained: Mapping[tuple[str, str], Explanation] = MappingProxyType({}),
    its_pictures: str = PICTURES,
) -> str:
    """Return the page as text.

    Parameters
    ----------
    frame : DataFrame
        A table as `bench.load` returns it.
    drawn : sequence of (section, picture)
        As `bench.report.pictures.pictures` yields them.
    machine : mapping, optional
        As `bench.measurement.machine.facts` returns it; None if unknown.
    stored : sequence of Text
        The versions that were compared; empty if unknown.
    explained : mapping of (problem, tier) to Explanation
        Of the loops of jitted versions.
    its_pictures : str
        The folder of the pictures, beside the page.
    """
    run_ids = list(dict.fromkeys(frame["run_id"]))
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for section, picture in drawn:
        sections.setdefault(section, []).append(_element(picture, its_pictures))
    text = frame.to_csv(index=False, lineterminator="\n")
    wrong = frame["status"].isin(list(WRONG)).sum()
    return _rendered(
        "page.html",
        title=f"lossbench: {', '.join(run_ids) or 'an empty run'}",
        run=", ".join(run_ids),
        counts=counts(frame).plain,
        wrong=int(wrong),
        remarks=[line.plain for line in remarks(frame)] if len(frame) else [],
        sections=sections,
        versions=_versions(with_fastest(frame), stored, explained),
        has_library=bool(frame["tier"].astype(str).str.startswith("kernels").any()),
        columns=columns(frame),
        rows=rows(frame),
        filters=_filters(frame),
        csv_name=f"{run_ids[0] if run_ids else 'empty'}.csv",
        csv=base64.b64encode(text.encode()).decode(),
        machine=_facts(machine or {}),
        floor=floor_words(frame),
        passes=_span(frame["passes"]),
    )


def html_table(frame: pd.DataFrame) -> str:
    """Return the table of the page alone, for a notebook."""
    return _rendered("table.html", columns=columns(frame), rows=rows(frame))


def _rendered(name: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("bench.report.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda asset: Markup(
        (Path(__file__).parent / asset).read_text(encoding="utf-8")
    )
    return environment.get_template(name).render(values)


def _element(picture: Picture, folder: str) -> Mapping[str, Any]:
    return {
        "title": picture.title,
        "description": picture.description,
        "svg": Markup(inline(picture)),
        "files": [f"{folder}/{picture.name}.{kind}" for kind in ("png", "svg")],
        "wide": picture.width > NARROW,
        "pixels": round(picture.width * POINTS_AN_INCH),
    }


# --- what was compared


def _versions(
    frame: pd.DataFrame,
    stored: Sequence[Text],
    explained: Mapping[tuple[str, str], Explanation],
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the versions of each problem, each with its times at each size."""
    found = []
    known = {one.problem for one in stored}
    for problem in (one for one in dict.fromkeys(frame["problem"].astype(str)) if one in known):
        of_problem = frame[frame["problem"] == problem]
        versions = [
            asdict(one)
            | {
                "reached": list(_reached(of_problem, one.tier)),
                "loops": _loops(explained.get((problem, one.tier))),
            }
            for one in stored
            if one.problem == problem
        ]
        shown = {version["tier"] for version in versions}
        tiers = [tier for tier in in_order(of_problem["tier"].astype(str)) if tier not in shown]
        versions += [
            {"tier": tier, "place": "", "source": "", "loops": None}
            | {"reached": list(_reached(of_problem, tier))}
            for tier in tiers
            if tier not in PEERS
        ]
        found.append((problem, versions))
    return found


def _loops(found: Explanation | None) -> tuple[str, Markup] | None:
    """Return a summary of what became of the loops of a version, and the whole of it."""
    if found is None:
        return None
    inner = [one for one in found.loops if one.verdict != "outer"]
    done = sum(one.verdict == "vectorised" for one in inner)
    return f"Loops: {done} of {len(inner)} vectorised", Markup(as_html(found))


def _reached(of_problem: pd.DataFrame, tier: str) -> Iterator[tuple[str, str]]:
    """Yield a tier's sizes (with dtypes, if there are several), each with time and speed-ups."""
    several = of_problem["dtype"].nunique() > 1
    for cell in of_problem[of_problem["tier"] == tier].itertuples():
        where = f"{cell.size} {cell.dtype}" if several else str(cell.size)
        if is_threaded(tier):
            where += f", {cell.threads} threads"
        yield where, cell_words(cell).plain.replace("\n", ", ")


# --- the table


def columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns that are shown; optional ones only if the run has measured them."""
    measured = [one for one in MEASURED if one.key in frame and frame[one.key].notna().any()]
    return [*IDENTITY, *JUDGED, *measured, *REMARKS]


def rows(frame: pd.DataFrame) -> list[list[Shown]]:
    """Return what each row shows, in the order of `columns`."""
    places: dict[str, Sequence[str]] = {
        "problem": list(dict.fromkeys(frame["problem"].astype(str))),
        "tier": list(in_order(frame["tier"].astype(str))),
        "size": list(dict.fromkeys(frame["size"].astype(str))),
        "dtype": list(dict.fromkeys(frame["dtype"].astype(str))),
        "status": list(STATUSES),
    }
    shown = columns(frame)
    return [
        [_shown(cell, one.key, places) for one in shown]
        for cell in with_fastest(frame).itertuples()
    ]


def _shown(cell: Any, key: str, places: Mapping[str, Sequence[str]]) -> Shown:
    if key in places:
        words = str(getattr(cell, key))
        return Shown(words, places[key].index(words))
    if key == "remark":
        sampled = "checked on a sample" if cell.checked == "sample" else ""
        parts = (cell.noise, cell.message, sampled)
        return Shown("; ".join(part for part in parts if part), None)
    if key == "median_s" and cell.status == "skipped" and not pd.isna(cell.estimated_s):
        return Shown(f"~ {duration(cell.estimated_s, 2)}", float(cell.estimated_s))
    value = getattr(cell, key)
    if key.startswith("speedup"):
        other = key.removeprefix("speedup_vs_")
        if other not in compared_with(cell):
            return Shown("", None)
        return Shown(_with_interval(cell, other), float(value))
    return _number(key, value, noisy=bool(cell.noise))


def _with_interval(cell: Any, other: str) -> str:
    words = speedup_words(cell, other)
    low, high = (getattr(cell, f"speedup_vs_{other}_{end}") for end in ("low", "high"))
    if math.isnan(low) or math.isnan(high):
        return words
    ends = (digits(end, 3 if end >= 1.0 else 2) for end in (low, high))
    return f"{words} ({' to '.join(ends)})"


def _number(key: str, value: Any, *, noisy: bool) -> Shown:
    if value is None or pd.isna(value):
        return Shown("", None)
    number = float(value)
    if key == "median_s":
        return Shown(duration(number) + (f" {NOISY}" if noisy else ""), number)
    if key == "max_abs_error":
        return Shown(f"{number:.1e}" if number else "0", number)
    if key == "share_of_floor":
        return Shown(f"{digits(100.0 * number, 2)} %", number)
    if key.endswith("_s"):
        return Shown(duration(number), number)
    if key.startswith("break_even"):
        return Shown(calls(number), number if math.isfinite(number) else sys.float_info.max)
    return Shown(f"{number:,.0f}", number)


def _filters(frame: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the columns that can be filtered, with their values."""
    choices = {
        key: list(dict.fromkeys(frame[key].astype(str)))
        for key in ("problem", "tier", "size", "dtype", "status")
    }
    choices["tier"] = list(in_order(choices["tier"]))
    return [(key, names) for key, names in choices.items() if len(names) > 1]


# --- the machine


def _facts(machine: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts about the machine, those of a group in one line."""
    lines: dict[str, list[str]] = {}
    for group, name, words in in_words(machine):
        lines.setdefault(group, []).append(words if name == group else f"{name} {words}")
    return {group: ", ".join(parts) for group, parts in lines.items()}


def _span(counts: "pd.Series[Any]") -> str:
    """Return the number of passes in which the cells were timed, as a range."""
    known = counts.dropna()
    if known.empty:
        return ""
    least, most = int(known.min()), int(known.max())
    return str(most) if least == most else f"{least} to {most}"
