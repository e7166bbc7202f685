"""The linear classifier scores = X·W + b: its loss, gradients and training.

Regularization λ adds λ·ΣW² (without the biases). The kernels are in `_linear`,
`_linear_differences` and `_linear_training`; here are the public functions and their overloads.
"""

from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import ArrayLike, NDArray

from kernels.simd import _check_arguments, _check_values
from kernels.simd._check_in_kernels import at_least, at_most, choice, entries
from kernels.simd._check_types import (
    accept_integer,
    accept_labels,
    accept_real,
    accept_reals,
    accept_text,
    common_dtype,
    is_none,
)
from kernels.simd._linear import linear_gradient_kernel, linear_loss_kernel, objective_signature
from kernels.simd._linear_differences import linear_numerical_gradient_kernel
from kernels.simd._linear_training import count_classes, train_kernel, train_signature
from kernels.simd._overloads import (
    as_contiguous,
    as_labels,
    as_real,
    batch_of,
    equals,
    or_default,
    or_zeros,
    pick,
)
from kernels.simd._ways import loss_way_in_jit
from kernels.simd.compiler import variants, worth_threads

# --- linear_loss


_linear_loss = variants(linear_loss_kernel, objective_signature)


def linear_loss(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> float:
    """Loss of the linear classifier, regularization included.

    Parameters
    ----------
    W : (D, C) float
        Weights.
    b : (C,) float
        Biases.
    X : (N, D) float
        Samples. The computation is in float32 if W, b and X all are, else in float64.
    labels : (N,) integers in [0, C)
        The right class of each sample.
    loss : "svm" or "softmax"
        Which loss of the scores X·W + b.
    margin : float
        Of the hinge; finite and at least 0.
    regularization : float
        λ of λ·ΣW²; finite.

    Returns
    -------
    float
        Mean loss over the samples plus the penalty.

    Raises
    ------
    TypeError
        Values that are not real numbers, labels that are not integers.
    ValueError
        Dimensions or lengths that do not fit or are 0, a label out of range, a bad option.

    Examples
    --------
    >>> round(linear_loss([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0]), 4)
    0.6931
    """
    W, b, X, labels = _arrays("linear_loss", W, b, X, labels)
    svm, margin, regularization = _options("linear_loss", loss, margin, regularization)
    run = _linear_loss(W, (svm, b.size))
    return float(run(W, b, X, labels, margin, regularization, svm, None))


def _arrays(
    function: str,
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    names: tuple[str, str] = ("W", "b"),
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Make W, b and X contiguous and of one dtype, and the labels int64; check no values."""
    X = _check_arguments.real_array(function, "X", X, ("N", "D"))
    W = _check_arguments.real_array(function, names[0], W, ("D", "C"))
    b = _check_arguments.real_array(function, names[1], b, ("C",))
    labels = _check_arguments.label_array(function, labels, W.shape[1])
    W, b, X = (np.ascontiguousarray(array) for array in _check_arguments.one_dtype(W, b, X))
    return W, b, X, labels


def _options(
    function: str, loss: str, margin: float, regularization: float
) -> tuple[bool, float, float]:
    """Whether the loss is the hinge, and the numbers as floats; kernels check their values."""
    _check_values.choice(function, "loss", loss, _check_values.LOSSES)
    margin = _check_arguments.real(function, "margin", margin)
    regularization = _check_arguments.real(function, "regularization", regularization)
    return loss == "svm", margin, regularization


def _accept_linear(function, W, b, X, labels, loss, margin, regularization):
    """Refuse wrong types of arguments at compile time; return the dtype to compute in."""
    accept_reals(function, "W", W, ("D", "C"))
    accept_reals(function, "b", b, ("C",))
    accept_reals(function, "X", X, ("N", "D"))
    accept_labels(function, labels)
    accept_text(function, "loss", loss)
    accept_real(function, "margin", margin)
    accept_real(function, "regularization", regularization)
    return common_dtype(W, b, X)


@overload(linear_loss, prefer_literal=True)
def _linear_loss_in_jit(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    dtype = _accept_linear("linear_loss", W, b, X, labels, loss, margin, regularization)
    itemsize = np.dtype(dtype).itemsize

    def call(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
        choice("linear_loss", "loss", loss, _check_values.LOSSES)
        return linear_loss_kernel(
            as_contiguous(W, dtype),
            as_contiguous(b, dtype),
            as_contiguous(X, dtype),
            as_labels("linear_loss", labels, W.shape[1]),
            as_real(margin),
            as_real(regularization),
            equals(loss, "svm"),
            loss_way_in_jit(loss == "svm", W.shape[1], itemsize),
        )

    return call


# --- linear_gradient


_linear_gradient = variants(linear_gradient_kernel, objective_signature)


def linear_gradient(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """Loss of the linear classifier and its analytic derivatives by W and b.

    dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i.

    Parameters
    ----------
    W, b, X, labels, loss, margin, regularization
        As in `linear_loss`.

    Returns
    -------
    loss : float
        As `linear_loss` gives it.
    dW : (D, C) array
        Derivative by the weights, in the dtype of the computation.
    db : (C,) array
        Derivative by the biases.

    Raises
    ------
    TypeError, ValueError
        As `linear_loss`.

    Examples
    --------
    >>> linear_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])[1:]
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    W, b, X, labels = _arrays("linear_gradient", W, b, X, labels)
    svm, margin, regularization = _options("linear_gradient", loss, margin, regularization)
    run = _linear_gradient(W, (svm, b.size))
    result: tuple[float, NDArray[Any], NDArray[Any]] = run(
        W, b, X, labels, margin, regularization, svm, None
    )
    return result


@overload(linear_gradient, prefer_literal=True)
def _linear_gradient_in_jit(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    dtype = _accept_linear("linear_gradient", W, b, X, labels, loss, margin, regularization)
    itemsize = np.dtype(dtype).itemsize

    def call(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
        choice("linear_gradient", "loss", loss, _check_values.LOSSES)
        return linear_gradient_kernel(
            as_contiguous(W, dtype),
            as_contiguous(b, dtype),
            as_contiguous(X, dtype),
            as_labels("linear_gradient", labels, W.shape[1]),
            as_real(margin),
            as_real(regularization),
            equals(loss, "svm"),
            loss_way_in_jit(loss == "svm", W.shape[1], itemsize),
        )

    return call


# --- linear_numerical_gradient


def linear_numerical_gradient(
    W: ArrayLike,
    b: ArrayLike,
    X: ArrayLike,
    labels: ArrayLike,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
    h: float = 1e-5,
    method: str = "central",
    *,
    parallel: bool = False,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Finite differences of the loss by W and b, all of them in the time of a few losses.

    A change of W[d, c] moves column c of the scores only, by h·X[:, d]. So the two losses need not
    be computed: their difference follows from the scores before the change.

    Parameters
    ----------
    W, b, X, labels, loss, margin, regularization
        As in `linear_loss`.
    h : float
        The step, finite and above 0, in the unit of the parameters.
    method : "central" or "forward"
        As in `numerical_gradient`.
    parallel : bool
        Whether to use Numba's threads, on blocks of features: the same bits with any number of
        threads. A constant in jitted code.

    Returns
    -------
    dW : (D, C) array
        Differences by the weights, computed in float64, in the dtype of the inputs.
    db : (C,) array
        Differences by the biases.

    Raises
    ------
    TypeError, ValueError
        As `linear_loss`; also for a bad `h` or `method`.

    Notes
    -----
    This is the finite difference that `numerical_gradient` would give, at any step, not the
    analytic gradient.

    An `h` that is lost to rounding in an entry of W or b is a ValueError, as there.

    Examples
    --------
    >>> dW, db = linear_numerical_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])
    >>> dW.round(6), db.round(6)
    (array([[-0.5,  0.5]]), array([-0.5,  0.5]))
    """
    function = "linear_numerical_gradient"
    W, b, X, labels = _arrays(function, W, b, X, labels)
    svm, *objective = _options(function, loss, margin, regularization)
    h = _check_arguments.real(function, "h", h)
    _check_values.choice(function, "method", method, _check_values.METHODS)
    dtype = W.dtype
    W, b, X = (array.astype(np.float64, copy=False) for array in (W, b, X))
    dW, db = np.empty_like(W), np.empty_like(b)
    threaded = parallel and worth_threads(X.size * b.size)
    run = linear_numerical_gradient_kernel.variant(W, svm, None, threaded)
    run(W, b, X, labels, *objective, h, method == "central", dW, db, svm)
    return dW.astype(dtype, copy=False), db.astype(dtype, copy=False)


@overload(linear_numerical_gradient, prefer_literal=True)
def _linear_numerical_gradient_in_jit(
    W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0, h=1e-5, method="central",
    parallel=False,
):  # fmt: skip
    function = "linear_numerical_gradient"
    dtype = _accept_linear(function, W, b, X, labels, loss, margin, regularization)
    accept_real(function, "h", h)
    accept_text(function, "method", method)
    run = pick(function, linear_numerical_gradient_kernel, parallel)

    def call(
        W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0, h=1e-5, method="central",
        parallel=False,
    ):  # fmt: skip
        choice(function, "loss", loss, _check_values.LOSSES)
        choice(function, "method", method, _check_values.METHODS)
        dW, db = np.empty(W.shape), np.empty(b.shape)
        run(
            as_contiguous(W, np.float64),
            as_contiguous(b, np.float64),
            as_contiguous(X, np.float64),
            as_labels(function, labels, W.shape[1]),
            as_real(margin),
            as_real(regularization),
            as_real(h),
            method == "central",
            dW,
            db,
            equals(loss, "svm"),
        )
        return dW.astype(dtype), db.astype(dtype)

    return call


# --- train_linear


_train = variants(train_kernel, train_signature)


def train_linear(
    X: ArrayLike,
    labels: ArrayLike,
    classes: int | None = None,
    loss: str = "softmax",
    gradient: str = "analytic",
    margin: float = 1.0,
    h: float = 1e-5,
    method: str = "central",
    train_bias: bool = True,
    learning_rate: float = 0.01,
    epochs: int = 100,
    batch_size: int | None = None,
    momentum: float = 0.0,
    regularization: float = 0.0,
    seed: int = 0,
    W0: ArrayLike | None = None,
    b0: ArrayLike | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Train a linear classifier by (mini-batch) gradient descent with momentum.

    Each update is v ← momentum·v − learning_rate·gradient, then parameter ← parameter + v.

    Parameters
    ----------
    X : (N, D) float
        Samples.
    labels : (N,) integers in [0, classes)
        The right class of each sample.
    classes : int, optional
        C; by default the largest label + 1.
    loss, margin, regularization
        As in `linear_loss`.
    gradient : "analytic" or "numerical"
        How the gradient is computed: by `linear_gradient` or `linear_numerical_gradient`.
    h, method
        Of the numerical gradient, as in `numerical_gradient`.
    train_bias : bool
        Whether the biases are trained.
    learning_rate : float
        Finite.
    epochs : int
        Passes over the samples, at least 0.
    batch_size : int, optional
        Samples per update, at least 1. By default, or if at least N: all, one update per epoch.
    momentum : float
        Share of the last step that is added to the next; finite.
    seed : int
        Seed of the order of the samples, if there are batches.
    W0 : (D, C) float, optional
        Weights at the start; zeros by default.
    b0 : (C,) float, optional
        Biases at the start; zeros by default.

    Returns
    -------
    W : (D, C) array
        The trained weights: float32 if X, W0 and b0 (those given) are, else float64.
    b : (C,) array
        The trained biases.
    losses : (epochs,) float64 array
        Loss over all samples before each epoch's updates.

    Raises
    ------
    TypeError
        Values that are not real numbers, labels and counts that are not integers.
    ValueError
        Dimensions or lengths that do not fit or are 0, a label out of range, a bad option.

    Notes
    -----
    The order of epoch e is the stable sort of the samples by SplitMix64 of (seed, e, i), the same
    in the texts and in the library.

    Source: Stanford CS231n, lecture 3; SplitMix64: Steele, Lea and Flood, OOPSLA 2014.

    Examples
    --------
    >>> W, b, losses = train_linear([[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0)
    >>> W.round(4), losses.round(4)
    (array([[-0.7689,  0.7689]]), array([0.6931, 0.3133]))
    """
    function = "train_linear"
    X = _check_arguments.real_array(function, "X", X, ("N", "D"))
    known = (
        _check_values.MAX_COUNT
        if classes is None
        else _check_arguments.count(function, "classes", classes, 1)
    )
    labels = _check_arguments.label_array(function, labels, known)
    classes = _class_count(labels) if classes is None else known
    W0 = np.zeros((X.shape[1], classes), X.dtype) if W0 is None else W0
    b0 = np.zeros(classes, X.dtype) if b0 is None else b0
    W, b, X, labels = _arrays(function, W0, b0, X, labels, ("W0", "b0"))
    _check_values.entries(function, "W0", W.shape[1], classes, "columns", "class")
    svm, *objective = _options(function, loss, margin, regularization)
    _check_values.choice(function, "gradient", gradient, _check_values.GRADIENTS)
    _check_values.choice(function, "method", method, _check_values.METHODS)
    step = _check_arguments.real(function, "h", h), method == "central"
    epochs = _check_arguments.count(function, "epochs", epochs, 0)
    batch_size = len(X) if batch_size is None else _batch_size(batch_size, len(X))
    seed_bits = _check_arguments.integer(function, "seed", seed) % 2**64
    batching = batch_size, seed_bits
    descent = (
        bool(train_bias),
        _check_arguments.real(function, "learning_rate", learning_rate),
        _check_arguments.real(function, "momentum", momentum),
    )
    W, b, losses = W.copy(), b.copy(), np.empty(epochs)
    others = gradient == "numerical", batch_size >= len(X)
    run = _train(X, ((svm, classes), *others))
    run(X, labels, W, b, losses, tuple(objective), step, descent, batching, svm, None, *others)
    return W, b, losses


def _batch_size(batch_size: int, samples: int) -> int:
    """Size of a batch, at most all samples; it may be too large for int64."""
    batch_size = _check_arguments.integer("train_linear", "batch_size", batch_size)
    _check_values.at_least("train_linear", "batch_size", batch_size, 1)
    return min(batch_size, samples)


def _class_count(labels: NDArray[np.int64]) -> int:
    """Number of classes by default: the largest label + 1, at least 1."""
    largest = max(int(labels.max(initial=0)), 0)
    if largest >= _check_values.MAX_COUNT:
        _check_arguments.refuse_first_label("train_linear", labels, _check_values.MAX_COUNT)
    return largest + 1


@overload(train_linear, prefer_literal=True)
def _train_linear_in_jit(
    X, labels, classes=None, loss="softmax", gradient="analytic", margin=1.0, h=1e-5,
    method="central", train_bias=True, learning_rate=0.01, epochs=100, batch_size=None,
    momentum=0.0, regularization=0.0, seed=0, W0=None, b0=None,
):  # fmt: skip
    function = "train_linear"
    accept_reals(function, "X", X, ("N", "D"))
    accept_labels(function, labels)
    given = [X]
    for argument, array, axes in (("W0", W0, ("D", "C")), ("b0", b0, ("C",))):
        if not is_none(array):
            accept_reals(function, argument, array, axes)
            given.append(array)
    for argument, count in (("classes", classes), ("batch_size", batch_size)):
        if not is_none(count):
            accept_integer(function, argument, count)
    for argument, count in (("epochs", epochs), ("seed", seed)):
        accept_integer(function, argument, count)
    for argument, text in (("loss", loss), ("gradient", gradient), ("method", method)):
        accept_text(function, argument, text)
    for argument, number in (
        ("margin", margin),
        ("h", h),
        ("learning_rate", learning_rate),
        ("momentum", momentum),
        ("regularization", regularization),
    ):
        accept_real(function, argument, number)
    dtype = common_dtype(*given)

    def call(
        X, labels, classes=None, loss="softmax", gradient="analytic", margin=1.0, h=1e-5,
        method="central", train_bias=True, learning_rate=0.01, epochs=100, batch_size=None,
        momentum=0.0, regularization=0.0, seed=0, W0=None, b0=None,
    ):  # fmt: skip
        choice(function, "loss", loss, _check_values.LOSSES)
        choice(function, "gradient", gradient, _check_values.GRADIENTS)
        choice(function, "method", method, _check_values.METHODS)
        at_least(function, "epochs", epochs, 0)
        at_most(function, "epochs", epochs, _check_values.MAX_COUNT)
        at_most(function, "classes", or_default(classes, 1), _check_values.MAX_COUNT)
        whole_labels = as_labels(function, labels, or_default(classes, _check_values.MAX_COUNT))
        count = class_count(classes, whole_labels)
        at_least(function, "classes", count, 1)
        W = or_zeros(W0, (X.shape[1], count), dtype)
        b = or_zeros(b0, (count,), dtype)
        entries(function, "W0", W.shape[1], count, "columns", "class")
        losses, batch = np.empty(epochs), batch_of(batch_size, X.shape[0])
        train_kernel(
            as_contiguous(X, dtype),
            whole_labels,
            W,
            b,
            losses,
            (as_real(margin), as_real(regularization)),
            (as_real(h), method == "central"),
            (bool(train_bias), as_real(learning_rate), as_real(momentum)),
            (batch, np.uint64(seed)),
            equals(loss, "svm"),
            loss_way_in_jit(loss == "svm", count, W.itemsize),
            equals(gradient, "numerical"),
            batch >= X.shape[0],
        )
        return W, b, losses

    return call


def class_count(classes: Any, labels: Any) -> int:
    """Number of classes, by default from the labels; for jitted code."""
    raise NotImplementedError


@overload(class_count)
def _class_count_in_jit(classes, labels):
    if is_none(classes):
        return lambda classes, labels: count_classes(labels)
    return lambda classes, labels: np.int64(classes)
