"""How the library compiles and is called: the one home of every flag and variant.

Kernels are plain functions under `@kernel`; what they compute is left to the other modules, what
they refuse to `_check_in_kernels` and `_overloads`.
"""

import threading
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple, cast

import numpy as np
from numba import config, njit, types
from numba.np.numpy_support import from_dtype
from numba.np.ufunc.parallel import threading_layer
from numpy.typing import NDArray

from kernels._cache import cached
from kernels.simd.thresholds import MIN_VALUES_FOR_THREADS

WITHOUT_JIT = bool(config.DISABLE_JIT)  # type: ignore[attr-defined]
"""Whether NUMBA_DISABLE_JIT is set, as for a debugger: `_without_jit` then computes."""

OPTIONS: dict[str, Any] = {
    # Serial kernels touch no Python object: other Python threads may run meanwhile.
    "nogil": True,
    # Division as IEEE 754 has it (x/0 is inf or NaN) instead of a test and an exception in each
    # loop, which would also keep LLVM from vectorising it.
    "error_model": "numpy",
    # Said, though it is Numba's own choice: to a function that says nothing it gives its caller's.
    # No kernel has any: `nnan` and `ninf` would give up NaN and infinities, and what is summed in
    # lanes is written so.
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
) -> Any:
    """Compile a function with the flags of this project, at its first call.

    Parameters
    ----------
    function : function
        The body; without it, a decorator is returned.
    entry : bool
        Whether it is called from Python: it is then kept in Numba's cache, with all that it calls.
        What only other kernels call needs no place there, nor what takes a jitted function as an
        argument: Numba types each such function apart and never finds the kernel again.
    parallel : bool
        Whether `prange` runs on several threads.
    inline : bool
        Whether LLVM has to inline it: for what is called once a row, where a call would cost as
        much as a short row. (Numba's own inlining takes what is written through a pointer for
        dead.)
    calls_function : bool
        Whether it calls a function of the caller's. Compiled here for the first time, that function
        would take our error model for good, and no longer raise its `ZeroDivisionError`s.
    asks_python : bool
        Whether a part of it runs as Python, of which Numba warns in what holds no lock.
    """
    if function is None:
        return partial(
            kernel,
            entry=entry,
            parallel=parallel,
            inline=inline,
            calls_function=calls_function,
            asks_python=asks_python,
        )
    if WITHOUT_JIT:
        return _uncompiled(function, entry)
    flags = OPTIONS | {"parallel": parallel, "forceinline": inline, "nogil": not asks_python}
    if calls_function:
        flags["error_model"] = "python"
    return cached(function, **flags) if entry else njit(**flags)(function)


def _uncompiled(function: Callable[..., Any], entry: bool) -> Callable[..., Any]:
    """Give what runs in place of a kernel; like compiled code, an entry warns of nothing."""
    from kernels.simd._without_jit import stand_in

    run = stand_in(function)
    return np.errstate(all="ignore")(run) if entry else run


LABELS = types.Array(types.int64, 1, "C")
"""Numba type of the labels, in every kernel."""

Signature = Callable[[Any], tuple[Any, ...]]
"""From the Numba type of an array of scores, contiguous or not, to a kernel's whole signature."""


def variants(jitted: Any, signature: Signature) -> Callable[..., Callable[..., Any]]:
    """Give a function from arrays to the compiled variant of a kernel that takes them.

    A kernel has four variants and no more: float32 or float64, contiguous or of any strides. Left
    to itself, Numba would compile others for Fortran order and for read-only arrays. A variant is
    compiled, or read from the cache, when it is first asked for, and its entry point is called
    without Numba looking at the arguments once more.

    Parameters
    ----------
    jitted : jitted function
        The kernel.
    signature : function
        See `Signature`.

    Returns
    -------
    function
        Of the array that the kernel runs over, and one of its dtype that it fills, if it does;
        gives the compiled entry point.
    """
    contiguous: dict[str, Callable[..., Any]] = {}
    strided: dict[str, Callable[..., Any]] = {}

    def compile_for(array: NDArray[Any], layout: Any) -> Callable[..., Any]:
        if WITHOUT_JIT:
            return cast(Callable[..., Any], jitted)
        array_type = types.Array(from_dtype(array.dtype), array.ndim, layout)
        entry: Callable[..., Any] = jitted.compile(signature(array_type))
        return entry

    def variant(array: NDArray[Any], out: NDArray[Any] | None = None) -> Callable[..., Any]:
        compiled, layout = contiguous, "C"
        if not array.flags.c_contiguous or not (out is None or out.flags.c_contiguous):
            compiled, layout = strided, "A"
        char = array.dtype.char
        entry = compiled.get(char)
        if entry is None:
            entry = compiled[char] = compile_for(array, layout)
        return entry

    return variant


class Twins(NamedTuple):
    """A kernel for one thread, and of the same body one for several."""

    serial: Any
    parallel: Any


class DualKernel:
    """One body compiled twice: serial, where `prange` is `range`, and on several threads.

    Since it is one body, both add the same numbers in the same order.

    Attributes
    ----------
    serial, parallel : jitted functions
        For callers that are jitted themselves.
    """

    def __init__(self, body: Any, signature: Signature) -> None:
        # Numba's cache knows a function by its name and line, not by its flags: without a name of
        # its own, the parallel one would be loaded in place of the serial one.
        twin = FunctionType(body.__code__, body.__globals__, f"{body.__name__}_parallel")
        twin.__qualname__ = f"{body.__qualname__}_parallel"
        twin.__module__ = body.__module__
        self.serial = kernel(body, entry=True)
        self.parallel = kernel(twin, entry=True, parallel=True)
        self._serial_variant = variants(self.serial, signature)
        self._parallel_variant = variants(self.parallel, signature)

    def variant(
        self, parallel: bool, array: NDArray[Any], out: NDArray[Any] | None = None
    ) -> Callable[..., Any]:
        """Give the compiled entry point for an array, and one like it to be filled."""
        if not parallel:
            return self._serial_variant(array, out)
        return one_at_a_time(self._parallel_variant(array, out))


def dual_kernel(signature: Signature) -> Callable[[Callable[..., Any]], DualKernel]:
    """Decorate a body that holds a `prange` to be compiled serial and parallel."""
    return lambda body: DualKernel(body, signature)


def worth_threads(parallel: bool, values: int) -> bool:
    """Whether a call that may use threads should; otherwise it runs serial, to the same bits."""
    return parallel and values >= MIN_VALUES_FOR_THREADS


_parallel_lock = threading.Lock()


def one_at_a_time(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Make parallel calls take turns where Numba's threads need it.

    The workqueue layer ends the process when two threads enter it at once; before the first
    parallel call, which layer it will be is not known.
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
