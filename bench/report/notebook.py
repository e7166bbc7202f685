"""The table of a run for notebooks: `bench.load`."""

from pathlib import Path

import pandas as pd

from bench.analysis import csv_file


class Results(pd.DataFrame):
    """The table of a run: a DataFrame that a notebook shows as the HTML page does.

    What is computed from it (a selection, a copy) is a plain DataFrame.
    """

    def _repr_html_(self) -> str:
        from bench.report.page import (
            html_table,  # loads Jinja2 and Matplotlib: only to be looked at
        )

        return html_table(self)


def load(path: str | Path) -> Results:
    """Read the table of a run, to be shown and computed with.

    Parameters
    ----------
    path : path
        A CSV written by a run, or the folder of a run; one that was interrupted before it wrote its
        table is put together from its cells.

    Returns
    -------
    Results
        A DataFrame with the columns and dtypes of `table.COLUMNS`.

    Raises
    ------
    FileNotFoundError
        No such file, or a folder without a run.
    ValueError
        A file that is no such table, or is cut short; the message says what is missing.
    """
    return Results(csv_file.load(path))
