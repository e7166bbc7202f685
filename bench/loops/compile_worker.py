"""The worker that compiles a tier, and notes what LLVM and Numba say of it.

It runs twice: as any process compiles, and with line numbers. These are metadata and leave the
code as it is (`debug=True` does not: it keeps variables in memory and functions apart).
"""

import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import compilations, files
from bench.model import Cell, jitted_function
from bench.problems.user_source import error_text
from bench.workers import job, watchdog
from bench.workers.job import Job
from bench.workers.watchdog import Step

# LLVM prints what its vectoriser did, did not, and why.
REMARKS = ("pass-remarks", "pass-remarks-analysis", "pass-remarks-missed")


def main() -> None:
    """Compile the kernels of a job; append what was found of each, as a line of JSON."""
    work = job.required()
    path = Path(work.details["path"])
    # Removed with the folder, however this process ends
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(dir=path.parent)
    for found in explained(work):
        files.append_json(path, found)


def explained(work: Job) -> Iterator[dict[str, Any]]:
    """Yield remarks, assembly and facts about types of what each kernel compiles.

    Parameters
    ----------
    work : Job
        Cells; or in its details ``function``, the path of a pickled function and its types.
    """
    _ask_for_remarks()
    if work.details["with_lines"]:
        _emit_lines()
    import llvmlite
    import numba

    from bench.loops.probe import probe

    told = {
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "probe": _captured(lambda: probe(numba)),
    }
    prepared = [partial(_of_cell, work, cell) for cell in work.cells] or [partial(_of_pickle, work)]
    functions: list[dict[str, Any]] = []  # one that several kernels call is compiled once
    for prepare in prepared:
        yield told | _of_kernel(prepare, functions)


def _of_kernel(
    prepare: Callable[[], Callable[[], Any]], functions: list[dict[str, Any]]
) -> dict[str, Any]:
    from bench.loops.typed import facts_of

    try:
        compile_it = prepare()
        with compilations.noted() as noted:
            remarks = _captured(compile_it)
    except Exception as error:  # noqa: BLE001 - a user's kernel may raise anything
        return {"failed": error_text(error)}
    compiled = [one for one in noted if one.result is not None]  # others could not be compiled
    functions += [facts_of(one.dispatcher, one.result) for one in compiled]
    return {
        "remarks": remarks,
        "assembly": [_assembly_of(one.result.library) for one in compiled if one.depth == 0],
        "functions": list(functions),
        "compiled": [one.dispatcher.py_func.__name__ for one in compiled],
    }


def _ask_for_remarks() -> None:
    """Set LLVM's options before anything is compiled; it ignores those that it does not know."""
    import llvmlite.binding as llvm

    for name in REMARKS:
        llvm.set_option("lossbench", f"-{name}=loop-vectorize")


def _emit_lines() -> None:
    """Have Numba emit line numbers alone, as its CUDA target does for `lineinfo`.

    On CPUs it offers only `debug=True`, which also checks bounds and extends lifetimes.
    """
    from numba.core.cpu import CPUContext, CPUTargetOptions
    from numba.core.debuginfo import DIBuilder

    from bench.loops.places import debug_name

    class Lines(DIBuilder):
        def __init__(self, module: Any, filepath: str, *more: Any, **named: Any) -> None:
            self.name_of_file = debug_name(filepath)
            super().__init__(module, filepath, *more, **named)  # type: ignore[no-untyped-call]

        def _di_file(self) -> Any:
            # LLVM's remarks leave out folders, and two of them may have a file of one name
            values = {"directory": "", "filename": self.name_of_file}
            return self.module.add_debug_info("DIFile", values)

        def initialize(self) -> None:
            # LLVM 20 fails on the kind that Numba takes for CUDA where functions are inlined
            self.emission_kind = "LineTablesOnly"
            super().initialize()  # type: ignore[no-untyped-call]

        def mark_variable(self, *_: Any, **__: Any) -> None:
            pass

    finalize = CPUTargetOptions.finalize

    def with_lines(self: Any, flags: Any, options: Any) -> None:
        finalize(self, flags, options)  # type: ignore[no-untyped-call]
        flags.debuginfo = flags.dbg_directives_only = True

    CPUTargetOptions.finalize = with_lines  # type: ignore[method-assign]
    CPUContext.DIBuilder = Lines


def _of_cell(work: Job, cell: Cell) -> Callable[[], Any]:
    from bench.agreement.given import Given
    from bench.problems.user_file import problems_in

    (one,) = (one for one in problems_in(work.options.files) if one.name == cell.problem)
    watchdog.take(Step(cell), preparing=True)
    kernel = one.tiers[cell.tier].load()
    given = Given(one, cell.tier, one.inputs(cell.size, cell.dtype))
    return lambda: kernel(*given.next())


def _of_pickle(work: Job) -> Callable[[], Any]:
    import numba

    # Our own parent wrote it. Numba pickles functions of a notebook by value.
    function, types = pickle.loads(Path(work.details["function"]).read_bytes())
    jitted = function if jitted_function(function) else numba.njit(function)
    defaults = jitted.py_func.__defaults__ or ()
    given = len(types) - jitted.py_func.__code__.co_argcount
    left = defaults[given:] if given else ()
    return lambda: jitted.compile((*types, *map(numba.types.Omitted, left)))


def _assembly_of(library: Any) -> str:
    """Return a library's assembly, with LLVM's comments about loops and lines if it can."""
    with suppress(AttributeError):
        library.codegen._tm.set_asm_verbosity(True)  # noqa: SLF001 - llvmlite's, of Numba's codegen
    return str(library.get_asm_str())


def _captured(action: Callable[[], Any]) -> str:
    """Return what LLVM writes to standard error meanwhile: not through Python's `sys.stderr`."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            action()
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
        log.seek(0)
        return log.read().decode("utf-8", "replace")


if __name__ == "__main__":
    main()
