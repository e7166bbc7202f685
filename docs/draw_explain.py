"""Draw what `lossbench explain softmax_loss` prints, as a terminal shows it.

python docs/draw_explain.py docs/explain.svg
"""

import io
import sys

from rich.console import Console

from bench.loops.explain import explain_cells
from bench.model import Cell, Options
from bench.report.explanation import explanation_report


def main(picture):
    """Compile the loop of softmax_loss under @njit, and draw its explanation."""
    cell = Cell("softmax_loss", "numba", "S", "float64", 1)
    (found,) = explain_cells([cell], Options()).values()
    out = Console(record=True, width=96, file=io.StringIO(), highlight=False)
    out.print(explanation_report("softmax_loss numba float64", found))
    out.save_svg(picture, title="lossbench explain softmax_loss")


main(*sys.argv[1:])
