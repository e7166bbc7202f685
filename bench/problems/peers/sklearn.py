"""scikit-learn's multinomial loss, and its softmax.

No public function is this loss: `sklearn.metrics.log_loss` takes probabilities, so that it would
time a clipping and a logarithm of somebody else's softmax. What `LogisticRegression` and the
gradient boosters run on raw scores is the private `CyHalfMultinomialLoss`, and that is timed here
(its class around it, `HalfMultinomialLoss`, would squeeze a single class away).

Absent: the hinge (`sklearn.metrics.hinge_loss` takes the largest term of a row, not their sum) and
log_softmax (there is none).
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
    # Convention: ours are means, theirs one loss a sample; its loops multiply by a weight anyhow.
    return scores, labels[0].astype(scores.dtype), np.full(n, 1 / n, scores.dtype)


def softmax_loss(scores: Any, labels: Any, weights: Any) -> float:
    """Sum the weighted losses of the samples."""
    losses = np.empty_like(labels)
    _LOSS.loss(labels, scores, weights, losses, 1)
    return float(losses.sum(dtype=np.float64))


def softmax_loss_gradient(scores: Any, labels: Any, weights: Any) -> tuple[float, Any]:
    """Sum the weighted losses, and fill their gradient, in one go over the scores."""
    losses, dscores = np.empty_like(labels), np.empty_like(scores)
    _LOSS.loss_gradient(labels, scores, weights, losses, dscores, 1)
    return float(losses.sum(dtype=np.float64)), dscores


def softmax(scores: Any) -> Any:
    """Return probabilities."""
    return extmath.softmax(scores)
