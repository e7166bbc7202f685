"""The commands that measure: run, compile-cost, sweep, check."""

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
from bench.cli.progress import status
from bench.cli.stages import (
    EarlyEnd,
    alone_in,
    cells_of_run,
    explain_loops,
    measure,
    measure_compile_costs,
    say_remarks,
    say_uncompared,
    show_sweep,
)

if TYPE_CHECKING:
    from bench.model import Options


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
            *(problems, files, sizes, tiers, dtypes, threads, passes, budget),
            quick=quick,
            costs=floors,
        )
        if cluster is not None:
            if resume is not None or compile_cost or explain:
                raise ValueError("--cluster takes no --resume, --compile-cost or --explain")
            raise typer.Exit(_run_on_cluster(cluster, options, output))
        if resume is None:
            found = problems_in(options.files)
            cells = cells_of_run(found, options)
            folder = run_folder.begin(output, options)
        else:
            if options != Options():
                raise ValueError("--resume takes all options from the run: remove the others")
            folder = run_folder.find(resume, output)
            options = run_folder.options_of(folder)
            run_folder.check_same_code(folder)
            found = problems_in(options.files)
            cells = cells_of_run(found, options)
            csv_file.of_run(folder, cells, found)  # refuses a foreign file before anything is run
    with alone_in(folder):
        code = measure(folder, found, cells, options)
        show_sweep(folder, found, options)
        if compile_cost and code in {0, EXIT_WRONG}:
            measure_compile_costs(folder, found, cells, options)
        if explain and code in {0, EXIT_WRONG}:
            explain_loops(folder, cells, options)
    raise typer.Exit(code)


def _run_on_cluster(address: str, options: "Options", output: Path) -> int:
    """Run on each worker of a cluster; write and show one table, and return the exit code."""
    from bench.analysis import csv_file, fleet
    from bench.measurement import run_folder
    from bench.measurement.cluster import ClusterError, HostRun, run_on
    from bench.problems.user_file import problems_in
    from bench.report.terminal import console, run_table

    out, early_end = console(), EarlyEnd()
    runs: list[HostRun] = []
    cells = cells_of_run(problems_in(options.files), options)
    folder = run_folder.new_folder(output, "-cluster")
    try:
        with early_end.caught(), status(out) as say:
            run_on(
                address,
                options,
                folder,
                lambda doing: say(", ".join(f"{host} {words}" for host, words in doing.items())),
                runs.append,
            )
    except ClusterError as error:
        folder.rmdir()
        raise ValueError(str(error)) from error
    if early_end.code:
        out.print(f"{early_end.words}. What the hosts had measured was saved.", soft_wrap=True)
    if not runs:
        return early_end.code
    frame = fleet.tabulate(runs, cells)
    csv_file.save(frame, folder / run_folder.MEASUREMENTS)
    out.print(run_table(fleet.with_hosts_in_sizes(frame)))
    for one in runs:
        if one.code:
            out.print(f"{one.host}: exit code {one.code}", soft_wrap=True)
    out.print(f"Written to {folder / run_folder.MEASUREMENTS}", soft_wrap=True)
    # A run that was killed has the number of its signal, negative
    codes = [EXIT_BROKEN_OFF if one.code is None or one.code < 0 else one.code for one in runs]
    return early_end.code or max(codes)


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
        cells = cells_of_run(found, options)
    with alone_in(folder):
        measure_compile_costs(folder, found, cells, options)


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
        cells = cells_of_run(found, options)
        folder = run_folder.begin(output, options)
    with alone_in(folder):
        code = measure(folder, found, cells, options)
        show_sweep(folder, found, options)
    raise typer.Exit(code)


def measure_file(
    file: Path,
    sizes: Sizes,
    dtypes: Dtypes,
    passes: Passes,
    budget: Budget,
    output: Path,
) -> tuple[Path, int]:
    """Run a problem file that does not stay; return the run's folder and the exit code."""
    from bench.measurement import run_folder
    from bench.problems.user_file import problems_in

    with usage_errors():
        options = options_of(
            *(None, [file], sizes, None, dtypes, None, passes, budget), costs=False
        )
        found = problems_in(options.files)
        cells = cells_of_run(found, options)
        folder = run_folder.begin(output, options)
    with alone_in(folder):
        code = measure(folder, found, cells, options, is_scratch=True)
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
        cells = cells_of_run(found, options)
    out, early_end = console(), EarlyEnd()
    say_remarks(found, out)
    with early_end.caught(), status(out) as say:
        verdicts = passes.judged(cells, options, lambda done: say(f"{done} of {len(cells)} cells"))
    if early_end.code == EXIT_BROKEN_OFF:
        out.print(early_end.words, soft_wrap=True)
    if early_end.code:
        raise typer.Exit(early_end.code)
    out.print(agreement_report(verdicts))
    compared = say_uncompared(found, verdicts, out)
    if any(verdict.status in WRONG for verdict in verdicts):
        raise typer.Exit(EXIT_WRONG)
    if not compared:
        raise typer.Exit(EXIT_USAGE)
