"""The stages of a run, with what the terminal shows meanwhile, for the commands that measure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bench.cli.options import EXIT_BROKEN_OFF, EXIT_USAGE, EXIT_WRONG, usage_errors
from bench.cli.progress import pass_progress, status

# Compiling of a run that is worth a line.
LONG_COMPILING_S = 5.0

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.model import Cell, Options, Problem, Verdict


def cells_of_run(found: "Sequence[Problem]", options: "Options") -> "list[Cell]":
    """Return the cells that the options select; refuse if there are none."""
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.selection import cells_of

    refuse_without_jit()
    cells = cells_of(found, options)
    if not cells:
        raise ValueError(
            "none of the selected problems has that size and tier: see `lossbench list`"
        )
    return cells


def say_remarks(found: "Sequence[Problem]", out: "Console") -> None:
    """Print the remarks on a user's file."""
    for one in found:
        for remark in one.remarks:
            out.print(remark, soft_wrap=True)


def _say_uncached(verdicts: "Iterable[Verdict]", options: "Options", out: "Console") -> None:
    """Print which tiers each process of a run compiles anew, if that takes long."""
    from bench.common.format import duration
    from bench.measurement.schedule import workers

    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for one in verdicts:
        if one.status == "ok":
            seconds[one.cell.problem, one.cell.tier] += one.uncached_s
    count = 1 + len(workers(options))  # one judges
    for (name, tier), each in seconds.items():
        if count * each >= LONG_COMPILING_S:
            words = (
                f"{name} {tier} has no cache and compiles {duration(each, 2)} in each of "
                f"{count} processes: about {duration(count * each, 2)} of this run. With "
                "@njit(cache=True) it is compiled once."
            )
            out.print(words, soft_wrap=True)


def say_uncompared(
    found: "Sequence[Problem]", verdicts: "Iterable[Verdict]", out: "Console"
) -> bool:
    """Print the problems in which nothing was compared; return whether anything was.

    It is no fault if nothing could be, as the oracle was the only tier selected.
    """
    oracles = {one.name: one.oracle for one in found}
    judged: dict[str, list[Verdict]] = {}
    for one in verdicts:
        others = judged.setdefault(one.cell.problem, [])
        if one.cell.tier != oracles[one.cell.problem]:
            others.append(one)
    compared = {name for name, others in judged.items() if any(map(_was_compared, others))}
    names = ", ".join(name for name in judged if name not in compared)
    if names:
        out.print(f"Nothing was compared with the oracle in: {names}", soft_wrap=True)
    return bool(compared) or not any(judged.values())


def _was_compared(verdict: "Verdict") -> bool:
    return bool(verdict.checked) or verdict.status == "disagrees"


def _measure_floors(
    folder: Path, cells: "Sequence[Cell]", options: "Options", out: "Console"
) -> None:
    """Measure the limits of the machine; if that fails, the run continues without it."""
    from bench.measurement.costs.measure import FloorsError, measure_floors

    try:
        with status(out) as say:
            say("limits of the machine")
            measure_floors(folder, cells, options)
    except FloorsError as error:
        out.print(f"The limits of this machine could not be measured: {error}", soft_wrap=True)


@dataclass
class EarlyEnd:
    """Why a measurement stopped early: message and exit code."""

    code: int = 0
    words: str = ""

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Note a signal, a stage that broke off or a file that cannot be written, and go on."""
        from bench.measurement.passes import PassError
        from bench.workers import signals

        try:
            with signals.as_exception():
                yield
        except signals.Interrupted as interruption:
            self._note(interruption.exit_code, interruption.words)
        except (PassError, OSError) as error:
            self._note(EXIT_BROKEN_OFF, str(error))

    def _note(self, code: int, words: str) -> None:
        self.code = self.code or code
        self.words = f"{self.words}; {words}" if self.words else words

    def tell(self, out: "Console", command: str, *, is_saved: bool = True) -> None:
        """Say what happened and how to continue."""
        saved = "Partial results were saved. " if is_saved else ""
        words = f"{self.words}. {saved}Resume with: {command}"
        out.print(words, soft_wrap=True)


def measure(
    folder: Path,
    found: "Sequence[Problem]",
    cells: "Sequence[Cell]",
    options: "Options",
    *,
    is_scratch: bool = False,
) -> int:
    """Run the passes, write and show the table however they ended; return the exit code.

    The problem file of a scratch run does not stay: nothing is said of resuming it or caching.
    """
    from bench.analysis import csv_file
    from bench.measurement import passes, records, run_folder
    from bench.model import WRONG
    from bench.report.terminal import console, run_table
    from bench.report.words import cell_count, pass_count

    def table() -> "RenderableType":
        return run_table(csv_file.of_run(folder, cells, found))

    out, early_end = console(), EarlyEnd()
    say_remarks(found, out)
    counted = f"{cell_count(len(cells))} in {pass_count(options.passes)}"
    out.print(f"{counted}, into {folder}", soft_wrap=True)
    with early_end.caught():
        if options.costs:
            _measure_floors(folder, cells, options, out)
        with pass_progress(out, options.passes) as (watch, show):
            judged = passes.measure(
                folder,
                cells,
                options,
                watch,
                lambda: show(table),
                after_agreement=lambda verdicts: (
                    None if is_scratch else _say_uncached(verdicts, options, out)
                ),
            )
    frame = csv_file.of_run(folder, cells, found)
    written = folder / run_folder.MEASUREMENTS
    if len(frame):  # without a table, a run that was interrupted at once can be resumed
        with early_end.caught():
            csv_file.save(frame, written)
    out.print()
    out.print(run_table(frame))
    has_compared = bool(early_end.code) or say_uncompared(
        found, records.verdicts(judged).values(), out
    )
    if written.exists():
        out.print(f"Written to {written}", soft_wrap=True)
    if early_end.code and is_scratch:
        out.print(early_end.words, soft_wrap=True)
    elif early_end.code:
        early_end.tell(out, f"lossbench run --resume {folder}", is_saved=bool(len(frame)))
    elif len(frame):
        out.print(f"For a page with pictures: lossbench report {folder}", soft_wrap=True)
    if not early_end.code and set(frame["status"]) & WRONG:
        return EXIT_WRONG
    return early_end.code or (0 if has_compared else EXIT_USAGE)


def show_sweep(folder: Path, found: "Sequence[Problem]", options: "Options") -> None:
    """Show where tiers cross and how time grows, if the run is a sweep with any time."""
    from bench.model import SWEPT

    if not any(SWEPT in size for size in options.sizes):
        return
    from bench.analysis import csv_file
    from bench.analysis import sweep as sweeping
    from bench.measurement.costs import floors
    from bench.report.costs import sweep_report
    from bench.report.terminal import console

    if not csv_file.holds_run(folder):  # interrupted at once
        return
    frame = csv_file.load(folder)
    if frame["median_s"].isna().all():
        return
    (growth,) = (one.growth for one in found if one.name in options.problems)
    number, frame = sweeping.along(frame)
    crossings, growths = sweeping.crossings(frame), sweeping.growths(frame)
    stated = growth if number == "n" else None
    out = console()
    out.print()
    out.print(sweep_report(crossings, growths, stated, floors.load(folder).calls, number.upper()))


def explain_loops(folder: Path, cells: "Sequence[Cell]", options: "Options") -> None:
    """Explain the loops of the `numba` tiers, one size of each, for the page of the run."""
    from bench.loops import stored
    from bench.loops.explain import explain_cells
    from bench.report.terminal import console

    kernels = {cell.problem: cell for cell in reversed(cells) if cell.tier == "numba"}
    out, early_end = console(), EarlyEnd()
    with early_end.caught(), status(out) as say:
        found = explain_cells(
            list(kernels.values()), options, lambda n: say(f"loops of {n} of {len(kernels)}")
        )
        for cell, explained in found.items():
            if isinstance(explained, str):
                out.print(f"{cell.problem} {cell.tier}: {explained}", soft_wrap=True)
            else:
                stored.store(folder, cell, explained)
    if early_end.code:
        out.print(early_end.words, soft_wrap=True)
        raise typer.Exit(early_end.code)


def measure_compile_costs(
    folder: Path, found: "Sequence[Problem]", cells: "Sequence[Cell]", options: "Options"
) -> None:
    """Measure compile cost, add it to the table of the run, and show it."""
    from bench.analysis import csv_file
    from bench.measurement import records, run_folder
    from bench.measurement.costs import compiling
    from bench.measurement.costs.measure import measure_compiling
    from bench.report.costs import compile_report
    from bench.report.terminal import console

    out, early_end = console(), EarlyEnd()
    kernels = compiling.candidates(cells, found, records.read(folder / records.CELLS))
    out.print(f"Compile cost of {len(kernels)} kernels, each in new processes", soft_wrap=True)
    with early_end.caught(), status(out) as say:
        measure_compiling(folder, kernels, options, lambda i, cell: say(f"{i}: {cell.id}"))
    frame = csv_file.of_run(folder, cells, found)
    with early_end.caught():
        csv_file.save(frame, folder / run_folder.MEASUREMENTS)
    out.print(compile_report(frame, compiling.load(folder)))
    if early_end.code:
        early_end.tell(out, f"lossbench compile-cost {folder}")
        raise typer.Exit(early_end.code)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a run while it is measured; refuse if another process does."""
    from bench.measurement import run_folder

    with ExitStack() as stack:
        with usage_errors():
            stack.enter_context(run_folder.held(folder))
        yield
