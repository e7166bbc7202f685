"""The linear classifier scores = X·W + b: its loss, gradients and training, in loops.

`X` is N rows of D features, `W` D rows of C weights, `b` C biases, `labels` N integers in [0, C).
Regularization λ adds λ·ΣW² (the biases are left out). What is accepted, and the words of an error,
is left to `_check`.
"""

from reference import _check
from reference.gradients import METHODS, difference
from reference.losses import (
    mean_softmax_loss,
    mean_softmax_loss_gradient,
    mean_svm_loss,
    mean_svm_loss_gradient,
)

LOSSES = ("svm", "softmax")
GRADIENTS = ("analytic", "numerical")


def linear_loss(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Loss of the linear classifier, regularization included.

    >>> round(linear_loss([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0]), 4)
    0.6931
    """
    W, b, X, labels = _check.linear_inputs("linear_loss", W, b, X, labels)
    loss, margin, regularization = loss_options("linear_loss", loss, margin, regularization)
    return total_loss(W, b, X, labels, loss, margin, regularization)


def loss_options(function, loss, margin, regularization):
    """The three options that say what is lost, checked."""
    _check.choice(function, "loss", loss, LOSSES)
    margin = _check.at_least_zero(function, "margin", margin)
    regularization = _check.finite(function, "regularization", regularization)
    return loss, margin, regularization


def total_loss(W, b, X, labels, loss, margin, regularization):
    """`linear_loss` of inputs that were checked."""
    rows = linear_scores(W, b, X)
    if loss == "svm":
        data_loss = mean_svm_loss(rows, labels, margin)
    else:
        data_loss = mean_softmax_loss(rows, labels)
    return data_loss + regularization * sum_of_squares(W)


def linear_scores(W, b, X):
    """Scores X·W + b: a row of C for each sample."""
    rows = []
    for x in X:
        row = list(b)
        for d in range(len(x)):
            for c in range(len(row)):
                row[c] += x[d] * W[d][c]
        rows.append(row)
    return rows


def sum_of_squares(W):
    """Sum of the squared weights."""
    total = 0.0
    for weights in W:
        for weight in weights:
            total += weight * weight
    return total


def linear_gradient(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Return the loss and its analytic derivatives by W and b.

    >>> linear_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])[1:]
    ([[-0.5, 0.5]], [-0.5, 0.5])
    """
    W, b, X, labels = _check.linear_inputs("linear_gradient", W, b, X, labels)
    loss, margin, regularization = loss_options("linear_gradient", loss, margin, regularization)
    return analytic_gradient(W, b, X, labels, loss, margin, regularization)


def analytic_gradient(W, b, X, labels, loss, margin, regularization):
    """`linear_gradient` of inputs that were checked: dW = Xᵀ·dscores + 2λW, db = Σ_i dscores_i."""
    rows = linear_scores(W, b, X)
    if loss == "svm":
        data_loss, dscores = mean_svm_loss_gradient(rows, labels, margin)
    else:
        data_loss, dscores = mean_softmax_loss_gradient(rows, labels)
    dW = [[2.0 * regularization * weight for weight in weights] for weights in W]
    db = [0.0] * len(b)
    for x, drow in zip(X, dscores, strict=True):
        for c in range(len(drow)):
            db[c] += drow[c]
            for d in range(len(x)):
                dW[d][c] += x[d] * drow[c]
    return data_loss + regularization * sum_of_squares(W), dW, db


def linear_numerical_gradient(
    W,
    b,
    X,
    labels,
    loss="softmax",
    margin=1.0,
    regularization=0.0,
    h=1e-5,
    method="central",
):
    """Finite differences of the loss by W and b: one whole loss for each moved parameter.

    >>> dW, db = linear_numerical_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])
    >>> [round(value, 6) for value in dW[0] + db]
    [-0.5, 0.5, -0.5, 0.5]
    """
    function = "linear_numerical_gradient"
    W, b, X, labels = _check.linear_inputs(function, W, b, X, labels)
    loss, margin, regularization = loss_options(function, loss, margin, regularization)
    h = _check.step_size(function, h)
    _check.choice(function, "method", method, METHODS)
    return finite_differences(W, b, X, labels, loss, margin, regularization, h, method)


def finite_differences(W, b, X, labels, loss, margin, regularization, h, method):
    """`linear_numerical_gradient` of inputs that were checked. W and b are put back."""

    def partial(parameters, i):
        original = parameters[i]

        def moved(step):
            parameters[i] = original + step
            value = total_loss(W, b, X, labels, loss, margin, regularization)
            parameters[i] = original
            return value

        return difference(lambda: moved(h), lambda: moved(-h), lambda: moved(0.0), h, method)

    dW = [[partial(weights, c) for c in range(len(weights))] for weights in W]
    db = [partial(b, c) for c in range(len(b))]
    return dW, db


def train_linear(
    X,
    labels,
    classes=None,
    loss="softmax",
    gradient="analytic",
    margin=1.0,
    h=1e-5,
    method="central",
    train_bias=True,
    learning_rate=0.01,
    epochs=100,
    batch_size=None,
    momentum=0.0,
    regularization=0.0,
    seed=0,
    W0=None,
    b0=None,
):
    """Train by (mini-batch) gradient descent with momentum; return W, b and the losses.

    Each update is v ← momentum·v − learning_rate·gradient, then parameter ← parameter + v.
    `losses[e]` is the loss over all samples before epoch e's updates. `classes=None` is the largest
    label + 1; W0 and b0 default to zeros. With `batch_size=None` (or N and more) an epoch is one
    update on all samples, else its batches are cut from the samples in the order of `shuffled`.

    >>> W, b, losses = train_linear([[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0)
    >>> W, b, round(losses[0], 4)
    ([[-0.7689414213699951, 0.7689414213699951]], [0.0, 0.0], 0.6931)
    """
    function = "train_linear"
    _check.dimensions(function, "X", X, ("N", "D"))
    _check.not_empty(function, "X", X, ("sample", "feature"))
    known = _check.label_list(function, labels)
    _check.entries(function, "labels", len(known), len(X), "entries", "sample")
    if classes is None:
        classes = max(*known, 0) + 1
    classes = _check.count(function, "classes", classes, 1)
    if W0 is None:
        W0 = [[0.0] * classes for _ in X[0]]
    if b0 is None:
        b0 = [0.0] * classes
    W, b, X, labels = _check.linear_inputs(function, W0, b0, X, labels, ("W0", "b0"), classes)
    loss, margin, regularization = loss_options(function, loss, margin, regularization)
    _check.choice(function, "gradient", gradient, GRADIENTS)
    h = _check.step_size(function, h)
    _check.choice(function, "method", method, METHODS)
    learning_rate = _check.finite(function, "learning_rate", learning_rate)
    epochs = _check.count(function, "epochs", epochs, 0)
    if batch_size is not None:
        batch_size = _check.count(function, "batch_size", batch_size, 1)
    momentum = _check.finite(function, "momentum", momentum)
    seed = _check.integer(function, "seed", seed)

    def gradient_of(batch):
        batch_X = [X[i] for i in batch]
        batch_labels = [labels[i] for i in batch]
        arguments = (W, b, batch_X, batch_labels, loss, margin, regularization)
        if gradient == "numerical":
            return finite_differences(*arguments, h, method)
        return analytic_gradient(*arguments)[1:]

    W_velocity = [[0.0] * classes for _ in W]
    b_velocity = [0.0] * classes
    losses = []
    for epoch in range(epochs):
        losses.append(total_loss(W, b, X, labels, loss, margin, regularization))
        for batch in batches(len(X), batch_size, seed, epoch):
            dW, db = gradient_of(batch)
            for d in range(len(W)):
                descend(W[d], W_velocity[d], dW[d], learning_rate, momentum)
            if train_bias:
                descend(b, b_velocity, db, learning_rate, momentum)
    return W, b, losses


def descend(parameters, velocity, slopes, learning_rate, momentum):
    """One momentum step of a list of parameters, in place."""
    for i in range(len(parameters)):
        velocity[i] = momentum * velocity[i] - learning_rate * slopes[i]
        parameters[i] += velocity[i]


def batches(samples, batch_size, seed, epoch):
    """The samples of each update of an epoch."""
    if batch_size is None or batch_size >= samples:
        return [list(range(samples))]
    order = shuffled(samples, seed, epoch)
    return [order[start : start + batch_size] for start in range(0, samples, batch_size)]


def shuffled(samples, seed, epoch):
    """Order of an epoch: the stable sort of the samples by a hash of (seed, epoch, sample).

    The same in every tier and every language, and without a library's random state.
    """
    epoch_key = splitmix64(splitmix64(seed) ^ epoch)
    keys = [splitmix64(epoch_key ^ sample) for sample in range(samples)]
    return sorted(range(samples), key=lambda sample: keys[sample])


def splitmix64(value):
    """One output of SplitMix64 (Steele, Lea and Flood 2014): a well-mixed 64-bit hash."""
    mask = 2**64 - 1
    value = (value + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)
