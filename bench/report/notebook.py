"""The table of a run for notebooks: `bench.load`."""

from pathlib import Path

import pandas as pd

from bench.analysis import csv_file


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
