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
from kernels import simd, vectorized
from kernels.simd._compile import kernel

reference: Any = untyped_reference  # the loops carry no types: they are for reading

# The largest error of a right gradient is rounding, which no two tiers share. So the gradient to
# be checked has the mistake that the check is for: one entry is wrong.
WRONG_ENTRY = (0, 1)
WRONG_FACTOR = 1.5
# The post's, which is as good as none.
POST_MARGIN = 1e-8


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
    """Return the loss of a linear classifier as a function of W alone: a hinge, or a softmax."""
    b, X, labels = data = _data(n, d, c, rows)
    lists, sources = to_lists(data), _kernel_sources()
    svm_loss, softmax_loss, margin = simd.svm_loss, simd.softmax_loss, POST_MARGIN

    @kernel
    def jitted_hinge(W: Any) -> Any:
        _ = sources
        return svm_loss(X @ W + b, labels, margin)

    @kernel
    def jitted_softmax(W: Any) -> Any:
        _ = sources
        return softmax_loss(X @ W + b, labels)

    hinge = Forms(
        loop=lambda W: reference.linear_loss(W, *lists, "svm", margin),
        numpy=lambda W: vectorized.svm_loss(X @ W + b, labels, margin),
        numba=jitted_hinge,
    )
    softmax = Forms(
        loop=lambda W: reference.linear_loss(W, *lists, "softmax"),
        numpy=lambda W: vectorized.softmax_loss(X @ W + b, labels),
        numba=jitted_softmax,
    )
    forms = hinge if _is_post(n, d, c) else softmax
    return forms._replace(fewer=partial(classifier_loss, n, d, c))


@cache
def wrong_gradient(n: int, d: int, c: int, rows: tuple[int, ...] | None = None) -> Forms:
    """Return the analytic gradient of `classifier_loss`, with one entry wrong."""
    b, X, labels = data = _data(n, d, c, rows)
    lists, sources = to_lists(data), _kernel_sources()
    how = ("svm", POST_MARGIN) if _is_post(n, d, c) else ("softmax",)
    svm, softmax, margin = simd.svm_loss_gradient, simd.softmax_loss_gradient, POST_MARGIN
    row, column = WRONG_ENTRY
    factor = WRONG_FACTOR

    def loop(W: Any) -> Any:
        dW = reference.linear_gradient(W, *lists, *how)[1]
        dW[row][column] *= factor
        return dW

    def numpy(W: Any) -> Any:
        dW = vectorized.linear_gradient(W, b, X, labels, *how)[1]
        dW[row, column] *= factor
        return dW

    @kernel
    def jitted_hinge(W: Any) -> Any:
        _ = sources
        dW = X.T @ svm(X @ W + b, labels, margin)[1]
        dW[row, column] *= factor
        return dW

    @kernel
    def jitted_softmax(W: Any) -> Any:
        _ = sources
        dW = X.T @ softmax(X @ W + b, labels)[1]
        dW[row, column] *= factor
        return dW

    jitted = jitted_hinge if _is_post(n, d, c) else jitted_softmax
    return Forms(loop, numpy, jitted, fewer=partial(wrong_gradient, n, d, c))


def _is_post(n: int, d: int, c: int) -> bool:
    return {"n": n, "d": d, "c": c} == LECTURE


@cache
def _kernel_sources() -> int:
    """Return a number that changes with the Numba kernels.

    A function that names it has it in the key of its cache. Numba itself sees only that this file
    has not changed, and would go on with the kernels of an earlier day.
    """
    files = sorted(Path(simd.__file__).parent.glob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in files))


def _data(n: int, d: int, c: int, rows: tuple[int, ...] | None) -> Arguments:
    """Return what does not move: b, X and labels."""
    _, b, X, labels = classifier({"n": n, "d": d, "c": c}, "float64", seeded("black box"))
    if rows is None:
        return b, X, labels
    return b, X[list(rows)], labels[list(rows)]


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
    return simd.numerical_gradient(f.numba, W, h, method)


def check_gradient_loop(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in loops."""
    return reference.check_gradient(f.loop, gradient.loop, W, h)


def check_gradient_numpy(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in NumPy."""
    return vectorized.check_gradient(f.numpy, gradient.numpy, W, h)


def check_gradient_numba(f: Forms, gradient: Forms, W: Any, h: float) -> Any:
    """Check a gradient in Numba."""
    return simd.check_gradient(f.numba, gradient.numba, W, h)


def gradient_descent_loop(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in loops, once for each (rate, steps)."""
    return tuple(reference.gradient_descent(slope.loop, x0, rate, steps) for rate, steps in runs)


def gradient_descent_numpy(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in NumPy, once for each (rate, steps)."""
    return tuple(vectorized.gradient_descent(slope.numpy, x0, rate, steps) for rate, steps in runs)


def gradient_descent_numba(slope: Forms, x0: Any, *runs: tuple[float, int]) -> Any:
    """Descend in Numba, once for each (rate, steps)."""
    return tuple(simd.gradient_descent(slope.numba, x0, rate, steps) for rate, steps in runs)
