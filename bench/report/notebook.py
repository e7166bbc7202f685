"""For notebooks: the table of a run, `bench.load`; the loops of a function, `bench.explain`."""

import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from bench.analysis import csv_file
from bench.loops.explain import explain_function
from bench.loops.findings import Explanation
from bench.report.explanation import as_html, explanation_report
from bench.report.terminal import PLAIN_WIDTH


class Results(pd.DataFrame):
    """The table of a run: a DataFrame that a notebook shows as the HTML page does.

    What is computed from it (a selection, a copy) is a plain DataFrame.
    """

    def _repr_html_(self) -> str:
        from bench.report.page import html_table  # loads Jinja2 and Matplotlib

        return html_table(self)


def load(path: str | Path) -> Results:
    """Read the table of a run.

    Parameters
    ----------
    path : path
        The folder of a run, or a CSV that a run wrote. If a folder has no table, or one older than
        its records, the table is built from the records.

    Returns
    -------
    Results
        A DataFrame with the columns and dtypes of `bench.analysis.columns.COLUMNS`.

    Raises
    ------
    FileNotFoundError
        No such file, or a folder without a run.
    ValueError
        The file is no such table, or is incomplete; the message says what is missing.
    """
    return Results(csv_file.load(path))


class Explained:
    """The loops of a function, shown as text, and as HTML in a notebook.

    Attributes
    ----------
    found : Explanation
    """

    def __init__(self, name: str, found: Explanation) -> None:
        self.found = found
        self._name = name

    def __repr__(self) -> str:
        out = Console(width=PLAIN_WIDTH, highlight=False, color_system=None)
        with out.capture() as text:
            out.print(explanation_report(self._name, self.found))
        return text.get()

    def _repr_html_(self) -> str:
        return as_html(self.found)


def explain(function: Callable[..., Any], *arguments: Any) -> Explained:
    """Explain the loops of a function: vectorised or not, why, and what to change.

    Parameters
    ----------
    function : function
        Jitted, or one that Numba can compile. It is compiled in a process of its own, and is not
        called.
    *arguments
        Those of a call: their types count.

    Raises
    ------
    bench.loops.explain.ExplainError
        It cannot be compiled; the message says why.

    Examples
    --------
    >>> import numpy as np
    >>> def total(x):
    ...     result = 0.0
    ...     for i in range(len(x)):
    ...         result += x[i]
    ...     return result
    >>> loops = explain(total, np.ones(10)).found.loops
    """
    from numba import njit, typeof

    jitted = function if hasattr(function, "py_func") else njit(function)
    types = [typeof(one) for one in arguments]  # type: ignore[no-untyped-call]
    found = explain_function(jitted, types, _text_of)
    return Explained(function.__name__, found)


def _text_of(path: str) -> str:
    return "".join(linecache.getlines(path))
