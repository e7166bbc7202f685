"""Classification losses and their gradients, compiled by Numba: the tier to import.

The same functions as whole-array NumPy are in `kernels.vectorized`.
"""

from kernels.simd import (
    check_gradient,
    gradient_descent,
    linear_gradient,
    linear_loss,
    linear_numerical_gradient,
    log_softmax,
    numerical_gradient,
    relative_error,
    softmax,
    softmax_loss,
    softmax_loss_gradient,
    svm_loss,
    svm_loss_gradient,
    train_linear,
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
