"""Bounds of error and special values of `elementary`, and that loops over it vectorise.

No time is measured here; docs/performance.md has the figures.
"""

import functools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit, prange
from numba.core.errors import TypingError

from kernels.simd import elementary

UNARY = ["exp", "expm1", "log", "log1p"]
DTYPES = [np.float32, np.float64]
# The errors measured, rounded up; the promise is 2. The larger are those without FMA.
BOUNDS = {
    ("exp", np.float32): 1.25,
    ("expm1", np.float32): 1.4,
    ("log", np.float32): 0.9,
    ("log1p", np.float32): 1.4,
    ("exp", np.float64): 1.3,
    ("expm1", np.float64): 1.9,
    ("log", np.float64): 0.9,
    ("log1p", np.float64): 1.5,
}
FAST = [
    False,
    {"reassoc", "nsz", "arcp", "contract", "afn"},
    True,
]


def elementwise(name, **options):
    function = getattr(elementary, name)

    @njit(**options)
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    return loop


@pytest.fixture(scope="module")
def loops():
    return {name: elementwise(name) for name in UNARY}


def apply(loop, x):
    out = np.empty_like(x)
    loop(x, out)
    return out


def bit_patterns(dtype, count):
    """Numbers of every exponent and sign: the subnormals, and NaN, are among them."""
    width = np.uint32 if dtype is np.float32 else np.uint64
    # An odd step, so that the last bits vary as well.
    step = (2 ** (8 * width().nbytes) // count) | 1
    return (np.arange(count, dtype=np.uint64) * np.uint64(step)).astype(width).view(dtype)


def around(point, dtype, steps=2000):
    """The `steps` neighbours of `point` on either side."""
    x = dtype(point)
    return x + np.arange(-steps, steps + 1).astype(dtype) * np.spacing(np.abs(x))


@functools.cache
def samples(name, dtype):
    finfo, uniform = np.finfo(dtype), np.random.default_rng(0).uniform
    count = 4 * 10**5 if dtype is np.float32 else 10**5
    top, bottom = math.log(finfo.max), math.log(finfo.smallest_subnormal)
    small = uniform(-1, 1, count) * 2.0 ** uniform(-70, 0, count)
    if name in ("exp", "expm1"):
        # Where the rounded exponent changes, the reduced argument is largest.
        halves = (np.arange(finfo.minexp - finfo.nmant, finfo.maxexp) + 0.5) * math.log(2)
        places = [
            uniform(-1.2, 1.2, 4 * count),
            uniform(-40, 40, count),
            uniform(bottom - 3, top + 1, count),
            uniform(bottom - 1, math.log(finfo.smallest_normal) + 1, count),
            np.repeat(halves, 30) + uniform(-1e-4, 1e-4, 30 * halves.size),
        ]
        points = top, bottom, math.log(finfo.smallest_normal), -(finfo.nmant + 2) * math.log(2)
    else:
        places = [uniform(0.4, 2.1, 4 * count), uniform(-1, 1, count), uniform(1, 1000, count)]
        places += [1 + small, -1 + 2.0 ** uniform(-finfo.nmant - 1, 0, count)]
        places += [2.0 ** uniform(-finfo.nmant - 4, 0, count), finfo.max * uniform(0, 1, count)]
        points = 1, 0.5, math.sqrt(0.5), math.sqrt(2), math.sqrt(2) - 1, math.sqrt(0.5) - 1, -0.5
    edges = [around(point, dtype) for point in points]
    return np.concatenate(
        [bit_patterns(dtype, 4 * count), *(p.astype(dtype) for p in [small, *places]), *edges]
    )


def ulp_errors(name, x, got):
    """Errors in units of the last place of the true value; NaN and inf that agree count as 0."""
    dtype = x.dtype.type
    wide = np.float64 if dtype is np.float32 else np.longdouble
    finfo = np.finfo(dtype)
    with np.errstate(all="ignore"):
        true = getattr(np, name)(x.astype(wide))
        rounded = true.astype(dtype)
        exponent = np.maximum(np.frexp(true)[1] - finfo.nmant - 1, finfo.minexp - finfo.nmant)
        # Overflow is what the next number would be, had the format one.
        limit = np.ldexp(wide(1), finfo.maxexp)
        finite = np.where(np.isinf(got), np.copysign(limit, got.astype(wide)), got.astype(wide))
        error = np.abs(finite - true) / np.ldexp(
            wide(1), np.where(np.isfinite(rounded), exponent, 0)
        )
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    error = np.where(np.isfinite(rounded), error, np.where(same, 0, np.inf))
    return np.where(np.isnan(error), np.inf, error)


def worst(name, x, got):
    error = ulp_errors(name, x, got)
    place = error.argmax()
    return error[place], f"{name}({x[place]!r}) = {got[place]!r}, {float(error[place]):.3f} ULP"


@pytest.mark.slow
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="float64 needs a wider longdouble")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_error_within_bound(name, dtype, loops):
    x = samples(name, dtype)
    error, place = worst(name, x, apply(loops[name], x))
    assert error <= BOUNDS[name, dtype], place


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_are_those_of_the_fit(dtype):
    pytest.importorskip("mpmath")
    fit_elementary = pytest.importorskip("fit_elementary")
    constants = elementary._FLOAT32 if dtype is np.float32 else elementary._FLOAT64
    assert (constants.ln2_high, constants.ln2_low) == fit_elementary.split_ln2(dtype)
    for name, fit in fit_elementary.FITS.items():
        fitted = fit_elementary.remez(*fit, fit_elementary.TERMS[name][dtype])
        assert getattr(constants, f"{name}_tail") == tuple(dtype(str(c)) for c in fitted)


INF, NAN = math.inf, math.nan
SPECIAL = {
    "exp": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0.0), (NAN, NAN), (1e30, INF), (-1e30, 0.0)],
    "expm1": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (INF, INF),
        (-INF, -1),
        (NAN, NAN),
        (1e30, INF),
        (-1e30, -1),
    ],
    "log": [
        (0.0, -INF),
        (-0.0, -INF),
        (1, 0.0),
        (-1, NAN),
        (-1e-30, NAN),
        (INF, INF),
        (-INF, NAN),
        (NAN, NAN),
    ],
    "log1p": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (-1, -INF),
        (-1.5, NAN),
        (INF, INF),
        (-INF, NAN),
        (NAN, NAN),
    ],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name, dtype, loops):
    # Repeated, for both the vector loop and what is left after it to meet each of them.
    x, expected = np.tile(np.array(SPECIAL[name], dtype), (19, 1)).T.copy()
    got = apply(loops[name], x)
    np.testing.assert_array_equal(got, expected)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["expm1", "log1p"])
def test_subnormal_is_returned_as_it_is(name, dtype, loops):
    x = np.arange(-50, 50).astype(dtype) * np.finfo(dtype).smallest_subnormal
    np.testing.assert_array_equal(apply(loops[name], x), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_underflows_gradually(dtype, loops):
    finfo = np.finfo(dtype)
    exponents = np.arange(finfo.minexp - finfo.nmant, finfo.minexp)
    got = apply(loops["exp"], (exponents * math.log(2)).astype(dtype))
    assert np.all((got > 0) & (got < finfo.smallest_normal))
    assert np.all(np.diff(got) > 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_never_falls_by_more_than_rounding(name, dtype, loops):
    x = samples(name, dtype)
    x = np.sort(x[np.isfinite(x) & (x > {"log": 0, "log1p": -1}.get(name, -INF))])
    got = apply(loops[name], x)
    got = got[np.isfinite(got)]
    # Two errors of opposite sign, each of less than 2 ULP, and the larger of two ULPs.
    assert np.all(got[1:] >= got[:-1] - 4 * np.spacing(np.abs(got[:-1])))


PAIRS = [
    (a, b) for a in (-INF, -1, -0.0, 0.0, 1, INF, NAN) for b in (-INF, -1, -0.0, 0.0, 1, INF, NAN)
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_maximum(dtype):
    @njit
    def loop(a, b, out):
        for i in range(a.size):
            out[i] = elementary.maximum(a[i], b[i])

    a, b = np.array(PAIRS, dtype).T.copy()
    got = np.empty_like(a)
    loop(a, b, got)
    np.testing.assert_array_equal(got, np.maximum(a, b))
    zeros = (a == 0) & (b == 0)
    np.testing.assert_array_equal(
        np.signbit(got[zeros]), np.signbit(a[zeros]) & np.signbit(b[zeros])
    )


def test_maximum_of_either_zero():
    @njit(error_model="numpy")
    def loop(a, b, out):
        for i in range(a.size):
            out[i] = elementary.maximum_nsz(a[i], b[i])

    a, b = np.array([1.0, np.nan, 2.0, -np.inf, 0.0]), np.array([2.0, 1.0, np.nan, -1.0, -0.0])
    out = np.empty(5)
    loop(a, b, out)
    np.testing.assert_array_equal(out, [2.0, np.nan, np.nan, -1.0, 0.0])


def running_maximum(**options):
    @njit(**options)
    def loop(x):
        m = x[0]
        for i in range(1, x.size):
            m = elementary.maximum(m, x[i])
        return m

    return loop


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_maximum(dtype):
    loop = running_maximum()
    x = np.random.default_rng(0).normal(size=1001).astype(dtype)
    assert loop(x) == x.max()
    for place in 0, 500, 1000:
        spoilt = x.copy()
        spoilt[place] = NAN
        assert math.isnan(loop(spoilt))


@pytest.mark.sampled
@pytest.mark.parametrize("fastmath", FAST)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_fast_math_of_the_caller_stays_outside(name, dtype, fastmath, loops):
    x = samples(name, dtype)[::7]
    if fastmath is True:  # which lets a caller assume that there is no NaN and no infinity
        with np.errstate(all="ignore"):
            x = x[np.isfinite(x) & np.isfinite(getattr(np, name)(x))]
    got = apply(elementwise(name, fastmath=fastmath), x)
    np.testing.assert_array_equal(got, apply(loops[name], x))


# The first caller is a fast one, in a process that has compiled nothing: a function that states no
# fast-math flags of its own would take that caller's for good.
FAST_CALLER_FIRST = """
import numpy as np
from kernels.simd import elementary
from numba import njit

@njit(fastmath=True)
def fast(x, shift):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += elementary.exp(x[i] - shift) * elementary.expm1(x[i])
        total += elementary.log(x[i]) + elementary.log1p(x[i])
    return total

for dtype, bound in (np.float32, 1e-5), (np.float64, 1e-14):
    x = np.linspace(0.5, 9, 1000).astype(dtype)
    wide = x.astype(np.longdouble)
    true = np.sum(np.exp(wide - 9) * np.expm1(wide) + np.log(wide) + np.log1p(wide))
    assert abs(fast(x, dtype(9)) - true) < bound * true, (fast(x, dtype(9)), true)
"""

# Without FMA, and with the narrowest vectors: the bounds hold there too, and exp still vectorises.
GENERIC_PROCESSOR = """
import numpy as np, test_elementary
for name, dtype in test_elementary.BOUNDS:
    loop = test_elementary.elementwise(name)
    x = test_elementary.samples(name, dtype)[::3]
    error, place = test_elementary.worst(name, x, test_elementary.apply(loop, x))
    assert error <= test_elementary.BOUNDS[name, dtype], place
    (assembly,) = loop.inspect_asm().values()
    assert "vfmadd" not in assembly and "%ymm" not in assembly
    test_elementary.assert_vectorised(loop, name)
"""


def run_alone(code, **environment):
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(elementary.__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": paths, **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


NO_FMA = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}


# A fused multiply-add hides the sum that reassociation would cancel; two instructions do not.
@pytest.mark.slow
@pytest.mark.parametrize("environment", [{}, NO_FMA], ids=["native", "generic"])
def test_fast_caller_compiled_first(environment):
    run_alone(FAST_CALLER_FIRST, **environment)


@pytest.mark.slow
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="float64 needs a wider longdouble")
def test_processor_without_fma():
    run_alone(GENERIC_PROCESSOR, **NO_FMA)


def test_import_compiles_nothing():
    run_alone(
        "from kernels.simd import elementary\n"
        "assert not any(getattr(elementary, name).signatures for name in elementary.__all__)"
    )


def assert_vectorised(loop, name):
    """The loop works on vectors, and calls neither libm nor a function of elementary.py.

    LLVM's own exp of a vector, `llvm.exp.v8f64`, is taken apart into scalar calls only in the
    assembly, so the calls are looked for there.
    """
    ((signature, ir),) = loop.inspect_llvm().items()
    (assembly,) = loop.inspect_asm().values()
    kind = "float" if signature[0].dtype.bitwidth == 32 else "double"
    assert re.search(rf"= f(mul|add|sub) <\d+ x {kind}>|call <\d+ x {kind}>", ir), (
        f"{name}: no vectors"
    )
    called = re.findall(
        r"\b(?:exp|expm1|log|log1p|fma|fmaximum)f?\b|_ZN(?!08NumbaEnv)\w*10elementary\w*", assembly
    )
    assert not called, f"{name} calls {called}"


def test_a_loop_of_libm_calls_does_not_pass_for_vectorised(monkeypatch):
    monkeypatch.setattr(elementary, "exp", math.exp)
    loop = elementwise("exp")
    apply(loop, np.ones(3))
    with pytest.raises(AssertionError, match="calls"):
        assert_vectorised(loop, "exp")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_loop_vectorises(name, dtype):
    loop = elementwise(name)
    apply(loop, np.ones(3, dtype))
    assert_vectorised(loop, name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_maximum_vectorises(dtype):
    loop = running_maximum()
    loop(np.ones(3, dtype))
    assert_vectorised(loop, "maximum")


def test_integers_become_float64():
    @njit
    def all_five(x):
        return (
            elementary.exp(x),
            elementary.expm1(x),
            elementary.log(x),
            elementary.log1p(x),
            elementary.maximum(x, np.float32(0)),
        )

    for x in (2, np.int8(2), np.uint64(2)):
        np.testing.assert_array_max_ulp(
            np.array(all_five(x)),
            np.array([math.exp(2), math.expm1(2), math.log(2), math.log1p(2), 2.0]),
            maxulp=2,
        )


def test_float32_stays_float32():
    @njit
    def width(x):
        return np.array(
            [
                elementary.maximum(elementary.exp(x), elementary.log(x))
                + elementary.expm1(x)
                + elementary.log1p(x)
            ]
        ).itemsize

    assert width(np.float32(2)) == 4


def test_other_types_are_refused():
    for x in (1j, "1", None, np.ones(3)):
        for name in UNARY:
            with pytest.raises(TypingError, match="expected a float32, a float64 or an integer"):
                getattr(elementary, name)(x)
        with pytest.raises(TypingError, match="expected a float32, a float64 or an integer"):
            elementary.maximum(1.0, x)


def test_within_parallel_and_fast_callers():
    @njit(parallel=True, fastmath={"reassoc", "nsz", "contract"})
    def softmax_sums(x, out):
        for row in prange(x.shape[0]):
            top = x[row, 0]
            for k in range(x.shape[1]):
                top = elementary.maximum(top, x[row, k])
            total = x.dtype.type(0)
            for k in range(x.shape[1]):
                total += elementary.exp(x[row, k] - top)
            out[row] = top + elementary.log(total)

    x = np.random.default_rng(0).normal(size=(50, 333)).astype(np.float32)
    out = np.empty(50, np.float32)
    softmax_sums(x, out)
    np.testing.assert_allclose(out, np.logaddexp.reduce(x.astype(np.float64), axis=1), rtol=1e-6)


@pytest.mark.slow
def test_within_a_cached_caller(tmp_path):
    caller = tmp_path / "caller.py"
    caller.write_text(
        "import numba\nfrom kernels.simd import elementary\n"
        "@numba.njit(cache=True)\n"
        "def loop(x, out):\n"
        "    for i in range(x.size):\n"
        "        out[i] = elementary.exp(x[i]) + elementary.log1p(x[i])\n",
        encoding="utf-8",
    )
    code = (
        "import sys, numpy as np\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import caller\n"
        "x = np.linspace(0, 1, 100); out = np.empty_like(x); caller.loop(x, out)\n"
        "np.testing.assert_allclose(out, np.exp(x) + np.log1p(x), rtol=1e-15)\n"
        "assert sum(caller.loop.stats.cache_hits.values()) == {hits}, caller.loop.stats"
    )
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for hits in 0, 1:
        run_alone(code.replace("{hits}", str(hits)), **environment)
