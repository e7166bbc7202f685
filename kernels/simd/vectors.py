"""SIMD vectors in Numba: several numbers in one value, for loops that LLVM does not cut into lanes.

LLVM makes vectors of simple loops by itself, but not of short rows, and it ends every loop one
number at a time. With vectors of our own a row of any length is a few of them. They live in
compiled code only; what is done with them is left to `_rows` and `_columns`, math to `elementary`.

The unit of length is the line: 64 bytes, a line of the cache and the widest register there is;
LLVM cuts a vector into what the processor has.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic as _intrinsic
from numba.extending import lower_builtin, lower_cast, models, register_model

LINE = 64
"""Bytes."""

# Without a type: an intrinsic is called without the context that it is written with.
intrinsic: Any = _intrinsic


class Vector(types.Type):
    """Numba's type of some numbers of one kind."""

    def __init__(self, element: Any, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"Vector({element}, {lanes})")


class Mask(types.Type):
    """Numba's type of as many truth values as a vector has numbers."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, its_type):
        element = manager.lookup(its_type.element).get_value_type()
        super().__init__(manager, its_type, ir.VectorType(element, its_type.lanes))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, its_type):
        super().__init__(manager, its_type, ir.VectorType(ir.IntType(1), its_type.lanes))


def broadcast(builder, scalar, lanes):
    """The LLVM vector of one number in all lanes."""
    one = ir.Constant(ir.VectorType(scalar.type, 1), ir.Undefined)
    return _shuffle_one(
        builder, builder.insert_element(one, scalar, ir.IntType(32)(0)), [0] * lanes
    )


def _shuffle(builder, a, b, numbers):
    """The vector of these lanes of a and b put end to end."""
    numbers = list(numbers)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)
    return builder.shuffle_vector(a, b, mask)


def _shuffle_one(builder, vector, numbers):
    """The vector of these lanes of one."""
    return _shuffle(builder, vector, ir.Constant(vector.type, ir.Undefined), numbers)


def call_lane_wise(builder, name, arguments, flags=()):
    """Call one of LLVM's intrinsics on numbers or, lane by lane, on vectors of one type."""
    kind = arguments[0].type
    lanes, element = "", kind
    if isinstance(kind, ir.VectorType):
        lanes, element = f"v{kind.count}", kind.element
    function_type = ir.FunctionType(kind, [kind] * len(arguments))
    full_name = f"{name}.{lanes}{element.intrinsic_name}"
    function = cgutils.get_or_insert_function(builder.module, function_type, full_name)
    return builder.call(function, arguments, fastmath=flags)


@lower_cast(types.Number, Vector)
def _number_to_vector(context, builder, from_type, to_type, value):
    value = context.cast(builder, value, from_type, to_type.element)
    return broadcast(builder, value, to_type.lanes)


# --- operators: of vectors, or of a vector and a number, which stands in every lane


def _common(left, right):
    """The vector type of an operation, None where it is not one of ours."""
    if isinstance(left, Vector) and (left == right or isinstance(right, types.Number)):
        return left
    if isinstance(right, Vector) and isinstance(left, types.Number):
        return right
    return None


def _binary(operation, float_instruction, integer_instruction):
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):  # noqa: ARG002 - Numba's signature
            kind = _common(*args) if len(args) == 2 else None
            return kind and signature(kind, kind, kind)

    @lower_builtin(operation, Vector, Vector)
    def _emit(context, builder, sig, args):
        is_float = isinstance(sig.return_type.element, types.Float)
        name = float_instruction if is_float else integer_instruction
        return getattr(builder, name)(*args)


def _comparison(operation, sign):
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):  # noqa: ARG002 - Numba's signature
            kind = _common(*args) if len(args) == 2 else None
            return kind and signature(Mask(kind.lanes), kind, kind)

    @lower_builtin(operation, Vector, Vector)
    def _emit(context, builder, sig, args):
        if isinstance(sig.args[0].element, types.Float):
            compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
            return compare(sign, *args)
        return builder.icmp_signed(sign, *args)


def _of_masks(operation, instruction):
    @infer_global(operation)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):  # noqa: ARG002 - Numba's signature
            if len(args) == 2 and isinstance(args[0], Mask) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(operation, Mask, Mask)
    def _emit(context, builder, sig, args):
        return getattr(builder, instruction)(*args)


for _operation, _in_place, _instruction in (
    (operator.add, operator.iadd, "add"),
    (operator.sub, operator.isub, "sub"),
    (operator.mul, operator.imul, "mul"),
    (operator.truediv, operator.itruediv, "div"),
):
    for _one in (_operation, _in_place):
        _binary(_one, f"f{_instruction}", _instruction)
for _operation, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _comparison(_operation, _sign)
_of_masks(operator.and_, "and_")
_of_masks(operator.or_, "or_")


@infer_global(abs)
class _Absolute(AbstractTemplate):
    def generic(self, args, kws):  # noqa: ARG002 - Numba's signature
        return signature(args[0], args[0]) if isinstance(args[0], Vector) else None


@lower_builtin(abs, Vector)
def _emit_absolute(context, builder, sig, args):
    return call_lane_wise(builder, "llvm.fabs", args)


# --- memory: pointers, whose numbers are read and written by index, too (`row[j]`)


@intrinsic
def pointer(typing_context, array, at):
    """The address of a number of a contiguous array of one or two dimensions.

    Unlike an array, a pointer is not counted, and an array whose last use is past is freed: take
    one of an argument only, which the caller holds.
    """
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError(f"wanted a contiguous array, not {array}")

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(array.data, [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), emit


@intrinsic
def offset(typing_context, row, numbers):
    """The address so many numbers on."""

    def emit(context, builder, signature, arguments):
        return builder.gep(arguments[0], [arguments[1]])

    return row(row, types.intp), emit


def _vector_of(row, lines):
    """The vector type of so many lines of the numbers that a pointer points to."""
    if not isinstance(row, types.CPointer):
        raise TypingError(f"wanted a pointer, not {row}")
    if not isinstance(lines, types.IntegerLiteral):
        raise TypingError("the number of lines has to be a constant")
    return Vector(row.dtype, lines.literal_value * LINE // (row.dtype.bitwidth // 8))


@intrinsic(prefer_literal=True)
def load(typing_context, row, at, lines):
    """Read the numbers from `at` on, as many as `lines` hold; all have to be there."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        address = builder.gep(arguments[0], [arguments[1]])
        address = builder.bitcast(address, context.get_value_type(kind).as_pointer())
        return builder.load(address, align=kind.element.bitwidth // 8)

    return kind(row, types.intp, lines), emit


@intrinsic
def store(typing_context, row, at, vector):
    """Write a vector's numbers from `at` on."""

    def emit(context, builder, signature, arguments):
        row, at, value = arguments
        address = builder.bitcast(builder.gep(row, [at]), value.type.as_pointer())
        builder.store(value, address, align=vector.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(row, types.intp, vector), emit


def _call_masked(builder, operation, kind, result, operands):
    """Call one of LLVM's operations that leave out lanes of a vector in memory."""
    function_type = ir.FunctionType(result, [operand.type for operand in operands])
    name = f"v{kind.count}{kind.element.intrinsic_name}"
    full_name = f"llvm.masked.{operation}.{name}.p0{name}"
    function = cgutils.get_or_insert_function(builder.module, function_type, full_name)
    return builder.call(function, operands)


@intrinsic
def load_masked(typing_context, row, at, condition, default):
    """`load` of the lanes where the condition holds, of `default` in others: not read at all."""

    def emit(context, builder, signature, arguments):
        row, at, condition, default = arguments
        address = builder.bitcast(builder.gep(row, [at]), default.type.as_pointer())
        alignment = ir.IntType(32)(signature.return_type.element.bitwidth // 8)
        operands = [address, alignment, condition, default]
        return _call_masked(builder, "load", default.type, default.type, operands)

    return default(row, types.intp, condition, default), emit


@intrinsic
def store_masked(typing_context, row, at, vector, condition):
    """`store` of the lanes where the condition holds; what is at the others is not touched."""

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
    """Numbers that so many lines hold."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        return context.get_constant(types.intp, kind.lanes)

    return types.intp(row, lines), emit


@intrinsic
def lanes_of(typing_context, vector):
    """Numbers of a vector."""

    def emit(context, builder, signature, arguments):
        return context.get_constant(types.intp, vector.lanes)

    return types.intp(vector), emit


@intrinsic(prefer_literal=True)
def splat(typing_context, row, lines, value):
    """One number in all lanes of a vector as `load` would give it."""
    kind = _vector_of(row, lines)

    def emit(context, builder, signature, arguments):
        return broadcast(builder, arguments[2], kind.lanes)

    return kind(row, lines, kind.element), emit


@intrinsic
def cast_to(typing_context, row, value):
    """A number in the type of those that a pointer points to."""

    def emit(context, builder, signature, arguments):
        return arguments[1]

    return row.dtype(row, row.dtype), emit


def _integers_as_wide(like):
    return Vector(types.int32 if like.element.bitwidth == 32 else types.int64, like.lanes)


@intrinsic
def lane_indices(typing_context, like):
    """0, 1, 2, … in integers as wide as the numbers of `like`."""
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


def _reduce(builder, value, combine):
    """One number of all lanes: halves are combined until one lane is left."""
    while value.type.count > 1:
        half = value.type.count // 2
        halves = range(half), range(half, 2 * half)
        value = combine(*(_shuffle_one(builder, value, numbers) for numbers in halves))
    return builder.extract_element(value, ir.IntType(32)(0))


@intrinsic
def reduce_add(typing_context, vector):
    """Sum of a vector's numbers, by halves: the same order everywhere."""

    def emit(context, builder, signature, arguments):
        return _reduce(builder, arguments[0], builder.fadd)

    return vector.element(vector), emit


@intrinsic
def reduce_max(typing_context, vector):
    """Largest of a vector's numbers, NaN if one is; of two zeros either."""

    def emit(context, builder, signature, arguments):
        def larger(*halves):
            return call_lane_wise(builder, "llvm.maximum", halves, ("nsz",))

        return _reduce(builder, arguments[0], larger)

    return vector.element(vector), emit


@intrinsic
def count_true(typing_context, condition):
    """How many lanes a condition holds in."""

    def emit(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], ir.IntType(condition.lanes))
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.int64(condition), emit


@intrinsic
def to_float64(typing_context, vector):
    """The numbers of a vector in float64."""
    kind = Vector(types.float64, vector.lanes)

    def emit(context, builder, signature, arguments):
        if vector == kind:
            return arguments[0]
        return builder.fpext(arguments[0], context.get_value_type(kind))

    return kind(vector), emit


@intrinsic
def load_integers(typing_context, integers, at, like):
    """Read as many int64 from `at` on as `like` has lanes, into integers as wide as its numbers."""
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
    """Transpose each square block of K vectors side by side: K numbers of each, K a power of 2.

    In steps of 1, 2, 4 …: of each two vectors a step apart, the lanes of the second without that
    bit change places with the lanes of the first that have it. Within four lanes, other pairs are
    taken to the same end, as every processor has them in one instruction (unpack).
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
                transposed[i] = _shuffle(builder, *pair, first)
                transposed[i + step] = _shuffle(builder, *pair, second)
        vectors = transposed
        step *= 2
    return vectors


def _transposed_fours(builder, vectors):
    """The steps of 1 and 2 of `_transposed`."""
    lanes = range(vectors[0].type.count)
    # Of each four lanes: the first of a, of b, the second of a, of b; the first two of a, of b
    mixed = [(k & ~3) + (k & 3) // 2 + (k & 1) * len(lanes) for k in lanes]
    firsts = [(k & ~3) + (k & 1) + (len(lanes) if k & 2 else 0) for k in lanes]
    seconds = [k + 2 for k in firsts]
    transposed = []
    for i in range(0, len(vectors), 4):
        a, b, c, d = vectors[i : i + 4]
        for low in (mixed, [k + 2 for k in mixed]):
            pair = _shuffle(builder, a, b, low), _shuffle(builder, c, d, low)
            transposed += [_shuffle(builder, *pair, numbers) for numbers in (firsts, seconds)]
    return transposed


def _concatenated(builder, vectors):
    """One vector of several; their number is a power of 2."""
    while len(vectors) > 1:
        numbers = range(2 * vectors[0].type.count)
        vectors = [
            _shuffle(builder, vectors[i], vectors[i + 1], numbers)
            for i in range(0, len(vectors), 2)
        ]
    return vectors[0]


def _row_address(context, builder, rows, number, stride, kind):
    at = builder.mul(context.get_constant(types.intp, number), stride)
    return builder.bitcast(builder.gep(rows, [at]), kind.as_pointer())


@intrinsic(prefer_literal=True)
def transpose(typing_context, rows, stride, parts, columns):
    """Write the first numbers of a line of rows as columns, each a line.

    Row r starts at `rows[r * stride]`; there are as many as a line has lanes. Of each, one of so
    many `parts` of a line is read, a constant power of 2. Lane r of column j, which is at
    `columns[j * lanes]`, becomes number j of row r.
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
    """`transpose` of a line of contiguous rows of `width` numbers, a constant."""
    line = _vector_of(rows, types.literal(1))
    count, size = width.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        rows, _, columns = arguments
        kind = ir.VectorType(context.get_value_type(line.element), count * line.lanes)
        whole = builder.load(builder.bitcast(rows, kind.as_pointer()), align=size)
        for k in range(count):
            column = _shuffle_one(builder, whole, range(k, kind.count, count))
            at = context.get_constant(types.intp, k * line.lanes)
            address = builder.bitcast(builder.gep(columns, [at]), column.type.as_pointer())
            builder.store(column, address, align=size)
        return context.get_dummy_value()

    return types.void(rows, width, columns), emit


@intrinsic(prefer_literal=True)
def transpose_whole_back(typing_context, columns, width, rows):
    """Write columns as rows that are `width` numbers long, a constant, and follow each other."""
    line = _vector_of(rows, types.literal(1))
    count, size = width.literal_value, line.element.bitwidth // 8

    def emit(context, builder, signature, arguments):
        columns, _, rows = arguments
        kind = ir.VectorType(context.get_value_type(line.element), count * line.lanes)
        whole = builder.load(builder.bitcast(columns, kind.as_pointer()), align=size)
        numbers = [i % count * line.lanes + i // count for i in range(kind.count)]
        transposed = _shuffle_one(builder, whole, numbers)
        builder.store(transposed, builder.bitcast(rows, kind.as_pointer()), align=size)
        return context.get_dummy_value()

    return types.void(columns, width, rows), emit


@intrinsic(prefer_literal=True)
def transpose_back(typing_context, columns, parts, rows, stride):
    """Write columns as the first numbers of a line of rows: the other way of `transpose`.

    Rows are written in their order, each a part of a line long whatever the stride: what is too
    much is overwritten by the next row, and behind the last there has to be room.
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
            row = _shuffle_one(builder, whole[r % count], range(start, start + count))
            address = _row_address(context, builder, rows, r, stride, part)
            builder.store(row, address, align=size)
        return context.get_dummy_value()

    return types.void(columns, parts, rows, types.intp), emit
