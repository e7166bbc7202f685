"""Define the columns of the table of results: names, order, dtypes; parse the medians of passes."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The columns of the CSV, in order, each with its dtype.
COLUMNS: dict[str, str] = {
    "run_id": "str",
    "problem": "category",
    "tier": "category",
    "size": "category",
    "n": "Int64",
    "d": "Int64",
    "c": "Int64",
    "dtype": "category",
    "threads": "Int64",
    "status": "category",
    "message": "str",
    "checked": "category",
    "max_abs_error": "float64",
    "max_rel_error": "float64",
    "passes": "Int64",
    "rounds": "Int64",
    "iterations": "Int64",
    "min_s": "float64",
    "q1_s": "float64",
    "median_s": "float64",
    "q3_s": "float64",
    "stddev_s": "float64",
    "estimated_s": "float64",
    "noise": "str",
    "speedup_vs_loop": "float64",
    "speedup_vs_loop_low": "float64",
    "speedup_vs_loop_high": "float64",
    "speedup_vs_numpy": "float64",
    "speedup_vs_numpy_low": "float64",
    "speedup_vs_numpy_high": "float64",
    "speedup_vs_numba": "float64",
    "speedup_vs_numba_low": "float64",
    "speedup_vs_numba_high": "float64",
    "noise_floor": "float64",
    "bytes_moved": "Int64",
    "flops": "Int64",
    "exps": "Int64",
    "gb_per_s": "float64",
    # The least that this machine needs for those bytes and exps, and the bound.
    "floor_s": "float64",
    "bound_by": "str",
    "share_of_floor": "float64",
    "compile_s": "float64",
    "load_s": "float64",
    "break_even_calls_vs_loop": "float64",
    "break_even_calls_vs_numpy": "float64",
    "temporary_bytes": "Int64",
    # One number per pass of the run: ratios are paired by pass.
    "pass_medians_s": "str",
    "twin_medians_s": "str",
    # Of a call that does nothing, where each call gets new arguments.
    "empty_call_s": "float64",
}
# Columns that tables of older versions lack: left blank.
NEWER = frozenset(
    {
        *("exps", "floor_s", "bound_by", "share_of_floor", "compile_s", "load_s"),
        *("break_even_calls_vs_loop", "break_even_calls_vs_numpy", "temporary_bytes"),
        *("speedup_vs_numba", "speedup_vs_numba_low", "speedup_vs_numba_high", "empty_call_s"),
    }
)
# Tiers of the built-in problems: their names in tables of format 1, and their names now.
NEW_TIERS = {"numba": "kernels", "numba-parallel": "kernels-parallel", "numba-math": "numba"}
IDENTITY = ("problem", "tier", "size", "dtype", "threads")
COUNTED = ("bytes_moved", "flops", "exps")
GROUP = ["problem", "size", "dtype"]
WORDS = frozenset({"str", "category"})


def pass_medians(text: str) -> NDArray[np.float64]:
    """Return the numbers of ``pass_medians_s`` or ``twin_medians_s``.

    Parameters
    ----------
    text : str
        One number per pass, separated by spaces.

    Returns
    -------
    (passes,) float64
        Seconds per call; NaN for a pass in which the cell was not timed.

    Raises
    ------
    ValueError
        An item is neither a time nor ``nan``.

    Examples
    --------
    >>> pass_medians("0.001 nan 0.002").tolist()
    [0.001, nan, 0.002]
    """
    medians = np.array(text.split(), dtype=np.float64)
    if not np.all((medians > 0.0) & np.isfinite(medians) | np.isnan(medians)):
        raise ValueError(f"not the times of passes: {text!r}")
    return medians


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns of a table the dtypes of `COLUMNS`."""
    return frame.astype(COLUMNS)
