"""Check what a caller's function returned, where Python called it.

For a jitted function, `_check_types` checks the type that Numba infers for its result.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.simd import _check_values, _foreign_arrays, _messages
from kernels.simd._check_arguments import as_float, name_of_type, real_array


def value_of(function: str, argument: str, result: Any) -> float:
    """Convert a function's result to float: a real number, or an array with one entry."""
    if isinstance(result, float):  # NumPy's float64 is one
        return float(result)
    kind = _kind_of_result(result)
    if kind:
        raise TypeError(_messages.returned_no_number(function, argument, kind))
    return as_float(result.item() if isinstance(result, np.ndarray) else result)


def _kind_of_result(result: Any) -> str:
    """Kind of a result that is no real number, as `_messages.wrong_kind` takes it; else ''."""
    shape = getattr(result, "shape", ())
    if isinstance(result, np.ma.MaskedArray):
        return "a masked array"
    if math.prod(shape) != 1:
        return f"an array of shape {tuple(shape)}"
    dtype = np.dtype(type(result)) if isinstance(result, bool | complex) else None
    dtype = getattr(result, "dtype", dtype)
    if isinstance(dtype, np.dtype):
        return "" if _foreign_arrays.is_real(dtype) else _foreign_arrays.kind(dtype)
    return "" if hasattr(result, "__float__") else name_of_type(result)


def gradient_of(function: str, argument: str, result: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Make an array of a gradient's result; refuse another shape than the point's."""
    if isinstance(result, tuple) and len(result) == 2 and np.ndim(result[0]) == 0:
        has_loss = shape == () or np.ndim(result[1]) > 0
        if has_loss:
            raise TypeError(_messages.returned_loss_too(function, argument))
    slope = real_array(function, argument, result)
    _check_values.returned_shape(function, argument, slope.shape, shape)
    return slope
