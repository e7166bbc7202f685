"""The command that explains why a loop is fast or not."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    EXIT_WRONG,
    Dtypes,
    Files,
    Problems,
    Sizes,
    options_of,
    usage_errors,
)
from bench.cli.progress import status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model import Cell, Options, Problem


def explain(
    problems: Problems = None,
    files: Files = None,
    tier: Annotated[str, typer.Option(metavar="TIER", help="A tier that Numba compiles.")] = (
        "numba"
    ),
    sizes: Sizes = None,
    dtypes: Dtypes = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Explain the loops of a jitted tier: vectorised or not, why, and what to change."""
    from bench.loops.explain import ExplainError, explain_cell
    from bench.measurement.machine import refuse_without_jit
    from bench.problems.user_file import problems_in
    from bench.report import explanation
    from bench.report.terminal import console

    with usage_errors():
        refuse_without_jit()
        options = options_of(problems, files, sizes, [tier], dtypes, None)
        cells = _one_each(problems_in(options.files), options)
    out, values, failed = console(), [], False
    for cell in cells:
        title = f"{cell.problem} {cell.tier} {cell.dtype}"
        try:
            with status(out) as say:
                say(f"compiling {title}")
                found = explain_cell(cell, options)
        except ExplainError as error:
            failed = True
            typer.echo(f"{title}: {error}", err=True)
            continue
        if as_json:
            values.append(explanation.as_json(title, found))
        else:
            out.print(explanation.explanation_report(title, found))
            out.print()
    if as_json:
        print(json.dumps(values, indent=2, ensure_ascii=False))
    if failed:
        raise typer.Exit(EXIT_WRONG)


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
