"""The library: classification losses and their gradients, checked, tuned and compiled.

`kernels.vectorized` and `kernels.jit` have the same functions as short texts without checks, which
the benchmark compares: in NumPy, and the loops of `reference` under `@njit`.
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
