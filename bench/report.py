"""The table as people read it in a terminal, and as plain text with the same words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bench.model import (
    BASELINES,
    PEERS,
    STATUSES,
    TIERS,
    WRONG,
    Problem,
    Size,
    Verdict,
    in_order,
    is_threaded,
)
from bench.ratios import Standing, standing
from bench.texts import Text as SourceText
from bench.units import digits, duration

PLAIN_WIDTH = 100
# Wider than any table.
UNBOUNDED = 10_000
TIMES = "\N{MULTIPLICATION SIGN}"
NOISY = "!"
UNCLEAR = "?"
_STYLE = {status: "bold red" if status in WRONG else "dim" for status in STATUSES}


def console() -> Console:
    """Return a console on standard output; what does not go to a terminal is 100 wide."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def report(frame: pd.DataFrame) -> RenderableType:
    """Return the table of a run: a block a problem, a line a size, a column a tier."""
    if frame.empty:
        return Text("Nothing was measured.")
    grids = _grids(with_fastest(frame), "median of a call", cell_words)
    return Group(*grids, Text(), *remarks(frame), counts(frame))


def with_fastest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``fastest``: of its problem, size and dtype."""
    groups = frame.groupby(["problem", "size", "dtype"], observed=True)
    return frame.assign(fastest=frame["median_s"] == groups["median_s"].transform("min"))


def agreement_report(verdicts: Sequence[Verdict]) -> RenderableType:
    """Return what was found about each cell: the largest error of one that is ok."""
    frame = pd.DataFrame([{**asdict(one.cell), **vars(one)} for one in verdicts])
    unlike = [
        Text(f"{one.status}: {one.cell.id}: {one.message}", _STYLE[one.status])
        for one in verdicts
        if one.status != "ok"
    ]
    grids = _grids(frame, "largest absolute error", _judged)
    return Group(*grids, Text(), *_special_values(frame), *unlike, counts(frame))


def problem_list(problems: Sequence[Problem], sizes: Mapping[str, Size] | None) -> RenderableType:
    """Return the problems with their tiers and sizes, and what the sizes are.

    Parameters
    ----------
    problems : sequence of Problem
    sizes : mapping of size name to its numbers, optional
        Where the problems share them; without, each problem's own are shown.
    """
    grid = Table("problem", "tiers", "sizes", box=box.SIMPLE_HEAD, show_edge=False)
    for one in problems:
        ours = " ".join(tier for tier in one.tiers if tier not in PEERS)
        peers = " ".join(tier for tier in one.tiers if tier in PEERS)
        tiers = f"{ours}\npeers: {peers}" if peers else ours
        grid.add_row(one.name, tiers, " ".join(one.sizes))
    if sizes is not None:
        words = {"n": "N samples", "c": "C classes", "d": "D features"}
        return Group(grid, Text(), _size_list("size", sizes, words))
    tables = (_size_list(f"size of {one.name}", one.sizes, {}) for one in problems)
    return Group(grid, *(part for table in tables for part in (Text(), table)))


def texts_report(texts: Sequence[SourceText], summary: str, *, colours: bool) -> RenderableType:
    """Return the texts of a problem one after the other, under what they compute."""
    parts: list[RenderableType] = [Text(summary, "italic")] if summary else []
    for one in texts:
        parts += [Text(), Text(one.tier, "bold").append(f"  {one.place}", "not bold dim")]
        parts.append(
            Syntax(one.source, "python", theme="ansi_dark", background_color="default")
            if colours
            else Text(one.source)
        )
    return Group(*parts)


def _size_list(title: str, sizes: Mapping[str, Size], words: Mapping[str, str]) -> Table:
    """Return a line a size; its numbers under their words, or where there are none, their keys."""
    keys = list(words) or list(dict.fromkeys(key for size in sizes.values() for key in size))
    grid = Table(title, box=box.SIMPLE_HEAD, show_edge=False)
    for key in keys:
        grid.add_column(words.get(key, key), justify="right")
    for name, numbers in sizes.items():
        grid.add_row(name, *(f"{numbers[key]:,}" if key in numbers else "" for key in keys))
    return grid


def _grids(
    frame: pd.DataFrame, shown: str, cell_text: Callable[[Any], Text]
) -> Iterator[RenderableType]:
    """Yield a grid for each set of tiers, with a line between them."""
    for number, part in enumerate(apart(frame)):
        if number:
            yield Text()
        yield _Grid(part, shown, cell_text)


def apart(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the problems of the usual tiers, then each that has others: theirs are its columns."""
    unusual = frame.loc[~frame["tier"].astype(str).isin([*TIERS, *PEERS]), "problem"]
    special = frame["problem"].isin(unusual.unique())
    if not special.all():
        yield frame[~special]
    for _, of_problem in frame[special].groupby("problem", sort=False, observed=True):
        yield of_problem


@dataclass(frozen=True)
class _Grid:
    """A block a problem, a line a size and dtype, a column a tier and thread count.

    Shown as several tables where one with all columns is wider than the console: none is cut.
    """

    frame: pd.DataFrame
    shown: str
    cell_text: Callable[[Any], Text]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = tier_columns(self.frame)
        unbounded = options.update_width(UNBOUNDED)
        for count in range(1, len(columns) + 1):
            ends = [i * len(columns) // count for i in range(count + 1)]
            tables = [self._table(columns[start:end]) for start, end in pairwise(ends)]
            widths = (Measurement.get(console, unbounded, table).maximum for table in tables)
            if max(widths) <= options.max_width:
                break
        for number, table in enumerate(tables):
            if number:
                yield Text()
            yield table

    def _table(self, columns: Sequence[tuple[str, int]]) -> Table:
        frame = self.frame
        grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        grid.add_column(self.shown, no_wrap=True)
        for tier, threads in columns:
            words = heading(tier, threads).replace("-", "-\n")  # a time is no wider than a part
            grid.add_column(words, justify="right", no_wrap=True)
        several_dtypes = frame["dtype"].nunique() > 1
        for name, of_problem in frame.groupby("problem", sort=False, observed=True):
            grid.add_row(Text(str(name), "bold"))
            for (size, dtype), row in of_problem.groupby(
                ["size", "dtype"], sort=False, observed=True
            ):
                label = f"  {size} {dtype}" if several_dtypes else f"  {size}"
                rows: list[Any] = list(row.itertuples())
                cells = {(str(cell.tier), int(cell.threads)): cell for cell in rows}
                texts = (self.cell_text(cells[key]) if key in cells else Text() for key in columns)
                grid.add_row(Text(label), *texts)
            grid.add_section()
        return grid


def tier_columns(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the tiers of a table, with their thread counts, in the order they are shown in."""
    tiers, threads = frame["tier"].astype(str), frame["threads"].astype(int)
    pairs = set(zip(tiers.tolist(), threads.tolist(), strict=True))
    order = in_order(tiers)
    return sorted(pairs, key=lambda pair: (order.index(pair[0]), pair[1]))


def heading(tier: str, threads: int) -> str:
    """Return a tier's name, with its thread count where it has one, on a line of its own."""
    if not is_threaded(tier):
        return tier
    return f"{tier}\n{threads} thread{'s' if threads > 1 else ''}"


def cell_words(cell: Any) -> Text:
    """Return the median over the speed-ups, or the status, of a row of `with_fastest`."""
    if cell.status != "ok":
        estimate = "" if pd.isna(cell.estimated_s) else f"\n~ {duration(cell.estimated_s, 2)}"
        return Text(f"{cell.status}{estimate}", _STYLE[cell.status])
    if pd.isna(cell.median_s):
        return Text("not timed", "dim")  # the run was broken off before
    mark = f" {NOISY}" if cell.noise else ""
    text = Text(duration(cell.median_s) + mark, "bold green" if cell.fastest else "")
    for other in compared_with(cell):
        text.append(f"\n{speedup_words(cell, other)} {other}", "not bold default dim")
    return text


def compared_with(cell: Any) -> list[str]:
    """Return the tiers that a cell has a speed-up over that is worth showing."""
    before = BASELINES[: BASELINES.index(cell.tier)] if cell.tier in BASELINES else BASELINES
    return [other for other in before if not pd.isna(getattr(cell, f"speedup_vs_{other}"))]


def _standing(cell: Any, other: str) -> Standing:
    low, high = (getattr(cell, f"speedup_vs_{other}_{end}") for end in ("low", "high"))
    return standing(low, high, cell.noise_floor)


def speedup_words(cell: Any, other: str) -> str:
    """Return a speed-up as far as its interval allows."""
    found = _standing(cell, other)
    if found == "tie":
        return "tie"
    speedup = getattr(cell, f"speedup_vs_{other}")
    factor = digits(speedup, 3 if speedup >= 1.0 else 2)
    return f"{factor}{TIMES}{UNCLEAR if found == 'unclear' else ''}"


def _judged(cell: Any) -> Text:
    if cell.status != "ok":
        return Text(cell.status, _STYLE[cell.status])
    error = f"{cell.max_abs_error:.1e}" if cell.max_abs_error else "0"
    text = Text("ok" if cell.tier == "loop" else f"ok {error}")
    return text.append("\nof a sample", "dim") if cell.checked == "sample" else text


def remarks(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield what the grid has no room for: what was checked, and why cells have no time."""
    sampled = frame[(frame["status"] == "ok") & (frame["checked"] == "sample")]
    if len(sampled):
        words = (
            "Held against the oracle on a sample of the inputs, and where NumPy agreed, against it "
            "on all of them: "
        )
        yield Text(words + "; ".join(_sizes_by_problem(sampled)) + ".")
    over_budget = (frame["status"] == "skipped") & frame["estimated_s"].notna()
    if over_budget.any():
        some = "1 cell" if over_budget.sum() == 1 else f"{over_budget.sum()} cells"
        yield Text(f"skipped: {some} over the budget; a call would take about what ~ says.", "dim")
    yield from _trust(frame)
    yield from _special_values(frame)
    for status in STATUSES[1:]:
        for cell in frame[(frame["status"] == status) & ~over_budget].itertuples():
            where = f"{cell.problem} {cell.tier} {cell.size} {cell.dtype}"
            yield Text(f"{status}: {where}: {cell.message}", _STYLE[status])


def _trust(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield how far the figures are to be trusted: what is a tie, unclear, or noise."""
    floor = frame["noise_floor"].max()
    if not pd.isna(floor):
        same = f"The same code, timed twice, differed by up to {digits(100.0 * (floor - 1.0), 2)} %"
        yield Text(f"{same}: a speed-up whose interval lies within that is a tie.", "dim")
    cells: list[Any] = list(frame.itertuples())
    compared = ((cell, other) for cell in cells for other in compared_with(cell))
    if any(_standing(cell, other) == "unclear" for cell, other in compared):
        yield Text(f"{UNCLEAR}: the interval of this speed-up holds 1: it may be none.", "dim")
    noisy = frame.loc[frame["noise"] != "", "noise"]
    if len(noisy):
        kinds = noisy.str.split("; ").explode().str.partition(":")[0].value_counts()
        why = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        some = f"{len(noisy)} of {len(frame)} cells"
        words = f"{NOISY}: not to be trusted: {some} ({why}); see the column noise."
        yield Text(words, "yellow")


def _sizes_by_problem(frame: pd.DataFrame) -> Iterator[str]:
    for name, of_problem in frame.groupby("problem", sort=False, observed=True):
        yield f"{name} {', '.join(dict.fromkeys(of_problem['size'].astype(str)))}"


def _special_values(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield what peers make otherwise of NaN and infinities: a line a problem and peer."""
    noted = frame[(frame["status"] == "ok") & (frame["message"] != "")].itertuples()
    for words in dict.fromkeys(f"{cell.problem} {cell.tier}: {cell.message}" for cell in noted):
        yield Text(words, "dim")


def counts(frame: pd.DataFrame) -> Text:
    """Return how many cells ended in which status."""
    counted = frame["status"].value_counts()
    words = ", ".join(f"{counted[s]} {s}" for s in STATUSES if counted.get(s, 0))
    wrong = any(counted.get(status, 0) for status in WRONG)
    return Text(f"{len(frame)} cells: {words}.", "bold red" if wrong else "bold")
