"""The library on Dask arrays in blocks of rows: more samples than fit into memory, or a cluster.

The functions have the names and positional arguments of `kernels`, whose serial kernels compute
each block. It needs the extra `dask`, and is imported by name: `import kernels` loads no Dask.
"""

try:
    import dask.array as _needed  # noqa: F401 - said here once, in words
except ImportError as error:
    raise ImportError(
        'kernels.blockwise needs Dask: python -m pip install "lossbench[dask]"'
    ) from error

from kernels.blockwise.linear import linear_gradient, linear_loss, train_linear
from kernels.blockwise.losses import (
    log_softmax,
    softmax,
    softmax_loss,
    softmax_loss_gradient,
    svm_loss,
    svm_loss_gradient,
)

__all__ = [
    "linear_gradient",
    "linear_loss",
    "log_softmax",
    "softmax",
    "softmax_loss",
    "softmax_loss_gradient",
    "svm_loss",
    "svm_loss_gradient",
    "train_linear",
]
