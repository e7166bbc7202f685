"""The commands that read: report, compare, history, list, show, new; and the demos."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    EXIT_WRONG,
    RESULTS,
    Files,
    Form,
    Names,
    OneProblem,
    Output,
    usage_errors,
)
from bench.cli.progress import status

PICTURES = RESULTS / "demo"
Pictures = Annotated[Path, typer.Option(metavar="FOLDER", help="The folder for the pictures.")]


def compare(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="A run's folder or name, 'latest', or a CSV or Parquet file."
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The run to compare it with.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
    fail_above: Annotated[
        float | None,
        typer.Option(
            metavar="RATIO",
            help="Exit with 1 if a cell is significantly slower and its ratio exceeds this, or if "
            "it no longer agrees.",
        ),
    ] = None,
    min_effect: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Changes up to this count as none, 0.05 by default."),
    ] = None,
    output: Output = RESULTS,
) -> None:
    """Compare two runs: what became slower or faster."""
    from bench.analysis import comparison, csv_file
    from bench.measurement import machine, run_folder
    from bench.report.comparison import comparison_markdown, comparison_report
    from bench.report.terminal import console

    with usage_errors():
        if fail_above is not None and not fail_above >= 1.0:
            raise ValueError(f"--fail-above has to be at least 1, not {fail_above:g}")
        before, after = (_run_or_csv(name, output) for name in (old, new))
        old_table, new_table = csv_file.load(before), csv_file.load(after)
        tiers = set(old_table["tier"]) & set(new_table["tier"])
        found = comparison.compare(
            old_table,
            new_table,
            machine.differences_of(
                run_folder.machine_of(before), run_folder.machine_of(after), tiers
            ),
            comparison.MIN_EFFECT if min_effect is None else min_effect,
        )
    if markdown:
        print(comparison_markdown(found))
    else:
        console().print(comparison_report(found))
    if fail_above is None:
        return
    if comparison.is_worse(found, fail_above):
        raise typer.Exit(EXIT_WRONG)
    # A gate that has tested nothing is not one that was passed
    if not len(found.cells):
        raise typer.BadParameter("the runs have no timed cell in common")
    if len(found.cells) == found.count("untested") + found.count("not judged"):
        raise typer.BadParameter(
            "no cell was tested: both runs need about 9 passes, on the same machine with the same "
            "libraries"
        )


def report_run(
    run_name: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run's folder or name, 'latest', or a CSV or Parquet file."
        ),
    ],
    form: Annotated[
        Form,
        typer.Option("--format", help="html and parquet write files; the others print."),
    ] = Form.HTML,
    output: Output = RESULTS,
) -> None:
    """Write the page of a run with pictures or a Parquet file, or print its table."""
    from bench.analysis import csv_file, fleet, parquet_file
    from bench.measurement import run_folder

    with usage_errors():
        path = _run_or_csv(run_name, output)
        frame, facts = csv_file.load(path), run_folder.machine_of(path)
        is_of_hosts = fleet.HOST in frame and frame[fleet.HOST].nunique() > 1
        if is_of_hosts and form is Form.HTML:
            of_hosts = [str(one.parent) for one in path.glob(f"*/*/{run_folder.MEASUREMENTS}")]
            raise ValueError(
                f"{path} has the runs of several hosts, and a page shows one run: "
                + (", ".join(of_hosts) or "the folder of a host's run")
            )
        if is_of_hosts and form in {Form.TERMINAL, Form.MARKDOWN}:
            frame = fleet.with_hosts_in_sizes(frame)
        if form is Form.PARQUET:
            table = path / run_folder.MEASUREMENTS if path.is_dir() else path
            parquet_file.save(frame, table.with_suffix(parquet_file.SUFFIX))
            print(f"Written to {table.with_suffix(parquet_file.SUFFIX)}")
            return
        if form is Form.HTML:
            from bench.loops import stored as loops
            from bench.problems import texts
            from bench.report.page import write

            folder = path if path.is_dir() else path.parent
            page, *pictures = write(path, frame, facts, texts.load(folder), loops.load(folder))
            count = len({picture.stem for picture in pictures})
            many = "picture" if count == 1 else "pictures"
            print(f"Written to {page}, with {count} {many} in a folder beside it, as PNG and SVG")
            return
    if form is Form.TERMINAL:
        from bench.report.terminal import console, run_table

        console().print(run_table(frame))
    else:
        from bench.report.text import as_text

        print(as_text(frame, form.value, facts), end="")


def history(
    runs: Annotated[
        Names,
        typer.Argument(
            metavar="[RUN]",
            show_default=False,
            help="Folders or names of runs, CSV or Parquet files, patterns such as 'results/*'; "
            "all runs by default.",
        ),
    ] = None,
    problems: Annotated[
        Names, typer.Option("--problem-name", metavar="A,B", help="Only these problems.")
    ] = None,
    tiers: Annotated[Names, typer.Option("--tier", metavar="A,B", help="Only these.")] = None,
    sizes: Annotated[Names, typer.Option("--size", metavar="A,B", help="Only these.")] = None,
    dtypes: Annotated[Names, typer.Option("--dtype", metavar="A,B", help="Only these.")] = None,
    output: Output = RESULTS,
) -> None:
    """Show a few cells over runs and hosts: a table, and a picture."""
    from bench.analysis import history as histories
    from bench.analysis.runs import paths
    from bench.report.history import history_report
    from bench.report.pictures import history as drawing
    from bench.report.pictures.style import save
    from bench.report.terminal import console

    with usage_errors():
        names = [_run_or_pattern(name, output) for name in runs or [str(output / "*")]]
        parts = histories.selected(
            histories.read(paths(names)),
            problem=problems or (),
            tier=tiers or (),
            size=sizes or (),
            dtype=dtypes or (),
        )
        frame = histories.history(parts)
        console().print(history_report(frame))
        if picture := drawing.history(frame):
            output.mkdir(parents=True, exist_ok=True)
            print(*save(picture, output), sep="\n")


def list_problems(files: Files = None) -> None:
    """List the problems with their tiers and sizes."""
    from bench.problems.builtin.inputs import SIZES
    from bench.problems.user_file import look_at, problems_in
    from bench.report.terminal import console, problem_list

    with usage_errors():
        found = problems_in(tuple(map(look_at, files or ())))
    console().print(problem_list(found, None if files else SIZES))


def show(
    problem: OneProblem = None,
    files: Files = None,
) -> None:
    """Print the loop, NumPy and Numba versions of a problem."""
    from bench.common.choices import parse_names
    from bench.problems import texts
    from bench.problems.user_file import look_at, problems_in
    from bench.report.terminal import console, texts_report

    with usage_errors():
        found = problems_in(tuple(map(look_at, files or ())))
        names = parse_names("problem", [problem] if problem else [], [one.name for one in found])
        one, *others = [one for one in found if not names or one.name in names]
        if others:
            raise ValueError("name one problem (see `lossbench list`)")
    out = console()
    its_texts, summary = texts.texts_of(one), texts.summary_of(one)
    out.print(texts_report(its_texts, summary, colours=out.is_terminal), soft_wrap=True)


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as my_kernel.py.")],
) -> None:
    """Write a template for your own problem; it runs as it is."""
    from bench.problems.user_file import write_template

    with usage_errors():
        write_template(file)
    print(f"Written to {file}. To check and time it: lossbench run --problem {file}")


def adopt(
    functions: Annotated[
        list[str], typer.Argument(metavar="MODULE:FUNCTION...", help="The first is the oracle.")
    ],
    sizes: Annotated[
        list[str],
        typer.Option("--size", metavar="n=100,10000", help="A number of each size; repeat it."),
    ],
    call: Annotated[
        str | None,
        typer.Option(help='A call of the first, such as "slow(rng.random((n, n)), 3)".'),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="The file to write.")
    ] = None,
) -> None:
    """Write a problem file that compares functions of yours."""
    from bench.problems import adopt as adopting

    with usage_errors():
        file = file or Path(f"{functions[0].partition(':')[2]}_problem.py")
        adopting.adopt(file, functions, sizes, call)
    print(f"Written to {file}. To check and time it: lossbench run --problem {file}")


def descent(
    output: Pictures = PICTURES,
    show: Annotated[
        bool, typer.Option(help="Also open a window, if there is a terminal and a screen.")
    ] = True,
) -> None:
    """Draw gradient descent on x**2 at three learning rates."""
    from bench.report.pictures.lecture import draw_descents

    with usage_errors():
        pictures = draw_descents(output, show=show)
    for picture in pictures:
        print(picture)


def lecture(output: Pictures = PICTURES) -> None:
    """Train the post's classifier in every tier, and draw its loss."""
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.lecture import train_lecture
    from bench.report.pictures.lecture import draw_training
    from bench.report.terminal import console, training_table

    out = console()
    with usage_errors():
        refuse_without_jit()
    with status(out) as say:
        trainings = train_lecture(say)
    with usage_errors():
        pictures = draw_training(output, trainings[-1].losses)
    out.print(training_table(trainings))
    for picture in pictures:
        print(picture)


def digits(output: Pictures = PICTURES) -> None:
    """Train on handwritten digits in every tier; draw losses, templates."""
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.digits import load_digits, train_digits
    from bench.report.pictures.digits import draw_digits
    from bench.report.terminal import console, digits_report

    out = console()
    with usage_errors():
        refuse_without_jit()
        given, test = load_digits()
    with status(out) as say:
        found = train_digits(given, test, say)
    with usage_errors():
        pictures = draw_digits(output, found)
    out.print(digits_report(found))
    for picture in pictures:
        print(picture)


def _run_or_pattern(name: str, output: Path) -> Path:
    from glob import has_magic

    return Path(name) if has_magic(name) else _run_or_csv(name, output)


def _run_or_csv(name: str, output: Path) -> Path:
    """Return the path that a user means: as it is, or a run in the folder of the runs."""
    from bench.measurement import run_folder

    paths = (path for path in (Path(name), output / name) if name and path.exists())
    return next(paths, None) or run_folder.find(name, output)
