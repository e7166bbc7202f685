"""What the loops accept, and the words they refuse with; the arithmetic is left to the others.

The words are those of `kernels/_check.py`, written out again so that the oracle depends on nothing
of ours; `tests/test_errors.py` holds the two together.
"""

import math
import operator


def shape(values):
    """Shape of nested sequences, as the first element of each level shows it."""
    if hasattr(values, "shape"):
        return tuple(values.shape)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        return ()
    return (len(values), *shape(values[0])) if len(values) else (0,)


def kind(scalar_type):
    """What a type of number is called in an error."""
    name = scalar_type.__name__
    if issubclass(scalar_type, bool) or name in ("bool", "bool_"):
        return "booleans"
    if issubclass(scalar_type, complex) or name.startswith(("complex", "clongdouble")):
        return "complex numbers"
    if issubclass(scalar_type, (str, bytes)):
        return "strings"
    is_numpy_scalar = hasattr(scalar_type, "dtype")
    if issubclass(scalar_type, int) or (is_numpy_scalar and hasattr(scalar_type, "__index__")):
        return "integers"
    if issubclass(scalar_type, float) or (is_numpy_scalar and hasattr(scalar_type, "__float__")):
        return "floats"
    return "objects"


def kind_of_one(value):
    """What one value is called in an error; several are none of the numbers."""
    if shape(value) != ():
        return "objects"
    return kind(type(value[()] if hasattr(value, "shape") else value))


def is_ragged(values):
    """Whether parts of nested sequences have different shapes."""
    if shape(values) == () or hasattr(values, "shape"):
        return False
    return any(shape(part) != shape(values[0]) or is_ragged(part) for part in values)


def refuse_ragged(function, argument):
    """Say that rows differ in length."""
    raise ValueError(f"{function}: {argument} must be rectangular, got rows of different lengths")


def nested(function, argument, values, accepted, convert):
    """Nested lists of converted numbers, in the shape of `values`; a bare number stays bare."""
    expected = shape(values)

    def copy(part, remaining):
        if shape(part) != remaining:
            refuse_ragged(function, argument)
        if len(remaining) > 1:
            return [copy(part[i], remaining[1:]) for i in range(len(part))]
        row = [part[i] for i in range(len(part))]
        if any(shape(value) for value in row):
            refuse_ragged(function, argument)
        refuse_kinds(function, argument, set(map(kind, set(map(type, row)))), accepted)
        return [convert(value) for value in row]

    if hasattr(values, "dtype") and values.dtype.hasobject:
        refuse_kinds(function, argument, {"objects"}, accepted)
    if expected == ():
        refuse_kinds(function, argument, {kind_of_one(values)}, accepted)
        return convert(values)
    return copy(values, expected)


def refuse_kinds(function, argument, found, accepted):
    """Refuse values of any but the accepted kinds of numbers."""
    for name in found:
        if name not in accepted:
            expected = "real numbers" if "floats" in accepted else "integers"
            raise TypeError(f"{function}: {argument} must be {expected}, got {name}")


def reals(function, argument, values):
    """Nested lists of floats, of any shape."""
    return nested(function, argument, values, ("floats", "integers"), float)


def dimensions(function, argument, values, axes):
    """Refuse another number of dimensions than the named axes have."""
    expected = len(axes)
    if len(shape(values)) != expected:
        if is_ragged(values):
            refuse_ragged(function, argument)
        names = f"({', '.join(axes)})" if expected > 1 else f"({axes[0]},)"
        plural = "s" if expected > 1 else ""
        raise ValueError(
            f"{function}: {argument} must have {expected} dimension{plural} {names}, "
            f"got {len(shape(values))}"
        )


def matrix(function, argument, values, axes):
    """Rows of floats."""
    dimensions(function, argument, values, axes)
    return reals(function, argument, values)


def vector(function, argument, values, axis):
    """A list of floats."""
    dimensions(function, argument, values, (axis,))
    return reals(function, argument, values)


def label_list(function, labels):
    """Labels as a list of Python integers."""
    dimensions(function, "labels", labels, ("N",))
    if len(labels) == 0:
        return []
    return nested(function, "labels", labels, ("integers",), operator.index)


def entries(function, argument, given, expected, what, unit):
    """Refuse another number of entries (rows, columns) than there are samples (features, …)."""
    if given != expected:
        raise ValueError(
            f"{function}: {argument} must have {expected} {what}, one per {unit}, got {given}"
        )


def label_range(function, labels, classes):
    """Refuse a label outside [0, classes)."""
    for index, label in enumerate(labels):
        if not 0 <= label < classes:
            raise ValueError(
                f"{function}: labels must be in [0, {classes}), got {label} at index {index}"
            )


def not_empty(function, argument, values, units):
    """Refuse an empty matrix; `units` names what its rows and columns are."""
    rows, columns = shape(values)[0], shape(values)[1]
    if rows == 0 or columns == 0:
        raise ValueError(
            f"{function}: {argument} must have at least one {units[0]} and one {units[1]}, "
            f"got shape ({rows}, {columns})"
        )


def score_rows(function, scores):
    """Scores as rows of floats, at least one sample and one class."""
    dimensions(function, "scores", scores, ("N", "C"))
    not_empty(function, "scores", scores, ("sample", "class"))
    return matrix(function, "scores", scores, ("N", "C"))


def scores_and_labels(function, scores, labels):
    """Scores as rows of floats, labels as integers, and that they fit each other."""
    rows = score_rows(function, scores)
    labels = label_list(function, labels)
    entries(function, "labels", len(labels), len(rows), "entries", "sample")
    label_range(function, labels, len(rows[0]))
    return rows, labels


def real(function, argument, value):
    """One real number as a float."""
    if kind_of_one(value) not in ("floats", "integers"):
        raise TypeError(f"{function}: {argument} must be a real number, got {kind_of_one(value)}")
    return float(value)


def sort_of(value):
    """What a refused number is called: its digits are not part of the words."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "an infinity"
    return "0" if value == 0 else "a negative number"


def at_least_zero(function, argument, value):
    """A finite number, at least 0."""
    value = real(function, argument, value)
    if not 0.0 <= value < math.inf:
        raise ValueError(
            f"{function}: {argument} must be finite and at least 0, got {sort_of(value)}"
        )
    return value


def step_size(function, h):
    """The step of a finite difference: finite, above 0."""
    h = real(function, "h", h)
    if not 0.0 < h < math.inf:
        raise ValueError(f"{function}: h must be finite and above 0, got {sort_of(h)}")
    return h


def finite(function, argument, value):
    """A finite number."""
    value = real(function, argument, value)
    if not math.isfinite(value):
        raise ValueError(f"{function}: {argument} must be finite, got {sort_of(value)}")
    return value


def integer(function, argument, value):
    """One integer."""
    if kind_of_one(value) != "integers":
        raise TypeError(f"{function}: {argument} must be an integer, got {kind_of_one(value)}")
    return operator.index(value)


def count(function, argument, value, least):
    """An integer of at least `least`."""
    value = integer(function, argument, value)
    if value < least:
        raise ValueError(f"{function}: {argument} must be at least {least}, got {value}")
    return value


def choice(function, argument, value, known):
    """One of two words."""
    if value not in known:
        raise ValueError(
            f"{function}: {argument} must be '{known[0]}' or '{known[1]}', got '{value}'"
        )
    return value


def same_shape(function, first, second, names):
    """Refuse two nested lists of different shapes."""
    if shape(first) != shape(second):
        raise ValueError(
            f"{function}: {names[0]} and {names[1]} must have the same shape, "
            f"got {shape(first)} and {shape(second)}"
        )


def returned_shape(function, argument, returned, point):
    """Refuse a gradient of another shape than its point."""
    if shape(returned) != shape(point):
        raise ValueError(
            f"{function}: {argument} must return shape {shape(point)}, got shape {shape(returned)}"
        )


def some_entries(function, argument, values):
    """Refuse a value without entries."""
    if 0 in shape(values):
        raise ValueError(
            f"{function}: {argument} must have at least one entry, got shape {shape(values)}"
        )


def linear_inputs(function, W, b, X, labels, names=("W", "b"), classes=None):
    """W, b, X, labels as lists of numbers, and that they fit each other."""
    dimensions(function, "X", X, ("N", "D"))
    not_empty(function, "X", X, ("sample", "feature"))
    X = reals(function, "X", X)
    W = matrix(function, names[0], W, ("D", "C"))
    entries(function, names[0], len(W), len(X[0]), "rows", "feature")
    not_empty(function, names[0], W, ("feature", "class"))
    if classes is None:
        classes = len(W[0])
    entries(function, names[0], len(W[0]), classes, "columns", "class")
    b = vector(function, names[1], b, "C")
    entries(function, names[1], len(b), classes, "entries", "class")
    labels = label_list(function, labels)
    entries(function, "labels", len(labels), len(X), "entries", "sample")
    label_range(function, labels, classes)
    return W, b, X, labels
