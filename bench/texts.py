"""The texts of a problem: each version's source, as a reader would write it.

They are stored with a run, so that its page shows what was compared then.
"""

import ast
import contextlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from bench import lines
from bench.environment import ROOT
from bench.problem import BASELINES, Kernel, Problem

TEXTS = "texts.jsonl"
# The helpers of a text are shown with it where they are in these packages, or in its own file.
PACKAGES = ("reference", "kernels")
# What NumPy's forms take the place of under @njit.
LISTS = "reference.lists"


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
    """Return the texts that a problem compares: loop, NumPy, Numba; of a person's file, all tiers.

    A tier whose library is not installed has none.
    """
    found: dict[str, Kernel] = {}
    for tier, load in problem.tiers.items():
        if problem.source or tier in BASELINES:
            try:
                found[tier] = load()
            except ImportError:
                continue
    loop = unwrapped(found["loop"]) if "loop" in found else None
    return [_text(problem.name, tier, kernel, loop) for tier, kernel in found.items()]


def summary_of(problem: Problem) -> str:
    """Return the first line of the docstring of what the others have to agree with."""
    oracle = unwrapped(problem.tiers[problem.oracle]())
    return (inspect.getdoc(oracle) or "").partition("\n")[0]


def store(folder: Path, problem: Problem) -> None:
    """Write the texts of a problem down in the folder of a run."""
    for text in texts_of(problem):
        lines.append(folder / TEXTS, asdict(text))


def load(folder: Path) -> list[Text]:
    """Return the texts that are stored in a run, of each version the last; none in older runs.

    Raises
    ------
    ValueError
        A line that is something else, with its number.
    """
    found = lines.read(folder / TEXTS, "a text of a problem", lambda values: Text(**values))
    return list({(one.problem, one.tier): one for one in found}.values())


def unwrapped(kernel: Any) -> Any:
    """Return the Python function that a kernel is made of: by Numba, with fixed keywords, both."""
    while True:
        if isinstance(kernel, partial):
            kernel = kernel.func
        elif hasattr(kernel, "py_func"):
            kernel = kernel.py_func
        else:
            return kernel


def _text(problem: str, tier: str, kernel: Kernel, loop: Any) -> Text:
    function = unwrapped(kernel)
    if not isinstance(function, FunctionType):
        name = getattr(function, "__name__", None)
        source = f"{function.__module__}.{name}" if name else repr(function)
        return Text(problem, tier, "", source)
    if kernel is not function and function is loop:
        return Text(problem, tier, _place(function), _jitted(function))
    return Text(problem, tier, _place(function), "\n\n".join(map(_source, _with_helpers(function))))


def _jitted(function: FunctionType) -> str:
    """Return what `@njit` above the loop looks like: its text is not repeated."""
    source, signature = _source(function), inspect.signature(function)
    start = f"def {function.__name__}{signature}:" if "def " in source else source
    replaced = [one.__name__ for one in _with_helpers(function) if one.__module__ == LISTS]
    words = f"  # {', '.join(replaced)}: NumPy's, see kernels/jit/lists.py" if replaced else ""
    return f"@njit{words}\n{start}\n    ...  # the loop's text, as it stands"


def _with_helpers(function: FunctionType) -> list[FunctionType]:
    """Return a function and those that it calls, and they call, in the order of their calls."""
    found = [function]
    for one in found:
        for name in _names(one.__code__):
            helper = unwrapped(one.__globals__.get(name))
            if isinstance(helper, FunctionType) and helper not in found:
                package = helper.__module__.partition(".")[0]
                if package in PACKAGES or helper.__globals__ is function.__globals__:
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
        kept = textwrap.dedent(inspect.getsource(function)).rstrip().splitlines()
    except OSError:  # made by exec, or its file is gone
        return repr(function)
    with contextlib.suppress(SyntaxError):  # a lambda in the middle of an expression
        (node, *_) = ast.parse("\n".join(kept)).body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            del kept[node.body[0].lineno - 1 : node.body[0].end_lineno]
    return "\n".join(kept)
