"""Every operation as loops in plain Python, written to be read.

All other versions must agree with these. The loops do not check their arguments: nested lists or
float arrays of fitting shapes, labels in range. `kernels` has the library, which does.
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
