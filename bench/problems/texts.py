"""Find the source of each version of a problem, and store it with a run.

The page of a run then shows what was compared, even if the code has changed since.
"""

import ast
import contextlib
import inspect
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from bench.common import files
from bench.common.code import ROOT
from bench.model import BASELINES, Kernel, Problem, jitted_function
from reference import gradients, linear

TEXTS = "texts.jsonl"
# A helper is shown with a text if it is in the same file or in one of these packages.
PACKAGES = ("reference", "kernels.vectorized", "kernels.jit")
LIBRARY = "kernels.simd"
# Functions that have another form under @njit (see the table in kernels/jit/__init__.py): all those
# of the module LISTS, and REPLACED.
LISTS = "reference.lists"
REPLACED = (linear.shuffled, linear.splitmix64, gradients.numerical_gradient)


@dataclass(frozen=True)
class Text:
    """One version of a problem.

    Attributes
    ----------
    problem, tier : str
    place : str
        File and line; empty where there is no Python source.
    source : str
        The function and the helpers that it calls, without their docstrings.
    """

    problem: str
    tier: str
    place: str
    source: str


def texts_of(problem: Problem) -> list[Text]:
    """Return the texts that a problem compares: loop, NumPy, Numba; in a user's file, all tiers.

    A tier that cannot be loaded has no text: its row says why.
    """
    found: dict[str, Kernel] = {}
    for tier, one in problem.tiers.items():
        if problem.source or tier in BASELINES:
            try:
                found[tier] = one.load()
            except Exception:  # noqa: BLE001 - a user's may raise anything
                continue
    loop = unwrapped(found["loop"]) if "loop" in found else None
    return [_text(problem.name, tier, kernel, loop) for tier, kernel in found.items()]


def summary_of(problem: Problem) -> str:
    """Return the first line of the oracle's docstring; empty if it cannot be loaded."""
    try:
        oracle = unwrapped(problem.tiers[problem.oracle].load())
    except Exception:  # noqa: BLE001 - as above
        return ""
    return (inspect.getdoc(oracle) or "").partition("\n")[0]


def store(folder: Path, problem: Problem) -> None:
    """Add the texts of a problem to a run's folder."""
    for text in texts_of(problem):
        files.append_json(folder / TEXTS, asdict(text))


def load(folder: Path) -> list[Text]:
    """Return a run's stored texts, the last one of each version; older runs have none.

    Raises
    ------
    ValueError
        A line is not a text; the message has its number.
    """
    found = files.read_json_lines(
        folder / TEXTS, "a text of a problem", lambda values: Text(**values)
    )
    return list({(one.problem, one.tier): one for one in found}.values())


def unwrapped(kernel: Any) -> Any:
    """Return the Python function inside a kernel: without `partial` and Numba's wrapper."""
    while True:
        if isinstance(kernel, partial):
            kernel = kernel.func
        elif (function := jitted_function(kernel)) is not None:
            kernel = function
        else:
            return kernel


def _module(function: Any) -> str:
    """Return the name of a function's module; empty if it has none, as after `exec`."""
    return getattr(function, "__module__", None) or ""


def _text(problem: str, tier: str, kernel: Kernel, loop: Any) -> Text:
    function = unwrapped(kernel)
    if not isinstance(function, FunctionType):
        name = getattr(function, "__name__", None)
        is_named = isinstance(name, str)
        source = f"{_module(function)}.{name}".lstrip(".") if is_named else repr(function)
        return Text(problem, tier, "", source)
    place, (_, *helpers) = _place(function), _with_helpers(function)
    if _module(function).startswith(LIBRARY):
        return Text(problem, tier, place, f"from kernels import {function.__name__}")
    is_jitted = kernel is not function
    if is_jitted and function is loop:
        source = (
            f"@njit\ndef {function.__name__}{inspect.signature(function)}:\n"
            "    ...  # the loop's text, as it stands"
        )
        replaced, helpers = [one.__name__ for one in helpers if _is_replaced(one)], []
    else:
        # `cached` is `njit`, as one would write it, with a cache that never fails a call.
        source = _source(function).replace("@cached\n", "@njit\n", 1)
        replaced = [one.__name__ for one in helpers if is_jitted and _is_replaced(one)]
        helpers = [one for one in helpers if one.__name__ not in replaced]
    if replaced:
        source = f"# {', '.join(replaced)}: replaced, see kernels/jit/__init__.py\n{source}"
    return Text(problem, tier, place, "\n\n".join([source, *map(_source, helpers)]))


def _is_replaced(function: FunctionType) -> bool:
    return _module(function) == LISTS or function in REPLACED


def _with_helpers(function: FunctionType) -> list[FunctionType]:
    """Return a function and its helpers, those of helpers included, in the order of their calls."""
    found = [function]
    for one in found:
        for name in _names(one.__code__):
            helper = unwrapped(one.__globals__.get(name))
            if isinstance(helper, FunctionType) and helper not in found:
                ours = _module(helper).startswith(PACKAGES)
                if ours or helper.__globals__ is function.__globals__:
                    found.append(helper)
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _place(function: FunctionType) -> str:
    path = Path(function.__code__.co_filename)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(path.name)
    return f"{shown.as_posix()}:{function.__code__.co_firstlineno}"


def _source(function: FunctionType) -> str:
    """Return a function's source without its docstring."""
    try:
        kept = textwrap.dedent(inspect.getsource(function)).rstrip().split("\n")
    except (OSError, TypeError, SyntaxError, IndexError, tokenize.TokenError):
        # made by exec, or its file has changed or is gone
        return repr(function)
    with contextlib.suppress(SyntaxError):  # a lambda in the middle of an expression
        (node, *_) = ast.parse("\n".join(kept)).body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            del kept[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(kept)
