"""PyTorch on the CPU, one operation at a time (no torch.compile); gradients by autograd.

Tensors are made in inference mode, outside the timing, so that calls on them skip autograd's
bookkeeping; entering the mode inside a call costs more than it saves. Gradients use
`torch.autograd.grad`: as fast as `backward`, and on a mini-batch two to three times as fast as
`torch.func.grad_and_value`.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from bench.model import Arguments

# multi_margin_loss adds one score at a time, with a branch each, and is faster for few scores.
# Above this number, whole-array operations are up to ten times as fast, until each result is so
# large that the system allocates new pages for it; a gradient needs more of them.
_FEW_SCORES = 2**14
_LARGE_BYTES, _LARGE_BYTES_OF_GRADIENT = 2**27, 2**25


def prepare(operation: str, arguments: Arguments) -> Arguments:
    """Return contiguous tensors; those to differentiate by are leaves of autograd."""
    of_gradient = operation.endswith("_gradient")
    leaves = (2 if operation.startswith("linear") else 1) if of_gradient else 0
    with torch.inference_mode(not of_gradient):
        return tuple(
            torch.tensor(item, requires_grad=i < leaves) if isinstance(item, np.ndarray) else item
            for i, item in enumerate(arguments)
        )


def svm_loss(scores: Any, labels: Any, margin: float = 1.0) -> float:
    """Return the mean hinge loss."""
    return float(_hinge(scores, labels, margin).item())


def softmax_loss(scores: Any, labels: Any) -> float:
    """Return the mean cross-entropy."""
    return float(functional.cross_entropy(scores, labels).item())


def softmax(scores: Any) -> Any:
    """Return probabilities."""
    return torch.softmax(scores, 1)


def log_softmax(scores: Any) -> Any:
    """Return the logarithms of probabilities."""
    return torch.log_softmax(scores, 1)


def svm_loss_gradient(scores: Any, labels: Any, margin: float = 1.0) -> Any:
    """Return the hinge loss and its gradient."""
    return _with_gradient(_hinge(scores, labels, margin), scores)


def softmax_loss_gradient(scores: Any, labels: Any) -> Any:
    """Return the cross-entropy and its gradient."""
    return _with_gradient(functional.cross_entropy(scores, labels), scores)


def linear_loss(*arguments: Any) -> float:
    """Return the loss of a linear classifier."""
    return float(linear_objective(*arguments).item())


def linear_gradient(W: Any, b: Any, *arguments: Any) -> Any:
    """Return the loss of a linear classifier, and its gradient by W and b."""
    return _with_gradient(linear_objective(W, b, *arguments), W, b)


def _with_gradient(loss: Any, *leaves: Any) -> Any:
    return float(loss.item()), *torch.autograd.grad(loss, leaves)


def _hinge(scores: Any, labels: Any, margin: float) -> Any:
    n, c = scores.shape
    large = _LARGE_BYTES_OF_GRADIENT if scores.requires_grad else _LARGE_BYTES
    if scores.numel() <= _FEW_SCORES or scores.nbytes > large:
        # Convention: theirs is the sum over the wrong classes divided by C.
        return functional.multi_margin_loss(scores, labels, margin=margin) * c
    own = scores.gather(1, labels[:, None])
    # Each row's sum has the margin in it, from the label's own entry.
    return functional.relu(scores - (own - margin)).sum() / n - margin


def linear_objective(
    W: Any,
    b: Any,
    X: Any,
    labels: Any,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> Any:
    """Return the loss of a linear classifier as a tensor."""
    scores = torch.addmm(b, X, W)
    if loss == "svm":
        value = _hinge(scores, labels, margin)
    else:
        value = functional.cross_entropy(scores, labels)
    return value + regularization * (W * W).sum() if regularization else value
