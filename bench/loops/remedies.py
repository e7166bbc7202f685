"""Changes to a kernel's source that may make its loops faster, and what each costs.

The source is edited where it has to change, and otherwise stays as its author wrote it.
"""

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.loops.findings import IN_ELEMENTARY, Explanation
from bench.loops.source import lines_of

# The decorators that compile a function; `cached` is this project's `njit`.
JIT = {"njit", "jit", "cached"}


class CannotRewriteError(ValueError):
    """A kernel's source cannot be found or changed; the message says why."""


@dataclass(frozen=True)
class Edit:
    """Replace a part of a text, from one offset to another."""

    start: int
    end: int
    text: str


class KernelSource:
    """A module with a jitted function.

    Parameters
    ----------
    text : str
        That of the module.
    name : str
        The function, at the top of the module.
    bound_to : str
        The name under which the module has the jitted function, as in `jit = njit(loop)`.

    Raises
    ------
    CannotRewriteError
        The module has no such function, or imports from its own package.
    """

    def __init__(self, text: str, name: str, bound_to: str) -> None:
        self.text, self.name, self.bound_to = text, name, bound_to
        self.tree = ast.parse(text)
        self.functions = {
            one.name: one for one in self.tree.body if isinstance(one, ast.FunctionDef)
        }
        if name not in self.functions:
            raise CannotRewriteError(f"{name} is not a function at the top of its file")
        relative = (one for one in self.tree.body if isinstance(one, ast.ImportFrom) and one.level)
        if one := next(relative, None):
            shown = ast.unparse(one)
            raise CannotRewriteError(f"a copy of its file is in no package, for `{shown}`")

    @cached_property
    def reached(self) -> list[ast.FunctionDef]:
        """The function, and those of the module that it calls, directly or not."""
        found = [self.functions[self.name]]
        for one in found:
            names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
            found += [
                self.functions[n]
                for n in sorted(names & self.functions.keys())
                if self.functions[n] not in found
            ]
        return found

    @property
    def jits(self) -> list[ast.expr]:
        """The decorators and calls that compile the functions reached, its own first."""
        found = list(self._jitted_by_call)
        for one in self.reached:
            found += [node for node in one.decorator_list if _is_jit(_called(node))]
        return found

    @property
    def _jitted_by_call(self) -> Iterator[ast.expr]:
        for one in self.tree.body:
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call):
                call, target = one.value, one.targets[0]
                if isinstance(target, ast.Name) and target.id == self.bound_to:
                    yield call.func if isinstance(call.func, ast.Call) else call

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place that `ast` gives, whose columns are bytes."""
        lines = lines_of(self.text)
        before = lines[line - 1].encode()[:column].decode()
        return sum(map(len, lines[: line - 1])) + len(before)

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset at which a node begins."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset at which a node ends."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def edited(self, edits: Iterable[Edit]) -> "KernelSource":
        """Return the module after some edits, which do not overlap."""
        text = self.text
        for one in sorted(edits, key=lambda edit: edit.start, reverse=True):
            text = text[: one.start] + one.text + text[one.end :]
        return KernelSource(text, self.name, self.bound_to)

    def importing(self, line: str) -> "KernelSource":
        """Return the module with an import, unless it has it."""
        if re.search(rf"^{re.escape(line)}(\s*#.*)?$", self.text, re.MULTILINE):
            return self
        first = next(
            (
                one
                for one in self.tree.body
                if isinstance(one, ast.Import | ast.ImportFrom)
                and getattr(one, "module", "") != "__future__"
            ),
            None,
        )
        if first is None:
            has_docstring = ast.get_docstring(self.tree) is not None
            after = [one for one in self.tree.body if isinstance(one, ast.ImportFrom)]
            last = (after or self.tree.body[: int(has_docstring)] or [None])[-1]
            place = self.end(last) if last else 0
            return self.edited([Edit(place, place, f"\n{line}\n" if last else f"{line}\n")])
        place = self.start(first)
        return self.edited([Edit(place, place, f"{line}\n")])


@dataclass(frozen=True)
class Remedy:
    """A change to a kernel.

    Attributes
    ----------
    name : str
    words : str
        The change.
    cost : str
        Which promise it gives up.
    apply : function of KernelSource
        Returns the module with the change; the same module where there is nothing to change.
    can_combine : bool
        Whether it is also tried together with others.
    """

    name: str
    words: str
    cost: str
    apply: Callable[[KernelSource], KernelSource]
    can_combine: bool = True


def as_decorated(source: KernelSource) -> KernelSource:
    """Return a module in which decorators compile the function: those of this project's loops."""
    if not source.jits:
        name, *helpers = source.reached
        edits = [Edit(source.start(name), source.start(name), "@njit\n")]
        edits += [
            Edit(source.start(one), source.start(one), "@register_jitable\n") for one in helpers
        ]
        source = source.edited(edits)
        if helpers:
            source = source.importing("from numba.extending import register_jitable")
        return source.importing("from numba import njit")
    ours = [one for one in source.jits if _is_named(_called(one), "cached")]
    if not ours:
        return source
    edits = [Edit(source.start(_called(one)), source.end(_called(one)), "njit") for one in ours]
    return source.edited(edits).importing("from numba import njit")


def _with_option(option: str, value: str) -> Callable[[KernelSource], KernelSource]:
    def apply(source: KernelSource) -> KernelSource:
        return source.edited(_option(source, one, option, value) for one in source.jits)

    return apply


def _option(source: KernelSource, jit: ast.expr, option: str, value: str) -> Edit:
    """Return the edit that gives `njit` an option."""
    if not isinstance(jit, ast.Call):
        return Edit(source.end(jit), source.end(jit), f"({option}={value})")
    for keyword in jit.keywords:
        if keyword.arg == option:
            return Edit(source.start(keyword.value), source.end(keyword.value), value)
    last = [*jit.args, *(keyword.value for keyword in jit.keywords)]
    if last:
        place = max(source.end(one) for one in last)
        return Edit(place, place, f", {option}={value}")
    place = source.end(jit) - 1
    return Edit(place, place, f"{option}={value}")


def _with_elementary(source: KernelSource) -> KernelSource:
    edits = []
    for function in source.reached:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (name := _elementary_of(node)):
                place = source.start(node.func), source.end(node.func)
                edits += [Edit(*place, f"elementary.{name}")]
    if not edits:
        return source
    return source.edited(edits).importing("from kernels.simd import elementary")


def _elementary_of(call: ast.Call) -> str:
    """Return the function of `elementary` that computes what a call does; empty without one."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        of_module = function.value.id in {"math", "np", "numpy"}
        return function.attr if of_module and function.attr in IN_ELEMENTARY else ""
    is_maximum = isinstance(function, ast.Name) and function.id == "max" and len(call.args) == 2
    return "maximum" if is_maximum else ""


# Below the imports of a kernel that takes the maximum of a row.
_LARGEST = '''@njit
def {name}(values):
    """Return the largest number, or NaN."""
    best = values[0]
    for i in range(len(values)):
        best = elementary.maximum_nsz(best, values[i])
    return best


'''


def _with_vector_maximum(source: KernelSource) -> KernelSource:
    """Take the maximum of a row by vectors: `max(row)` goes from one number to the next."""
    calls = [
        node
        for function in source.reached
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and _is_maximum_of_row(node)
    ]
    if not calls:
        return source
    name = "largest" if "largest" not in source.text else "largest_of_row"
    edits = [Edit(source.start(one.func), source.end(one.func), name) for one in calls]
    first = min(source.reached, key=lambda one: one.lineno)
    line = min([first.lineno, *(one.lineno for one in first.decorator_list)])
    place = source.offset(line, 0)
    changed = source.edited([*edits, Edit(place, place, _LARGEST.format(name=name))])
    imported = changed.importing("from kernels.simd import elementary")
    return imported.importing("from numba import njit")


def _is_maximum_of_row(call: ast.Call) -> bool:
    """Return whether a call is `max(x)` or `max(x[i])`."""
    is_max = isinstance(call.func, ast.Name) and call.func.id == "max"
    return is_max and len(call.args) == 1 and isinstance(call.args[0], ast.Name | ast.Subscript)


def _with_float32(source: KernelSource) -> KernelSource:
    """Write the floats of the functions as float32."""
    edits = [
        Edit(source.start(node), source.end(node), f"np.float32({ast.unparse(node)})")
        for function in source.reached
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    return source.edited(edits).importing("import numpy as np") if edits else source


def _with_threads(source: KernelSource) -> KernelSource:
    """Run the outermost loops of the function on threads, if what they write is their own."""
    function = source.functions[source.name]
    loops = [one for one in function.body if isinstance(one, ast.For) and _is_parallel(one)]
    if not loops:
        return source
    edits = [
        Edit(source.start(one.iter.func), source.end(one.iter.func), "prange")
        for one in loops
        if isinstance(one.iter, ast.Call)
    ]
    changed = source.edited(edits).importing("from numba import prange")
    return changed.edited([_option(changed, changed.jits[0], "parallel", "True")])


def _is_parallel(loop: ast.For) -> bool:
    """Return whether iterations are independent: each writes its own elements, or adds to a sum."""
    if not (isinstance(loop.iter, ast.Call) and _is_named(loop.iter.func, "range")):
        return False
    counter = loop.target.id if isinstance(loop.target, ast.Name) else ""
    for node in ast.walk(loop):
        if isinstance(node, ast.Break | ast.Return | ast.Raise | ast.While):
            return False
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign):
            targets = [node.target]
        if any(isinstance(one, ast.Subscript) and not _begins(one, counter) for one in targets):
            return False
    return bool(counter)


def _begins(subscript: ast.Subscript, counter: str) -> bool:
    """Return whether the first index is the counter: x[i], x[i, j] or x[i][j]."""
    while isinstance(subscript.value, ast.Subscript):
        subscript = subscript.value
    index = subscript.slice
    first = index.elts[0] if isinstance(index, ast.Tuple) else index
    return isinstance(first, ast.Name) and first.id == counter


def _called(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call):
        node = node.func
    return node


def _is_named(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (
        isinstance(node, ast.Attribute) and node.attr == name
    )


def _is_jit(node: ast.expr) -> bool:
    return any(_is_named(node, name) for name in JIT)


def _contiguous(names: Sequence[str]) -> Callable[[KernelSource], KernelSource]:
    """Copy arguments at the start of the function."""

    def apply(source: KernelSource) -> KernelSource:
        body = source.functions[source.name].body
        has_docstring = ast.get_docstring(source.functions[source.name]) is not None
        first = body[min(int(has_docstring), len(body) - 1)]
        indent = " " * first.col_offset
        lines = [f"{name} = np.ascontiguousarray({name})\n{indent}" for name in names]
        place = source.start(first)
        return source.edited([Edit(place, place, "".join(lines))]).importing("import numpy as np")

    return apply


def remedies_for(source: KernelSource, found: Explanation, dtype: str) -> list[Remedy]:
    """Return the changes that may help a kernel.

    Parameters
    ----------
    source : KernelSource
    found : Explanation
        Its loops.
    dtype : str
    """
    kinds = {finding.kind for loop in found.loops for finding in loop.findings}
    strided = sorted(found.strided)
    remedies = [
        REASSOCIATION if any(one.verdict != "vectorised" for one in found.loops) else None,
        ELEMENTARY,
        MAXIMUM,
        NUMPY_ERRORS if "division check" in kinds else None,
        FLOAT32 if dtype == "float32" else None,
        replace(CONTIGUOUS, apply=_contiguous(strided)) if strided else None,
        FASTMATH,
        THREADS,
    ]
    return [one for one in remedies if one and one.apply(source).text != source.text]


REASSOCIATION = Remedy(
    "reassociation",
    'fastmath={"reassoc", "nsz"}',
    "sums are added in another order, and rounded otherwise",
    _with_option("fastmath", '{"reassoc", "nsz"}'),
)
ELEMENTARY = Remedy(
    "elementary",
    "exp, log and max of kernels.simd.elementary",
    "the last bit may differ from the C library's",
    _with_elementary,
)
MAXIMUM = Remedy(
    "vector-maximum",
    "max of a row in a loop of elementary.maximum_nsz",
    "of 0.0 and -0.0, either may come out",
    _with_vector_maximum,
)
NUMPY_ERRORS = Remedy(
    "numpy-errors",
    'error_model="numpy"',
    "a division by 0 raises no error",
    _with_option("error_model", '"numpy"'),
)
FLOAT32 = Remedy(
    "float32-constants",
    "constants as float32",
    "sums that start at a constant are rounded to float32",
    _with_float32,
)
CONTIGUOUS = Remedy(
    "contiguous", "np.ascontiguousarray at the start", "a copy of the array", _contiguous(())
)
FASTMATH = Remedy(
    "fastmath",
    "fastmath=True",
    "NaN and infinities may give anything",
    _with_option("fastmath", "True"),
    can_combine=False,
)
THREADS = Remedy(
    "prange-parallel",
    "parallel=True, with prange for the outer loop",
    "all cores are used, and sums added in another order",
    _with_threads,
    can_combine=False,
)


def diff(before: KernelSource, after: KernelSource, file: str, line_end: str = "\n") -> str:
    """Return the change of a module as a unified diff, for `patch -p1` or `git apply`."""
    head = [f"--- a/{file}\n", f"+++ b/{file}\n"]
    lines = difflib.unified_diff(lines_of(before.text), lines_of(after.text))
    body = [line if line.startswith("@@") else line.replace("\n", line_end) for line in lines]
    # A file's last line may have no end
    no_end = "\n\\ No newline at end of file\n"
    ended = (line if line.endswith("\n") else line + no_end for line in body[2:])
    return "".join([*head, *ended]) if body else ""


def combinations(remedies: Sequence[Remedy]) -> list[tuple[Remedy, ...]]:
    """Return the sets of remedies to try: each alone, and all sets of those that combine.

    Beyond three that combine, only their pairs and all of them together.
    """
    combining = [one for one in remedies if one.can_combine]
    found: list[tuple[Remedy, ...]] = [(one,) for one in remedies]
    for chosen in range(3, 2 ** len(combining)):
        some = tuple(one for i, one in enumerate(combining) if chosen >> i & 1)
        if len(some) > 1 and (len(combining) <= 3 or len(some) in {2, len(combining)}):
            found.append(some)
    return found
