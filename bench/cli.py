"""The command `lossbench`: options in, stages strung up, exit code out.

Libraries that load long (NumPy, pandas, Matplotlib) are imported by the command that needs them, so
that `lossbench --help` answers at once; Numba only by what calls a kernel.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench import environment, model, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from bench.measurement import Progress
    from bench.model import Cell, Options, Problem, Verdict

WRONG, USAGE, BROKEN_OFF = 1, 2, 3
# Seconds; the clock that ends a call cannot be set to any number of them.
LONGEST_BUDGET = 1e6
EXIT_CODES = f"""Exit codes: 0 every tier agrees; {WRONG} one disagrees or failed; {USAGE} something
in the command is wrong, or nothing was compared; {BROKEN_OFF} the run broke off, as on a full
disk; 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. However it ends, what was measured is kept, and --resume
goes on from there."""
RESULTS = Path("results")
PICTURES = RESULTS / "demo"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Loops, NumPy and Numba on the losses of CS231n: do they agree, and how fast are they?",
)
demo = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(demo, name="demo", help="The examples of the blog post that this starts from.")


class Form(StrEnum):
    """What a run is shown as."""

    HTML = "html"
    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


Names = list[str] | None
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--problem",
        metavar="FILE",
        help="A problem of your own, in place of the built-in ones (see `lossbench new`); may be "
        "given again.",
    ),
]
Problems = Annotated[
    Names,
    typer.Argument(
        metavar="[PROBLEM]", show_default=False, help="See `lossbench list`; default all."
    ),
]
Sizes = Annotated[
    Names,
    typer.Option(
        "--size",
        metavar="A,B",
        help="lecture, S, M, L, wide, tall; the default is the first three. Or those of a "
        "--problem; the default is all.",
    ),
]
Tiers = Annotated[
    Names,
    typer.Option(
        "--tier",
        metavar="A,B",
        help="loop, numpy, numba (the loop under @njit), kernels, kernels-parallel (the library to "
        "import); default all. 'peers': other libraries, and C, beside numpy, numba and kernels; "
        "or one of sklearn, torch, jax, scipy, c. Or those of a --problem.",
    ),
]
Dtypes = Annotated[
    Names, typer.Option("--dtype", metavar="A,B", help="float64, float32; the default is float64.")
]
Threads = Annotated[
    Names,
    typer.Option(
        "--threads", metavar="A,B", help="Of tiers that end in -parallel; the default is all cores."
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="SECONDS",
        help="What a cell may take, 2 by default; a slow one has more, for a few passes. One whose "
        "call takes longer is skipped.",
    ),
]


def main() -> None:
    """Run the command line."""
    terminal.never_fail()
    app()


@app.command(epilog=EXIT_CODES)
def run(
    problems: Problems = None,
    files: Files = None,
    sizes: Sizes = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    passes: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="COUNT", help="How often all cells are gone through, 14 by default."
        ),
    ] = None,
    budget: Budget = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs are.")] = RESULTS,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Finish a run: its folder, its name, or 'latest'."),
    ] = None,
    compile_cost: Annotated[
        bool,
        typer.Option(
            "--compile-cost",
            help="Also measure what compiling costs, in processes of their own (a few minutes). "
            "`lossbench compile-cost` adds it to a run.",
        ),
    ] = False,
    floors: Annotated[
        bool,
        typer.Option(
            "--floors/--no-floors",
            help="Whether to measure what this machine can do at best, and the memory of a call "
            "(some ten seconds).",
        ),
    ] = True,
) -> None:
    """Check every tier against the loops and time those that agree."""
    from bench import runs, table
    from bench.model import Options
    from bench.problem_file import problems_in

    with _usage_errors():
        options = _options(problems, files, sizes, tiers, dtypes, threads, passes, budget)
        if resume is None:
            found = problems_in(options.files)
            cells = _cells(found, options)
            folder = runs.begin(output, options)
        else:
            if options != Options():
                raise ValueError("--resume takes its options from the run: leave the others out")
            folder = runs.find(resume, output)
            options = runs.options_of(folder)
            runs.refuse_another(folder)
            found = problems_in(options.files)
            cells = _cells(found, options)
            table.of_run(folder, cells, found)  # what is foreign is refused before anything is run
    with _alone_in(folder):
        code = _measure(folder, found, cells, options, with_floors=floors)
        _show_sweep(folder, found, options)
        if compile_cost and code in {0, WRONG}:
            _measure_compiling(folder, found, cells, options)
    raise typer.Exit(code)


@app.command("compile-cost")
def compile_cost(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Its folder, its name, or 'latest'.")
    ] = "latest",
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs are.")] = RESULTS,
) -> None:
    """Measure what compiling costs the kernels of a run, and after how many calls it pays."""
    from bench import runs
    from bench.problem_file import problems_in

    with _usage_errors():
        folder = runs.find(run, output)
        runs.refuse_another(folder)
        options = runs.options_of(folder)
        found = problems_in(options.files)
        cells = _cells(found, options)
    with _alone_in(folder):
        _measure_compiling(folder, found, cells, options)


@app.command()
def sweep(
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", show_default=False, help="See the list.")
    ] = None,
    files: Files = None,
    first: Annotated[float, typer.Option("--from", metavar="N", help="The smallest N.")] = 8,
    last: Annotated[float, typer.Option("--to", metavar="N", help="The largest.")] = 1e6,
    size: Annotated[
        str | None,
        typer.Option(help="The size whose other numbers (C, D) are kept; M, or the last."),
    ] = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    passes: Annotated[
        int | None, typer.Option(min=1, metavar="COUNT", help="As of a run; 14 by default.")
    ] = None,
    budget: Budget = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs are.")] = RESULTS,
) -> None:
    """Time a problem along N: where one tier passes another, and how the time grows."""
    from dataclasses import replace

    from bench import runs
    from bench import sweep as sweeping
    from bench.names import chosen
    from bench.problem_file import problems_in

    with _usage_errors():
        names = [problem] if problem else []
        options = _options(names, files, None, tiers, dtypes, threads, passes, budget)
        found = problems_in(options.files)
        one, *others = [p for p in found if not options.problems or p.name in options.problems]
        if others:
            raise ValueError("a sweep is of one problem: name it (see `lossbench list`)")
        base = next(iter(chosen("size", [size] if size else [], list(one.sizes))), None)
        along = sweeping.sizes_along(one, first, last, base)
        options = replace(options, problems=(one.name,), sizes=along)
        cells = _cells(found, options)
        folder = runs.begin(output, options)
    with _alone_in(folder):
        code = _measure(folder, found, cells, options)
        _show_sweep(folder, found, options)
    raise typer.Exit(code)


@app.command()
def check(
    problems: Problems = None,
    files: Files = None,
    sizes: Sizes = None,
    tiers: Tiers = None,
    dtypes: Dtypes = None,
    threads: Threads = None,
    budget: Budget = None,
) -> None:
    """Check every tier against the loops, and time nothing."""
    from bench import interruptions, measurement
    from bench.model import WRONG as WRONG_STATUSES
    from bench.problem_file import problems_in
    from bench.report import agreement_report, console

    with _usage_errors():
        options = _options(problems, files, sizes, tiers, dtypes, threads, None, budget)
        found = problems_in(options.files)
        cells = _cells(found, options)
    out = console()
    _say_remarks(found, out)
    try:
        with interruptions.raised(), _status(out) as say:
            verdicts = measurement.judged(
                cells, options, lambda done: say(f"{done} of {len(cells)} cells")
            )
    except interruptions.Interrupted as interruption:
        raise typer.Exit(interruption.exit_code) from None
    except (measurement.PassError, OSError) as error:
        out.print(str(error), soft_wrap=True)
        raise typer.Exit(BROKEN_OFF) from None
    out.print(agreement_report(verdicts))
    compared = _say_uncompared(found, verdicts, out)
    if any(verdict.status in WRONG_STATUSES for verdict in verdicts):
        raise typer.Exit(WRONG)
    if not compared:
        raise typer.Exit(USAGE)


@app.command()
def compare(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="A run's folder or name, 'latest', or a CSV.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Likewise.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
    fail_above: Annotated[
        float | None,
        typer.Option(
            metavar="RATIO",
            help="Exit with 1 where a cell is significantly slower and its ratio above this, or "
            "is right no more.",
        ),
    ] = None,
    min_effect: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="A change up to this counts as none, 0.05 by default."),
    ] = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs are.")] = RESULTS,
) -> None:
    """Say which cells became slower or faster from one run to another."""
    from bench import compare as comparing
    from bench import runs, table
    from bench.compare_report import comparison_markdown, comparison_report
    from bench.report import console

    with _usage_errors():
        if fail_above is not None and not fail_above >= 1.0:
            raise ValueError(f"--fail-above has to be at least 1, not {fail_above:g}")
        before, after = (_run_or_csv(name, output) for name in (old, new))
        old_table, new_table = table.load(before), table.load(after)
        tiers = set(old_table["tier"]) & set(new_table["tier"])
        found = comparing.compare(
            old_table,
            new_table,
            environment.differences_of(runs.machine_of(before), runs.machine_of(after), tiers),
            comparing.MIN_EFFECT if min_effect is None else min_effect,
        )
    if markdown:
        print(comparison_markdown(found))
    else:
        console().print(comparison_report(found))
    if fail_above is not None and comparing.is_worse(found, fail_above):
        raise typer.Exit(WRONG)
    if fail_above is not None and len(found.cells) == found.count("untested"):
        raise typer.Exit(USAGE)  # a gate that has tested nothing is not one that was passed


@app.command("report")
def report_run(
    run_name: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder or name, 'latest', or a CSV.")
    ],
    form: Annotated[
        Form,
        typer.Option("--format", help="html is written to files, the others to standard output."),
    ] = Form.HTML,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs are.")] = RESULTS,
) -> None:
    """Write a run's page and its pictures, or print its table."""
    with _usage_errors():
        run_path = _run_or_csv(run_name, output)
        if form is Form.HTML:
            from bench.page import write

            page, *pictures = write(run_path)
            count = len({picture.stem for picture in pictures})
            print(f"Written to {page}, with {count} pictures, as PNG and SVG, beside it")
            return
        from bench import formats, runs, table

        frame = table.load(run_path)
        machine = runs.machine_of(run_path)
    if form is Form.TERMINAL:
        from bench.report import console, report

        console().print(report(frame))
    else:
        print(formats.text(frame, form.value, machine), end="")


@app.command("list")
def list_problems(files: Files = None) -> None:
    """Show the problems with their tiers and sizes."""
    from bench.problem_file import look_at, problems_in
    from bench.problems.inputs import SIZES
    from bench.report import console, problem_list

    with _usage_errors():
        found = problems_in(tuple(map(look_at, files or ())))
    console().print(problem_list(found, None if files else SIZES))


@app.command()
def show(
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", show_default=False, help="See the list.")
    ] = None,
    files: Files = None,
) -> None:
    """Print a problem's versions one after the other: loop, NumPy, Numba."""
    from bench import texts
    from bench.names import chosen
    from bench.problem_file import look_at, problems_in
    from bench.report import console, texts_report

    with _usage_errors():
        found = problems_in(tuple(map(look_at, files or ())))
        names = chosen("problem", [problem] if problem else [], [one.name for one in found])
        one, *others = [one for one in found if not names or one.name in names]
        if others:
            raise ValueError("name one problem (see `lossbench list`)")
    out = console()
    its_texts, summary = texts.texts_of(one), texts.summary_of(one)
    out.print(texts_report(its_texts, summary, colours=out.is_terminal), soft_wrap=True)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as my_kernel.py.")],
) -> None:
    """Write a file for a problem of your own, to be filled in; it runs as it is."""
    from bench.problem_file import write_template

    with _usage_errors():
        write_template(file)
    print(f"Written to {file}. To check and time it: lossbench run --problem {file}")


@demo.command()
def descent(
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")
    ] = PICTURES,
    show: Annotated[bool, typer.Option(help="Also in a window, where there is a screen.")] = True,
) -> None:
    """Draw gradient descent of x**2 at three rates."""
    from bench.demo import draw_descents

    with _usage_errors():
        pictures = draw_descents(output, show=show)
    for picture in pictures:
        print(picture)


@demo.command()
def lecture() -> None:
    """Train the post's classifier in every tier."""
    from bench.demo import lecture_table, train_lecture
    from bench.environment import refuse_without_jit
    from bench.report import console

    with _usage_errors():
        refuse_without_jit()
    out = console()
    with _status(out) as say:
        trainings = train_lecture(say)
    out.print(lecture_table(trainings))


def _options(
    problems: Names,
    files: list[Path] | None,
    sizes: Names,
    tiers: Names,
    dtypes: Names,
    threads: Names,
    passes: int | None,
    budget: float | None,
) -> "Options":
    """Return what was asked for, in known names, with the defaults for the rest."""
    from bench import plan
    from bench.model import DTYPES
    from bench.names import chosen, counts
    from bench.problem_file import look_at, problems_in

    if budget is not None and not 0.0 < budget < LONGEST_BUDGET:
        raise ValueError(
            f"the budget has to be above 0 and below {LONGEST_BUDGET:g} seconds, not {budget:g}"
        )
    looked_at = tuple(map(look_at, files or ()))
    found = problems_in(looked_at)
    known_sizes = plan.sizes_of(found)
    return model.Options(
        problems=chosen("problem", problems or (), [one.name for one in found]),
        sizes=chosen("size", sizes or (), known_sizes) or plan.default_sizes(found, looked_at),
        tiers=plan.tiers_named(tiers or (), found),
        dtypes=chosen("dtype", dtypes or (), DTYPES) or model.DEFAULT_DTYPES,
        threads=counts("threads", threads or ()),
        passes=passes or model.DEFAULT_PASSES,
        budget=budget or model.DEFAULT_BUDGET,
        files=looked_at,
    )


def _run_or_csv(name: str, output: Path) -> Path:
    """Return what a person means: a path, or a run in the folder of the runs."""
    from bench import runs

    return Path(name) if Path(name).exists() else runs.find(name, output)


def _cells(found: "Sequence[Problem]", options: "Options") -> "list[Cell]":
    from bench.environment import refuse_without_jit
    from bench.plan import cells_of

    refuse_without_jit()
    cells = cells_of(found, options)
    if not cells:
        raise ValueError(
            "no problem that was asked for has such a size and tier: see `lossbench list`"
        )
    return cells


def _say_remarks(found: "Sequence[Problem]", out: "Console") -> None:
    for one in found:
        for remark in one.remarks:
            out.print(remark, soft_wrap=True)


def _say_uncompared(
    found: "Sequence[Problem]", verdicts: "Iterable[Verdict]", out: "Console"
) -> bool:
    """Say of which problems nothing was compared; return whether anything was that was asked for.

    A problem whose oracle alone was asked for, or that has no other tier, has nothing to compare.
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


def _measure_floors(folder: Path, options: "Options", out: "Console") -> None:
    """Measure what the machine can do at best; a run goes on without."""
    from bench import floors

    try:
        with _status(out) as say:
            say("what the machine can do at best")
            floors.measure(folder, options)
    except floors.FloorsError as error:
        out.print(f"The floors of this machine could not be measured: {error}", soft_wrap=True)


def _measure_memory(
    folder: Path, cells: "Sequence[Cell]", options: "Options", out: "Console"
) -> None:
    """Measure the memory of a call; a run goes on without."""
    from bench import memory

    with _status(out) as say:
        say("memory of a call")
        lost = memory.measure(folder, cells, options)
    if lost:
        out.print(f"The memory that a call takes could not be measured of {lost} cells")


def _measure(
    folder: Path,
    found: "Sequence[Problem]",
    cells: "Sequence[Cell]",
    options: "Options",
    *,
    with_floors: bool = True,
) -> int:
    """Run the passes, then write and show what there is, however they ended; return exit code."""
    from bench import interruptions, measurement, memory, records, runs, table
    from bench.model import WRONG as WRONG_STATUSES
    from bench.report import console, report

    out = console()
    _say_remarks(found, out)
    out.print(f"{len(cells)} cells in {options.passes} passes, into {folder}")
    code, trouble = 0, ""
    try:
        with interruptions.raised():
            if with_floors:
                _measure_floors(folder, options, out)
            with _progress(out, options.passes) as watch:
                judged = measurement.measure(folder, cells, options, watch)
            if with_floors:
                remembered = memory.candidates(records.verdicts(judged).values())
                _measure_memory(folder, remembered, options, out)
    except interruptions.Interrupted as interruption:
        code, trouble = interruption.exit_code, interruption.words
    except (measurement.PassError, OSError) as error:
        code, trouble = BROKEN_OFF, str(error)
    frame = table.of_run(folder, cells, found)
    written = folder / runs.MEASUREMENTS
    try:
        table.save(frame, written)
    except OSError as error:
        code, trouble = code or BROKEN_OFF, f"{trouble}; {error}" if trouble else str(error)
    out.print()
    out.print(report(frame))
    compared = bool(trouble) or _say_uncompared(found, records.verdicts(judged).values(), out)
    if written.exists():
        out.print(f"Written to {written}", soft_wrap=True)
    if not trouble and len(frame):
        out.print(f"As a page with pictures: lossbench report {folder}", soft_wrap=True)
    if trouble:
        again = f"lossbench run --resume {folder}"
        out.print(f"{trouble}; what was measured is kept. To go on: {again}", soft_wrap=True)
    if not code and set(frame["status"]) & WRONG_STATUSES:
        return WRONG
    return code or (0 if compared else USAGE)


def _show_sweep(folder: Path, found: "Sequence[Problem]", options: "Options") -> None:
    """Show what a run says along N, where it is a sweep and anything of it was timed."""
    from bench import floors, table
    from bench import sweep as sweeping
    from bench.costs_report import sweep_report
    from bench.model import SWEPT
    from bench.report import console

    if not any(SWEPT in size for size in options.sizes):
        return
    frame = table.load(folder)
    if frame["median_s"].isna().all():
        return
    (growth,) = (one.growth for one in found if one.name in options.problems)
    crossings, growths = sweeping.crossings(frame), sweeping.growths(frame)
    out = console()
    out.print()
    out.print(sweep_report(crossings, growths, growth, floors.load(folder).calls))


def _measure_compiling(
    folder: Path, found: "Sequence[Problem]", cells: "Sequence[Cell]", options: "Options"
) -> None:
    """Measure what compiling costs, then write the table of the run anew and show it."""
    from bench import compiling, interruptions, records, runs, table
    from bench.costs_report import compile_report
    from bench.report import console

    out = console()
    kernels = compiling.candidates(cells, found, records.read(folder / records.CELLS))
    out.print(f"What compiling costs: {len(kernels)} kernels, in new processes", soft_wrap=True)
    code, trouble = 0, ""
    try:
        with interruptions.raised(), _status(out) as say:
            compiling.measure(folder, kernels, options, lambda i, cell: say(f"{i}: {cell.id}"))
    except interruptions.Interrupted as interruption:
        code, trouble = interruption.exit_code, interruption.words
    except OSError as error:
        code, trouble = BROKEN_OFF, str(error)
    frame = table.of_run(folder, cells, found)
    try:
        table.save(frame, folder / runs.MEASUREMENTS)
    except OSError as error:
        code, trouble = code or BROKEN_OFF, f"{trouble}; {error}" if trouble else str(error)
    out.print(compile_report(frame, compiling.load(folder)))
    if trouble:
        again = f"lossbench compile-cost {folder}"
        out.print(f"{trouble}; what was measured is kept. To go on: {again}", soft_wrap=True)
        raise typer.Exit(code)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn what is wrong with the options into a line and exit code 2."""
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise typer.BadParameter(words) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a run while it is measured, or refuse to."""
    from bench import runs

    with ExitStack() as stack:
        with _usage_errors():
            stack.enter_context(runs.held(folder))
        yield


@contextmanager
def _status(out: "Console") -> Iterator[Callable[[str], None]]:
    """Say what is being done, in a terminal, in one line that goes away."""
    if not out.is_terminal:
        yield lambda _: None
        return
    with out.status("") as status:
        yield lambda words: status.update(words)


@contextmanager
def _progress(out: "Console", passes: int) -> "Iterator[Callable[[Progress], None]]":
    """Show how far a run is: a bar with the time left in a terminal, else a line a pass."""
    if not out.is_terminal:
        yield _line_a_pass(out, passes)
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


def _line_a_pass(out: "Console", passes: int) -> "Callable[[Progress], None]":
    said: set[int] = set()

    def watch(now: "Progress") -> None:
        if now.pass_number not in said:
            said.add(now.pass_number)
            out.print(f"{_stage(now.pass_number, passes)}: {now.done} of {now.total} done")

    return watch


def _stage(pass_number: int, passes: int) -> str:
    return f"pass {pass_number} of {passes}" if pass_number else "agreement"
