"""Inputs in every layout of an array, and hypothesis strategies for them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# The post's scores; the label of sample i is i
LECTURE = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]


def every_other(array):
    """View every other row and column of a larger array."""
    larger = np.zeros([2 * length for length in array.shape], array.dtype)
    view = larger[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def big_endian(array):
    return array.astype(array.dtype.newbyteorder(">"))


def unaligned(array):
    """Copy to an odd address."""
    store = np.empty(array.nbytes + 1, np.uint8)[1:]
    result = store.view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def reversed_view(array):
    flip = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[flip])[flip]


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "every other": every_other,
    "reversed": reversed_view,
    "broadcast": lambda array: np.broadcast_to(array[:1], array.shape),
    "read-only": read_only,
    "big-endian": big_endian,
    "unaligned": unaligned,
}
"""Each returns an array of the same shape and values ("broadcast" repeats one row)."""

ORDINARY = st.floats(-30, 30, width=32)
HARD = st.sampled_from([-1e4, 1e4, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
SPECIAL = st.sampled_from([-np.inf, np.inf, np.nan, 0.0, 1.0, -2.0])
LATTICE = st.sampled_from([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
FLOAT_DTYPES = ("float32", "float64")


@st.composite
def classifications(draw, elements, dtypes=(*FLOAT_DTYPES, "int64")):
    """Scores (N, C) in any layout, and labels that fit them."""
    samples, classes = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    dtype = draw(st.sampled_from(dtypes))
    if dtype == "int64":
        elements = st.integers(-10_000, 10_000)
    scores = draw(hnp.arrays(dtype, (samples, classes), elements=elements))
    layout = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))]
    labels = draw(hnp.arrays(np.int64, samples, elements=st.integers(0, classes - 1)))
    return layout(scores), labels


def seeded_classification(samples, classes, seed=0, dtype="float64"):
    """Scores of a few units, and labels."""
    rng = np.random.default_rng(seed)
    scores = (3 * rng.standard_normal((samples, classes))).astype(dtype)
    return scores, rng.integers(0, classes, samples)


def seeded_linear(samples, features, classes, seed=0, dtype="float64"):
    """Return W, b, X and labels of a linear classifier with scores of about a unit."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((features, classes)) / np.sqrt(features)
    b, X = rng.standard_normal(classes), rng.standard_normal((samples, features))
    labels = rng.integers(0, classes, samples)
    return W.astype(dtype), b.astype(dtype), X.astype(dtype), labels
