"""Compile kernels: the flags of all of them, their variants by dtype and layout, and threads.

A kernel is a plain function under `@kernel` or `@dual_kernel`.
"""

import inspect
import threading
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba import config, njit, types
from numba.extending import is_jitted
from numba.np.numpy_support import from_dtype
from numba.np.ufunc.parallel import threading_layer
from numpy.typing import NDArray

from kernels._cache import cached as cached
from kernels._cache import findable as findable  # both also for the suite
from kernels.simd._linking import KernelCompiler, Linked
from kernels.simd.thresholds import MIN_VALUES_FOR_THREADS

WITHOUT_JIT = bool(config.DISABLE_JIT)  # type: ignore[attr-defined]
"""Whether NUMBA_DISABLE_JIT is set, as for a debugger: `_without_jit` then replaces kernels."""

OPTIONS: dict[str, Any] = {
    # Serial kernels use no Python object: other Python threads may run meanwhile.
    "nogil": True,
    # Division as in IEEE 754 (x/0 is inf or NaN). Python's has a test and an exception, which
    # prevent vectorisation.
    "error_model": "numpy",
    # Explicit although it is the default: unset, it is inherited from the caller. `nnan` and `ninf`
    # would give up NaN and infinities, and sums in lanes are written as such.
    "fastmath": False,
}
"""Flags of every kernel."""


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    entry: bool = False,
    parallel: bool = False,
    inline: bool = False,
    calls_function: bool = False,
    asks_python: bool = False,
    known: tuple[str, ...] = (),
) -> Any:
    """Compile a function with the library's flags, at its first call.

    Parameters
    ----------
    function : function
        The body; without it, a decorator is returned.
    entry : bool
        Whether Python calls it: it is then kept in Numba's cache, with all that it calls. Kernels
        that only other kernels call need no cache. What is compiled for a jitted function is kept
        if that is `kernels._cache.findable`.
    parallel : bool
        Whether `prange` runs on several threads.
    inline : bool
        Whether LLVM has to inline it: for functions called once per row, where the call would
        take as long as a short row. (Numba's own inlining takes stores through a pointer for dead
        code.)
    calls_function : bool
        Whether it calls a function of the caller's. If Numba compiled that function here first, it
        would inherit our error model for good and not raise `ZeroDivisionError` any more.
    asks_python : bool
        Whether a part of it runs in Python, which needs the lock that `nogil` gives up.
    known : tuple of str
        Arguments whose values, where they are known while compiling, decide which branches are
        compiled. In an entry, all that are `types.Omitted` in its signature.
    """
    if function is None:
        return partial(
            kernel,
            entry=entry,
            parallel=parallel,
            inline=inline,
            calls_function=calls_function,
            asks_python=asks_python,
            known=known,
        )
    if WITHOUT_JIT:
        return _uncompiled(function, entry)
    flags = OPTIONS | {"parallel": parallel, "forceinline": inline, "nogil": not asks_python}
    if calls_function:
        flags["error_model"] = "python"
    if entry:
        return cached(function, pipeline_class=KernelCompiler, **flags)
    if asks_python or parallel:
        return njit(**flags)(function)
    return Linked(function, known, **flags)


def _uncompiled(function: Callable[..., Any], entry: bool) -> Callable[..., Any]:
    """Function that replaces a kernel; like compiled code, an entry gives no warnings."""
    from kernels.simd._without_jit import stand_in

    run = stand_in(function)
    return np.errstate(all="ignore")(run) if entry else run


def in_python(function: Any) -> Any:
    """Return a kernel as plain Python, with the kernels that it calls in plain Python, too."""
    plain: Any = inspect.unwrap(getattr(function, "py_func", function))
    named = {name: plain.__globals__.get(name) for name in plain.__code__.co_names}
    kernels = {name: in_python(value) for name, value in named.items() if is_jitted(value)}
    return FunctionType(plain.__code__, plain.__globals__ | kernels)


LABELS = types.Array(types.int64, 1, "C")
"""Numba type of the labels, in every kernel."""

Signature = Callable[[Any, Any], tuple[Any, ...]]
"""Function from the Numba type of an array, contiguous or not, to a kernel's signature.

Its second argument is what is known of the call besides, such as the number of classes: each
`types.Omitted` in the signature is a value that is compiled in. The entry point ignores what it
gets in its place.
"""


def variants(
    serial: Any, signature: Signature, parallel: Any = None
) -> Callable[..., Callable[..., Any]]:
    """Function from arrays to the compiled variant of a kernel for them.

    A kernel has four variants for each way that its signatures tell apart: float32 or float64,
    contiguous or of any strides. By itself, Numba would compile more, for Fortran order and
    read-only arrays. A variant is compiled, or read from the cache, when it is first needed. Its
    entry point skips Numba's look at the arguments.

    Parameters
    ----------
    serial, parallel : jitted function
        The kernel, and the one with threads if there is one.
    signature : function
        See `Signature`.

    Returns
    -------
    function
        Takes the array that the kernel reads, what is known besides, the output of the same dtype
        if there is one, and whether to use threads; returns the compiled entry point.
    """
    compiled: dict[Any, Callable[..., Any]] = {}

    def compile_for(array: NDArray[Any], known: Any, layout: Any, kernel: Any) -> Any:
        if WITHOUT_JIT:
            return kernel
        array_type = types.Array(from_dtype(array.dtype), array.ndim, layout)
        return kernel.compile(signature(array_type, known))

    def variant(
        array: NDArray[Any],
        known: Any = None,
        out: NDArray[Any] | None = None,
        threaded: bool = False,
    ) -> Callable[..., Any]:
        contiguous = array.flags.c_contiguous and (out is None or out.flags.c_contiguous)
        key = array.itemsize, known, contiguous, threaded
        entry = compiled.get(key)
        if entry is None:
            kernel, layout = parallel if threaded else serial, "C" if contiguous else "A"
            entry = compiled[key] = compile_for(array, known, layout, kernel)
        return one_at_a_time(entry) if threaded else entry

    return variant


class KernelPair(NamedTuple):
    """A serial and a parallel kernel of the same body."""

    serial: Any
    parallel: Any


class DualKernel:
    """One body compiled twice: serial, where `prange` is `range`, and parallel.

    Both add the same numbers in the same order, as they have the same body.

    Attributes
    ----------
    serial, parallel : jitted functions
        For jitted callers.
    variant : function
        See `variants`.
    """

    def __init__(self, body: Any, signature: Signature) -> None:
        # Numba's cache knows a function by its name and line, not by its flags: with the same name,
        # the parallel kernel would be loaded for the serial one.
        parallel_body = FunctionType(body.__code__, body.__globals__, f"{body.__name__}_parallel")
        parallel_body.__qualname__ = f"{body.__qualname__}_parallel"
        parallel_body.__module__ = body.__module__
        self.serial = kernel(body, entry=True)
        self.parallel = kernel(parallel_body, entry=True, parallel=True)
        self.variant = variants(self.serial, signature, self.parallel)


def dual_kernel(signature: Signature) -> Callable[[Callable[..., Any]], DualKernel]:
    """Decorator: compile a body with a `prange` serial and parallel."""
    return lambda body: DualKernel(body, signature)


def worth_threads(values: int) -> bool:
    """Whether a call with `parallel=True` is large enough for threads; the bits are the same."""
    return values >= MIN_VALUES_FOR_THREADS


_parallel_lock = threading.Lock()


def one_at_a_time(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Put parallel calls under a lock if Numba's threading layer needs it.

    The workqueue layer aborts the process if two threads use it at once. The layer is not known
    before the first parallel call.
    """
    try:
        if threading_layer() != "workqueue":
            return entry
    except ValueError:
        pass

    def locked(*arguments: Any) -> Any:
        with _parallel_lock:
            return entry(*arguments)

    return locked
