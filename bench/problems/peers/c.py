"""The loops in C (`loops.c`), compiled at first use, called through cffi.

The compiler may use fast math and all instructions of this machine: the library is compared with
the best that C can do. Fast math may treat NaN and infinities as numbers.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from bench.common.choices import words_of
from bench.model import Arguments

SOURCE = Path(__file__).with_name("loops.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
DECLARATIONS = """
double svm_loss(const REAL *, const int64_t *, int64_t, int64_t, double);
double softmax_loss(const REAL *, const int64_t *, int64_t, int64_t);
void softmax(const REAL *, REAL *, int64_t, int64_t);
void log_softmax(const REAL *, REAL *, int64_t, int64_t);
double svm_loss_gradient(const REAL *, const int64_t *, REAL *, int64_t, int64_t, double);
double softmax_loss_gradient(const REAL *, const int64_t *, REAL *, int64_t, int64_t);
"""
REALS = {"float32": "float", "float64": "double"}


class Compiled:
    """The compiled library for one dtype, with the types of its pointers."""

    def __init__(self, dtype: str) -> None:
        real = REALS[dtype]
        self.ffi = cffi.FFI()
        self.ffi.cdef(DECLARATIONS.replace("REAL", real))
        self.functions = self.ffi.dlopen(str(_library(real)))
        self.pointer_type = self.ffi.typeof(f"{real} *")
        self.dtype = np.dtype(dtype)

    def new(self, n: int, c: int) -> tuple[Any, Any]:
        """Return a new array and its pointer; made inside the timing, as in every tier."""
        array = np.empty((n, c), self.dtype)
        return array, self.ffi.from_buffer(self.pointer_type, array)


def prepare(operation: str, arguments: Arguments) -> Arguments:
    """Return the library, pointers to contiguous arrays, N, C, and the other arguments."""
    scores, *others = arguments
    library = _compiled(scores.dtype.name)
    pointers = [library.ffi.from_buffer(library.pointer_type, np.ascontiguousarray(scores))]
    if "loss" in operation:
        labels = np.ascontiguousarray(others.pop(0), np.int64)
        pointers.append(library.ffi.from_buffer("int64_t *", labels))
    return library, *pointers, *scores.shape, *others


def svm_loss(library: Any, scores: Any, labels: Any, n: int, c: int, margin: float = 1.0) -> Any:
    """Return the mean hinge loss."""
    return library.functions.svm_loss(scores, labels, n, c, margin)


def softmax_loss(library: Any, scores: Any, labels: Any, n: int, c: int) -> Any:
    """Return the mean cross-entropy."""
    return library.functions.softmax_loss(scores, labels, n, c)


def softmax(library: Any, scores: Any, n: int, c: int) -> Any:
    """Return probabilities."""
    out, pointer = library.new(n, c)
    library.functions.softmax(scores, pointer, n, c)
    return out


def log_softmax(library: Any, scores: Any, n: int, c: int) -> Any:
    """Return the logarithms of probabilities."""
    out, pointer = library.new(n, c)
    library.functions.log_softmax(scores, pointer, n, c)
    return out


def svm_loss_gradient(
    library: Any, scores: Any, labels: Any, n: int, c: int, margin: float = 1.0
) -> Any:
    """Return the hinge loss and its gradient."""
    dscores, pointer = library.new(n, c)
    return library.functions.svm_loss_gradient(scores, labels, pointer, n, c, margin), dscores


def softmax_loss_gradient(library: Any, scores: Any, labels: Any, n: int, c: int) -> Any:
    """Return the cross-entropy and its gradient."""
    dscores, pointer = library.new(n, c)
    return library.functions.softmax_loss_gradient(scores, labels, pointer, n, c), dscores


# --- compiling

_compiled = cache(Compiled)


def compiler() -> list[str]:
    """Return the command of the C compiler: CC, or cc.

    Raises
    ------
    ImportError
        It is not installed; the tier is then `unavailable`.
    """
    command = words_of(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(command[0]) is None:
        raise ImportError(f"no C compiler: {command[0]} is not on the path; set CC to another")
    return command


def cache_folder() -> Path:
    """Return where compiled libraries are kept: LOSSBENCH_CACHE_DIR, or the user's cache."""
    given = os.environ.get("LOSSBENCH_CACHE_DIR")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lossbench"


def _library(real: str) -> Path:
    """Return the compiled file for a type of number; compile it if it does not exist."""
    command = compiler()
    # The macros that a compiler defines name its version and the instructions of this processor, so
    # machines that share a cache do not share a file.
    macros = _run([*command, *FLAGS, "-dM", "-E", "-x", "c", os.devnull])
    key = hashlib.sha256(f"{macros}{SOURCE.read_text(encoding='utf-8')}{real}".encode())
    target = cache_folder() / f"loops-{key.hexdigest()[:16]}.so"
    if not target.exists():
        _build(command, real, target)
    return target


def _build(command: list[str], real: str, target: Path) -> None:
    """Compile in a temporary folder, then move the finished file into its place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made, linked = Path(scratch) / "loops.o", Path(scratch) / "loops.so"
            _run([*command, *FLAGS, f"-DREAL={real}", "-c", str(SOURCE), "-o", str(made)])
            # Linked without -ffast-math: with it, GCC adds code that turns denormals off when the
            # library is loaded, in the whole process and so for every other tier.
            _run([*command, "-shared", str(made), "-o", str(linked), "-lm"])
            linked.replace(target)
    except OSError as error:
        words = f"cannot store compiled C: {error}; set LOSSBENCH_CACHE_DIR to another folder"
        raise ImportError(words) from error


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImportError(f"the C compiler failed: {done.stderr.strip() or done.returncode}")
    return done.stdout
