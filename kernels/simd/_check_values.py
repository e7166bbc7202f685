"""Check values: shapes, labels and ranges.

Python calls these functions as they are. `_check_in_kernels` compiles the same functions, so a
mistake has the same message from Python and from jitted code.
"""

import math
from typing import Any, NoReturn

MAX_COUNT = 1 << 48
"""More entries than fit in any machine's memory: a larger count is a mistake."""

LOSSES = ("svm", "softmax")
METHODS = ("central", "forward")
GRADIENTS = ("analytic", "numerical")


class refusal(ValueError):  # noqa: N801, N818 - raised like ValueError, and makes one
    """A ValueError whose message is formatted in Python, also if compiled code raises it.

    Compiled code only passes the template and the values: compiling the string formatting took
    longer than the rest of a kernel.
    """

    def __new__(cls, template: Any, *values: Any) -> Any:
        """Return a plain ValueError."""
        if isinstance(template, ValueError):  # CPython calls this again with the exception
            return template
        named = (name_of_number(value) if isinstance(value, float) else value for value in values)
        return ValueError(template.format(*named))


def name_of_number(value: float) -> str:
    """Name of a refused number, without its digits, which compiled code would print otherwise."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "an infinity"
    return "0" if value == 0.0 else "a negative number"


def entries(function: str, argument: str, given: int, expected: int, what: str, unit: str) -> None:
    """Refuse a number of entries, rows or columns that differs from the expected one."""
    if given != expected:
        raise refusal(
            "{}: {} must have {} {}, one per {}, got {}",
            function,
            argument,
            expected,
            what,
            unit,
            given,
        )


def not_empty(
    function: str, argument: str, shape: tuple[int, int], row_unit: str, column_unit: str
) -> None:
    """Refuse an empty matrix; the units name its rows and columns."""
    if shape[0] == 0 or shape[1] == 0:
        raise refusal(
            "{}: {} must have at least one {} and one {}, got shape {}",
            function,
            argument,
            row_unit,
            column_unit,
            shape,
        )


def refuse_label(function: str, label: int, index: int, classes: int) -> NoReturn:
    """Refuse a label outside [0, classes)."""
    raise refusal(
        "{}: labels must be in [0, {}), got {} at index {}", function, classes, label, index
    )


def at_least_zero(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite, or below 0."""
    if not (0.0 <= value < math.inf):
        raise refusal("{}: {} must be finite and at least 0, got {}", function, argument, value)


def step_size(function: str, h: float) -> None:
    """Refuse a step of a finite difference that is not finite, or not above 0."""
    if not (0.0 < h < math.inf):
        raise refusal("{}: h must be finite and above 0, got {}", function, h)


def refuse_lost_step(function: str, argument: str, index: int) -> NoReturn:
    """Refuse a step that is too small to change an entry; `index` is its flat index."""
    raise refusal(
        "{}: h must be large enough to change {}, got a step lost to rounding at flat index {}",
        function,
        argument,
        index,
    )


def finite(function: str, argument: str, value: float) -> None:
    """Refuse a number that is not finite."""
    if not math.isfinite(value):
        raise refusal("{}: {} must be finite, got {}", function, argument, value)


def at_least(function: str, argument: str, value: int, least: int) -> None:
    """Refuse an integer below `least`."""
    if value < least:
        raise refusal("{}: {} must be at least {}, got {}", function, argument, least, value)


def at_most(function: str, argument: str, value: int, most: int) -> None:
    """Refuse an integer above `most`."""
    if value > most:
        raise refusal("{}: {} must be at most {}, got {}", function, argument, most, value)


def choice(function: str, argument: str, value: str, known: tuple[str, str]) -> None:
    """Refuse a string that is neither of the two known ones."""
    if value not in known:
        raise refusal(
            "{}: {} must be '{}' or '{}', got '{}'", function, argument, known[0], known[1], value
        )


def same_shape(
    function: str, names: tuple[str, str], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    """Refuse two arrays of different shapes."""
    if first != second:
        raise refusal(
            "{}: {} and {} must have the same shape, got {} and {}",
            function,
            names[0],
            names[1],
            first,
            second,
        )


def returned_shape(
    function: str, argument: str, returned: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse a function's result of another shape than its point."""
    if returned != expected:
        raise refusal(
            "{}: {} must return shape {}, got shape {}", function, argument, expected, returned
        )


def result_shape(
    function: str, argument: str, given: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Refuse an output of another shape than the result."""
    if given != expected:
        raise refusal(
            "{}: {} must have shape {}, got shape {}", function, argument, expected, given
        )


def refuse_overlap(function: str, argument: str) -> NoReturn:
    """Refuse an output that shares memory with an argument."""
    raise refusal(
        "{}: out must be the scores themselves or share no memory with the arguments, "
        "got an array that shares memory with {}",
        function,
        argument,
    )


def same_steps(shape: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether strides give the same addresses; along an axis of one entry any strides do."""
    return (shape[0] == 1 or first[0] == second[0]) and (shape[1] == 1 or first[1] == second[1])


def refuse_shared_entries(
    function: str, shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int
) -> None:
    """Refuse an output in which two entries share memory."""
    steps = abs(strides[0]), abs(strides[1])
    inner, outer = (1, 0) if steps[0] >= steps[1] else (0, 1)
    reach = itemsize + (shape[inner] - 1) * steps[inner]
    if (shape[inner] > 1 and steps[inner] < itemsize) or (
        shape[outer] > 1 and steps[outer] < reach
    ):
        raise refusal(
            "{}: out must have entries that share no memory, got overlapping ones", function
        )


def some_entries(function: str, argument: str, shape: tuple[int, ...]) -> None:
    """Refuse an array without entries."""
    for length in shape:
        if length == 0:
            raise refusal(
                "{}: {} must have at least one entry, got shape {}", function, argument, shape
            )
