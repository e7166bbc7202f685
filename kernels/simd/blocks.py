"""What `kernels.blockwise` needs of the library: its checks, and the order of an epoch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.simd._check_arguments import count as count
from kernels.simd._check_arguments import label_array as label_array
from kernels.simd._check_arguments import real_array as real_array
from kernels.simd._check_values import MAX_COUNT as MAX_COUNT
from kernels.simd._check_values import entries as entries
from kernels.simd._check_values import refuse_label as refuse_label
from kernels.simd._linear_training import shuffled
from kernels.simd.compiler import WITHOUT_JIT, kernel


def first_wrong_label(labels: NDArray[Any], classes: int, start: int = 0) -> tuple[int, int] | None:
    """Return the first label outside [0, classes) and its index, for labels from `start` on."""
    for index in np.flatnonzero((labels < 0) | (labels >= classes))[:1]:
        return int(labels[index]), start + int(index)
    return None


def epoch_order(samples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Order of the samples in an epoch of `train_linear`."""
    bits = seed % 2**64
    order: NDArray[np.int64] = _order(samples, bits if WITHOUT_JIT else np.uint64(bits), epoch)
    return order


@kernel(entry=True)
def _order(samples, seed_bits, epoch):
    return shuffled(samples, seed_bits, epoch)
