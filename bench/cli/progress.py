"""Progress in the terminal: a bar and the table so far, in place; elsewhere one line per pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.measurement.passes import Progress

    Watch = Callable[[Progress], None]
    Show = Callable[[Callable[[], RenderableType]], None]


@contextmanager
def status(out: "Console") -> Iterator[Callable[[str], None]]:
    """Say what is being done, in a line that is replaced; nothing outside of a terminal."""
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status("") as line:
        yield lambda words: line.update(words)


@contextmanager
def pass_progress(out: "Console", passes: int) -> "Iterator[tuple[Watch, Show]]":
    """Show how far a run is, and its table so far: functions that update them.

    In a terminal, a bar with the time left, and the table below it, in place; elsewhere one line
    per pass, and no table.
    """
    if not out.is_terminal:
        yield _line_per_pass(out, passes), lambda _: None
        return
    from rich import progress
    from rich.console import Group
    from rich.live import Live

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
        speed_estimate_period=60,
    )
    task = bar.add_task("", total=None)
    # Twice a second is enough to look at, and takes little from what is being timed.
    with Live(bar, console=out, refresh_per_second=2, transient=True) as live:

        def watch(now: "Progress") -> None:
            words = _stage(now.pass_number, passes)
            bar.update(task, description=words, completed=now.done, total=now.total)

        yield watch, lambda table: live.update(Group(bar, table()))


def _line_per_pass(out: "Console", passes: int) -> "Watch":
    said: set[int] = set()

    def watch(now: "Progress") -> None:
        if now.pass_number not in said:
            said.add(now.pass_number)
            out.print(f"{_stage(now.pass_number, passes)}: {now.done} of {now.total} cells done")

    return watch


def _stage(pass_number: int, passes: int) -> str:
    return f"pass {pass_number} of {passes}" if pass_number else "agreement"
