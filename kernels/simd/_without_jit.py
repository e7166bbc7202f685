"""Replace kernels under NUMBA_DISABLE_JIT by the NumPy texts.

The kernels, with their checks, then run as plain Python. Those that cannot, such as those with
vectors, are replaced here, by module and name, with the same arguments. No other module of the
library imports a text, and `compiler` imports this one only if NUMBA_DISABLE_JIT is set.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.vectorized import gradients, linear, losses


def stand_in(function: Callable[..., Any]) -> Callable[..., Any]:
    """Function that runs in place of a kernel: the one in `STAND_INS`, else its own body."""
    home = function.__module__.rpartition(".")[2]
    return STAND_INS.get(f"{home}.{function.__name__}", function)


# --- losses of some rows, in float64, as the library sums in it


def _rows(scores, start, stop):
    return scores[start:stop].astype(np.float64)


def svm_block(scores, labels, margin, start, stop, way):
    some = _rows(scores, start, stop)
    return losses.svm_loss(some, labels[start:stop], margin) * len(some)


def softmax_loss_block(scores, labels, start, stop, way):
    some = _rows(scores, start, stop)
    return losses.softmax_loss(some, labels[start:stop]) * len(some)


def softmax_block(scores, start, stop, out, way):
    out[start:stop] = losses.softmax(_rows(scores, start, stop))


def log_softmax_block(scores, start, stop, out, way):
    out[start:stop] = losses.log_softmax(_rows(scores, start, stop))


def svm_gradient_block(scores, labels, margin, weight, start, stop, out, way):
    some = _rows(scores, start, stop)
    loss, dscores = losses.svm_loss_gradient(some, labels[start:stop], margin)
    out[start:stop] = dscores * (len(some) * weight)
    return loss * len(some)


def softmax_gradient_block(scores, labels, weight, start, stop, out, way):
    some = _rows(scores, start, stop)
    loss, dscores = losses.softmax_loss_gradient(some, labels[start:stop])
    out[start:stop] = dscores * (len(some) * weight)
    return loss * len(some)


# --- the linear classifier


def fill_scores(W, b, X, scores):
    scores[:] = X @ W + b


def penalty(W, regularization):
    return regularization * float(np.sum(np.square(W, dtype=np.float64)))


def analytic_gradient(W, b, X, labels, objective, svm, way):
    W64, b64, X64 = (array.astype(np.float64) for array in (W, b, X))
    loss, dW, db = linear.linear_gradient(W64, b64, X64, labels, *_options(objective, svm))
    return loss, dW.astype(W.dtype), db.astype(b.dtype)


def batch_gradient(W, b, X, labels, objective, step, with_biases, svm, way, numerical):
    if not numerical:
        return analytic_gradient(W, b, X, labels, objective, svm, way)
    data = W, b, X, labels, *_options(objective, svm)
    return linear.linear_loss(*data), *linear.linear_numerical_gradient(*data, *_step(step))


def score_samples(W, b, X, buffers, svm):
    scores = X @ W + b
    return scores, scores, scores


def block_differences(block, part, W, X, labels, scored, objective, step, dW, db, svm):
    """Fill dW (block 0) or db (block 1) by the differences of losses, or add those of a part."""
    (start, samples), (margin, regularization), scores = part, objective, scored[0]

    def loss_at(moved_scores, weights):
        data_loss = (
            losses.svm_loss(moved_scores, labels, margin)
            if svm
            else losses.softmax_loss(moved_scores, labels)
        )
        its_penalty = 0.0 if start else penalty(weights, regularization)
        return data_loss * (len(labels) / samples) + its_penalty

    if block == 0:
        result, at = dW, W

        def loss_by(moved):
            return loss_at(scores + X @ (moved - W), moved)

    else:
        result, at = db, np.zeros_like(db)

        def loss_by(moved):
            return loss_at(scores + moved, W)

    slopes = gradients.numerical_gradient(loss_by, at, *_step(step))
    result[:] = result + slopes if start else slopes


def _options(objective, svm):
    margin, regularization = objective
    return "svm" if svm else "softmax", margin, regularization


def _step(step):
    h, central = step
    return h, "central" if central else "forward"


def descend(parameters, velocity, slopes, learning_rate, momentum):
    velocity *= momentum
    velocity -= learning_rate * slopes
    parameters += velocity


STAND_INS: dict[str, Callable[..., Any]] = {
    "_check_in_kernels.labels_fit": lambda labels, start, stop, classes: bool(
        ((labels[start:stop] >= 0) & (labels[start:stop] < classes)).all()
    ),
    "_losses.ordered_sum": lambda values: float(values.sum()),
    "_losses.svm_block": svm_block,
    "_losses.softmax_loss_block": softmax_loss_block,
    "_losses.softmax_block": softmax_block,
    "_losses.log_softmax_block": log_softmax_block,
    "_losses.svm_gradient_block": svm_gradient_block,
    "_losses.softmax_gradient_block": softmax_gradient_block,
    "_linear.fill_scores": fill_scores,
    "_linear.penalty": penalty,
    "_linear.analytic_gradient": analytic_gradient,
    "_linear_training.batch_gradient": batch_gradient,
    "_linear_differences.block_count": lambda _: 2,
    "_linear_differences.score_samples": score_samples,
    "_linear_differences.block_differences": block_differences,
    "_linear_training.shuffled": linear.shuffled,
    "_linear_training.descend": descend,
    "gradients.may_exceed": lambda worst, a, b, start, stop: True,
}
