"""What a terminal shows: the table of a run, agreement, problems, texts, trainings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bench.common.format import duration
from bench.model import PEERS, Problem, Size, Verdict, is_whole
from bench.problems.texts import Text as SourceText
from bench.report.words import (
    STYLES,
    cell_words,
    counts,
    heading,
    remarks,
    special_values,
    split_by_tiers,
    tier_columns,
    with_fastest,
)

if TYPE_CHECKING:
    from bench.problems.digits import Trained
    from bench.problems.training import Training

PLAIN_WIDTH = 100
# Wider than any table.
UNBOUNDED = 10_000
# Of a training, the loss of about so many epochs is shown.
EPOCHS_SHOWN = 10


def console() -> Console:
    """Return a console on standard output, 100 characters wide if that is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def run_table(frame: pd.DataFrame) -> RenderableType:
    """Return the table of a run: one row per problem and size, one column per tier."""
    if frame.empty:
        return Text("Nothing was measured.")
    grids = _grids(with_fastest(frame), "median of a call", cell_words)
    return Group(*grids, Text(), *remarks(frame), counts(frame))


def agreement_report(verdicts: Sequence[Verdict]) -> RenderableType:
    """Return the verdict on each cell; of one that is ok, its largest error."""
    frame = pd.DataFrame([{**asdict(one.cell), **vars(one)} for one in verdicts])
    unlike = [
        Text(f"{one.status}: {one.cell.id}: {one.message}", STYLES[one.status])
        for one in verdicts
        if one.status != "ok"
    ]
    grids = _grids(frame, "largest absolute error", _judged)
    return Group(*grids, Text(), *special_values(frame), *unlike, counts(frame))


def problem_list(problems: Sequence[Problem], sizes: Mapping[str, Size] | None) -> RenderableType:
    """Return the problems with their tiers and sizes, and the numbers of each size.

    Parameters
    ----------
    problems : sequence of Problem
    sizes : mapping of size name to its numbers, optional
        Those that the problems share. Without it, each problem's sizes are shown.
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
    """Return the texts of a problem one after the other, below what they compute."""
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
    """Return one row per size, with its numbers; the headings are their words, or their keys."""
    keys = list(words) or list(dict.fromkeys(key for size in sizes.values() for key in size))
    grid = Table(title, box=box.SIMPLE_HEAD, show_edge=False)
    for key in keys:
        grid.add_column(words.get(key, key), justify="right")
    for name, numbers in sizes.items():
        grid.add_row(name, *(_in_words(numbers.get(key, "")) for key in keys))
    return grid


def _in_words(number: Any) -> str:
    return f"{number:,}" if is_whole(number) else str(number)


def _grids(
    frame: pd.DataFrame, shown: str, cell_text: Callable[[Any], Text]
) -> Iterator[RenderableType]:
    """Yield one grid for each set of tiers, with an empty line between them."""
    for number, part in enumerate(split_by_tiers(frame)):
        if number:
            yield Text()
        yield _Grid(part, shown, cell_text)


@dataclass(frozen=True)
class _Grid:
    """One row per problem, size and dtype; one column per tier and thread count.

    If all columns are wider than the console, they are shown as several tables: none is cut.
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


def _judged(cell: Any) -> Text:
    if cell.status != "ok":
        return Text(cell.status, STYLES[cell.status])
    error = f"{cell.max_abs_error:.1e}" if cell.max_abs_error else "0"
    text = Text("ok" if cell.tier == "loop" else f"ok {error}")
    return text.append("\nof a sample", "dim") if cell.checked == "sample" else text


def digits_report(found: "Sequence[Trained]") -> RenderableType:
    """Return the table of each loss, with the agreement and the accuracy below."""
    parts: list[RenderableType] = []
    for one in found:
        title = Text(f"{one.loss} loss", "bold")
        parts += [title, training_table(one.trainings), *_digits_lines(one), Text()]
    return Group(*parts[:-1])


def _digits_lines(one: "Trained") -> Iterator[Text]:
    yield Text(f"The curves differ by at most {one.spread:.0e}.")
    right, of_peer = (f"{100.0 * share:.1f} %" for share in (one.accuracy, one.peer_accuracy))
    yield Text(f"Accuracy on the test digits: {right}; LogisticRegression: {of_peer}.")


def training_table(trainings: "Sequence[Training]") -> Table:
    """Return the loss at each epoch, one column per tier, with the seconds below.

    A tier that trained for fewer epochs than the others says so in its heading.
    """
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, show_footer=True)
    grid.add_column("loss at epoch", "trained in\ncompiled in", justify="right")
    longest = max(len(training.losses) for training in trainings)
    for training in trainings:
        compiled = duration(training.compile_s) if training.compile_s else "-"
        epochs = len(training.losses)
        few = f"\n{epochs} epochs" if epochs < longest else ""
        footer = f"{duration(training.seconds)}\n{compiled}"
        grid.add_column(training.tier + few, footer, justify="right")
    for epoch in range(0, longest, max(1, longest // EPOCHS_SHOWN)):
        grid.add_row(str(epoch), *(_loss_at(epoch, training) for training in trainings))
    return grid


def _loss_at(epoch: int, training: "Training") -> str:
    return _loss(training.losses[epoch]) if epoch < len(training.losses) else ""


def _loss(value: float) -> str:
    if value >= 1e-4:
        return f"{value:.4f}"
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
