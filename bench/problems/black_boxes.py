"""Functions to differentiate and to descend, written for each tier, and the kernels fed with them.

One function has three forms because the loops want one of lists, NumPy one of arrays and Numba one
that is jitted. A kernel here takes all three as its first argument and picks its own.
"""

import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import reference as untyped_reference
from bench.problem import Arguments, seeded, to_lists
from bench.problems.inputs import LECTURE, classifier
from kernels import jit, vectorized
from kernels.jit._compile import kernel

reference: Any = untyped_reference  # the loops carry no types: they are for reading

# The largest error of a right gradient is rounding, which no two tiers share. So the gradient to
# be checked has the mistake that the check is for: one entry is wrong.
WRONG_ENTRY = (0, 1)
WRONG_FACTOR = 1.5


class Forms(NamedTuple):
    """One function in the forms that the tiers take.

    `fewer` makes the same function of some of its samples only, where it has samples.
    """

    loop: Callable[[Any], Any]
    numpy: Callable[[Any], Any]
    numba: Callable[[Any], Any]
    fewer: Callable[[tuple[int, ...]], Any] | None = None


# Cached, as are the others: a function that is made anew is compiled anew, and so is each kernel
# that takes it.
@cache
def classifier_loss(n: int, d: int, c: int, rows: tuple[int, ...] | None = None) -> Forms:
    """Return the loss of a linear classifier as a function of W alone."""
    (b, X, labels), lists, loss, margin = _fixed(n, d, c, rows)
    linear_loss, sources = jit.linear_loss, _kernel_sources()

    @kernel
    def jitted(W: Any) -> Any:
        _ = sources
        return linear_loss(W, b, X, labels, loss, margin)

    return Forms(
        loop=lambda W: reference.linear_loss(W, *lists, loss, margin),
        numpy=lambda W: vectorized.linear_loss(W, b, X, labels, loss, margin),
        numba=jitted,
        fewer=partial(classifier_loss, n, d, c),
    )


@cache
def wrong_gradient(n: int, d: int, c: int, rows: tuple[int, ...] | None = None) -> Forms:
    """Return the analytic gradient of `classifier_loss`, with one entry wrong."""
    (b, X, labels), lists, loss, margin = _fixed(n, d, c, rows)
    linear_gradient, sources = jit.linear_gradient, _kernel_sources()
    row, column = WRONG_ENTRY
    factor = WRONG_FACTOR

    def loop(W: Any) -> Any:
        dW = reference.linear_gradient(W, *lists, loss, margin)[1]
        dW[row][column] *= factor
        return dW

    def numpy(W: Any) -> Any:
        dW = vectorized.linear_gradient(W, b, X, labels, loss, margin)[1]
        dW[row, column] *= factor
        return dW

    @kernel
    def jitted(W: Any) -> Any:
        _ = sources
        dW = linear_gradient(W, b, X, labels, loss, margin)[1]
        dW[row, column] *= factor
        return dW

    return Forms(loop, numpy, jitted, fewer=partial(wrong_gradient, n, d, c))


@cache
def _kernel_sources() -> int:
    """Return a number that changes with the Numba kernels.

    A function that names it has it in the key of its cache. Numba itself sees only that this file
    has not changed, and would go on with the kernels of an earlier day.
    """
    files = sorted(Path(jit.__file__).parent.glob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in files))


def _fixed(
    n: int, d: int, c: int, rows: tuple[int, ...] | None
) -> tuple[Arguments, Arguments, str, float]:
    """Return b, X and labels as arrays and as lists, and which loss with which margin."""
    size = {"n": n, "d": d, "c": c}
    _, b, X, labels = classifier(size, "float64", seeded("black box"))
    if rows is not None:
        X, labels = X[list(rows)], labels[list(rows)]
    arrays = b, X, labels
    loss, margin = ("svm", 1e-8) if size == LECTURE else ("softmax", 1.0)
    return arrays, to_lists(arrays), loss, margin


@cache
def bowl_slope() -> Forms:
    """Return the gradient 2x of the bowl Σx²."""

    def loop(x: Any) -> Any:
        return [2.0 * value for value in x] if isinstance(x, list) else 2.0 * x

    def numpy(x: Any) -> Any:
        return 2.0 * x

    return Forms(loop, numpy, kernel(numpy))


def numerical_gradient_loop(f: Forms, W: Any, h: float, method: str) -> Any:
    """Differentiate in loops."""
    return reference.numerical_gradient(f.loop, W, h, method)


def numerical_gradient_numpy(f: Forms, W: Any, h: float, method: str) -> Any:
    """Differentiate in NumPy."""
    return vectorized.numerical_gradient(f.numpy, W, h, method)


def numerical_gradient_numba(f: Forms, W: Any, h: float, method: str) -> Any:
    """Differentiate in Numba."""
    return jit.numerical_gradient(f.numba, W, h, method)


def check_gradient_loop(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in loops."""
    return reference.check_gradient(f.loop, gradient.loop, W, h)


def check_gradient_numpy(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in NumPy."""
    return vectorized.check_gradient(f.numpy, gradient.numpy, W, h)


def check_gradient_numba(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in Numba."""
    return jit.check_gradient(f.numba, gradient.numba, W, h)


def gradient_descent_loop(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in loops, once for each (rate, steps)."""
    return tuple(reference.gradient_descent(slope.loop, x0, rate, steps) for rate, steps in runs)


def gradient_descent_numpy(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in NumPy, once for each (rate, steps)."""
    return tuple(vectorized.gradient_descent(slope.numpy, x0, rate, steps) for rate, steps in runs)


def gradient_descent_numba(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in Numba, once for each (rate, steps)."""
    return tuple(jit.gradient_descent(slope.numba, x0, rate, steps) for rate, steps in runs)
