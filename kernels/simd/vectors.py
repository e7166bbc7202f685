"""SIMD vectors in Numba, for loops that LLVM does not vectorise.

LLVM vectorises simple loops by itself, but not loops over short rows, and it ends each loop with
one number at a time. A row of any length is a few of these vectors instead. They exist in compiled
code only, have the usual operators, and are taken by the functions of `elementary`.

Lengths are in lines of 64 bytes, the size of a cache line and of the widest registers. LLVM splits
a vector into the registers that the processor has.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError

from kernels.simd._vector_types import (
    Vector,
    broadcast,
    call_lane_wise,
    intrinsic,
    shuffle,
    shuffle_one,
)

LINE = 64
"""Bytes."""


# --- memory: pointers, which can also be indexed (`row[j]`)


@intrinsic
def pointer(typing_context, array, at):
    """Address of entry `at` of a contiguous array of one or two dimensions.

    A pointer does not keep its array alive, and Numba frees a local array after its last use: take
    pointers to arguments only, which the caller keeps.
    """
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError(f"expected a contiguous array, got {array}")

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(array.data, [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), emit


@intrinsic
def offset(typing_context, row, numbers):
    """Pointer moved on by some numbers."""

    def emit(context, builder, signature, arguments):
        return builder.gep(arguments[0], [arguments[1]])

    return row(row, types.intp), emit


def _vector_of(row, lines):
    """Vector type of some lines of the numbers that a pointer points to."""
    if not isinstance(row, types.CPointer):
        raise TypingError(f"expected a pointer, got {row}")
    if not isinstance(lines, types.IntegerLiteral):
        raise TypingError("the number of lines must be a constant")
    return Vector(row.dtype, lines.literal_value * LINE // (row.dtype.bitwidth // 8))


@intrinsic(prefer_literal=True)
def load(typing_context, row, at, lines):
    """Load `lines` lines of numbers, a constant, from `at` on; all must be in memory."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        address = builder.gep(arguments[0], [arguments[1]])
        address = builder.bitcast(address, context.get_value_type(kind).as_pointer())
        return builder.load(address, align=kind.element.bitwidth // 8)

    return kind(row, types.intp, lines), emit


@intrinsic(prefer_literal=True)
def zeros(typing_context, row, count):
    """Vector of `count` zeros, a constant."""
    kind = Vector(row.dtype, count.literal_value)

    def emit(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(kind), None)

    return kind(row, count), emit


@intrinsic
def load_like(typing_context, row, at, like):
    """Load as many numbers as `like` has lanes, from `at` on."""
    kind = Vector(row.dtype, like.lanes)

    def emit(context, builder, signature, arguments):
        address = builder.gep(arguments[0], [arguments[1]])
        address = builder.bitcast(address, context.get_value_type(kind).as_pointer())
        return builder.load(address, align=row.dtype.bitwidth // 8)

    return kind(row, types.intp, like), emit


@intrinsic
def load_first(typing_context, row, at, like):
    """Load one number into the first lane of a vector with the lanes of `like`; 0 in the others."""
    kind = Vector(row.dtype, like.lanes)

    def emit(context, builder, signature, arguments):
        number = builder.load(builder.gep(arguments[0], [arguments[1]]))
        zero = ir.Constant(context.get_value_type(kind), None)
        return builder.insert_element(zero, number, ir.IntType(32)(0))

    return kind(row, types.intp, like), emit


@intrinsic
def first(typing_context, vector):
    """The first lane of a vector."""

    def emit(context, builder, signature, arguments):
        return builder.extract_element(arguments[0], ir.IntType(32)(0))

    return vector.element(vector), emit


def _hidden(builder, value):
    """A value of which LLVM does not know that it is constant.

    ARM takes four instructions to write a constant address, and LLVM would do so in each row.
    """
    same = ir.FunctionType(value.type, [value.type])
    return builder.asm(same, "", "=r,0", [value], False)


@intrinsic(prefer_literal=True)
def label_masks(typing_context, row, lines):
    """Pointer to a 0, with −1 for some lines before and after it, in integers as wide as numbers.

    Moved back by a label, it points to masks of the classes, which leave out the label.
    """
    bits = row.dtype.bitwidth
    size = lines.literal_value * LINE // (bits // 8)

    def emit(context, builder, signature, arguments):
        values = [-1] * size + [0] + [-1] * size
        table = ir.Constant(ir.ArrayType(ir.IntType(bits), len(values)), values)
        table = cgutils.global_constant(builder, "label_masks", table)
        return _hidden(builder, cgutils.gep_inbounds(builder, table, 0, size))

    return types.CPointer(_integer(bits))(row, lines), emit


@intrinsic
def and_bits(typing_context, vector, masks):
    """A vector's lanes where the mask is −1, 0 where it is 0."""

    def emit(context, builder, signature, arguments):
        value, masks = arguments
        return builder.bitcast(builder.and_(builder.bitcast(value, masks.type), masks), value.type)

    return vector(vector, masks), emit


@intrinsic
def store(typing_context, row, at, vector):
    """Store a vector from `at` on."""

    def emit(context, builder, signature, arguments):
        row, at, value = arguments
        address = builder.bitcast(builder.gep(row, [at]), value.type.as_pointer())
        builder.store(value, address, align=vector.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(row, types.intp, vector), emit


def _call_masked(builder, operation, kind, result, operands):
    """Call one of LLVM's masked loads and stores."""
    function_type = ir.FunctionType(result, [operand.type for operand in operands])
    name = f"v{kind.count}{kind.element.intrinsic_name}"
    full_name = f"llvm.masked.{operation}.{name}.p0{name}"
    function = cgutils.get_or_insert_function(builder.module, function_type, full_name)
    return builder.call(function, operands)


@intrinsic
def load_masked(typing_context, row, at, condition, default):
    """`load` the lanes where the condition holds; the others are not read, and get `default`."""

    def emit(context, builder, signature, arguments):
        row, at, condition, default = arguments
        address = builder.bitcast(builder.gep(row, [at]), default.type.as_pointer())
        alignment = ir.IntType(32)(signature.return_type.element.bitwidth // 8)
        operands = [address, alignment, condition, default]
        return _call_masked(builder, "load", default.type, default.type, operands)

    return default(row, types.intp, condition, default), emit


@intrinsic
def store_masked(typing_context, row, at, vector, condition):
    """`store` the lanes where the condition holds; memory at the others is not written."""

    def emit(context, builder, signature, arguments):
        row, at, value, condition = arguments
        address = builder.bitcast(builder.gep(row, [at]), value.type.as_pointer())
        alignment = ir.IntType(32)(vector.element.bitwidth // 8)
        operands = [value, address, alignment, condition]
        _call_masked(builder, "store", value.type, ir.VoidType(), operands)
        return context.get_dummy_value()

    return types.void(row, types.intp, vector, condition), emit


@intrinsic(prefer_literal=True)
def lanes(typing_context, row, lines):
    """Number of lanes of some lines."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        return context.get_constant(types.intp, kind.lanes)

    return types.intp(row, lines), emit


@intrinsic
def lanes_of(typing_context, vector):
    """Number of lanes of a vector."""

    def emit(context, builder, signature, arguments):
        return context.get_constant(types.intp, vector.lanes)

    return types.intp(vector), emit


@intrinsic(prefer_literal=True)
def splat(typing_context, row, lines, value):
    """Vector, of the type that `load` returns, with one number in all lanes."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        return broadcast(builder, arguments[2], kind.lanes)

    return kind(row, lines, kind.element), emit


@intrinsic
def splat_like(typing_context, like, value):
    """Vector of the type of `like` with one number in all lanes."""

    def emit(context, builder, signature, arguments):
        return broadcast(builder, arguments[1], like.lanes)

    return like(like, like.element), emit


@intrinsic
def cast_to(typing_context, row, value):
    """Convert a number to the type that a pointer points to."""

    def emit(context, builder, signature, arguments):
        return arguments[1]

    return row.dtype(row, row.dtype), emit


def _integer(bits):
    return types.int32 if bits == 32 else types.int64


def _integers_as_wide(like):
    return Vector(_integer(like.element.bitwidth), like.lanes)


@intrinsic
def lane_indices(typing_context, like):
    """Vector 0, 1, 2, … of integers as wide as the numbers of `like`."""
    kind = _integers_as_wide(like)

    def emit(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(kind), list(range(kind.lanes)))

    return kind(like), emit


@intrinsic
def select(typing_context, condition, a, b):
    """Lane by lane, `a` where the condition holds, else `b`."""
    kind = a if isinstance(a, Vector) else b

    def emit(context, builder, signature, arguments):
        return builder.select(*arguments)

    return kind(condition, kind, kind), emit


# --- across lanes


def reduced(builder, value, combine):
    """LLVM number that a vector is reduced to: halves are combined until one lane is left."""
    while value.type.count > 1:
        half = value.type.count // 2
        halves = range(half), range(half, 2 * half)
        value = combine(*(shuffle_one(builder, value, numbers) for numbers in halves))
    return builder.extract_element(value, ir.IntType(32)(0))


@intrinsic
def minus_ones(typing_context, condition, like):
    """Integers as wide as the numbers of `like`: −1 where a condition holds, else 0."""
    kind = _integers_as_wide(like)

    def emit(context, builder, signature, arguments):
        return builder.sext(arguments[0], context.get_value_type(kind))

    return kind(condition, like), emit


@intrinsic
def fold(typing_context, vector):
    """Sum of the two halves of a vector."""
    kind, half = Vector(vector.element, vector.lanes // 2), range(vector.lanes // 2)

    def emit(context, builder, signature, arguments):
        low = shuffle_one(builder, arguments[0], half)
        high = shuffle_one(builder, arguments[0], [k + len(half) for k in half])
        add = builder.fadd if isinstance(vector.element, types.Float) else builder.add
        return add(low, high)

    return kind(vector), emit


@intrinsic
def reduce_add(typing_context, vector):
    """Sum of the lanes, by halves: in the same order on every processor."""

    def emit(context, builder, signature, arguments):
        add = builder.fadd if isinstance(vector.element, types.Float) else builder.add
        return reduced(builder, arguments[0], add)

    return vector.element(vector), emit


@intrinsic
def reduce_max(typing_context, vector):
    """Largest of the lanes, NaN if one is; of −0.0 and 0.0 either."""

    def emit(context, builder, signature, arguments):
        def larger(*halves):
            return call_lane_wise(builder, "llvm.maximum", halves, ("nsz",))

        return reduced(builder, arguments[0], larger)

    return vector.element(vector), emit


@intrinsic
def count_true(typing_context, condition):
    """Number of lanes where a condition holds."""

    def emit(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], ir.IntType(condition.lanes))
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.int64(condition), emit


@intrinsic
def to_float64(typing_context, vector):
    """Convert a vector to float64."""
    kind = Vector(types.float64, vector.lanes)

    def emit(context, builder, signature, arguments):
        if vector == kind:
            return arguments[0]
        return builder.fpext(arguments[0], context.get_value_type(kind))

    return kind(vector), emit


@intrinsic
def load_integers(typing_context, integers, at, like):
    """Load an int64 per lane of `like`, from `at` on, into integers as wide as its numbers."""
    kind = _integers_as_wide(like)

    def emit(context, builder, signature, arguments):
        address = builder.gep(arguments[0], [arguments[1]])
        given = ir.VectorType(ir.IntType(64), kind.lanes)
        value = builder.load(builder.bitcast(address, given.as_pointer()), align=8)
        kept = context.get_value_type(kind)
        return value if kept == given else builder.trunc(value, kept)

    return kind(types.CPointer(types.int64), types.intp, like), emit


# --- transposition: rows into columns and back


def _transposed(builder, vectors):
    """Transpose the K × K blocks of K vectors, K a power of 2.

    In steps of 1, 2, 4 …: two vectors a step apart swap the lanes of the first that have that bit
    in their number with the lanes of the second that have not. The first two steps use other pairs
    of lanes, which every processor has as one instruction (unpack).
    """
    count, lanes = len(vectors), range(vectors[0].type.count)
    step = 1
    if isinstance(vectors[0].type.element, ir.FloatType) and count >= 4:
        vectors = _transposed_fours(builder, vectors)
        step = 4
    while step < count:
        first = [k + len(lanes) - step if k & step else k for k in lanes]
        second = [k + len(lanes) if k & step else k + step for k in lanes]
        transposed = list(vectors)
        for i in range(count):
            if not i & step:
                pair = vectors[i], vectors[i + step]
                transposed[i] = shuffle(builder, *pair, first)
                transposed[i + step] = shuffle(builder, *pair, second)
        vectors = transposed
        step *= 2
    return vectors


def _transposed_fours(builder, vectors):
    """Steps 1 and 2 of `_transposed`."""
    lanes = range(vectors[0].type.count)
    # Of each four lanes: the first of a, of b, the second of a, of b; the first two of a, of b
    mixed = [(k & ~3) + (k & 3) // 2 + (k & 1) * len(lanes) for k in lanes]
    firsts = [(k & ~3) + (k & 1) + (len(lanes) if k & 2 else 0) for k in lanes]
    seconds = [k + 2 for k in firsts]
    transposed = []
    for i in range(0, len(vectors), 4):
        a, b, c, d = vectors[i : i + 4]
        for low in (mixed, [k + 2 for k in mixed]):
            pair = shuffle(builder, a, b, low), shuffle(builder, c, d, low)
            transposed += [shuffle(builder, *pair, numbers) for numbers in (firsts, seconds)]
    return transposed


def _concatenated(builder, vectors):
    """One vector of several, a power of 2, concatenated."""
    while len(vectors) > 1:
        numbers = range(2 * vectors[0].type.count)
        vectors = [
            shuffle(builder, vectors[i], vectors[i + 1], numbers) for i in range(0, len(vectors), 2)
        ]
    return vectors[0]


def _row_address(context, builder, rows, number, stride, kind):
    at = builder.mul(context.get_constant(types.intp, number), stride)
    return builder.bitcast(builder.gep(rows, [at]), kind.as_pointer())


@intrinsic(prefer_literal=True)
def transpose(typing_context, rows, stride, parts, columns):
    """Transpose the first numbers of as many rows as a line has lanes; store the columns.

    Row r starts at `rows[r * stride]`. Of each row, a line divided by `parts` is read, a constant
    power of 2. Column j starts at `columns[j * lanes]`; its lane r is number j of row r.
    """
    line = _vector_of(rows, types.literal(1))
    count, size = line.lanes // parts.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        rows, stride, _, columns = arguments
        element = context.get_value_type(line.element)
        part = ir.VectorType(element, count)
        parts = [
            builder.load(_row_address(context, builder, rows, r, stride, part), align=size)
            for r in range(line.lanes)
        ]
        whole = [_concatenated(builder, parts[k::count]) for k in range(count)]
        for k, column in enumerate(_transposed(builder, whole)):
            at = context.get_constant(types.intp, k * line.lanes)
            address = builder.bitcast(builder.gep(columns, [at]), column.type.as_pointer())
            builder.store(column, address, align=size)
        return context.get_dummy_value()

    return types.void(rows, types.intp, parts, columns), emit


@intrinsic(prefer_literal=True)
def transpose_whole(typing_context, rows, width, columns):
    """`transpose` of contiguous rows of `width` numbers, a constant."""
    line = _vector_of(rows, types.literal(1))
    count, size = width.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        rows, _, columns = arguments
        kind = ir.VectorType(context.get_value_type(line.element), count * line.lanes)
        whole = builder.load(builder.bitcast(rows, kind.as_pointer()), align=size)
        for k in range(count):
            column = shuffle_one(builder, whole, range(k, kind.count, count))
            at = context.get_constant(types.intp, k * line.lanes)
            address = builder.bitcast(builder.gep(columns, [at]), column.type.as_pointer())
            builder.store(column, address, align=size)
        return context.get_dummy_value()

    return types.void(rows, width, columns), emit


@intrinsic(prefer_literal=True)
def transpose_whole_back(typing_context, columns, width, rows):
    """`transpose_back` into contiguous rows of `width` numbers, a constant."""
    line = _vector_of(rows, types.literal(1))
    count, size = width.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        columns, _, rows = arguments
        kind = ir.VectorType(context.get_value_type(line.element), count * line.lanes)
        whole = builder.load(builder.bitcast(columns, kind.as_pointer()), align=size)
        numbers = [i % count * line.lanes + i // count for i in range(kind.count)]
        transposed = shuffle_one(builder, whole, numbers)
        builder.store(transposed, builder.bitcast(rows, kind.as_pointer()), align=size)
        return context.get_dummy_value()

    return types.void(columns, width, rows), emit


@intrinsic(prefer_literal=True)
def transpose_back(typing_context, columns, parts, rows, stride):
    """Transpose columns into the first numbers of rows: the inverse of `transpose`.

    Rows are stored in order, a line divided by `parts` each, whatever the stride. A row may spill
    into the next, which overwrites the excess; behind the last row there must be memory for it.
    """
    line = _vector_of(rows, types.literal(1))
    count, size = line.lanes // parts.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        columns, _, rows, stride = arguments
        kind = context.get_value_type(line)
        whole = []
        for k in range(count):
            at = context.get_constant(types.intp, k * line.lanes)
            address = builder.bitcast(builder.gep(columns, [at]), kind.as_pointer())
            whole.append(builder.load(address, align=size))
        whole = _transposed(builder, whole)
        part = ir.VectorType(kind.element, count)
        for r in range(line.lanes):
            start = r // count * count
            row = shuffle_one(builder, whole[r % count], range(start, start + count))
            address = _row_address(context, builder, rows, r, stride, part)
            builder.store(row, address, align=size)
        return context.get_dummy_value()

    return types.void(columns, parts, rows, types.intp), emit
