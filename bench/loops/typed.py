"""What Numba's type inference says of a compiled function: widening, checks, layouts, indices."""

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from numba.core import ir, types

SYMBOLS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
}
DIVISIONS = {"/", "//", "%"}
WIDER = {types.float32: types.float64, types.complex64: types.complex128}


def facts_of(dispatcher: Any, result: Any) -> dict[str, Any]:
    """Return the facts about one compiled function, as JSON values.

    Parameters
    ----------
    dispatcher : Dispatcher
    result : CompileResult
        Of that function.
    """
    annotation = result.type_annotation
    body = [one for block in annotation.blocks.values() for one in block.body]
    typemap = annotation.typemap
    checks_divisions = dispatcher.targetoptions.get("error_model", "python") == "python"
    return {
        "file": dispatcher.py_func.__code__.co_filename,
        "line": dispatcher.py_func.__code__.co_firstlineno,
        "is_numba": str(dispatcher.py_func.__module__).partition(".")[0] == "numba",
        "arrays": dict(_arrays(dispatcher, result)),
        "layouts": dict(_layouts(typemap)),
        "facts": [
            *_strided(body, typemap),
            *_widenings(body, typemap),
            *(_divisions(body, typemap) if checks_divisions else ()),
            *_signed_indices(body, typemap),
        ],
    }


def _fact(kind: str, line: int, words: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "line": line, "words": words, **more}


def _arrays(dispatcher: Any, result: Any) -> Iterator[tuple[str, str]]:
    """Yield the arguments that are arrays: C or F, or A where the elements may lie apart."""
    names = dispatcher.py_func.__code__.co_varnames
    for name, kind in zip(names, result.signature.args, strict=False):
        if isinstance(kind, types.Array):
            yield name, kind.layout


def _layouts(typemap: Any) -> Iterator[tuple[str, str]]:
    """Yield the variables that are arrays, with their layouts."""
    for name, kind in typemap.items():
        if isinstance(kind, types.Array) and "$" not in name:
            yield name.partition(".")[0], kind.layout


def _strided(body: list[Any], typemap: Any) -> Iterator[dict[str, Any]]:
    """Yield where arrays are read or written whose elements may lie apart."""
    whole_of = {}
    for one in body:
        value = _expression(one)
        if isinstance(one, ir.SetItem):
            array, made = one.target, None
        elif value is not None and value.op in {"getitem", "static_getitem", "getiter"}:
            array, made = value.value, typemap[one.target.name]
            whole_of[one.target.name] = array
        else:
            continue
        is_apart = _layout(typemap[array.name]) == "A"
        while "$" in array.name and array.name in whole_of:
            array = whole_of[array.name]
        if is_apart and not (value and value.op == "static_getitem"):
            yield _fact("strided layout", one.loc.line, _name(array))
        elif _layout(made) == "A":
            yield _fact("strided layout", one.loc.line, f"a part of {_name(array)}")


def _layout(kind: Any) -> str:
    return kind.layout if isinstance(kind, types.Array) else ""


def _widenings(body: Iterable[Any], typemap: Any) -> Iterator[dict[str, Any]]:
    for line, symbol, number, one, operands in _operations(body):
        kinds = [typemap[operand.name] for operand in operands]
        made = typemap[one.target.name]
        if any(WIDER.get(kind) == made for kind in kinds):
            words = f" {symbol} ".join(str(_plain(kind)) for kind in kinds)
            yield _fact("widening", line, f"{words} is {made}", symbol=symbol, number=number)


def _divisions(body: list[Any], typemap: Any) -> Iterator[dict[str, Any]]:
    """Yield the divisions that Numba checks: Python raises an error where it divides by 0."""
    constants = {
        one.target.name
        for one in body
        if isinstance(one, ir.Assign) and isinstance(one.value, ir.Const) and one.value.value
    }
    for line, symbol, number, one, (_, divisor) in _operations(body):
        is_number = isinstance(typemap[one.target.name], types.Number)
        if symbol in DIVISIONS and is_number and divisor.name not in constants:
            yield _fact("division check", line, symbol, symbol=symbol, number=number)


def _operations(body: Iterable[Any]) -> Iterator[tuple[int, str, int, Any, list[Any]]]:
    """Yield each operation of two operands: line, symbol, and its number among those alike."""
    seen: Counter[tuple[int, str]] = Counter()
    for one in body:
        value = _expression(one)
        if value is None or value.op not in {"binop", "inplace_binop"}:
            continue
        function = value.immutable_fn if value.op == "inplace_binop" else value.fn
        symbol = SYMBOLS.get(function)
        if symbol:
            yield one.loc.line, symbol, seen[one.loc.line, symbol], one, [value.lhs, value.rhs]
            seen[one.loc.line, symbol] += 1


def _signed_indices(body: list[Any], typemap: Any) -> Iterator[dict[str, Any]]:
    """Yield the indices that may be negative: all but constants and the numbers of a range."""
    assigned = [one for one in body if isinstance(one, ir.Assign)]
    tuples = {
        one.target.name: one.value.items
        for one in assigned
        if isinstance(one.value, ir.Expr) and one.value.op == "build_tuple"
    }
    counted = _counted(assigned, typemap)
    for one in body:
        index = _index_of(one)
        for part in tuples.get(index.name, [index]) if index is not None else ():
            kind: Any = typemap[part.name]
            if isinstance(kind, types.Integer) and _is_signed(kind) and part.name not in counted:
                yield _fact("index may wrap", one.loc.line, f"the index {_name(part)}")


def _index_of(one: Any) -> Any:
    if isinstance(one, ir.SetItem):
        return one.index
    value = _expression(one)
    return value.index if value is not None and value.op == "getitem" else None


def _expression(one: Any) -> Any:
    """Return the expression that a statement assigns; None for any other statement."""
    is_expression = isinstance(one, ir.Assign) and isinstance(one.value, ir.Expr)
    return one.value if is_expression else None


def _counted(assigned: list[Any], typemap: Any) -> set[str]:
    """Return the variables that count upwards from a constant, and constants."""
    made = {one.target.name: one.value for one in assigned}
    found = {
        one.target.name
        for one in assigned
        if isinstance(one.value, ir.Const)
        or (isinstance(one.value, ir.Expr) and _counts_up(one.value, made))
        or isinstance(typemap[one.target.name], types.IntegerLiteral)
    }
    while True:
        copies = {
            one.target.name
            for one in assigned
            if isinstance(one.value, ir.Var) and one.value.name in found
        }
        if copies <= found:
            return found
        found |= copies


def _counts_up(value: Any, made: Mapping[str, Any]) -> bool:
    """Return whether a value comes from `range(end)`, `range(constant, end)`, or no range."""
    if value.op != "pair_first":
        return False
    for op in ("iternext", "getiter", "call"):
        name = value.list_vars()[0].name
        while isinstance(made.get(name), ir.Var):
            name = made[name].name
        value = made.get(name)
        if getattr(value, "op", "") != op:
            return True
    start, *step = value.args[:1] + value.args[2:] if len(value.args) > 1 else [None]
    return not step and (start is None or isinstance(made.get(start.name), ir.Const))


def _name(variable: Any) -> str:
    """Return a variable's name in the source; Numba's own have a dollar sign."""
    name = str(variable.name).partition(".")[0]
    return f"`{name}`" if "$" not in name else "that is computed"


def _is_signed(kind: Any) -> bool:
    return bool(kind.signed)


def _plain(kind: Any) -> Any:
    return types.unliteral(kind)  # type: ignore[no-untyped-call]
