"""Compile functions that only compiled code calls: LLVM code to link into the callers, no more.

Numba optimises each function that it compiles, makes machine code of it, and wraps it for Python
and C. A kernel calls some fifty small functions, and for those all that took more than half of the
time to compile it: they are linked and optimised again with each caller.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

from numba import njit, types
from numba.core import ir
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import get_definition, guard
from numba.core.registry import CPUDispatcher
from numba.core.untyped_passes import IRProcessing

_WITHOUT_WRAPPERS: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_ENVIRONMENT = "_ZN08NumbaEnv"
"""How Numba's names of environments start: the Python objects that a function uses."""


class _Library(JITCodeLibrary):
    """LLVM code of a function, and machine code only if the function has an environment.

    The environment's address is looked up in machine code. Functions that raise have one.
    """

    has_environment = False

    def add_ir_module(self, ir_module):
        self.has_environment |= str(ir_module).count(_ENVIRONMENT) > 1  # one is its declaration
        super().add_ir_module(ir_module)

    def _optimize_final_module(self):
        pass  # with each caller

    def _finalize_final_module(self):
        if self.has_environment:
            super()._finalize_final_module()
        self._finalized = True


class OfType(NamedTuple):
    """What an argument's Numba type says, as a constant in a body: `if is_float32(scores):`."""

    answer: Callable[[Any], Any]


is_float32: Any = OfType(lambda kind: kind.dtype == types.float32)
is_contiguous: Any = OfType(lambda kind: kind.layout == "C")


@register_pass(mutates_CFG=False, analysis_only=False)
class _KnownValues(FunctionPass):
    """Make constants of all that is known: then Numba drops the branches that they exclude."""

    _name = "known_values"

    def __init__(self):
        super().__init__()

    def run_pass(self, state):
        assignments = [
            one for block in state.func_ir.blocks.values() for one in block.find_insts(ir.Assign)
        ]
        known = [_known(state, one.value) for one in assignments]
        definitions = state.func_ir._definitions  # noqa: SLF001 - Numba's own passes do so
        for assignment, value in zip(assignments, known, strict=True):
            if value is not None:
                assignment.value = ir.Const(value, assignment.loc)
                definitions[assignment.target.name] = [assignment.value]
        return True


def _known(state, value):
    """Value of an argument that is known, or of `OfType`; else None."""
    if isinstance(value, ir.Arg):
        kind = state.args[value.index]
        return getattr(kind, "literal_value", getattr(kind, "value", None))
    if isinstance(value, ir.Global) and isinstance(value.value, OfType):
        return False  # any constant: Numba has no type for the function itself
    if isinstance(value, ir.Expr) and value.op == "call":
        function = getattr(guard(get_definition, state.func_ir, value.func), "value", None)
        if isinstance(function, OfType):
            argument = state.func_ir.arg_names.index(value.args[0].name)
            return function.answer(state.args[argument])
    return None


class KernelCompiler(Compiler):
    """Numba's compiler, for bodies in which some values are known."""

    def define_pipelines(self):
        (pipeline,) = super().define_pipelines()
        pipeline.add_pass_after(_KnownValues, IRProcessing)
        pipeline.finalize()
        return [pipeline]


class _LinkedCompiler(KernelCompiler):
    """Stops before it makes the function ready to run."""

    def define_pipelines(self):
        codegen = self.state.targetctx.codegen()
        self.state.library = _Library(codegen, self.state.func_id.func_qualname)
        self.state.flags.no_compile = True
        return super().define_pipelines()


class Linked(CPUDispatcher):
    """A function under `@njit` for compiled code; called from Python, it is compiled once more.

    Parameters
    ----------
    function : function
    known : tuple of str
        Arguments of which each value that is known while compiling gets code of its own, in which
        the branches that it excludes do not occur.
    flags
        As for `njit`.
    """

    _compiler: Any

    def __init__(self, function: Any, known: tuple[str, ...] = (), **flags: Any) -> None:
        options = {"nopython": True, "boundscheck": None} | flags | _WITHOUT_WRAPPERS
        super().__init__(function, targetoptions=options, pipeline_class=_LinkedCompiler)
        self._known, self._flags = known, flags

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Numba's, for numbers without their values, but for arguments that may be known.

        Texts keep their values: passed to a check, a text is a large struct and is counted.
        """
        signature, args = self._compiler.fold_argument_types(args, kws)
        kinds = [
            kind
            if name in self._known or isinstance(kind, types.StringLiteral)
            else types.unliteral(kind)
            for name, kind in zip(signature.parameters, args, strict=True)
        ]
        return super().get_call_template(kinds, {})

    def add_overload(self, cres: Any) -> None:
        """Numba's, without a way to call it from Python: the entry point is only a key."""
        cres = cres._replace(entry_point=partial(self.py_func))
        cres.library._ensure_finalized()  # noqa: SLF001 - as Numba does before linking
        if cres.library.has_environment:
            name = self.targetctx.get_env_name(cres.fndesc)
            cres.library.codegen.set_env(name, cres.environment)
        self.targetctx.insert_user_function(cres.entry_point, cres.fndesc, [cres.library])
        self.overloads[tuple(cres.signature.args)] = cres

    def __reduce__(self) -> Any:
        """Pickle it by name, as Python does with functions."""
        return self.py_func.__qualname__

    def _compile_for_args(self, *_: Any, **__: Any) -> Any:
        return self._for_python

    @cached_property
    def _for_python(self) -> Any:
        return njit(pipeline_class=KernelCompiler, **self._flags)(self.py_func)
