"""The linear classifier scores = X·W + b: its loss, gradients and training, in loops.

`X` is N rows of D features, `W` D rows of C weights, `b` C biases, `labels` N integers in [0, C);
`loss` is "svm" or "softmax". Regularization λ adds λ·ΣW² (without the biases).
"""

from reference.gradients import slopes_of_row
from reference.lists import copied, floats, taken, zeros, zeros_like
from reference.losses import softmax_loss, softmax_loss_gradient, svm_loss, svm_loss_gradient


def linear_scores(W, b, X):
    """Scores X·W + b: a row of C for each sample."""
    scores = zeros((len(X), len(b)), like=W)
    for i in range(len(X)):
        row = scores[i]
        for c in range(len(b)):
            row[c] = b[c]
        for d in range(len(W)):
            for c in range(len(b)):
                row[c] += X[i][d] * W[d][c]
    return scores


def penalty(W, regularization):
    """λ·ΣW²."""
    total = 0.0
    for d in range(len(W)):
        for c in range(len(W[d])):
            total += W[d][c] * W[d][c]
    return regularization * total


def linear_loss(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Loss of the linear classifier, regularization included.

    >>> round(linear_loss([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0]), 4)
    0.6931
    """
    scores = linear_scores(W, b, X)
    if loss == "svm":
        return svm_loss(scores, labels, margin) + penalty(W, regularization)
    return softmax_loss(scores, labels) + penalty(W, regularization)


def linear_gradient(W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0):
    """Return the loss, dW = Xᵀ·dscores + 2λW and db = Σ_i dscores_i.

    >>> linear_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])[1:]
    ([[-0.5, 0.5]], [-0.5, 0.5])
    """
    scores = linear_scores(W, b, X)
    if loss == "svm":
        value, dscores = svm_loss_gradient(scores, labels, margin)
    else:
        value, dscores = softmax_loss_gradient(scores, labels)
    dW, db = zeros_like(W), zeros_like(b)
    for d in range(len(W)):
        for c in range(len(b)):
            dW[d][c] = 2.0 * regularization * W[d][c]
    for i in range(len(X)):
        for d in range(len(W)):
            for c in range(len(b)):
                dW[d][c] += X[i][d] * dscores[i][c]
    for c in range(len(b)):
        total = 0.0
        for i in range(len(X)):
            total += dscores[i][c]
        db[c] = total
    return value + penalty(W, regularization), dW, db


def linear_numerical_gradient(
    W, b, X, labels, loss="softmax", margin=1.0, regularization=0.0, h=1e-5, method="central"
):
    """Finite differences of the loss by W and b: two losses for each entry.

    >>> dW, db = linear_numerical_gradient([[0.0, 0.0]], [0.0, 0.0], [[1.0]], [0])
    >>> [round(value, 6) for value in dW[0] + db]
    [-0.5, 0.5, -0.5, 0.5]
    """
    dW, db = zeros_like(W), zeros_like(b)
    W, b = floats(W), floats(b)  # copies, to change their entries
    arguments = W, b, X, labels, loss, margin, regularization
    for d in range(len(W)):
        dW[d] = slopes_of_row(linear_loss, arguments, W[d], h, method)
    db[:] = slopes_of_row(linear_loss, arguments, b, h, method)
    return dW, db


def train_linear(
    X, labels, classes=None, loss="softmax", gradient="analytic", margin=1.0, h=1e-5,
    method="central", train_bias=True, learning_rate=0.01, epochs=100, batch_size=None,
    momentum=0.0, regularization=0.0, seed=0, W0=None, b0=None,
):  # fmt: skip
    """Train by (mini-batch) gradient descent with momentum; return W, b and the losses.

    Each update is v ← momentum·v − learning_rate·gradient, then parameter ← parameter + v.
    `losses[e]` is the loss over all samples before epoch e's updates.

    >>> W, b, losses = train_linear([[-1.0], [1.0]], [0, 1], epochs=2, learning_rate=1.0)
    >>> W, b, round(losses[0], 4)
    ([[-0.7689414213699951, 0.7689414213699951]], [0.0, 0.0], 0.6931)
    """
    count = max(labels) + 1 if classes is None else classes
    W = zeros((len(X[0]), count), like=X) if W0 is None else copied(W0)
    b = zeros(count, like=X) if b0 is None else copied(b0)
    W_velocity, b_velocity = zeros_like(W), zeros_like(b)
    size = len(X) if batch_size is None else batch_size
    order = list(range(len(X)))
    losses = zeros(epochs, like=0.0)
    for epoch in range(epochs):
        losses[epoch] = linear_loss(W, b, X, labels, loss, margin, regularization)
        if size < len(X):
            order = shuffled(len(X), seed, epoch)
        for start in range(0, len(X), size):
            batch = order[start : start + size]
            data = taken(X, batch), taken(labels, batch), loss, margin, regularization
            if gradient == "numerical":
                dW, db = linear_numerical_gradient(W, b, *data, h, method)
            else:
                _, dW, db = linear_gradient(W, b, *data)
            for d in range(len(W)):
                descend(W[d], W_velocity[d], dW[d], learning_rate, momentum)
            if train_bias:
                descend(b, b_velocity, db, learning_rate, momentum)
    return W, b, losses


def descend(parameters, velocity, slopes, learning_rate, momentum):
    """Update some parameters by one step, in place."""
    for i in range(len(parameters)):
        velocity[i] = momentum * velocity[i] - learning_rate * slopes[i]
        parameters[i] += velocity[i]


def shuffled(samples, seed, epoch):
    """Order of an epoch: the stable sort of the samples by a hash of (seed, epoch, sample)."""
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
