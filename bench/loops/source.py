"""The loops of a Python source, and what their text alone says."""

import ast
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Node: TypeAlias = ast.For | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class SourceLoop:
    """A loop as it is written.

    Attributes
    ----------
    line, end_line : int
    function : int
        The first line of the function around it, its decorators included; 0 without one.
    is_innermost : bool
    exits : tuple of int
        The lines with a `break`, `return` or `raise` that ends it.
    branches : tuple of int
        The lines with an `if` that only some iterations follow.
    strides : tuple of (line, text)
        What it reads with steps: its counter is not the last index, is multiplied, or has steps.
    """

    line: int
    end_line: int
    function: int
    is_innermost: bool
    exits: tuple[int, ...] = ()
    branches: tuple[int, ...] = ()
    strides: tuple[tuple[int, str], ...] = ()
    depth: int = field(default=1)


def lines_of(text: str) -> list[str]:
    """Return the lines of a module with their ends, as Python counts them.

    `str.splitlines` ends a line at a form feed, too.
    """
    return list(io.StringIO(text))


def loops_in(text: str) -> list[SourceLoop]:
    """Return the loops of a module, each before those inside it; none if it is no Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    return list(_loops(tree, 0, 1))


def innermost(loops: Sequence[SourceLoop], line: int) -> SourceLoop | None:
    """Return the innermost loop around a line."""
    around = [one for one in loops if one.line <= line <= one.end_line]
    return max(around, key=lambda one: one.depth, default=None)


def function_at(text: str, line: int) -> str:
    """Return the name of the innermost function around a line; empty without one."""
    functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)]
    around = [one for one in functions if one.lineno <= line <= (one.end_lineno or 0)]
    return max(around, key=lambda one: one.lineno).name if around else ""


def operation_text(text: str, line: int, symbol: str, number: int) -> str:
    """Return the source of an operation: the so-manieth of its kind in a line, as evaluated."""
    found = [one for one in _evaluated(ast.parse(text)) if one.lineno == line]
    alike = [one for one in found if SYMBOLS.get(type(one.op)) == symbol]
    return ast.unparse(alike[number]) if number < len(alike) else ""


SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}


def _evaluated(node: ast.AST) -> Iterator[ast.BinOp | ast.AugAssign]:
    """Yield operations in the order in which Python evaluates them."""
    for child in ast.iter_child_nodes(node):
        yield from _evaluated(child)
    if isinstance(node, ast.BinOp | ast.AugAssign):
        yield node


def _loops(node: ast.AST, function: int, depth: int) -> Iterator[SourceLoop]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
            yield from _loops(child, first, 1)
        elif isinstance(child, Node):
            yield _loop(child, function, depth)
            yield from _loops(child, function, depth + 1)
        else:
            yield from _loops(child, function, depth)


def _loop(node: Node, function: int, depth: int) -> SourceLoop:
    inner = [one for one in ast.walk(node) if one is not node and isinstance(one, Node)]
    counters = tuple(
        one.id for target in _targets(node) for one in ast.walk(target) if isinstance(one, ast.Name)
    )
    return SourceLoop(
        node.lineno,
        node.end_lineno or node.lineno,
        function,
        not inner,
        exits := tuple(sorted(_exits(node))),
        tuple(
            one.lineno
            for one in ast.walk(node)
            if isinstance(one, ast.If) and not inner and not _exits_within(one, exits)
        ),
        tuple(dict.fromkeys(_strides(node, counters))) if not inner else (),
        depth,
    )


def _targets(node: Node) -> list[ast.expr]:
    pairs = [node] if isinstance(node, ast.For) else getattr(node, "generators", ())
    return [one.target for one in pairs if _is_call(one.iter, "range", "prange")] + [
        one.target.elts[0]
        for one in pairs
        if _is_call(one.iter, "enumerate") and isinstance(one.target, ast.Tuple)
    ]


def _is_call(node: ast.AST, *names: str) -> bool:
    function = getattr(node, "func", None)
    return getattr(function, "id", getattr(function, "attr", "")) in names


def _exits(node: ast.AST) -> Iterator[int]:
    """Yield the lines that end a loop early; a `break` of a loop inside does not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Break | ast.Return | ast.Raise):
            yield child.lineno
        elif isinstance(child, ast.For | ast.While):
            ends = (one for one in ast.walk(child) if isinstance(one, ast.Return | ast.Raise))
            yield from (one.lineno for one in ends)
        elif not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _exits(child)


def _exits_within(node: ast.If, exits: Sequence[int]) -> bool:
    return any(node.lineno <= line <= (node.end_lineno or 0) for line in exits)


def _strides(node: Node, counters: Sequence[str]) -> Iterator[tuple[int, str]]:
    found = [one for one in ast.walk(node) if isinstance(one, ast.Subscript)]
    indexed = {name for one in found for name in _names(one.slice)}
    if isinstance(node, ast.For) and _skips(node.iter) and indexed & set(counters):
        yield node.lineno, ast.unparse(node.iter)
    for one in found:
        if _has_step(one, counters):
            yield one.lineno, ast.unparse(one)


def _skips(iterated: ast.expr) -> bool:
    """Return whether a range has a step other than 1 and -1."""
    if not (isinstance(iterated, ast.Call) and _is_call(iterated, "range")):
        return False
    return [ast.unparse(one) for one in iterated.args[2:]] not in ([], ["1"], ["-1"])


def _has_step(subscript: ast.Subscript, counters: Sequence[str]) -> bool:
    """Return whether a counter walks along another axis than the last, or in larger steps."""
    index = subscript.slice
    *others, last = index.elts if isinstance(index, ast.Tuple) else [index]
    before_last = any(_names(other) & set(counters) for other in others)
    # x[i][j]: the counter of x[i] walks along the first axis, if j is another's
    rows = isinstance(subscript.value, ast.Subscript) and (
        _names(subscript.value.slice) & set(counters)
    )
    multiplied = any(
        isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult) and _names(one) & set(counters)
        for one in ast.walk(last)
    )
    return bool(before_last or rows or multiplied)


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
