"""Write a problem file for functions of a module, with inputs guessed from their signature."""

import ast
import importlib
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.model import jitted_function
from bench.problems.user_file import write_new
from bench.problems.user_file_checks import TIER_OF_FUNCTION
from bench.problems.user_source import error_text

FILE = '''"""{names}, checked and timed by lossbench. The inputs are guesses: edit them.

lossbench run --problem {file}
"""

import numpy as np

{imports}

{tiers}
# The others must agree with it.
ORACLE = "{oracle}"

SIZES = {{{sizes}}}


def make_inputs(size, dtype, rng):
    """Return the arguments of {signature}."""
    {numbers}
    return {arguments}
'''
# What stands for an argument, by its annotation; for any other, and for none, an array.
ARRAY = "rng.standard_normal({n}).astype(dtype)"
GUESSES: Mapping[Any, str] = {
    int: "{n}",
    float: "1.0",
    complex: "1j",
    bool: "False",
    str: '""',
    list: "rng.standard_normal({n}).tolist()",
    tuple: "tuple(rng.standard_normal({n}).tolist())",
}


def adopt(file: Path, functions: Sequence[str], sizes: Sequence[str], call: str | None) -> None:
    """Write a new problem file that compares functions.

    Parameters
    ----------
    file : Path
    functions : sequence of str
        Each as module:function; the first is the oracle.
    sizes : sequence of str
        Each as n=100,10000: a number of each size.
    call : str, optional
        A call of the first function, in Python, in which the names of the numbers may occur and
        `np`, `rng`, `dtype`: its arguments are the inputs.

    Raises
    ------
    ValueError
        A function cannot be found, a size or the call cannot be read, or the numbers have
        different lengths.
    ProblemFileError
        The name of the file is not allowed, or it exists or cannot be written.
    """
    found = [_function(words) for words in functions]
    names = _names(found, functions)
    numbers = dict(map(_numbers, sizes))
    if len(set(map(len, numbers.values()))) != 1:
        raise ValueError("each number needs a value for every size: --size n=100,1000 --size k=3,4")
    of_sizes = zip(*numbers.values(), strict=True)
    by_size = [dict(zip(numbers, of_one, strict=True)) for of_one in of_sizes]
    first = functions[0].partition(":")[2]
    text = FILE.format(
        names=", ".join(words.partition(":")[2] for words in functions),
        file=file.name,
        imports="\n".join(f"import {one}" for one in _modules(functions)),
        tiers=_tiers(names, functions),
        oracle=TIER_OF_FUNCTION.get(names[0], names[0]),
        sizes=", ".join(f'"{_size_name(size)}": {json.dumps(size)}' for size in by_size),
        signature=f"{first}{_signature(found[0])}",
        numbers=", ".join(numbers) + " = " + ", ".join(f'size["{name}"]' for name in numbers),
        arguments=_of_call(call) if call else _guessed(found[0], next(iter(numbers))),
    )
    write_new(file, text)


def _modules(functions: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words.partition(":")[0] for words in functions))


def _names(found: Sequence[Any], functions: Sequence[str]) -> list[str]:
    """Return the name of each version in the file: one that is a tier, or its own in TIERS."""
    names: list[str] = []
    for function, words in zip(found, functions, strict=True):
        kinds = ("jit",) if jitted_function(function) else ("loop", "vectorized")
        own = words.partition(":")[2]
        free = [name for name in (*kinds, own, words.replace(":", ".")) if name not in names]
        names.append(free[0])
    return names


def _tiers(names: Sequence[str], functions: Sequence[str]) -> str:
    """Return the source that defines the versions."""
    pairs = [(name, words.replace(":", ".")) for name, words in zip(names, functions, strict=True)]
    known = [f"{name} = {path}" for name, path in pairs if name in TIER_OF_FUNCTION]
    others = ", ".join(f'"{name}": {path}' for name, path in pairs if name not in TIER_OF_FUNCTION)
    return "\n".join([*known, *([f"TIERS = {{{others}}}"] if others else [])])


def _numbers(size: str) -> tuple[str, list[int]]:
    """Return the name and the values of a number, given as n=100,10000."""
    name, _, values = size.partition("=")
    try:
        found = [int(value) for value in values.split(",")]
    except ValueError:
        found = []
    if not found or not name.isidentifier():
        raise ValueError(f"a size is given as n=100,10000, not {size!r}")
    return name, found


def _function(words: str) -> Callable[..., Any]:
    module, _, name = words.partition(":")
    if not module or not name.isidentifier():
        raise ValueError(f"a function is named as module:function, not {words!r}")
    function: Callable[..., Any] | None = getattr(_module(module), name, None)
    if callable(function):
        return function
    raise ValueError(f"the module {module} has no function {name}")


def _module(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ValueError(f"the module {name} cannot be imported: {error_text(error)}") from error


def _size_name(size: Mapping[str, int]) -> str:
    return "-".join(f"{name}{number}" for name, number in size.items())


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(…)"


def _guessed(function: Callable[..., Any], n: str) -> str:
    """Return the source of arguments for a function's parameters without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ValueError("its signature is unknown: give a call with --call") from error
    try:
        annotations = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - an annotation may hold anything
        annotations = {}
    needed = [
        one
        for one in parameters
        if one.default is one.empty and one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}
    ]
    if not needed:
        raise ValueError("it has no arguments without a default: give a call with --call")
    return _joined([_guess(annotations.get(one.name)).format(n=n) for one in needed])


def _joined(arguments: Sequence[str]) -> str:
    return f"({arguments[0]},)" if len(arguments) == 1 else ", ".join(arguments)


def _guess(annotation: Any) -> str:
    kind = typing.get_origin(annotation) or annotation
    return GUESSES.get(kind, ARRAY) if isinstance(kind, type) else ARRAY


def _of_call(call: str) -> str:
    """Return the source of the arguments of a call."""
    try:
        found = ast.parse(call, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"--call is no Python: {error.msg}") from error
    if not isinstance(found, ast.Call) or found.keywords or not found.args:
        raise ValueError(f"--call has to be a call with positional arguments, not {call!r}")
    return _joined([ast.unparse(argument) for argument in found.args])
