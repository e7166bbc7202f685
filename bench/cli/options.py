"""Options that several commands take, exit codes, and errors in a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.common.extras import MissingLibraryError

if TYPE_CHECKING:
    from bench.model import Options

EXIT_WRONG, EXIT_USAGE, EXIT_BROKEN_OFF = 1, 2, 3
EXIT_CODES = f"""Exit codes: 0 every tier agrees; {EXIT_WRONG} one disagrees or failed; {EXIT_USAGE}
the command is wrong, or nothing was compared; {EXIT_BROKEN_OFF} the run broke off, as on a full
disk; 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. However a run ends, what it measured is kept, and
--resume continues it."""
# Seconds; the clock that ends a call cannot be set to any number of them.
LONGEST_BUDGET = 1e6
RESULTS = Path("results")


class Form(StrEnum):
    """What a run is shown as."""

    HTML = "html"
    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


Names = list[str] | None
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--problem",
        metavar="FILE",
        help="Your own problem, instead of the built-in ones (see `lossbench new`). Repeat it for "
        "several files.",
    ),
]
Problems = Annotated[
    Names,
    typer.Argument(
        metavar="[PROBLEM]", show_default=False, help="See `lossbench list`; all by default."
    ),
]
OneProblem = Annotated[
    str | None,
    typer.Argument(metavar="PROBLEM", show_default=False, help="See `lossbench list`."),
]
Sizes = Annotated[
    Names,
    typer.Option(
        "--size",
        metavar="A,B",
        help="lecture, S, M, L, wide, tall; the first three by default. With --problem: the sizes "
        "of the file, all by default.",
    ),
]
Tiers = Annotated[
    Names,
    typer.Option(
        "--tier",
        metavar="A,B",
        help="loop, numpy, numba (the loop under @njit), kernels, kernels-parallel (the library); "
        "all by default. 'peers': sklearn, torch, torch-chunked, jax, scipy, c beside numpy, numba "
        "and kernels; or name one. With --problem: the tiers of the file.",
    ),
]
Dtypes = Annotated[
    Names, typer.Option("--dtype", metavar="A,B", help="float64, float32; float64 by default.")
]
Threads = Annotated[
    Names,
    typer.Option(
        "--threads",
        metavar="A,B",
        help="Thread counts of the -parallel tiers; all cores by default.",
    ),
]
Passes = Annotated[
    int | None,
    typer.Option(min=1, metavar="COUNT", help="How often each cell is timed, 14 by default."),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="SECONDS",
        help="Time for a cell, 2 by default. A cell whose call takes longer is skipped.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="A first look: 3 passes, half a second for a cell, no limits of the machine and no "
        "memory. Too few passes for intervals: speed-ups are rough.",
    ),
]
Output = Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of the runs.")]


def options_of(
    problems: Names,
    files: list[Path] | None,
    sizes: Names,
    tiers: Names,
    dtypes: Names,
    threads: Names,
    passes: int | None = None,
    budget: float | None = None,
    *,
    quick: bool = False,
    costs: bool = True,
) -> "Options":
    """Return the options of a run, with the defaults for what was not given."""
    from dataclasses import replace

    from bench.model import QUICK_BUDGET, QUICK_PASSES
    from bench.problems import selection
    from bench.problems.user_file import look_at, problems_in

    if budget is not None and not 0.0 < budget < LONGEST_BUDGET:
        raise ValueError(
            f"the budget has to be above 0 and below {LONGEST_BUDGET:g} seconds, not {budget:g}"
        )
    looked_at = tuple(map(look_at, files or ()))
    options = selection.select(
        problems_in(looked_at),
        looked_at,
        problems=problems or (),
        sizes=sizes or (),
        tiers=tiers or (),
        dtypes=dtypes or (),
        threads=threads or (),
    )
    if quick:
        options = replace(options, quick=True, passes=QUICK_PASSES, budget=QUICK_BUDGET)
    return replace(
        options,
        passes=passes or options.passes,
        budget=budget or options.budget,
        costs=costs and not quick,
    )


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn an error in the options into one line and exit code 2."""
    try:
        yield
    except (ValueError, MissingLibraryError) as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise typer.BadParameter(words) from error
