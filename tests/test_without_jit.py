"""The library under NUMBA_DISABLE_JIT, which debuggers and coverage runs set."""

import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kernels.simd._without_jit import STAND_INS

TESTS = Path(__file__).parent
WITHOUT = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(TESTS.parent)}
# The tests of all versions also test `kernels.jit`, which needs Numba, and the NumPy texts, which
# stay the same. Large sizes and labels out of memory test nothing new without compiled code, and
# the NumPy texts lose the digits of sure predictions.
OF_THE_LIBRARY = "not jit and not vectorized and not sizes_that"
OF_THE_LIBRARY += " and not lead_nowhere_else and not sure"


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_has_the_name_and_the_arguments_of_a_kernel(name):
    module, _, function = name.partition(".")
    kernel = getattr(importlib.import_module(f"kernels.simd.{module}"), function).py_func
    assert (kernel.__module__, kernel.__name__) == (f"kernels.simd.{module}", function)
    taken = inspect.signature(STAND_INS[name]).parameters
    assert len(taken) == len(inspect.signature(kernel).parameters)


FILES = (
    "test_agreement.py",  # with the loops, in both dtypes
    "test_by_hand.py",
    "test_errors.py",  # the same classes and words
    "test_out.py",
    "test_special_values.py",
    "test_training.py",
)


@pytest.mark.slow
def test_what_is_said_of_the_library_holds():
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-k", OF_THE_LIBRARY, *(str(TESTS / file) for file in FILES)],
        env=WITHOUT, cwd=TESTS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    for file in FILES:
        assert re.search(rf"^tests/{file}::.* PASSED", done.stdout, re.MULTILINE)


def output_of(program):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env=WITHOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_results_have_their_types_and_parallel_has_no_effect():
    program = """
        import numpy as np, kernels
        scores = np.random.default_rng(0).standard_normal((3000, 40))
        labels = np.arange(3000) % 40
        linear = np.zeros((40, 3)), np.zeros(3), scores, labels % 3
        for dtype in ("f4", "f8"):
            s = scores.astype(dtype)
            for name in ("svm_loss_gradient", "softmax_loss_gradient"):
                (loss, d), (other, e) = (
                    getattr(kernels, name)(s, labels, parallel=parallel) for parallel in (0, 1)
                )
                print(type(loss) is float, d.dtype == s.dtype, loss == other and (d == e).all())
            print(type(kernels.svm_loss(s, labels, parallel=True)) is float)
            print(kernels.softmax(s, parallel=True).dtype == s.dtype)
        print(type(kernels.linear_loss(*linear)) is float)
        print(type(kernels.linear_gradient(*linear, loss="svm")[0]) is float)
    """
    answers = output_of(program)
    assert len(answers) == 18
    assert set(answers) == {"True"}


def test_functions_of_a_caller_s_own_are_plain_python_and_call_the_library():
    program = """
        import numpy as np, numba, kernels
        @numba.njit
        def f(x):
            return kernels.softmax_loss(x, np.array([0, 1]))
        @numba.njit
        def gradient(x):
            return kernels.softmax_loss_gradient(x, np.array([0, 1]))[1]
        @numba.njit
        def caller(x):
            return kernels.check_gradient(f, gradient, x)
        x = np.array([[1.0, 2.0], [3.0, -1.0]])
        error, _, within = caller(x)
        print(within, kernels.gradient_descent(gradient, x, steps=2).shape == (3, 2, 2))
        print(np.allclose(kernels.numerical_gradient(f, x, parallel=True), gradient(x)))
    """
    assert output_of(program) == ["True"] * 3


def test_a_warning_of_the_function_s_own_is_left_to_it():
    program = """
        import warnings, numpy as np, kernels
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            kernels.softmax([[1e308, -1e308], [np.inf, 0.0]])
            kernels.relative_error([1e308], [-1e308])
            print(len(said))
            kernels.numerical_gradient(lambda x: (x / 0.0).sum(), [1.0, 2.0])
            print(len(said) > 0)
    """
    assert output_of(program) == ["0", "True"]
