"""The loops: every operation in pure Python, written to be read and checked by eye.

The oracle of the project. It imports nothing of ours and nothing but `math` and `operator`.
"""

from reference.descent import gradient_descent
from reference.gradients import check_gradient, numerical_gradient, relative_error
from reference.linear import (
    linear_gradient,
    linear_loss,
    linear_numerical_gradient,
    train_linear,
)
from reference.losses import (
    log_softmax,
    softmax,
    softmax_loss,
    softmax_loss_gradient,
    svm_loss,
    svm_loss_gradient,
)

__all__ = [
    "check_gradient",
    "gradient_descent",
    "linear_gradient",
    "linear_loss",
    "linear_numerical_gradient",
    "log_softmax",
    "numerical_gradient",
    "relative_error",
    "softmax",
    "softmax_loss",
    "softmax_loss_gradient",
    "svm_loss",
    "svm_loss_gradient",
    "train_linear",
]
