"""Functions to differentiate and to descend, in the form that each tier takes.

The loops take a function of lists, NumPy one of arrays. Numba takes a jitted function that calls
the texts, the library one that calls the library.
"""

from functools import cache, partial
from typing import Any

import kernels as library
import reference as untyped_reference
from bench.model import Arguments, Forms, seeded, to_lists
from bench.problems.builtin.inputs import LECTURE, classifier
from kernels import jit, vectorized
from kernels.simd.compiler import cached, findable

reference: Any = untyped_reference  # the loops carry no types: they are for reading
numpy_text: Any = vectorized  # nor does NumPy's text

# The largest error of a right gradient is rounding, which differs from tier to tier. So the
# gradient to check has a mistake: one entry is wrong.
WRONG_ENTRY = (0, 1)
WRONG_FACTOR = 1.5
# The post's, which is practically 0.
POST_MARGIN = 1e-8


def _jitted(function: Any) -> Any:
    """Compile a function; it, and what is compiled for it, is found in the cache by any process."""
    return findable(cached(function))


# Cached, like the others: a new function would be compiled again, and with it each kernel that
# takes it.
@cache
def classifier_loss(n: int, d: int, c: int, rows: tuple[int, ...] | None = None) -> Forms:
    """Return the loss of a linear classifier as a function of W alone: a hinge, or a softmax."""
    b, X, labels = data = _data(n, d, c, rows)
    lists = to_lists(data)
    loss, margin = _objective(n, d, c)
    svm_loss, softmax_loss = library.svm_loss, library.softmax_loss

    @_jitted
    def text(W: Any) -> Any:
        return jit.linear_loss(W, b, X, labels, loss, margin)

    @_jitted
    def library_hinge(W: Any) -> Any:
        return svm_loss(X @ W + b, labels, margin)

    @_jitted
    def library_softmax(W: Any) -> Any:
        return softmax_loss(X @ W + b, labels)

    return Forms(
        loop=lambda W: reference.linear_loss(W, *lists, loss, margin),
        numpy=lambda W: numpy_text.linear_loss(W, b, X, labels, loss, margin),
        numba=text,
        kernels=library_hinge if loss == "svm" else library_softmax,
        fewer=partial(classifier_loss, n, d, c),
    )


@cache
def wrong_gradient(n: int, d: int, c: int, rows: tuple[int, ...] | None = None) -> Forms:
    """Return the analytic gradient of `classifier_loss`, with one entry wrong."""
    b, X, labels = data = _data(n, d, c, rows)
    lists = to_lists(data)
    loss, margin = _objective(n, d, c)
    svm, softmax = library.svm_loss_gradient, library.softmax_loss_gradient
    row, column = WRONG_ENTRY
    factor = WRONG_FACTOR

    def loop(W: Any) -> Any:
        dW = reference.linear_gradient(W, *lists, loss, margin)[1]
        dW[row][column] *= factor
        return dW

    def numpy(W: Any) -> Any:
        dW = numpy_text.linear_gradient(W, b, X, labels, loss, margin)[1]
        dW[row, column] *= factor
        return dW

    @_jitted
    def text(W: Any) -> Any:
        dW = jit.linear_gradient(W, b, X, labels, loss, margin)[1]
        dW[row, column] *= factor
        return dW

    @_jitted
    def library_hinge(W: Any) -> Any:
        dW = X.T @ svm(X @ W + b, labels, margin)[1]
        dW[row, column] *= factor
        return dW

    @_jitted
    def library_softmax(W: Any) -> Any:
        dW = X.T @ softmax(X @ W + b, labels)[1]
        dW[row, column] *= factor
        return dW

    its_kernels = library_hinge if loss == "svm" else library_softmax
    return Forms(loop, numpy, text, its_kernels, fewer=partial(wrong_gradient, n, d, c))


def _objective(n: int, d: int, c: int) -> tuple[str, float]:
    """Return the loss and its margin: the post's at its size."""
    is_post = {"n": n, "d": d, "c": c} == LECTURE
    return ("svm", POST_MARGIN) if is_post else ("softmax", 1.0)


def _data(n: int, d: int, c: int, rows: tuple[int, ...] | None) -> Arguments:
    """Return what stays constant: b, X and labels."""
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

    jitted = _jitted(numpy)
    return Forms(loop, numpy, numba=jitted, kernels=jitted)
