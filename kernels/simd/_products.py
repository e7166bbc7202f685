"""Products of many features and few classes: X·W + b, and Xᵀ·dscores.

BLAS copies blocks of both matrices into the order of its inner loop, which pays with many columns.
With few, the copy takes longer than the product. Here X is read as it lies, and a tile of samples
and classes is summed at a time, in a vector along the features for each pair of them.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from kernels.simd._arrays import least, new_array
from kernels.simd._vector_types import Vector, broadcast, call_lane_wise, intrinsic
from kernels.simd.compiler import kernel
from kernels.simd.thresholds import TILE
from kernels.simd.vectors import LINE, lanes, load, offset, pointer, reduced, store

TILE_SAMPLES, TILE_CLASSES, LINE_PARTS = TILE
TILE_SUMS = TILE_SAMPLES * TILE_CLASSES
# Samples whose products are added to the columns of dW at once, which are read and written for each
SAMPLES_AT_ONCE = 4

# --- tuples of vectors: LLVM keeps them in registers


def _load(context, builder, row, at, kind):
    address = builder.bitcast(builder.gep(row, [at]), context.get_value_type(kind).as_pointer())
    return builder.load(address, align=kind.element.bitwidth // 8)


def _moved(builder, at, step, count):
    return builder.add(at, builder.mul(step, step.type(count)))


@intrinsic(prefer_literal=True)
def no_sums(typing_context, row, count, parts):
    """Zeros: `count` vectors of a line, or of one of its `parts`; both are constants."""
    bits = row.dtype.bitwidth
    kind = Vector(row.dtype, LINE * 8 // bits // parts.literal_value)
    tile = types.UniTuple(kind, count.literal_value)

    def emit(context, builder, signature, arguments):
        zero = ir.Constant(context.get_value_type(kind), None)
        return context.make_tuple(builder, tile, [zero] * tile.count)

    return tile(row, count, parts), emit


@intrinsic(prefer_literal=True)
def add_products(typing_context, sums, samples, classes, features, at, height):
    """The sums of a tile, plus the products of vectors of `height` samples and of the classes.

    The sums of one sample are adjacent. Both matrices have rows of so many features.
    """
    kind, width = sums.dtype, sums.count // height.literal_value

    def emit(context, builder, signature, arguments):
        sums_now, samples, classes, features, at, _ = arguments
        found = cgutils.unpack_tuple(builder, sums_now)
        rows = [
            _load(context, builder, samples, _moved(builder, at, features, i), kind)
            for i in range(height.literal_value)
        ]
        for j in range(width):
            column = _load(context, builder, classes, _moved(builder, at, features, j), kind)
            for i, row in enumerate(rows):
                factors = [row, column, found[i * width + j]]
                found[i * width + j] = call_lane_wise(builder, "llvm.fmuladd", factors)
        return context.make_tuple(builder, sums, found)

    return sums(sums, samples, classes, features, at, height), emit


@intrinsic(prefer_literal=True)
def store_sums(typing_context, sums, tile):
    """Store the sum of each vector's lanes."""

    def emit(context, builder, signature, arguments):
        for i, vector in enumerate(cgutils.unpack_tuple(builder, arguments[0])):
            address = builder.gep(arguments[1], [ir.IntType(64)(i)])
            builder.store(reduced(builder, vector, builder.fadd), address)
        return context.get_dummy_value()

    return types.void(sums, tile), emit


@intrinsic(prefer_literal=True)
def load_rows(typing_context, samples, features, at, count):
    """A line from each of `count` rows, a constant."""
    kind = Vector(samples.dtype, LINE * 8 // samples.dtype.bitwidth)
    rows = types.UniTuple(kind, count.literal_value)

    def emit(context, builder, signature, arguments):
        samples, features, at, _ = arguments
        found = [
            _load(context, builder, samples, _moved(builder, at, features, i), kind)
            for i in range(rows.count)
        ]
        return context.make_tuple(builder, rows, found)

    return rows(samples, features, at, count), emit


@intrinsic
def add_weighted(typing_context, total, rows, weights, step):
    """A vector, plus vectors times their weights, which are `step` numbers apart."""

    def emit(context, builder, signature, arguments):
        total_now, rows_now, weights, step = arguments
        for i, row in enumerate(cgutils.unpack_tuple(builder, rows_now)):
            weight = builder.load(builder.gep(weights, [builder.mul(step, step.type(i))]))
            factors = [row, broadcast(builder, weight, total.lanes), total_now]
            total_now = call_lane_wise(builder, "llvm.fmuladd", factors)
        return total_now

    return total(total, rows, weights, step), emit


# --- the products


@kernel
def columns_of(W):
    """The columns of W as rows, and zeros for those that fill the last tile."""
    features, classes = W.shape
    tiles = (classes + TILE_CLASSES - 1) // TILE_CLASSES
    columns = new_array((tiles * TILE_CLASSES, features), W.dtype)
    for c in range(columns.shape[0]):
        for d in range(features):
            columns[c, d] = W[d, c] if c < classes else 0.0
    return columns


@kernel
def fill_products(W, b, X, scores):
    """Fill X·W + b, for at least as many samples as a tile has: with fewer, it reads before X.

    A sample's scores depend on no other sample: the last tile may repeat some.
    """
    samples = X.shape[0]
    columns, tile = columns_of(W), new_array(TILE_SUMS, W.dtype)
    for first in range(0, samples, TILE_SAMPLES):
        fill_row_of_tiles(X, columns, b, least(first, samples - TILE_SAMPLES), tile, scores)


@kernel
def fill_row_of_tiles(X, columns, b, first, tile, scores):
    """Fill the scores of the samples in a tile."""
    features, classes = X.shape[1], b.size
    its_samples, its_columns = pointer(X, first * features), pointer(columns, 0)
    line = lanes(its_columns, 1) // LINE_PARTS
    full = features - features % line
    for j in range(0, classes, TILE_CLASSES):
        some = offset(its_columns, j * features)
        sums = no_sums(some, TILE_SUMS, LINE_PARTS)
        for d in range(0, full, line):
            sums = add_products(sums, its_samples, some, features, d, TILE_SAMPLES)
        store_sums(sums, pointer(tile, 0))
        for i in range(TILE_SAMPLES):
            for c in range(j, least(j + TILE_CLASSES, classes)):
                total = tile[i * TILE_CLASSES + c - j]
                for d in range(full, features):
                    total += X[first + i, d] * columns[c, d]
                scores[first + i, c] = total + b[c]


@kernel
def add_to_slopes(X, dscores, is_first, dW):
    """Add Xᵀ·dscores to dW; fill dW if these samples are the first."""
    features, classes = dW.shape
    columns = new_array((classes, features), dW.dtype)
    for c in range(classes):
        for d in range(features):
            columns[c, d] = 0.0 if is_first else dW[d, c]
    add_to_columns(X, dscores, columns)
    for d in range(features):
        for c in range(classes):
            dW[d, c] = columns[c, d]


@kernel
def add_to_columns(X, dscores, columns):
    """Add Xᵀ·dscores to its columns, (C, D)."""
    (samples, features), classes = X.shape, dscores.shape[1]
    total = pointer(columns, 0)
    line = lanes(total, 1)
    whole, full = samples - samples % SAMPLES_AT_ONCE, features - features % line
    for first in range(0, whole, SAMPLES_AT_ONCE):
        rows, weights = pointer(X, first * features), pointer(dscores, first * classes)
        for d in range(0, full, line):
            some = load_rows(rows, features, d, SAMPLES_AT_ONCE)
            for c in range(classes):
                at = c * features + d
                its_sum = add_weighted(load(total, at, 1), some, offset(weights, c), classes)
                store(total, at, its_sum)
        for i in range(first, first + SAMPLES_AT_ONCE):
            add_sample(X, dscores, i, full, columns)
    for i in range(whole, samples):
        add_sample(X, dscores, i, 0, columns)


@kernel
def add_sample(X, dscores, i, start, columns):
    """Add a sample's products to the columns, from one feature on."""
    for c in range(dscores.shape[1]):
        for d in range(start, X.shape[1]):
            columns[c, d] += X[i, d] * dscores[i, c]
