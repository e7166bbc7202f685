"""No kernel reads or writes outside its arrays: they lie next to protected pages."""

import os

import pytest
from commands import run_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pages are protected by mprotect")

BEYOND = """
    import ctypes
    import numpy as np
    from guarded import guarded

    array = guarded(np.ones(5), {at!r})
    print(ctypes.string_at(array.ctypes.data, array.nbytes) == array.tobytes(), flush=True)
    ctypes.string_at(array.ctypes.data + {offset}, 1)
"""


@pytest.mark.parametrize(("at", "offset"), [("end", 40), ("start", -1)])
def test_a_byte_beyond_a_guarded_array_ends_the_process(at, offset):
    done = run_python(BEYOND.format(at=at, offset=offset))
    assert (done.returncode < 0, done.stdout) == (True, "True\n"), done.stderr


CALLS = """
    import itertools

    import numpy as np
    from guarded import VIEWS, guarded
    from inputs import seeded_classification
    import tiers
    from kernels import simd
    from tiers import FILLING, call, parts

    LENGTHS = (1, 2, 3, 5, 8, 9, 16, 17, 37, 129, 300)

    def hold(operation, scores, labels, expected, **options):
        for actual, value in zip(
            parts(call(simd, operation, scores, labels, **options)), expected, strict=True
        ):
            np.testing.assert_allclose(actual, value, rtol=1e-5, atol=1e-7)

    for operation, dtype, classes, samples in itertools.product(
        tiers.{operations}, ("f4", "f8"), LENGTHS, (1, 2, 7, 16, 33)
    ):
        scores, labels = seeded_classification(samples, classes, dtype=dtype)
        expected = parts(call(simd, operation, scores, labels))
        for at, view in itertools.product(("start", "end"), VIEWS.values()):
            there, its_labels = view(scores, at), guarded(labels, at)
            if operation in FILLING:
                hold(operation, there, its_labels, expected, out=view(scores, at))
                hold(operation, there, its_labels, expected, out=there)
            else:
                hold(operation, there, its_labels, expected)
    print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LOSSES", "PROBABILITIES", "GRADIENTS"])
def test_nothing_beyond_the_arrays_is_touched(kind):
    done = run_python(CALLS.format(operations=kind))
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr
