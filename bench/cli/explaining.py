"""The command that explains why a loop is fast or not, and tries what may help."""

import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.measuring import measure_file
from bench.cli.options import (
    EXIT_USAGE,
    EXIT_WRONG,
    RESULTS,
    Budget,
    Dtypes,
    Files,
    Output,
    Passes,
    Problems,
    Sizes,
    options_of,
    usage_errors,
)
from bench.cli.progress import status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.loops.findings import Explanation
    from bench.model import Cell, Options, Problem


class Told(StrEnum):
    """What an explanation is printed as."""

    TERMINAL = "terminal"
    JSON = "json"


def explain(
    problems: Problems = None,
    files: Files = None,
    tier: Annotated[
        str, typer.Option(metavar="TIER", help="A tier that Numba compiles.")
    ] = "numba",
    sizes: Sizes = None,
    dtypes: Dtypes = None,
    form: Annotated[Told, typer.Option("--format", help="How to print it.")] = Told.TERMINAL,
    try_changes: Annotated[
        bool,
        typer.Option(
            "--try", help="Also change copies of the kernel, check them and time them (minutes)."
        ),
    ] = False,
    passes: Passes = None,
    budget: Budget = None,
    output: Output = RESULTS,
) -> None:
    """Explain the loops of a jitted tier: vectorised or not, why, and what to change."""
    from bench.loops.explain import explain_cells
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.user_file import problems_in
    from bench.report import explanation
    from bench.report.terminal import console

    with usage_errors():
        refuse_without_jit()
        options = options_of(problems, files, sizes, [tier], dtypes, None)
        found = problems_in(options.files)
        cells = _one_each(found, options)
        if try_changes and (len(cells) > 1 or form is Told.JSON):
            raise ValueError("--try takes one problem and one dtype, and prints tables")
    out, values, code = console(), [], 0
    with status(out) as say:
        explained = explain_cells(cells, options, lambda n: say(f"{n} of {len(cells)} compiled"))
    for cell, one in explained.items():
        title = f"{cell.problem} {cell.tier} {cell.dtype}"
        if isinstance(one, str):
            code = EXIT_WRONG
            typer.echo(f"{title}: {one}", err=True)
        elif form is Told.JSON:
            values.append(explanation.as_json(title, one))
        else:
            out.print(explanation.explanation_report(title, one))
            out.print()
        if try_changes and not isinstance(one, str):
            its_problem = next(p for p in found if p.name == cell.problem)
            size = [name for name in options.sizes if name in its_problem.sizes][-1:]
            code = _try(its_problem, cell, one, size, passes, budget, output)
    if form is Told.JSON:
        print(json.dumps(values, indent=2, ensure_ascii=False))
    if code:
        raise typer.Exit(code)


def _one_each(found: "Sequence[Problem]", options: "Options") -> "list[Cell]":
    """Return a cell for each problem and dtype: of its smallest size, at one thread count."""
    from bench.problems.selection import cells_of

    named = {one.name: one for one in found}
    chosen: dict[tuple[str, str], Cell] = {}
    for cell in cells_of(found, options):
        its = named[cell.problem]
        other = chosen.setdefault((cell.problem, cell.dtype), cell)
        if its.work(cell.tier, cell.size) < its.work(cell.tier, other.size):
            chosen[cell.problem, cell.dtype] = cell
    if not chosen:
        raise ValueError("none of the selected problems has that size and tier")
    return list(chosen.values())


def _try(
    problem: "Problem",
    cell: "Cell",
    explained: "Explanation",
    sizes: "Sizes",
    passes: "Passes",
    budget: "Budget",
    output: Path,
) -> int:
    """Check and time changed copies of a kernel, and show the best as a diff; the exit code."""
    from bench.analysis import csv_file
    from bench.loops.remedies import CannotRewriteError, diff
    from bench.loops.trial import write_trial
    from bench.report import explanation
    from bench.report.terminal import console

    out = console()
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        try:
            trial = write_trial(problem, cell.tier, cell.dtype, explained, Path(scratch))
        except CannotRewriteError as error:
            typer.echo(f"nothing to try: {error}", err=True)
            return EXIT_USAGE
        folder, code = measure_file(trial.file, sizes, [cell.dtype], passes, budget, output)
    if not csv_file.holds_run(folder):  # interrupted at once
        return code
    frame = csv_file.load(folder)
    out.print()
    out.print(explanation.trial_table(frame, trial.changes))
    best = explanation.best_of(frame, trial.changes)
    if best is None:
        is_known = explanation.has_intervals(frame) or not (frame["status"] == "ok").any()
        few = "Too few passes to tell which change is faster; more: --passes 10"
        out.print("No change made it faster." if is_known else few)
        return 0 if code == EXIT_WRONG else code
    file = explanation.shown(trial.path)
    line_end = "\r\n" if b"\r\n" in Path(trial.path).read_bytes() else "\n"
    change = diff(trial.written, trial.sources[best], file, line_end)
    path = folder / "best.diff"
    path.write_text(change, encoding="utf-8", newline="")
    out.print(f"\nThe best that agrees, {best}, also in {path}:\n", soft_wrap=True)
    out.print(change, markup=False, soft_wrap=True)
    # A change that makes the result wrong is an answer, not a failure
    return 0 if code == EXIT_WRONG else code
