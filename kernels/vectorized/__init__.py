"""Every operation in whole-array NumPy, by the same algorithms as the loops of `reference`.

Like the loops, these functions do not check their arguments: arrays of fitting shapes, labels in
range. `kernels` has the library, which does.
"""

from kernels.vectorized.descent import gradient_descent
from kernels.vectorized.gradients import check_gradient, numerical_gradient, relative_error
from kernels.vectorized.linear import (
    linear_gradient,
    linear_loss,
    linear_numerical_gradient,
    train_linear,
)
from kernels.vectorized.losses import (
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
