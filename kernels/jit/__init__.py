"""The loops of `reference` under `@njit`, default flags: `svm_loss.py_func is reference.svm_loss`.

They are what `@njit` above the unchanged loop gives. Like any `@njit` code, they take arrays and do
not check them: a label out of range reads memory outside the array. `kernels` has the library,
which checks. Functions that do not compile, or would compute something else, are replaced:

| in `reference` | here | because |
|---|---|---|
| `lists.zeros`, `zeros_like` | `np.zeros`, `np.zeros_like` | lists of lists cannot be returned |
| `lists.copied`, `floats` | `copy()`, `astype(np.float64)` | they call themselves |
| `lists.taken`, `flat` | `values[order]`, `ravel()` | they make lists |
| `lists.indices` | steps of `np.ndindex` | the length of a tuple is part of its type |
| `numerical_gradient` | its loop, over the flat array | the depth of a list is part of its type |
| `gradient_descent` | array arithmetic | the same |
| `linear.splitmix64` | in `np.uint64` | in int64 it silently wraps to wrong numbers |
| `linear.shuffled` | a stable `np.argsort` | `sorted` takes no key |
"""

from kernels.jit.descent import gradient_descent
from kernels.jit.gradients import check_gradient, numerical_gradient, relative_error
from kernels.jit.linear import linear_gradient, linear_loss, linear_numerical_gradient, train_linear
from kernels.jit.losses import (
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
