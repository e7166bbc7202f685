"""scikit-learn's multinomial loss, and its softmax.

No public function computes this loss from scores: `sklearn.metrics.log_loss` takes probabilities,
so it would time only clipping and a logarithm. `LogisticRegression` and gradient boosting use the
private `CyHalfMultinomialLoss`, so that is timed here (the class around it, `HalfMultinomialLoss`,
would squeeze a single class away).

Left out: the hinge (`sklearn.metrics.hinge_loss` takes the largest term of a row, not their sum)
and log_softmax (scikit-learn has none).
"""

from typing import Any

import numpy as np
from sklearn._loss._loss import CyHalfMultinomialLoss
from sklearn.utils import extmath

from bench.model import Arguments

_LOSS = CyHalfMultinomialLoss()


def prepare(operation: str, arguments: Arguments) -> Arguments:
    """Return contiguous scores; with labels, these in the scores' dtype, and weights of 1/N."""
    scores, *labels = (np.ascontiguousarray(item) for item in arguments)
    if operation == "softmax":
        return (scores,)
    n = len(scores)
    # Convention: ours is a mean, theirs one loss per sample; its loops multiply by a weight anyway.
    return scores, labels[0].astype(scores.dtype), np.full(n, 1 / n, scores.dtype)


def softmax_loss(scores: Any, labels: Any, weights: Any) -> float:
    """Sum the weighted losses of the samples."""
    losses = np.empty_like(labels)
    _LOSS.loss(labels, scores, weights, losses, 1)
    return float(losses.sum(dtype=np.float64))


def softmax_loss_gradient(scores: Any, labels: Any, weights: Any) -> tuple[float, Any]:
    """Sum the weighted losses and fill their gradient, in one pass over the scores."""
    losses, dscores = np.empty_like(labels), np.empty_like(scores)
    _LOSS.loss_gradient(labels, scores, weights, losses, dscores, 1)
    return float(losses.sum(dtype=np.float64)), dscores


def softmax(scores: Any) -> Any:
    """Return probabilities."""
    return extmath.softmax(scores)
