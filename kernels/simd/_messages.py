"""Messages for arguments and results of a wrong type or shape.

From Python they are raised as TypeError or ValueError, in a caller's jitted code as TypingError.
The messages for wrong values are in `_check_values`.
"""

from collections.abc import Sequence

KINDS = {"b": "booleans", "c": "complex numbers", "i": "integers", "u": "integers", "f": "floats"}
KINDS |= {"S": "strings", "U": "strings", "M": "dates", "m": "time differences"}
REALS = "real numbers"


def wrong_kind(function: str, argument: str, expected: str, kind: str) -> str:
    """Message for an argument of another kind; `kind` is NumPy's letter for it, or its name."""
    return f"{function}: {argument} must be {expected}, got {name_of_kind(kind)}"


def name_of_kind(kind: str) -> str:
    """Name of a kind that is given as NumPy's letter; a longer string is a name already."""
    return kind if len(kind) > 1 else KINDS.get(kind, "objects")


def wrong_dimensions(function: str, argument: str, axes: Sequence[str], ndim: int) -> str:
    """Message for an argument with another number of dimensions than it has named axes."""
    expected = len(axes)
    names = f"({', '.join(axes)})" if expected > 1 else f"({axes[0]},)"
    plural = "s" if expected > 1 else ""
    return f"{function}: {argument} must have {expected} dimension{plural} {names}, got {ndim}"


def float16_in_jit(function: str, argument: str) -> str:
    """Message for float16 in jitted code: Numba cannot compute with it."""
    return f"{function}: {argument} must be in float32 or float64 in jitted code, got float16"


def not_jitted(function: str, argument: str) -> str:
    """Message for a plain Python function in jitted code: Numba cannot compile it."""
    return (
        f"{function}: {argument} must be an @njit function, got one that is not jitted: "
        f"decorate it with @numba.njit"
    )


def wrong_out_dtype(function: str, argument: str) -> str:
    """Message for an output that is no array, or has another dtype than the result."""
    return f"{function}: {argument} must be an array in the dtype of the scores"


def read_only_out(function: str, argument: str) -> str:
    """Message for a read-only output."""
    return f"{function}: {argument} must be writeable, got a read-only array"


def returned_no_number(function: str, argument: str, kind: str) -> str:
    """Message for a function that did not return a number; `kind` as in `wrong_kind`."""
    return f"{function}: {argument} must return a real number, got {name_of_kind(kind)}"


def returned_no_gradient(function: str, argument: str, expected: str, kind: str) -> str:
    """Message for a gradient that did not return `expected`; `kind` as in `wrong_kind`."""
    return f"{function}: {argument} must return {expected}, got {name_of_kind(kind)}"


def returned_loss_too(function: str, argument: str) -> str:
    """Message for a gradient that returned (loss, gradient)."""
    return f"{function}: {argument} must return the gradient alone, got (loss, gradient)"
