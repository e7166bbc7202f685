"""Sizes at which kernels change their method, and the measurement that set each.

"Log" is docs/performance.md, with the name of its section; its machine has AVX-512. Numba freezes
these numbers when it compiles a kernel, and its cache does not notice an edit here: delete the
cache after one. Its cache tells processors apart.
"""

import platform
import re
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from numba import config

# --- threads

MIN_VALUES_FOR_THREADS = 1 << 15
"""With fewer values, a call with `parallel=True` runs serial, which is faster. Log: Threads."""

BLOCK_SCORES = 1 << 14
"""Scores in a block of rows, which a thread takes at a time. Log: Threads, for this size only."""

SHARES_PER_THREAD = 4
"""Shares per thread of the entries of `numerical_gradient`, as a thread may be slower than others.

Not measured."""

# --- the method of a loss

SOFTMAX_COLUMNS_MAX_CLASSES = 128
"""With more classes the softmax goes row by row.

Log: Short rows become columns, the table of rows and columns. It was measured up to 100 classes."""


class Hinge(NamedTuple):
    """How a processor takes the rows of the hinge and of its gradient."""

    columns_max_classes_float32: int
    """With more classes it goes row by row."""

    columns_max_classes_float64: int
    """The same for float64, in which rows are faster at 3 classes already.

    One class goes by columns, as the form for short rows with masks needs a wrong class."""

    short_row_max_lines: int
    """With more lines in a row it adds up each row by itself."""

    masks: bool
    """Whether short rows end in a vector under a mask (`_rows_hinge`), or in parts of one."""


HINGES = {
    # Log: Short rows become columns, the table of rows that keep their sum in lanes, and below
    "AVX-512": Hinge(8, 1, 13, masks=True),
    # Log: Short rows in parts
    "x86": Hinge(8, 1, 26, masks=False),
    "other": Hinge(5, 1, 26, masks=False),
}
"""The hinge by processor. "other" was set by counting the instructions of ARM, not by timing."""

_AVX512 = re.compile(
    r"x86-64-v4|znver[4-9]|kn[lm]|(skylake-avx512|cascade|cooper|cannon|ice|tiger|rocket)"
    r"|(sapphire|emerald|granite|diamond)rapids"
)
"""Starts of LLVM's names of processors with AVX-512, for names that come without features."""


def processor(machine: str, name: str, features: str) -> str:
    """Key in `HINGES` of a processor.

    Parameters
    ----------
    machine : str
        As `platform.machine` returns it.
    name, features : str
        As LLVM knows the processor: "znver4", "+avx2,-avx512f".
    """
    if machine.lower() not in {"x86_64", "amd64", "i386", "i686", "x86"}:
        return "other"
    given = features.split(",")
    known = "+avx512f" in given or (_AVX512.match(name) and "-avx512f" not in given)
    return "AVX-512" if known else "x86"


def processor_of_numba() -> str:
    """`processor` for which Numba compiles: the host, or what NUMBA_CPU_NAME and _FEATURES say."""
    settings: Any = config
    name, features = settings.CPU_NAME, settings.CPU_FEATURES
    if name is None:
        name = llvm.get_host_cpu_name()
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    return processor(platform.machine(), name, features)


PROCESSOR = processor_of_numba()
HINGE = HINGES[PROCESSOR]

# --- inside a row

LINES_PER_STEP = 4
"""Lines of a long row in one vector. Log: SIMD vectors by hand, "Four lines side by side", for the
exps only."""

CHUNK_TERMS = 4096
"""Terms summed in the dtype of the scores before the sum goes on in float64.

Not measured: spread over the lanes, so many float32 roundings cost less than 1e-6 of the sum."""

SURE_EXP_SUM = 1.0 + 2.0**-7
"""A label is sure if its score is the row's maximum m and the sum of exp(s_j - m) is below this.

Scores of 0 and -40 give a loss of 4.2e-18, where log(1 + 4.2e-18) is 0: the exps of the other
classes are summed without the label's 1, and the loss is log1p of that. Log: Sure predictions, for
its cost."""

# --- the linear classifier

LOOP_MAX_PRODUCTS = 256
"""Up to so many multiplications a matrix product is a loop, above them a call of BLAS.

Measured by turns in one process, float64: the loop took 0.29 to 0.95 of the time of BLAS with 36 to
256 multiplications, 0.99 with 512, and 1.5 with 1024."""

TILES_MAX_CLASSES = 10
"""Up to so many classes a large matrix product goes by tiles. Log: Products with few classes."""

TILES_MIN_SAMPLES = 64
"""With fewer samples, turning W into columns takes longer than the product. Log: the same."""

TILES_MIN_FEATURES = 512
"""With fewer features, a tile's last steps weigh more than what BLAS loses. Log: the same."""

TILES_MIN_PRODUCTS = 1_000_000
"""Up to so many multiplications, OpenBLAS has kernels that do not pack. Log: the same."""

TILE = (4, 5, 1) if PROCESSOR == "AVX-512" else (2, 5, 2)
"""Samples and classes in a tile, and parts of a line in its vectors. Log: the same.

Its sums, and a vector for each sample, fill most of the registers: 32 of 64 bytes with AVX-512, 16
of 32 with AVX2. Without AVX some are kept in memory, and tiles win less or nothing. Not timed on
ARM."""

LINEAR_BLOCK_BYTES = 1 << 24
"""Bytes of scores in a block of samples. Log: Scores by blocks of samples.

Larger blocks make better matrix products, smaller ones stay in cache and take less memory."""

LINEAR_BLOCK_MIN_ROWS = 64
"""A block has so many samples, or one per feature if there are fewer, whatever their scores take.

Each block reads W, and reads and writes dW: with fewer samples, these are larger than its scores,
and moving them would take longer than the products."""

DIFFERENCE_BLOCK_FEATURES = 64
"""Features in a block of finite differences: their sums for a few classes stay in cache.

Measured by turns in one process, 500 samples of 1024 features, 10 classes: with 16, 64 and 256, the
hinge took 16.7, 13.0 and 12.1 ms, the softmax 29, 23 and 22.
Smaller blocks give threads more to share."""
