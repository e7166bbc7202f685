"""The benchmark, one package per stage: problems → agreement → measurement → analysis → report.

Each stage takes plain values and returns plain values, and imports only the stages before it.
`model` holds the terms that all share, `common` tools that know no benchmark, `workers` the child
processes; `cli` runs the stages in their order.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.model import Cell, Cost, Output, Problem, Tolerance
    from bench.report.notebook import load

__all__ = ["Cell", "Cost", "Output", "Problem", "Tolerance", "load"]


def __getattr__(name: str) -> Any:
    """Load what is asked for, and pandas only with `load`: the command line starts without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(
        import_module("bench.report.notebook" if name == "load" else "bench.model"), name
    )
