"""PyTorch's `linear_cross_entropy`, which makes the scores of a chunk of samples at a time.

Otherwise as in `torch`. It needs PyTorch 2.13 and knows the softmax loss only: the hinge is that of
`torch`.
"""

from typing import Any

import torch
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import linear_cross_entropy

from bench.model import Arguments
from bench.problems.peers import torch as eager

_CHUNKED = LinearCrossEntropyOptions()


def prepare(operation: str, arguments: Arguments) -> Arguments:
    """Return the tensors of `torch`, the weights as this function takes them: (C, D)."""
    W, *others = eager.prepare(operation, arguments)
    with torch.inference_mode(not W.requires_grad):
        turned = W.detach().T.contiguous().requires_grad_(W.requires_grad)
    return turned, *others


def linear_loss(*arguments: Any) -> float:
    """Return the loss of a linear classifier."""
    return float(_linear(*arguments).item())


def linear_gradient(W: Any, b: Any, *arguments: Any) -> Any:
    """Return the loss of a linear classifier, and its gradient by W and b."""
    loss = _linear(W, b, *arguments)
    dW, db = torch.autograd.grad(loss, (W, b))
    return float(loss.item()), dW.T, db


def _linear(
    W: Any,
    b: Any,
    X: Any,
    labels: Any,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> Any:
    if loss == "svm":
        return eager.linear_objective(W.T, b, X, labels, loss, margin, regularization)
    value = linear_cross_entropy(X, W, labels, linear_bias=b, options=_CHUNKED)
    return value + regularization * (W * W).sum() if regularization else value
