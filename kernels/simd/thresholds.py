"""Sizes at which kernels change their method, and the measurement that set each.

"Log" is docs/performance.md, with the name of its section; its machine has AVX-512. Numba freezes
these numbers when it compiles a kernel, and its cache does not notice an edit here: delete the
cache after one.
"""

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

HINGE_COLUMNS_MAX_CLASSES_FLOAT32 = 8
"""With more classes the float32 hinge goes row by row.

Log: Short rows become columns, the table of rows that keep their sum in lanes."""

HINGE_COLUMNS_MAX_CLASSES_FLOAT64 = 1
"""The same for float64, in which rows are faster at 3 classes already. Log: the same table.

One class goes by columns, as the form for short rows needs a wrong class."""

SHORT_ROW_MAX_LINES = 13
"""With more lines in a row the hinge adds up each row by itself.

Log: Short rows become columns, below the last table."""

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

DIFFERENCE_BLOCK_FEATURES = 64
"""Features in a block of finite differences: their sums for a few classes stay in cache.

Measured by turns in one process, 500 samples of 1024 features, 10 classes: with 16, 64 and 256, the
hinge took 16.7, 13.0 and 12.1 ms, the softmax 29, 23 and 22.
Smaller blocks give threads more to share."""
