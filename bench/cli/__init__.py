"""The command `lossbench`: options in, stages of the pipeline in their order, exit code out.

`measuring` has the commands that measure, `stages` the stages that these run, `reporting` the
commands that read. What takes long to load (NumPy, pandas, Matplotlib, Numba) is imported by the
command that needs it: `lossbench --help` answers at once.
"""

import sys

import typer

from bench.cli import explaining, measuring, reporting, warming
from bench.cli.options import EXIT_CODES, EXIT_USAGE
from bench.common import encoding
from bench.common.kernels_package import foreign_kernels

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Compare loops, NumPy and Numba on the losses of CS231n, or on your own kernel: do they "
    "agree, and how fast are they?",
)
app.command(epilog=EXIT_CODES)(measuring.run)
app.command("compile-cost")(measuring.compile_cost)
app.command()(measuring.sweep)
app.command()(measuring.check)
app.command()(explaining.explain)
app.command()(warming.warmup)
app.command()(reporting.compare)
app.command()(reporting.history)
app.command("report")(reporting.report_run)
app.command("list")(reporting.list_problems)
app.command()(reporting.show)
app.command()(reporting.new)
app.command()(reporting.adopt)
demo = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(
    demo, name="demo", help="The examples of the blog post that this starts from; real training."
)
demo.command()(reporting.descent)
demo.command()(reporting.lecture)
demo.command()(reporting.digits)


def main() -> None:
    """Run the command line."""
    if foreign_kernels():
        sys.exit(EXIT_USAGE)  # `bench` has said why
    encoding.replace_unencodable()
    app()
