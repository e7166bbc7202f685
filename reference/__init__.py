"""The loops: every operation in plain Python, written to be read and checked by eye.

They are what the other versions have to agree with. They trust their arguments: nested lists or
float arrays of fitting shapes, labels in range. `kernels` has the library, which checks them.
"""

from reference.descent import gradient_descent
from reference.gradients import check_gradient, numerical_gradient, relative_error
from reference.linear import linear_gradient, linear_loss, linear_numerical_gradient, train_linear
from reference.losses import (
    log_softmax,
    softmax,
    softmax_loss,
    softmax_loss_gradient,
    svm_loss,
    svm_loss_gradient,
)

__all__ = [
    "check_gradient", "gradient_descent", "linear_gradient", "linear_loss",
    "linear_numerical_gradient", "log_softmax", "numerical_gradient", "relative_error", "softmax",
    "softmax_loss", "softmax_loss_gradient", "svm_loss", "svm_loss_gradient", "train_linear",
]  # fmt: skip
