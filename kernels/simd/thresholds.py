"""Sizes at which the kernels change their method, and how each was measured.

"Log" is docs/performance.md, by section; its machine has AVX-512. Numba freezes these numbers when
it compiles a kernel, and its cache does not see an edit here: delete the cache after one.
"""

# --- threads

MIN_VALUES_FOR_THREADS = 1 << 15
"""Values below which a call with `parallel=True` runs serial. Log: Threads."""

BLOCK_SCORES = 1 << 14
"""Scores in a block of rows, the unit that threads share out. Log: Threads."""

SHARES_PER_THREAD = 4
"""Shares of the entries of `numerical_gradient` for each thread: one thread may be slower."""

# --- which form of a loss

SOFTMAX_COLUMNS_MAX_CLASSES = 128
"""Up to so many classes the softmax transposes its rows. Log: Short rows are transposed."""

HINGE_COLUMNS_MAX_CLASSES_FLOAT32 = 8
"""Up to so many classes the float32 hinge transposes its rows. Log: Short rows are transposed."""

HINGE_COLUMNS_MAX_CLASSES_FLOAT64 = 1
"""The same for float64, whose vectors have half the lanes; the short form needs a wrong class."""

SHORT_ROW_MAX_LINES = 13
"""Up to so many lines the hinge keeps its sum in lanes between rows. Log: Short rows."""

# --- inside a row

LINES_PER_STEP = 4
"""Lines in one step of a long row: each waits for its own results. Log: Vectors of our own."""

CHUNK_TERMS = 4096
"""Terms summed in the dtype of the scores before the sum goes on in float64."""

SURE_EXP_SUM = 1.0 + 2.0**-7
"""A label is sure if its score is the row's maximum m and the sum of exp(s_j - m) is below this."""

# --- the linear classifier

LOOP_MAX_PRODUCTS = 256
"""Up to so many multiplications a matrix product is a loop: a call of BLAS takes longer."""

DIFFERENCE_BLOCK_FEATURES = 64
"""Features in a block of finite differences."""
