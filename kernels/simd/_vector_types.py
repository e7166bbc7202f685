"""SIMD vectors and masks as Numba types, with their operators."""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic as _intrinsic
from numba.extending import lower_builtin, lower_cast, models, register_model

# Without a type: an intrinsic is called without the context that it is written with.
intrinsic: Any = _intrinsic


class Vector(types.Type):
    """Numba type of a SIMD vector."""

    def __init__(self, element: Any, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"Vector({element}, {lanes})")


class Mask(types.Type):
    """Numba type of a mask: a truth value per lane."""

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
    """LLVM vector with one number in all lanes."""
    one = ir.Constant(ir.VectorType(scalar.type, 1), ir.Undefined)
    return shuffle_one(builder, builder.insert_element(one, scalar, ir.IntType(32)(0)), [0] * lanes)


def shuffle(builder, a, b, numbers):
    """LLVM vector of the given lanes of two vectors, b's counted after a's."""
    numbers = list(numbers)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)
    return builder.shuffle_vector(a, b, mask)


def shuffle_one(builder, vector, numbers):
    """LLVM vector of the given lanes of one vector."""
    return shuffle(builder, vector, ir.Constant(vector.type, ir.Undefined), numbers)


def call_lane_wise(builder, name, arguments, flags=()):
    """Call an LLVM intrinsic on numbers or, lane by lane, on vectors of one type."""
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


# --- operators: of two vectors, or of a vector and a number, which is put in every lane


def _common(left, right):
    """Vector type of an operation; None if neither operand is a vector."""
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
