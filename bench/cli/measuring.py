"""The commands that measure: run, compile-cost, sweep, check."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    EXIT_BROKEN_OFF,
    EXIT_USAGE,
    EXIT_WRONG,
    RESULTS,
    Budget,
    Dtypes,
    Files,
    OneProblem,
    Output,
    Passes,
    Problems,
    Quick,
    Sizes,
    Threads,
    Tiers,
    options_of,
    usage_errors,
)
from bench.cli.progress import pass_progress, status

# Compiling of a run that is worth a line.
LONG_COMPILING_S = 5.0

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.model import Cell, Options, Problem, Verdict


def run(
    problems: Problems = None,
    files: Files = None,
    sizes: Sizes = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    passes: Passes = None,
    budget: Budget = None,
    quick: Quick = False,
    output: Output = RESULTS,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Finish a run: its folder, its name, or 'latest'."),
    ] = None,
    compile_cost: Annotated[
        bool,
        typer.Option(
            "--compile-cost",
            help="Also measure compile cost, in new processes (a few minutes). `lossbench "
            "compile-cost` adds it to a finished run.",
        ),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run on each worker of a Dask cluster: its scheduler's address."
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Also explain the loops of the numba tiers on the page (a few minutes). See "
            "`lossbench explain`.",
        ),
    ] = False,
    floors: Annotated[
        bool,
        typer.Option(
            "--floors/--no-floors",
            help="Also measure the limits of this machine and the memory of a call (about ten "
            "seconds).",
        ),
    ] = True,
) -> None:
    """Check all tiers against the loops, then time them."""
    from bench.analysis import csv_file
    from bench.measurement import run_folder
    from bench.model import Options
    from bench.problems.user_file import problems_in

    with usage_errors():
        options = options_of(
            problems, files, sizes, tiers, dtypes, threads, passes, budget, quick=quick
        )
        if cluster is not None:
            if resume is not None or compile_cost or explain:
                raise ValueError("--cluster takes no --resume, --compile-cost or --explain")
            raise typer.Exit(_run_on_cluster(cluster, options, output))
        if resume is None:
            found = problems_in(options.files)
            cells = _cells(found, options)
            folder = run_folder.begin(output, options)
        else:
            if options != Options():
                raise ValueError("--resume takes all options from the run: remove the others")
            folder = run_folder.find(resume, output)
            options = run_folder.options_of(folder)
            run_folder.check_same_code(folder)
            found = problems_in(options.files)
            cells = _cells(found, options)
            csv_file.of_run(folder, cells, found)  # refuses a foreign file before anything is run
    with _alone_in(folder):
        code = _measure(folder, found, cells, options, with_floors=floors and not options.quick)
        _show_sweep(folder, found, options)
        if compile_cost and code in {0, EXIT_WRONG}:
            _measure_compiling(folder, found, cells, options)
        if explain and code in {0, EXIT_WRONG}:
            _explain_loops(folder, cells, options)
    raise typer.Exit(code)


def _run_on_cluster(address: str, options: "Options", output: Path) -> int:
    """Run on each worker of a cluster; write and show one table, and return the exit code."""
    from bench.analysis import csv_file, fleet
    from bench.measurement import run_folder
    from bench.measurement.cluster import ClusterError, run_on
    from bench.problems.user_file import problems_in
    from bench.report.terminal import console, run_table

    out = console()
    cells = _cells(problems_in(options.files), options)
    folder = run_folder.new_folder(output, "-cluster")
    try:
        with status(out) as say:
            runs = run_on(
                address,
                options,
                folder,
                lambda doing: say(", ".join(f"{host} {words}" for host, words in doing.items())),
            )
    except ClusterError as error:
        folder.rmdir()
        raise ValueError(str(error)) from error
    frame = fleet.tabulate(runs, cells)
    csv_file.save(frame, folder / run_folder.MEASUREMENTS)
    out.print(run_table(fleet.with_hosts_in_sizes(frame)))
    for one in runs:
        if one.code:
            out.print(f"{one.host}: exit code {one.code}", soft_wrap=True)
    out.print(f"Written to {folder / run_folder.MEASUREMENTS}", soft_wrap=True)
    codes = [EXIT_BROKEN_OFF if one.code is None else one.code for one in runs]
    return max(codes)


def compile_cost(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Its folder, its name, or 'latest'.")
    ] = "latest",
    output: Output = RESULTS,
) -> None:
    """Measure compile times, and the calls that repay them."""
    from bench.measurement import run_folder
    from bench.problems.user_file import problems_in

    with usage_errors():
        folder = run_folder.find(run, output)
        run_folder.check_same_code(folder)
        options = run_folder.options_of(folder)
        found = problems_in(options.files)
        cells = _cells(found, options)
    with _alone_in(folder):
        _measure_compiling(folder, found, cells, options)


def sweep(
    problem: OneProblem = None,
    files: Files = None,
    first: Annotated[float, typer.Option("--from", metavar="N", help="Smallest N.")] = 8,
    last: Annotated[float, typer.Option("--to", metavar="N", help="Largest N.")] = 1e6,
    along: Annotated[
        str, typer.Option(help="Which number of the size, such as c; N by default.")
    ] = "n",
    size: Annotated[
        str | None,
        typer.Option(help="The size that gives the other numbers; M by default, or the last."),
    ] = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    passes: Passes = None,
    budget: Budget = None,
    output: Output = RESULTS,
) -> None:
    """Time a problem along N, or another number of its size, and find where tiers cross."""
    from dataclasses import replace

    from bench.common.choices import parse_names
    from bench.measurement import run_folder
    from bench.problems.selection import sizes_along
    from bench.problems.user_file import problems_in

    with usage_errors():
        names = [problem] if problem else []
        options = options_of(names, files, None, tiers, dtypes, threads, passes, budget)
        found = problems_in(options.files)
        one, *others = [p for p in found if not options.problems or p.name in options.problems]
        if others:
            raise ValueError("a sweep measures one problem: name it (see `lossbench list`)")
        base = next(iter(parse_names("size", [size] if size else [], list(one.sizes))), None)
        its_sizes = sizes_along(one, first, last, base, along)
        options = replace(options, problems=(one.name,), sizes=its_sizes)
        cells = _cells(found, options)
        folder = run_folder.begin(output, options)
    with _alone_in(folder):
        code = _measure(folder, found, cells, options)
        _show_sweep(folder, found, options)
    raise typer.Exit(code)


def measure_file(
    file: Path,
    sizes: Sizes,
    dtypes: Dtypes,
    passes: Passes,
    budget: Budget,
    output: Path,
) -> tuple[Path, int]:
    """Run a problem file with a table of its own; return the run's folder and the exit code."""
    from bench.measurement import run_folder
    from bench.problems.user_file import problems_in

    with usage_errors():
        options = options_of(None, [file], sizes, None, dtypes, None, passes, budget)
        found = problems_in(options.files)
        cells = _cells(found, options)
        folder = run_folder.begin(output, options)
    with _alone_in(folder):
        code = _measure(folder, found, cells, options, with_floors=False, says_uncached=False)
    return folder, code


def check(
    problems: Problems = None,
    files: Files = None,
    sizes: Sizes = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    budget: Budget = None,
) -> None:
    """Check all tiers against the loops, and time nothing."""
    from bench.measurement import passes
    from bench.model import WRONG
    from bench.problems.user_file import problems_in
    from bench.report.terminal import agreement_report, console

    with usage_errors():
        options = options_of(problems, files, sizes, tiers, dtypes, threads, None, budget)
        found = problems_in(options.files)
        cells = _cells(found, options)
    out, early_end = console(), _EarlyEnd()
    _say_remarks(found, out)
    with early_end.caught(), status(out) as say:
        verdicts = passes.judged(cells, options, lambda done: say(f"{done} of {len(cells)} cells"))
    if early_end.code == EXIT_BROKEN_OFF:
        out.print(early_end.words, soft_wrap=True)
    if early_end.code:
        raise typer.Exit(early_end.code)
    out.print(agreement_report(verdicts))
    compared = _say_uncompared(found, verdicts, out)
    if any(verdict.status in WRONG for verdict in verdicts):
        raise typer.Exit(EXIT_WRONG)
    if not compared:
        raise typer.Exit(EXIT_USAGE)


def _cells(found: "Sequence[Problem]", options: "Options") -> "list[Cell]":
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.selection import cells_of

    refuse_without_jit()
    cells = cells_of(found, options)
    if not cells:
        raise ValueError(
            "none of the selected problems has that size and tier: see `lossbench list`"
        )
    return cells


def _say_remarks(found: "Sequence[Problem]", out: "Console") -> None:
    for one in found:
        for remark in one.remarks:
            out.print(remark, soft_wrap=True)


def _say_uncached(verdicts: "Iterable[Verdict]", options: "Options", out: "Console") -> None:
    """Print which tiers every worker compiles anew, if that takes long."""
    from bench.common.format import duration
    from bench.measurement.schedule import workers

    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for one in verdicts:
        if one.status == "ok":
            seconds[one.cell.problem, one.cell.tier] += one.uncached_s
    count = len(workers(options))
    for (name, tier), each in seconds.items():
        if count * each >= LONG_COMPILING_S:
            words = (
                f"{name} {tier} has no cache and compiles {duration(each, 2)} in each of "
                f"{count} processes: about {duration(count * each, 2)} of this run. With "
                "@njit(cache=True) it is compiled once."
            )
            out.print(words, soft_wrap=True)


def _say_uncompared(
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
class _EarlyEnd:
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

    def tell(self, out: "Console", command: str) -> None:
        """Say what happened and how to continue."""
        words = f"{self.words}. Partial results were saved. Resume with: {command}"
        out.print(words, soft_wrap=True)


def _measure(
    folder: Path,
    found: "Sequence[Problem]",
    cells: "Sequence[Cell]",
    options: "Options",
    *,
    with_floors: bool = True,
    says_uncached: bool = True,
) -> int:
    """Run the passes, write and show the table however they ended; return the exit code."""
    from bench.analysis import csv_file
    from bench.measurement import passes, records, run_folder
    from bench.model import WRONG
    from bench.report.terminal import console, run_table
    from bench.report.words import cell_count, pass_count

    def table() -> "RenderableType":
        return run_table(csv_file.of_run(folder, cells, found))

    out, early_end = console(), _EarlyEnd()
    _say_remarks(found, out)
    counted = f"{cell_count(len(cells))} in {pass_count(options.passes)}"
    out.print(f"{counted}, into {folder}", soft_wrap=True)
    with early_end.caught():
        if with_floors:
            _measure_floors(folder, cells, options, out)
        with pass_progress(out, options.passes) as (watch, show):
            judged = passes.measure(
                folder,
                cells,
                options,
                watch,
                lambda: show(table),
                after_agreement=lambda verdicts: (
                    _say_uncached(verdicts, options, out) if says_uncached else None
                ),
                with_memory=with_floors,
            )
    frame = csv_file.of_run(folder, cells, found)
    written = folder / run_folder.MEASUREMENTS
    with early_end.caught():
        csv_file.save(frame, written)
    out.print()
    out.print(run_table(frame))
    has_compared = bool(early_end.code) or _say_uncompared(
        found, records.verdicts(judged).values(), out
    )
    if written.exists():
        out.print(f"Written to {written}", soft_wrap=True)
    if early_end.code:
        early_end.tell(out, f"lossbench run --resume {folder}")
    elif len(frame):
        out.print(f"For a page with pictures: lossbench report {folder}", soft_wrap=True)
    if not early_end.code and set(frame["status"]) & WRONG:
        return EXIT_WRONG
    return early_end.code or (0 if has_compared else EXIT_USAGE)


def _show_sweep(folder: Path, found: "Sequence[Problem]", options: "Options") -> None:
    """Show where tiers cross and how time grows, if the run is a sweep with any time."""
    from bench.model import SWEPT

    if not any(SWEPT in size for size in options.sizes):
        return
    from bench.analysis import csv_file
    from bench.analysis import sweep as sweeping
    from bench.measurement.costs import floors
    from bench.report.costs import sweep_report
    from bench.report.terminal import console

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


def _explain_loops(folder: Path, cells: "Sequence[Cell]", options: "Options") -> None:
    """Explain the loops of the `numba` tiers, one size of each, for the page of the run."""
    from bench.loops import stored
    from bench.loops.explain import explain_cells
    from bench.report.terminal import console

    kernels = {cell.problem: cell for cell in reversed(cells) if cell.tier == "numba"}
    out, early_end = console(), _EarlyEnd()
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


def _measure_compiling(
    folder: Path, found: "Sequence[Problem]", cells: "Sequence[Cell]", options: "Options"
) -> None:
    """Measure compile cost, add it to the table of the run, and show it."""
    from bench.analysis import csv_file
    from bench.measurement import records, run_folder
    from bench.measurement.costs import compiling
    from bench.measurement.costs.measure import measure_compiling
    from bench.report.costs import compile_report
    from bench.report.terminal import console

    out, early_end = console(), _EarlyEnd()
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
def _alone_in(folder: Path) -> Iterator[None]:
    """Lock a run while it is measured; refuse if another process does."""
    from bench.measurement import run_folder

    with ExitStack() as stack:
        with usage_errors():
            stack.enter_context(run_folder.held(folder))
        yield
