"""Check the types of arguments in a caller's jitted code, while Numba compiles it.

Numba raises the mistakes as TypingError, with the messages of `_messages`. Values are checked at
run time, in the kernels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import typeof, types
from numba.core.compiler import Flags
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.core.targetconfig import ConfigStack

from kernels.simd import _messages

_LETTERS: tuple[tuple[Any, str], ...] = (
    (types.Boolean, "b"),
    (types.Integer, "i"),
    (types.Float, "f"),
    (types.Complex, "c"),
    (types.UnicodeType, "U"),
)


OWN_FLAGS: Any = Flags()
"""The flags of a function without options that is called from Python."""
OWN_FLAGS.nrt = True
OWN_FLAGS.error_model = "python"


def kind_of(scalar: Any) -> str:
    """NumPy's letter for the kind of a Numba type, or of a default value."""
    scalar = (
        types.unliteral(unwrapped(scalar)) if isinstance(scalar, types.Type) else typeof(scalar)
    )
    return next((letter for type_, letter in _LETTERS if isinstance(scalar, type_)), "O")


def accept_array(
    function: str, argument: str, array: Any, axes: Sequence[str] | None, expected: str, kinds: str
) -> None:
    """Refuse, at compile time, anything but an array of these kinds and dimensions."""
    if not isinstance(array, types.Array):
        raise TypingError(f"{function}: {argument} must be an array, got {array}")
    _refuse_half(function, argument, array.dtype)
    if axes is not None and array.ndim != len(axes):
        raise TypingError(_messages.wrong_dimensions(function, argument, axes, array.ndim))
    if kind_of(array.dtype) not in kinds:
        raise TypingError(_messages.wrong_kind(function, argument, expected, kind_of(array.dtype)))


def _refuse_half(function: str, argument: str, scalar: Any) -> None:
    if scalar == types.float16:  # Numba has no arithmetic of it on a CPU
        raise TypingError(_messages.float16_in_jit(function, argument))


def accept_reals(
    function: str, argument: str, array: Any, axes: Sequence[str] | None = None
) -> None:
    """Refuse, at compile time, anything but an array of real numbers."""
    accept_array(function, argument, array, axes, "real numbers", "fi")


def accept_labels(function: str, labels: Any) -> None:
    """Refuse, at compile time, anything but a vector of integers."""
    accept_array(function, "labels", labels, ("N",), "integers", "i")


def accept_real(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, anything but a real number."""
    _refuse_half(function, argument, value)
    if kind_of(value) not in "fi":
        raise TypingError(_messages.wrong_kind(function, argument, "a real number", kind_of(value)))


def accept_integer(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, anything but an integer."""
    if kind_of(value) != "i":
        raise TypingError(_messages.wrong_kind(function, argument, "an integer", kind_of(value)))


def accept_text(function: str, argument: str, value: Any) -> None:
    """Refuse, at compile time, anything but a string."""
    if kind_of(value) != "U":
        raise TypingError(_messages.wrong_kind(function, argument, "a string", kind_of(value)))


def accept_function(function: str, argument: str, f: Any) -> None:
    """Refuse, at compile time, anything but a jitted function."""
    if not isinstance(f, types.Dispatcher | types.FunctionType):
        raise TypingError(_messages.not_jitted(function, argument))


def _returned_by(f: Any, point: Any) -> Any:
    """Numba type that a jitted function returns at a point; None if it cannot take the point.

    Numba compiles the function to find out. With its own flags: unset, Numba would use those of the
    caller that it is compiling.
    """
    function_type: Any = f if isinstance(f, types.Type) else typeof(f)
    with ConfigStack().enter(OWN_FLAGS):
        signature = function_type.get_call_type(cpu_target.typing_context, (point,), {})
    return None if signature is None else types.unliteral(signature.return_type)


def accept_value(
    function: str, argument: str, f: Any, point: Any, error: type[Exception] = TypingError
) -> None:
    """Refuse a jitted function that does not return a real number.

    Parameters
    ----------
    function, argument : str
        Names for the message.
    f : jitted function, or Numba's type of one
    point : Numba type
        Type of the argument of `f`.
    error : class
        What to raise; `TypeError` for a caller in Python.
    """
    returned = _returned_by(f, point)
    if returned is not None and kind_of(returned) not in "fi":
        raise error(_messages.returned_no_number(function, argument, name_of(returned)))


def accept_gradient(
    function: str, argument: str, gradient: Any, point: Any, error: type[Exception] = TypingError
) -> None:
    """Refuse a jitted gradient that does not return an array of real numbers.

    At a point that is a number it has to return a number. Parameters as in `accept_value`.
    """
    returned = _returned_by(gradient, point)
    if returned is None:
        return
    parts: Any = getattr(returned, "types", ())  # of a tuple
    if len(parts) == 2 and kind_of(parts[0]) in "fi":
        raise error(_messages.returned_loss_too(function, argument))
    of_array = isinstance(point, types.Array)
    expected = "an array of real numbers" if of_array else "a real number"
    scalar = returned.dtype if of_array and isinstance(returned, types.Array) else returned
    if isinstance(returned, types.Array) != of_array or kind_of(scalar) not in "fi":
        raise error(_messages.returned_no_gradient(function, argument, expected, name_of(returned)))


def name_of(returned: Any) -> str:
    """Name of a Numba type for a message."""
    if isinstance(returned, types.Array):
        kind = kind_of(returned.dtype)
        of = "" if kind in "fi" else f" of {_messages.name_of_kind(kind)}"
        return f"a {returned.ndim}-dimensional array{of}"
    if isinstance(returned, types.NoneType):
        return "None"
    if isinstance(returned, types.BaseTuple):
        return f"a tuple of {len(returned)}"
    kind = kind_of(returned)
    return kind if kind != "O" else str(returned)


def accept_point(function: str, argument: str, x: Any) -> None:
    """Refuse, at compile time, anything but a real number or an array of them."""
    if isinstance(unwrapped(x), types.Array):
        accept_reals(function, argument, unwrapped(x))
        return
    _refuse_half(function, argument, x)
    if kind_of(x) not in "fi":
        raise TypingError(_messages.wrong_kind(function, argument, "real numbers", kind_of(x)))


def accept_out(function: str, scores: Any, out: Any) -> None:
    """Refuse, at compile time, an output that cannot hold the result."""
    if is_none(out):
        return
    if not isinstance(out, types.Array) or out.dtype != result_dtype(scores):
        raise TypingError(_messages.wrong_out_dtype(function, "out"))
    if out.ndim != scores.ndim:
        raise TypingError(_messages.wrong_dimensions(function, "out", ("N", "C"), out.ndim))
    if not out.mutable:
        raise TypingError(_messages.read_only_out(function, "out"))


# --- what the kernels need to know of the types


def result_dtype(array: Any) -> Any:
    """Numba type that kernels compute in for an array."""
    return array.dtype if array.dtype in (types.float32, types.float64) else types.float64


def is_none(value: Any) -> bool:
    """Whether an optional argument was left out."""
    return value is None or isinstance(value, types.NoneType | types.Omitted)


def common_dtype(*arrays: Any) -> Any:
    """NumPy type that kernels compute in for some arrays: float32 only if all are float32."""
    single = all(result_dtype(array) == types.float32 for array in arrays)
    return np.float32 if single else np.float64


def unwrapped(kind: Any) -> Any:
    """Numba type of an optional value, without the None."""
    return kind.type if isinstance(kind, types.Optional) else kind


def is_number(x: Any) -> bool:
    """Whether a point is a number or a 0-d array."""
    x = unwrapped(x)
    return not isinstance(x, types.Array) or x.ndim == 0


def numpy_dtype(x: Any) -> Any:
    """NumPy type of a result for an array or a number."""
    dtype = getattr(unwrapped(x), "dtype", types.float64)
    return np.float32 if dtype == types.float32 else np.float64


def point_type(x: Any, dtype: Any = types.float64) -> Any:
    """Numba type of a function's argument at a point: a float, or a contiguous array."""
    return types.float64 if is_number(x) else types.Array(dtype, unwrapped(x).ndim, "C")
