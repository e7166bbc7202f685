"""Progress in the terminal: a bar or a line that is replaced; elsewhere one line per pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from bench.measurement.passes import Progress


@contextmanager
def status(out: "Console") -> Iterator[Callable[[str], None]]:
    """Say what is being done, in a line that is replaced; nothing outside of a terminal."""
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status("") as line:
        yield lambda words: line.update(words)


@contextmanager
def pass_progress(out: "Console", passes: int) -> "Iterator[Callable[[Progress], None]]":
    """Show how far a run is: in a terminal a bar with the time left, else one line per pass."""
    if not out.is_terminal:
        yield _line_per_pass(out, passes)
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    # Twice a second is enough to look at, and takes little from what is being timed.
    with progress.Progress(
        *columns, console=out, refresh_per_second=2, speed_estimate_period=60
    ) as bar:
        task = bar.add_task("", total=None)

        def watch(now: "Progress") -> None:
            words = _stage(now.pass_number, passes)
            bar.update(task, description=words, completed=now.done, total=now.total)

        yield watch


def _line_per_pass(out: "Console", passes: int) -> "Callable[[Progress], None]":
    said: set[int] = set()

    def watch(now: "Progress") -> None:
        if now.pass_number not in said:
            said.add(now.pass_number)
            out.print(f"{_stage(now.pass_number, passes)}: {now.done} of {now.total} done")

    return watch


def _stage(pass_number: int, passes: int) -> str:
    return f"pass {pass_number} of {passes}" if pass_number else "agreement"
