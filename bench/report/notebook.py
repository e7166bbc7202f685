"""For notebooks: the table of a run, `bench.load`; the loops of a function, `bench.explain`."""

import linecache
from collections.abc import Callable
from typing import Any

import pandas as pd
from rich.console import Console, RenderableType

from bench.analysis import runs
from bench.analysis.columns import IDENTITY
from bench.loops.explain import explain_function
from bench.loops.findings import Explanation
from bench.model import jitted_function
from bench.report.explanation import as_html, explanation_report
from bench.report.terminal import PLAIN_WIDTH, run_table


class Results(pd.DataFrame):
    """The table of a run: a DataFrame that a notebook shows as the HTML page does.

    IPython in a terminal shows it as a run does.

    What is computed from it (a selection, a copy) is a plain DataFrame. That of several runs is
    shown as one: the page has one place for each cell.
    """

    def _is_of_several_runs(self) -> bool:
        return bool(self.duplicated(list(IDENTITY)).any())

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self) if self._is_of_several_runs() else _as_text(run_table(self)))

    def _repr_html_(self) -> str:
        if self._is_of_several_runs():
            return str(pd.DataFrame(self).to_html(max_rows=pd.options.display.max_rows))
        from bench.report.page import html_table  # loads Jinja2 and Matplotlib

        return html_table(self)


def load(path: runs.Paths) -> Results:
    """Read the table of a run, or of several runs below each other.

    Parameters
    ----------
    path : path, pattern, or iterable of them
        The folder of a run, or a CSV or Parquet file of one. If a folder has no table, or one older
        than its records, the table is built from the records. A pattern such as ``"results/*"``,
        and several paths, name many runs. Of these, what is no run is left out: other folders,
        files that are neither CSV nor Parquet, and what lies in a folder that is read.

    Returns
    -------
    Results
        A DataFrame with the columns and dtypes of `bench.analysis.columns.COLUMNS`. The column
        ``run_id`` says which run a row is of. Speed-ups and other derived columns are those within
        each run. A row that is in two files is there once.

    Raises
    ------
    FileNotFoundError
        No such file, or a folder without a run; of several, if none is a run.
    ValueError
        A file is no such table, or is incomplete; the message says which, and what is missing.
    MissingLibraryError
        A Parquet file, and pyarrow is not installed.
    """
    return Results(runs.load(path))


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
        return _as_text(explanation_report(self._name, self.found))

    def _repr_html_(self) -> str:
        return as_html(self.found)


def _as_text(shown: RenderableType) -> str:
    out = Console(width=PLAIN_WIDTH, highlight=False, color_system=None)
    with out.capture() as text:
        out.print(shown)
    return text.get()


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

    jitted = function if jitted_function(function) else njit(function)
    types = [typeof(one) for one in arguments]  # type: ignore[no-untyped-call]
    found = explain_function(jitted, types, _text_of)
    return Explained(function.__name__, found)


def _text_of(path: str) -> str:
    return "".join(linecache.getlines(path))
