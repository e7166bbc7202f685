"""exp, expm1, log, log1p and maximum that LLVM turns into vector code inside anyone's `@njit` loop.

They take a number or a vector of `vectors`, in float32 or float64; the caller writes the loop.
"""

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError

from kernels.simd._linking import Linked, OfType
from kernels.simd._vector_types import Vector, broadcast, call_lane_wise, intrinsic
from kernels.simd.vectors import select

__all__ = ["exp", "exp_nonpositive", "expm1", "log", "log1p", "maximum", "maximum_nsz"]

# All explicit: unset, a flag is inherited from the first caller, and kept for all others. With
# `reassoc`, exp would lose its rounding to an integer; with Python's error model, a division is a
# branch; and a call that is not inlined would prevent vectorisation.
_OPTIONS: Any = {"fastmath": False, "error_model": "numpy", "forceinline": True}
_scalar: Any = partial(Linked, **_OPTIONS)


class _Format(NamedTuple):
    """Constants of the functions in one floating-point format; compiled code freezes them.

    Even 1 and 1/2 are here: a Python literal is a float64 and would make a float32 expression one.
    """

    zero: np.floating
    quarter: np.floating
    half: np.floating
    one: np.floating
    two: np.floating
    inf: np.floating
    nan: np.floating
    normal: np.floating  # the least positive normal number
    tiny: np.floating  # a quarter of the gap above 1: 1 + tiny is 1, and expm1(tiny) is tiny
    lift: np.floating  # makes a subnormal normal
    lift_exponent: np.floating
    rounder: np.floating  # x + rounder has no room for a fraction: its last bits are round(x)
    exp_low: np.floating  # here exp is below half of the least subnormal
    exp_subnormal: np.floating  # here exp is below the least normal number
    exp_high: np.floating  # here exp is above the largest number
    expm1_low: np.floating  # here expm1 is -1
    log2e: np.floating
    ln2_high: np.floating  # ln 2 cut so short that its product with any exponent is exact
    ln2_low: np.floating  # and the rest of it
    exp_tail: tuple[np.floating, ...]  # exp(r) = 1 + r + r^2 p(r), |r| <= ln(2) / 2
    log_tail: tuple[np.floating, ...]  # log((1+s) / (1-s)) = 2 s + s z p(z), z = s^2


def _format(dtype, *, ln2, exp_tail, log_tail):
    finfo = np.finfo(dtype)
    digits, bias = finfo.nmant, finfo.maxexp - 1
    values = {
        "zero": 0,
        "quarter": 0.25,
        "half": 0.5,
        "one": 1,
        "two": 2,
        "inf": math.inf,
        "nan": math.nan,
        "normal": finfo.smallest_normal,
        "tiny": finfo.eps / 4,
        "lift": 4 / finfo.eps,
        "lift_exponent": digits + 2,
        # 1.5 keeps the exponent of the sum for either sign of x; twice the bias leaves the last
        # bits at n + 2 bias, of which each half is the exponent field of about 2^(n/2).
        "rounder": 1.5 * 2.0**digits + 2 * bias,
        "exp_low": -(bias + digits + 1) * math.log(2),
        "exp_subnormal": -(bias - 1) * math.log(2),
        # A quarter more than needed, for the rounding of the product not to matter; no more than
        # half, or the power of two of expm1 would itself be infinite.
        "exp_high": (bias + 1.25) * math.log(2),
        "expm1_low": -(digits + 3) * math.log(2),
        "log2e": math.log2(math.e),
        "ln2_high": ln2[0],
        "ln2_low": ln2[1],
    }
    return _Format(
        **{name: dtype(value) for name, value in values.items()},
        exp_tail=tuple(map(dtype, exp_tail)),
        log_tail=tuple(map(dtype, log_tail)),
    )


# Printed by tests/support/fit_elementary.py: minimax fits by Remez exchange. The error is relative
# to expm1 and to log, after rounding of the coefficients, in units of the gap above 1 (eps).
_FLOAT32 = _format(
    np.float32,
    ln2=(0.69314575, 1.4286068e-06),
    # 0.14 eps; a term fewer would make 3.8.
    exp_tail=(0.49999997, 0.16666543, 0.0416672, 0.00836654, 0.0013882514),
    # 0.0069 eps; a term fewer would make 1.2.
    log_tail=(0.66666776, 0.39977574, 0.29870963),
)
_FLOAT64 = _format(
    np.float64,
    ln2=(0.6931471805598903, 5.497923018708371e-14),
    # 0.15 eps; a term fewer would make 6.3.
    exp_tail=(
        0.5000000000000006,
        0.16666666666666588,
        0.04166666666657656,
        0.008333333333389674,
        0.001388888893163251,
        0.00019841269718807626,
        2.4801505187052878e-05,
        2.755740764084311e-06,
        2.762607424724612e-07,
        2.5053774368958378e-08,
    ),
    # 0.0064 eps; a term fewer would make 0.85.
    log_tail=(
        0.6666666666666734,
        0.39999999999416375,
        0.28571428742015026,
        0.22222198610838012,
        0.18183562402169026,
        0.15314098913260282,
        0.14795474371826764,
    ),
)


def _format_of(kind):
    """Constants for a type of number or vector."""
    element = kind.element if isinstance(kind, Vector) else kind
    if element == types.float32:
        return _FLOAT32
    if element == types.float64 or isinstance(kind, types.Integer):
        return _FLOAT64
    raise TypingError(f"expected a float32, a float64 or an integer, got {kind}")


_constants: Any = OfType(_format_of)


def _layout(kind):
    """The integer type as wide as the Numba float `kind`, its digits and its exponent bias.

    The type is given as a function of a value, which makes the constant of all lanes of a vector.
    """
    lanes = kind.lanes if isinstance(kind, Vector) else 0
    kind = kind.element if lanes else kind
    finfo = np.finfo(str(kind))
    word = ir.IntType(kind.bitwidth)
    return ir.VectorType(word, lanes) if lanes else word, finfo.nmant, finfo.maxexp - 1


def _constant(kind, value):
    """The LLVM constant of a number, in all lanes where `kind` is a vector's type."""
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


# Intrinsics, which emit LLVM IR: Numba would make the integers 64 bits wide, which would halve the
# lanes of float32.


def _fma_ir(builder, a, b, c):
    # Not llvm.fma, a libm call where the processor has none; fmuladd is then a * b + c.
    return call_lane_wise(builder, "llvm.fmuladd", (a, b, c))


@intrinsic
def _as_float(typing_context, x):
    """An integer as a float64; a float or a vector as it is."""
    kind = types.float64 if isinstance(x, types.Integer) else x

    def emit(context, builder, signature, arguments):
        return arguments[0]

    return kind(kind), emit


@intrinsic
def _fma(typing_context, a, b, c):
    """A * b + c, rounded once where the processor can; right within the bounds where it cannot."""

    def emit(context, builder, signature, arguments):
        return _fma_ir(builder, *arguments)

    return a(a, a, a), emit


@intrinsic
def _polynomial(typing_context, x, coefficients):
    """Horner's scheme, constant first, unrolled: a loop in here would stop the one outside."""

    def emit(context, builder, signature, arguments):
        x, coefficients = arguments
        coefficients = cgutils.unpack_tuple(builder, coefficients)
        if isinstance(x.type, ir.VectorType):
            coefficients = [broadcast(builder, one, x.type.count) for one in coefficients]
        *rest, value = coefficients
        for coefficient in reversed(rest):
            value = _fma_ir(builder, value, x, coefficient)
        return value

    return x(x, coefficients), emit


@intrinsic
def _powers(typing_context, z):
    """2^floor(n/2), 2^ceil(n/2) and 2^(n-1) for z = n + rounder; those not used cost nothing."""

    def emit(context, builder, signature, arguments):
        (z,) = arguments
        word, digits, bias = _layout(signature.args[0])
        # The last bits are n + 2 bias; those above them are shifted out below.
        n = builder.bitcast(z, word)
        floor = builder.lshr(n, _constant(word, 1))
        below = builder.sub(n, _constant(word, bias + 1))
        powers = [
            builder.bitcast(builder.shl(field, _constant(word, digits)), z.type)
            for field in (floor, builder.sub(n, floor), below)
        ]
        return context.make_tuple(builder, signature.return_type, powers)

    return types.UniTuple(z, 3)(z), emit


@intrinsic
def _power(typing_context, z):
    """2^n for z = n + rounder, where it is a normal number."""

    def emit(context, builder, signature, arguments):
        (z,) = arguments
        word, digits, bias = _layout(signature.args[0])
        field = builder.sub(builder.bitcast(z, word), _constant(word, bias))
        return builder.bitcast(builder.shl(field, _constant(word, digits)), z.type)

    return z(z), emit


@intrinsic
def _split(typing_context, x):
    """m, e and 2^(2-e) with x = m 2^e and sqrt(1/2) <= m < sqrt(2), for a normal x > 0.

    The power is not 2^-e, which at the largest e is subnormal and has no exponent field.
    """

    def emit(context, builder, signature, arguments):
        (x,) = arguments
        word, digits, bias = _layout(signature.args[0])
        one, root = (builder.bitcast(_constant(x.type, c), word) for c in (1.0, math.sqrt(0.5)))
        # As an integer, x / sqrt(1/2): its exponent changes at sqrt(1/2) rather than at 1.
        ratio = builder.add(builder.bitcast(x, word), builder.sub(one, root))
        field = builder.lshr(ratio, _constant(word, digits))
        m = builder.add(builder.and_(ratio, _constant(word, 2**digits - 1)), root)
        # Written into the last bits of 2^digits, an integer is a float without a conversion, which
        # for 64 bits only AVX-512 has.
        big = _constant(x.type, 2.0**digits)
        exponent = builder.bitcast(builder.or_(field, builder.bitcast(big, word)), x.type)
        exponent = builder.fsub(exponent, _constant(x.type, 2.0**digits + bias))
        power = builder.sub(_constant(word, 2 * bias + 2), field)
        power = builder.shl(power, _constant(word, digits))
        parts = builder.bitcast(m, x.type), exponent, builder.bitcast(power, x.type)
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(x, 3)(x), emit


def _emit_maximum(*flags):
    def emit(context, builder, signature, arguments):
        return call_lane_wise(builder, "llvm.maximum", arguments, flags)

    return emit


def _wider(a, b):
    """The type of both: Numba converts the arguments to that of an intrinsic's signature."""
    for kind in (a, b):
        _format_of(kind)
        if isinstance(kind, Vector):
            return kind
    return types.float32 if a == b == types.float32 else types.float64


@intrinsic
def _maximum(typing_context, a, b):
    kind = _wider(a, b)
    return kind(kind, kind), _emit_maximum()


@intrinsic
def _maximum_nsz(typing_context, a, b):
    kind = _wider(a, b)
    return kind(kind, kind), _emit_maximum("nsz")


@intrinsic
def _copysign(typing_context, size, sign):
    """The size of one with the sign of the other."""

    def emit(context, builder, signature, arguments):
        return call_lane_wise(builder, "llvm.copysign", arguments)

    return size(size, size), emit


@_scalar
def _reduce(x, c):
    """R and z with x = n ln 2 + r, |r| <= ln(2) / 2 and z = n + rounder (Cody and Waite)."""
    z = _fma(x, c.log2e, c.rounder)
    n = z - c.rounder
    return _fma(n, -c.ln2_low, _fma(n, -c.ln2_high, x)), z


@_scalar
def exp(x):
    """E to the power x.

    x = n ln 2 + r, a polynomial for exp(r), and two multiplications by about 2^(n/2): the first
    of them is exact, so the second overflows to inf and underflows through the subnormals as one
    rounding would.

    Largest error measured: 0.92 ULP for float32 and 0.92 for float64; without FMA 1.22 and 1.20.
    exp(inf) is inf, exp(-inf) is 0, and NaN stays.

    After: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980).

    >>> exp(0), exp(-math.inf), exp(1000.0)
    (1.0, 0.0, inf)
    """
    c, x = _constants(x), _as_float(x)
    # Select, not min and max: a NaN fails both comparisons and stays.
    x = select(x < c.exp_low, c.exp_low, x)
    x = select(x > c.exp_high, c.exp_high, x)
    r, z = _reduce(x, c)
    floor, ceil, _ = _powers(z)
    return _polynomial(r, (c.one, c.one, *c.exp_tail)) * floor * ceil


@_scalar
def exp_nonpositive(x):
    """E to the power x for an x that is not above 0, 0 where `exp` would be subnormal.

    A fifth less work than `exp`: there is one bound, and 2^n is a normal number. For a positive x
    the result is meaningless; NaN stays.

    Largest error measured: 0.92 ULP for float32 and 0.92 for float64; without FMA 1.22 and 1.20.

    >>> exp_nonpositive(0.0), exp_nonpositive(-math.inf)
    (1.0, 0.0)
    """
    c, x = _constants(x), _as_float(x)
    r, z = _reduce(x, c)
    y = _polynomial(r, (c.one, c.one, *c.exp_tail)) * _power(z)
    return select(x < c.exp_subnormal, c.zero, y)


@_scalar
def expm1(x):
    """exp(x) - 1, without the loss of digits near 0.

    x = n ln 2 + r as in `exp`, then (2^n - 1) + 2^n r + 2^n r^2 p(r), summed in that order and at
    half its size, for 2^n to be finite up to the largest result.

    Largest error measured: 1.33 ULP for float32 and 1.79 for float64, with FMA or without.
    expm1(-0.0) is -0.0, expm1(inf) is inf, expm1(-inf) is -1, and NaN stays.

    After: fdlibm's s_expm1.c; its correction of r is not needed with this order of the sum.

    >>> expm1(1e-20), expm1(-0.0), expm1(-math.inf)
    (1e-20, -0.0, -1.0)
    """
    c, x = _constants(x), _as_float(x)
    bounded = select(x < c.expm1_low, c.expm1_low, x)
    bounded = select(bounded > c.exp_high, c.exp_high, bounded)
    r, z = _reduce(bounded, c)
    _, _, power = _powers(z)
    head = _fma(r, power, power - c.half)
    half = _fma(r * r * _polynomial(r, c.exp_tail), power, head)
    # Halving would lose the last bit of a subnormal, and the sum the sign of a zero.
    return select(abs(x) < c.tiny, x, c.two * half)


@_scalar
def _log_of_parts(f, e, c):
    """log((1 + f) 2^e) for sqrt(1/2) <= 1 + f < sqrt(2).

    With s = f / (2 + f), log(1 + f) = 2 s + s z p(z) = f - (h - s (h + z p(z))), h = f^2 / 2: the
    last form has f, which is all but exact, for its main term.
    """
    s = f / (c.two + f)
    z = s * s
    h = c.half * f * f
    tail = _fma(s, _fma(z, _polynomial(z, c.log_tail), h), e * c.ln2_low)
    return _fma(e, c.ln2_high, f - (h - tail))


@_scalar
def log(x):
    """The natural logarithm of x.

    x = m 2^e by its bits, with m around 1, after a subnormal x was made normal.

    Largest error measured: 0.84 ULP for float32 and 0.85 for float64, with FMA or without.
    A zero of either sign gives -inf, a negative number NaN; inf and NaN stay.

    After: fdlibm's e_log.c for the form of the sum, musl's log1p.c for the split by integers.

    >>> log(1), log(0), log(-1)
    (0.0, -inf, nan)
    """
    c, x = _constants(x), _as_float(x)
    subnormal = x < c.normal
    m, e, _ = _split(select(subnormal, x * c.lift, x))
    y = _log_of_parts(m - c.one, select(subnormal, e - c.lift_exponent, e), c)
    y = select(x == c.inf, x, y)
    return select(x > c.zero, y, select(x == c.zero, -c.inf, x * c.nan))


@_scalar
def log1p(x):
    """log(1 + x), without the loss of digits near 0.

    The exponent e is that of 1 + x, but m - 1 comes from x itself, as x 2^-e + (2^-e - 1): the
    digits that 1 + x lost are in it.

    Largest error measured: 1.40 ULP for float32 and 1.37 for float64, with FMA or without.
    log1p(-0.0) is -0.0, log1p(-1) is -inf, and less than -1 gives NaN; inf and NaN stay.

    After: the log1p of SLEEF, which scales x by 2^-e in the same way.

    >>> log1p(1e-20), log1p(-0.0), log1p(-1)
    (1e-20, -0.0, -inf)
    """
    c, x = _constants(x), _as_float(x)
    _, e, power = _split(c.one + x)
    f = _fma(x * power, c.quarter, _fma(power, c.quarter, -c.one))
    # Only a zero of x could have lost its sign.
    y = _copysign(_log_of_parts(f, e, c), x)
    y = select(x == c.inf, x, y)
    return select(x > -c.one, y, select(x == -c.one, -c.inf, x * c.nan))


@_scalar
def maximum(a, b):
    """The larger of a and b, NaN if either is; -0.0 counts as less than 0.0.

    LLVM's `llvm.maximum`: unlike `a if a > b else b` it does not depend on the order of its
    arguments, so a loop `m = maximum(m, x[i])` is cut into lanes without fast-math.

    Exact. Two float32 give a float32, any other pair a float64.

    Reference: LLVM Language Reference, llvm.maximum; IEEE 754-2019, 9.6.

    >>> maximum(1.0, 2.0), maximum(math.nan, 2.0), maximum(-0.0, 0.0)
    (2.0, nan, 0.0)
    """
    return _maximum(a, b)


@_scalar
def maximum_nsz(a, b):
    """The larger of a and b, NaN if either is, and of two zeros either: half the work of `maximum`.

    In LLVM's words `nsz`, "no signed zeros".

    >>> maximum_nsz(1.0, 2.0), maximum_nsz(math.nan, 2.0)
    (2.0, nan)
    """
    return _maximum_nsz(a, b)
