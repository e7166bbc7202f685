"""The benchmark, one package per stage: problems → agreement → measurement → analysis → report.

Each stage imports only the stages before it. `model` holds the terms that all share, `common` has
general tools, `workers` the child processes; `cli` runs the stages in their order.

The terms: a problem is an operation with inputs at several sizes. A tier is one version of it, such
as the loop or Numba; the oracle is the tier that the others have to agree with. A hard input is one
with which kernels often go wrong. A cell is one problem, tier, size, dtype and thread count. A pass
times each cell once.
"""

import sys
from typing import TYPE_CHECKING, Any

from bench.common.kernels_package import foreign_kernels

if TYPE_CHECKING:
    from bench.model import Cell, Cost, Output, Problem, Tier, Tolerance
    from bench.report.notebook import explain, load

__all__ = ["Cell", "Cost", "Output", "Problem", "Tier", "Tolerance", "explain", "load"]

if said := foreign_kernels():  # the command ends with it, a table can be read all the same
    print(said, file=sys.stderr)


def load_ipython_extension(shell: Any) -> None:
    """Add `%%lossbench` to a notebook: `%load_ext bench`."""
    from bench.cli.magic import lossbench

    shell.register_magic_function(lossbench, "cell")


def __getattr__(name: str) -> Any:
    """Load what is asked for: pandas only for notebooks, as the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    in_notebooks = name in {"explain", "load"}
    return getattr(import_module("bench.report.notebook" if in_notebooks else "bench.model"), name)
