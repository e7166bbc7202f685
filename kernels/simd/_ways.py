"""Choose how a loss takes the rows of its scores: by columns, as short rows, or row by row.

From Python the choice comes before compiling, and only the chosen way is compiled. A caller's
jitted code chooses when it runs, with all ways compiled.
"""

from typing import Any

from numba import types

from kernels.simd.compiler import kernel
from kernels.simd.thresholds import HINGE, SOFTMAX_COLUMNS_MAX_CLASSES
from kernels.simd.vectors import LINE

COLUMNS, SHORT_ROWS, ROWS = range(3)


def hinge_way(classes: int, itemsize: int) -> int:
    """Way of the hinge and its gradient."""
    if itemsize == 4:
        by_columns = classes <= HINGE.columns_max_classes_float32
    else:
        by_columns = classes <= HINGE.columns_max_classes_float64
    if by_columns:
        return COLUMNS
    return SHORT_ROWS if classes * itemsize <= HINGE.short_row_max_lines * LINE else ROWS


def softmax_way(classes: int) -> int:
    """Way of all that takes exps."""
    return COLUMNS if classes <= SOFTMAX_COLUMNS_MAX_CLASSES else ROWS


def hinge_known(scores: Any, classes: int) -> Any:
    """Numba type of the way as an argument that is known, for a type of scores."""
    return types.Omitted(hinge_way(classes, scores.dtype.bitwidth // 8))


def softmax_known(classes: int) -> Any:
    """The same for the softmax."""
    return types.Omitted(softmax_way(classes))


def known_loss(matrix: Any, svm: bool, classes: int) -> tuple[Any, Any]:
    """Numba types of `svm` and of the way, for a type of matrix in the dtype of the scores."""
    way = hinge_known(matrix, classes) if svm else softmax_known(classes)
    return types.Omitted(svm), way


hinge_way_in_jit = kernel(hinge_way)
softmax_way_in_jit = kernel(softmax_way)


@kernel
def loss_way_in_jit(svm, classes, itemsize):
    """Way of either loss."""
    return hinge_way_in_jit(classes, itemsize) if svm else softmax_way_in_jit(classes)
