"""Arrays of other libraries: convert them to NumPy arrays, and name those that NumPy would misread.

No other library is imported: its arrays are recognised by their attributes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def misread(values: Any) -> str:
    """Name values that NumPy would misread, for a message; return '' for any others."""
    kinds = set(map(type, values)) if isinstance(values, list | tuple) else {type(values)}
    if any(hasattr(kind, "tocoo") for kind in kinds):
        return "a sparse matrix: give its .toarray()"
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        return "a masked array: fill it, or leave out what is masked"
    if any(column.isna().any() for column in _nullable_columns(values)):
        return "missing values (NA)"
    return ""


def as_array(values: Any) -> NDArray[Any]:
    """Make an array; pandas' nullable dtypes become the NumPy dtypes that hold their values."""
    columns = _nullable_columns(values)
    if not columns:
        return np.asarray(values)
    plain = [getattr(dtype, "numpy_dtype", dtype) for dtype in _dtypes(values)]
    if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in plain):
        return np.asarray(values)
    is_bool = any(dtype.kind == "b" for dtype in plain)  # one column of them is refused later
    array: NDArray[Any] = values.to_numpy(dtype=bool if is_bool else np.result_type(*plain))
    return array


def _dtypes(values: Any) -> list[Any]:
    """Dtypes of a pandas object, one per column."""
    dtypes: Any = values.dtypes if hasattr(values, "dtypes") else values.dtype
    return list(dtypes.array) if hasattr(dtypes, "array") else [dtypes]


def _nullable_columns(values: Any) -> list[Any]:
    """Columns of a pandas object that can hold NA besides numbers."""
    if not hasattr(values, "isna") or not hasattr(values, "to_numpy"):
        return []
    dtypes = _dtypes(values)
    if len(dtypes) == 1 and getattr(values, "ndim", 1) == 1:
        return [values] if hasattr(dtypes[0], "numpy_dtype") else []
    places = [i for i, dtype in enumerate(dtypes) if hasattr(dtype, "numpy_dtype")]
    return [values.iloc[:, i] for i in places]


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is real: NumPy's, or another library's that fits into float64."""
    return dtype.kind in "fiu" or (dtype.kind == "V" and np.can_cast(dtype, np.float64))


def is_whole(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is of integers: NumPy's, or another library's that fits into int64."""
    return dtype.kind in "iu" or (dtype.kind == "V" and np.can_cast(dtype, np.int64))


def kind(dtype: np.dtype[Any]) -> str:
    """NumPy's letter for the kind of a dtype; for another library's dtype, its name."""
    return dtype.name if dtype.isbuiltin == 2 else dtype.kind


def numbers(values: Any) -> NDArray[np.object_] | None:
    """Array of objects for lists of integers and floats too large for NumPy; else None."""
    if not isinstance(values, list | tuple):
        return None
    array = np.asarray(values, object)
    kinds = set(map(type, array.flat))
    wanted = (int, float, np.integer, np.floating)
    return array if bool not in kinds and all(issubclass(one, wanted) for one in kinds) else None
