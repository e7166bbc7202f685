"""The library: every operation checked, tuned and compiled, for Python and jitted callers.

It has the names and arguments of the texts: `reference` (loops), `kernels.vectorized` (NumPy) and
`kernels.jit` (the loops under `@njit`). `kernels` re-exports it. `elementary` (exp, log, …) and
`vectors` are for your own loops.
"""

from kernels.simd.descent import gradient_descent
from kernels.simd.gradients import check_gradient, numerical_gradient, relative_error
from kernels.simd.linear import (
    linear_gradient,
    linear_loss,
    linear_numerical_gradient,
    train_linear,
)
from kernels.simd.losses import (
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
