"""The words for results that all reports share: of a cell, a speed-up, a column, and remarks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import pandas as pd
from rich.text import Text

from bench.analysis.ratios import WIDE, Ratio, TieOrClear, tie_or_clear
from bench.common.format import digits, duration
from bench.model import (
    BASELINES,
    LEAST_PASSES,
    PEERS,
    STATUSES,
    TIERS,
    WRONG,
    in_order,
    is_threaded,
)

TIMES = "\N{MULTIPLICATION SIGN}"
NOISY = "!"
UNCERTAIN = "?"
# Why a speed-up is not to be trusted.
DOUBTS = {"unclear": "may be none", "wide": "wide interval", "unknown": "few passes"}
CHANGES = {"slower": "bold red", "faster": "bold green"}
STYLES = {status: "bold red" if status in WRONG else "dim" for status in STATUSES}


def with_fastest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``fastest``, true in one tier of each size and dtype."""
    groups = frame.groupby(["problem", "size", "dtype"], observed=True)
    return frame.assign(fastest=frame["median_s"] == groups["median_s"].transform("min"))


def split_by_tiers(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the problems that have only the usual tiers, then each problem that has others."""
    unusual = frame.loc[~frame["tier"].astype(str).isin([*TIERS, *PEERS]), "problem"]
    special = frame["problem"].isin(unusual.unique())
    if not special.all():
        yield frame[~special]
    for _, of_problem in frame[special].groupby("problem", sort=False, observed=True):
        yield of_problem


def tier_columns(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the tiers of a table, with their thread counts, in the order of the columns."""
    tiers, threads = frame["tier"].astype(str), frame["threads"].astype(int)
    pairs = set(zip(tiers.tolist(), threads.tolist(), strict=True))
    order = in_order(tiers)
    return sorted(pairs, key=lambda pair: (order.index(pair[0]), pair[1]))


def heading(tier: str, threads: int) -> str:
    """Return a tier's name; of a parallel tier, with its thread count on a second line."""
    if not is_threaded(tier):
        return tier
    return f"{tier}\n{threads} thread{'s' if threads > 1 else ''}"


def cell_words(cell: Any) -> Text:
    """Return the median with the speed-ups, or the status, of a row of `with_fastest`."""
    if cell.status != "ok":
        estimate = "" if pd.isna(cell.estimated_s) else f"\n~ {duration(cell.estimated_s, 2)}"
        return Text(f"{cell.status}{estimate}", STYLES[cell.status])
    if pd.isna(cell.median_s):
        return Text("not timed", "dim")  # the run was broken off before
    mark = f" {NOISY}" if cell.noise else ""
    text = Text(duration(cell.median_s) + mark, "bold green" if cell.fastest else "")
    for other in compared_with(cell):
        text.append(f"\n{speedup_words(cell, other)} {other}", "not bold default dim")
    return text


def compared_with(cell: Any) -> list[str]:
    """Return the tiers over which a cell's speed-up is shown."""
    before = BASELINES[: BASELINES.index(cell.tier)] if cell.tier in BASELINES else BASELINES
    return [other for other in before if not pd.isna(getattr(cell, f"speedup_vs_{other}"))]


def _standing(cell: Any, other: str) -> TieOrClear | Literal["wide"]:
    """Classify a speed-up as `tie_or_clear` does; "wide" is a clear one of unknown size."""
    value, low, high = (getattr(cell, f"speedup_vs_{other}{end}") for end in ("", "_low", "_high"))
    found = tie_or_clear(low, high, cell.noise_floor)
    return "wide" if found == "clear" and not Ratio(value, low, high).is_within(WIDE) else found


def speedup_words(cell: Any, other: str) -> str:
    """Return a speed-up in words: a factor, a tie, or a factor that is not to be trusted."""
    found = _standing(cell, other)
    if found == "tie":
        return "tie"
    speedup = getattr(cell, f"speedup_vs_{other}")
    factor = digits(speedup, 3 if speedup >= 1.0 else 2)
    return f"{factor}{TIMES}{UNCERTAIN if found in DOUBTS else ''}"


def floor_words(frame: pd.DataFrame) -> str:
    """Return by how much the same code differed, over the orders of time; empty if unknown."""
    floors = frame["noise_floor"].dropna()
    if floors.empty:
        return ""
    least, most = (digits(100.0 * (floor - 1.0), 2) for floor in (floors.min(), floors.max()))
    return f"{most} %" if least == most else f"{least} to {most} %, depending on how long it takes"


def remarks(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield the lines below the table: what was checked, and why cells have no time."""
    sampled = frame[(frame["status"] == "ok") & (frame["checked"] == "sample")]
    if len(sampled):
        words = (
            "Compared with the oracle on a sample of the inputs, and on all of them with NumPy if "
            "that agreed: "
        )
        yield Text(words + "; ".join(_sizes_by_problem(sampled)) + ".")
    over_budget = (frame["status"] == "skipped") & frame["estimated_s"].notna()
    if over_budget.any():
        some = cell_count(int(over_budget.sum()))
        yield Text(f"skipped: {some} over the budget; ~ is the predicted time of a call.", "dim")
    most = frame["passes"].max()
    if not pd.isna(most) and most < LEAST_PASSES:
        words = f"A first look: {pass_count(most)}, too few for intervals."
        words += " Take times and speed-ups as rough."
        yield Text(words, "yellow")
    fresh = frame["empty_call_s"].notna()
    if fresh.any():
        empty = duration(frame["empty_call_s"].median())
        words = f"Each call got new arguments: {cell_count(int(fresh.sum()))}; a call that does "
        yield Text(f"{words}nothing takes {empty} of their times.", "dim")
    yield from _trust(frame)
    yield from special_values(frame)
    for status in STATUSES[1:]:
        for cell in frame[(frame["status"] == status) & ~over_budget].itertuples():
            where = f"{cell.problem} {cell.tier} {cell.size} {cell.dtype}"
            yield Text(f"{status}: {where}: {cell.message}", STYLES[status])


def _trust(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield the lines about noise: what is a tie, which times and speed-ups are not trusted."""
    floor = floor_words(frame)
    if floor:
        same = f"The same code, timed twice, differed by up to {floor}"
        yield Text(f"{same}: a speed-up whose interval is within that is a tie.", "dim")
    cells: list[Any] = list(frame.itertuples())
    noisy = [cell.noise for cell in cells if cell.noise]
    if noisy:
        kinds = (reason.partition(":")[0] for noise in noisy for reason in noise.split("; "))
        some = f"{len(noisy)} of {cell_count(len(cells))} ({_counted(kinds)})"
        yield Text(f"{NOISY} at a time: too noisy to trust: {some}.", "yellow")
    found = [_standing(cell, other) for cell in cells for other in compared_with(cell)]
    doubts = [DOUBTS[one] for one in found if one in DOUBTS]
    if doubts:
        some = f"{len(doubts)} of {len(found)} ({_counted(doubts)})"
        yield Text(f"{UNCERTAIN} at a speed-up: too uncertain to trust: {some}.", "yellow")


def _counted(kinds: Iterable[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in Counter(kinds).most_common())


def _sizes_by_problem(frame: pd.DataFrame) -> Iterator[str]:
    for name, of_problem in frame.groupby("problem", sort=False, observed=True):
        yield f"{name} {', '.join(dict.fromkeys(of_problem['size'].astype(str)))}"


def special_values(frame: pd.DataFrame) -> Iterator[Text]:
    """Yield which peers treat NaN and infinities differently: one line per problem and peer."""
    noted = frame[(frame["status"] == "ok") & (frame["message"] != "")].itertuples()
    for words in dict.fromkeys(f"{cell.problem} {cell.tier}: {cell.message}" for cell in noted):
        yield Text(words, "dim")


def counts(frame: pd.DataFrame) -> Text:
    """Return the number of cells with each status."""
    counted = frame["status"].value_counts()
    words = ", ".join(f"{counted[s]} {s}" for s in STATUSES if counted.get(s, 0))
    wrong = any(counted.get(status, 0) for status in WRONG)
    return Text(f"{cell_count(len(frame))}: {words}.", "bold red" if wrong else "bold")


def each_row(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table, with its columns as attributes."""
    yield from frame.itertuples()


def cell_count(count: int) -> str:
    """Return a number of cells in words."""
    return "1 cell" if count == 1 else f"{count} cells"


def pass_count(count: int) -> str:
    """Return a number of passes in words."""
    return "1 pass" if count == 1 else f"{count} passes"
