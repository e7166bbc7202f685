"""The few functions that differ between lists and arrays.

`kernels.jit` replaces them by NumPy's and compiles the rest of `reference` unchanged.
"""


def zeros(shape, like):  # noqa: ARG001 - an array takes its dtype from `like`
    """A list of `shape` zeros, or shape[0] rows of shape[1]."""
    if isinstance(shape, tuple):
        return [[0.0] * shape[1] for _ in range(shape[0])]
    return [0.0] * shape


def zeros_like(values):
    """Zeros in the shape of a list of numbers, or of a list of rows."""
    if hasattr(values[0], "__len__"):
        return [[0.0] * len(row) for row in values]
    return [0.0] * len(values)


def copied(values):
    """Copy a number or nested lists."""
    return [copied(part) for part in values] if hasattr(values, "__len__") else values


def floats(values):
    """Copy a number or nested lists, with all numbers as floats."""
    return [floats(part) for part in values] if hasattr(values, "__len__") else float(values)


def taken(values, order):
    """Some of the values, in this order: taken([4, 5, 6], [2, 0]) is [6, 4]."""
    return [values[i] for i in order]


def flat(values):
    """The numbers of nested lists in one list, or the one number."""
    if not hasattr(values, "__len__"):
        return [values]
    return [number for part in values for number in flat(part)]


def indices(place, values):
    """Indices of entry `place` of `flat(values)`: indices(4, [[1, 2, 3], [4, 5, 6]]) is (1, 1)."""
    if not hasattr(values, "__len__"):
        return ()
    size = len(flat(values[0]))
    return (place // size, *indices(place % size, values[0]))
