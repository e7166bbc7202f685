"""A problem in a person's own file: read, checked, and made into the `Problem` that ours are.

What is measured of it is left to `plan`; what such a file holds is shown by `template`.
"""

import ast
import hashlib
import math
import re
import sys
import textwrap
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from bench.model import (
    DTYPES,
    PEERS,
    Arguments,
    Cost,
    Kernel,
    Output,
    Problem,
    ProblemFile,
    Size,
    Tier,
    Tolerance,
    in_order,
    to_lists,
)
from bench.problems import PROBLEMS
from bench.results import largest, numbers_of

# The functions that are tiers by their names alone.
TIER_OF_FUNCTION = {
    "loop": "loop",
    "vectorized": "numpy",
    "jit": "numba",
    "parallel": "numba-parallel",
}
FUNCTIONS = (*TIER_OF_FUNCTION, "make_inputs", "hard_inputs", "cost", "sample")
CONSTANTS: dict[str, tuple[type, ...]] = {
    "NAME": (str,),
    "TIERS": (dict,),
    "ORACLE": (str,),
    "SIZES": (dict,),
    "LISTS": (bool,),
    "TOLERANCE": (int, float, dict),
    "GROWTH": (int, float),
}
# Share of two names' letters from which one is taken for the other: one letter too many or too few
# in the shortest of ours, one wrong in those of five and more. A test has examples of both sides.
NEAR = 0.8
# A hundred times that of the built-in problems, and ten times: of this kernel nobody has worked out
# how its rounding grows.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
TEMPLATE = Path(__file__).with_name("template.py")
# What stands between the commas of --size, in the names of pytest, and in those of files
NAME = re.compile(r"[\w.-]+", re.ASCII)


_MARK = "__lossbench_problem__"


class ProblemFileError(ValueError):
    """A file that holds no problem; the message says where and why, in a line."""


def look_at(path: str | Path) -> ProblemFile:
    """Return a file as it is now.

    Raises
    ------
    ProblemFileError
        There is no such file, or it is not Python.
    """
    found = Path(path).resolve()
    return ProblemFile(str(found), _digest(_bytes_of(found)))


def problems_in(files: Sequence[ProblemFile]) -> tuple[Problem, ...]:
    """Return the problems of some files, or without any, the built-in ones.

    Raises
    ------
    ProblemFileError
        A file that holds no problem, or is not what it was; two problems of one name.
    """
    if not files:
        return PROBLEMS
    found = tuple(map(_problem_in, files))
    for i, one in enumerate(found):
        for other in found[:i]:
            where = f"{_shown(other.source)} and {_shown(one.source)}"
            if one.name == other.name:
                raise ProblemFileError(f"{where} are both named {one.name}: give one another NAME")
            if Path(one.source).name == Path(other.source).name:
                # A run's folder has a copy of each
                raise ProblemFileError(f"{where} have one file name: rename one of them")
    return found


def _problem_in(file: ProblemFile) -> Problem:
    path = Path(file.path)
    content = _bytes_of(path)
    if _digest(content) != file.sha256:
        raise ProblemFileError(
            f"{_shown(path)} has changed since the run began, and one run is of one version: "
            "begin another, or put the old one back (the run's folder has a copy)"
        )
    return load(path, content)


def write_template(path: Path) -> None:
    """Write a commented file that runs as it is.

    Raises
    ------
    ProblemFileError
        A name that no problem can have, or one that is taken.
    """
    if path.suffix != ".py" or not NAME.fullmatch(path.stem):
        wanted = "letters, digits and _.- with .py behind them, such as my_kernel.py"
        raise ProblemFileError(f"the name of the file has to be of {wanted}, not {path.name!r}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ProblemFileError(f"{path} is there already, and is left as it is") from None
    except OSError as error:
        raise ProblemFileError(f"{path} cannot be written: {error.strerror}") from error


def _bytes_of(path: Path) -> bytes:
    if path.suffix != ".py":
        raise ProblemFileError(f"{_shown(path)} is not a Python file: its name has to end in .py")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ProblemFileError(f"there is no file {_shown(path)}") from None
    except OSError as error:
        raise ProblemFileError(f"{_shown(path)} cannot be read: {error.strerror}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _shown(path: str | Path) -> str:
    """Return a path as short as it can be said from here."""
    return str(
        Path(path).relative_to(Path.cwd()) if Path(path).is_relative_to(Path.cwd()) else path
    )


@dataclass(frozen=True)
class _Source:
    """A file that was run: its text, and the names that it left."""

    path: Path
    tree: ast.Module
    last_line: int
    names: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Return what a name stands for; None for nothing, and for what is Numba's own.

        ``from numba import jit`` makes no tier.
        """
        value = self.names.get(name)
        of_numba = vars(sys.modules["numba"]) if "numba" in sys.modules else {}
        return None if value is of_numba.get(name) else value

    def line_of(self, name: str) -> int:
        """Return the line that a name was given its meaning in, the last if there are several."""
        lines = [line for bound, line in _bound(self.tree.body) if bound == name]
        return lines[-1] if lines else self.last_line

    def wrong(self, name: str, words: str) -> NoReturn:
        """Refuse the file for what a name stands for."""
        raise ProblemFileError(f"{_shown(self.path)}, line {self.line_of(name)}: {words}")

    def lacks(self, what: str, *names: str) -> NoReturn:
        """Refuse the file for what it does not have; a name that is nearly it is pointed at."""
        own = {name.casefold(): name for name, _ in _bound(self.tree.body)}
        near = [own[one] for name in names for one in get_close_matches(name.casefold(), own)]
        hint = f" (line {self.line_of(near[0])} has {near[0]})" if near else ""
        where = f"{_shown(self.path)}, line {self.last_line}"
        raise ProblemFileError(f"{where}: the file ends without {what}{hint}")

    def defined(self) -> list[str]:
        """Return the names that the file itself gives a meaning: not imported, not private."""
        nodes = ast.walk(self.tree)
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        imported = {name for name, _ in _bound(imports)}
        own = dict.fromkeys(name for name, _ in _bound(self.tree.body))
        return [
            name
            for name in own
            if name in self.names and name not in imported and not name.startswith("_")
        ]

    def uses(self, name: str) -> bool:
        """Return whether the file itself reads a name, as it does a helper's."""
        return any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in ast.walk(self.tree)
        )

    def ask(self, name: str, *given: Any) -> Any:
        """Call a function of the file; an exception is its file's fault, in its line."""
        try:
            value = self.names[name](*given)
            return list(value) if isinstance(value, Iterator) else value
        except Exception as error:
            line = _line_in(self.path, error) or self.line_of(name)
            words = f"{name} raised {_text(error)}"
            raise ProblemFileError(f"{_shown(self.path)}, line {line}: {words}") from error


def _bound(body: Iterable[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Yield the names that a module's statements bind, with their lines."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name, statement.lineno
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                yield (alias.asname or alias.name).partition(".")[0], statement.lineno
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.stmt):
                yield from _bound([node])
            elif isinstance(node, ast.ExceptHandler):
                yield from _bound(node.body)
            else:
                for name in ast.walk(node):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        yield name.id, name.lineno


def _line_in(path: Path, error: BaseException) -> int | None:
    """Return the last line of a file that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def _text(error: BaseException) -> str:
    return textwrap.shorten(f"{type(error).__name__}: {error}", 300)


def _run(path: Path, content: bytes) -> _Source:
    """Run a file as a module of its own."""
    try:
        tree = ast.parse(content, str(path))
        code = compile(content, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # a ValueError for zero bytes
        line = getattr(error, "lineno", None) or 1
        words = getattr(error, "msg", None) or str(error)
        raise ProblemFileError(f"{_shown(path)}, line {line}: {words}") from error
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    _enter(module)
    # As for a script, what lies beside it can be imported; last, so that it hides nothing.
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        line = _line_in(path, error) or 1
        raise ProblemFileError(f"{_shown(path)}, line {line}: {_text(error)}") from error
    return _Source(path, tree, max(1, len(content.splitlines())), vars(module))


def _enter(module: ModuleType) -> None:
    """Let a file's module be imported by the name that a person would import it by.

    A kernel that Numba has cached imports its module. By any name of ours, what a run has cached
    could not be loaded by the person's own programs, which import the file as what it is called.
    """
    name = module.__name__
    other = sys.modules.get(name)
    if other is not None and not getattr(other, _MARK, False):
        path = _shown(str(module.__file__))
        raise ProblemFileError(f"{path} would hide the module {name}: give the file another name")
    setattr(module, _MARK, True)
    sys.modules[name] = module


@cache
def load(path: Path, content: bytes) -> Problem:
    """Run a file and return the problem that it defines.

    Parameters
    ----------
    path : Path
        Absolute.
    content : bytes
        What is in it.

    Raises
    ------
    ProblemFileError
        What is wrong, and in which line.
    """
    source = _run(path, content)
    tiers = _tiers(source)
    make_inputs = _function(source, "make_inputs")
    if make_inputs is None:
        source.lacks("a function make_inputs(size, dtype, rng)", "make_inputs")
    sizes = _sizes(source)
    remarks = _near_misses(source)
    in_lists = {"loop"} if _lists(source) else set()
    found = Problem(
        name=_name(source),
        tiers={
            tier: Tier(partial(_given, kernel), to_lists if tier in in_lists else None)
            for tier, kernel in tiers.items()
        },
        sizes=sizes,
        make_inputs=partial(_inputs, source),
        outputs=partial(outputs_like, _tolerances(source)),
        cost=partial(_cost, source) if _function(source, "cost") else None,
        growth=_growth(source),
        sample=partial(_sample, source) if _function(source, "sample") else None,
        hard_inputs=(
            partial(_hard_inputs, source) if _function(source, "hard_inputs") else _no_hard_inputs
        ),
        oracle=_oracle(source, tiers),
        source=str(path),
        remarks=remarks,
    )
    # What is wrong with them is said before a run begins
    found.inputs(found.smallest_size, "float64")
    return found


def _given(kernel: Kernel) -> Kernel:
    return kernel


# --- names that are nearly ours


def _near_misses(source: _Source) -> tuple[str, ...]:
    """Refuse a name that is a misspelt one of ours; return a line for others that are near one."""
    tiers = source.get("TIERS")
    in_tiers = list(tiers.values()) if isinstance(tiers, dict) else []
    lines = []
    for name in source.defined():
        known = _nearest(name)
        if known is None or any(source.names[name] is tier for tier in in_tiers):
            continue
        if source.get(known) is None and _is_misspelt(source, name, known):
            source.wrong(name, f"{name} looks like {known} misspelt, which the file lacks")
        where = f"{_shown(source.path)}, line {source.line_of(name)}"
        lines.append(f"{where}: {name} is none of lossbench's names and is not taken for {known}")
    return tuple(lines)


def _nearest(name: str) -> str | None:
    """Return the known name that another is nearly, if any."""
    if name in FUNCTIONS or name in CONSTANTS or len(name) < min(map(len, FUNCTIONS)):
        return None
    known = max((*FUNCTIONS, *CONSTANTS), key=lambda known: _likeness(name, known))
    return known if _likeness(name, known) >= NEAR else None


def _likeness(name: str, known: str) -> float:
    """Return how alike two names are, up to 1: in another case, or with two letters swapped."""
    name, known = name.casefold(), known.casefold()
    swaps = (f"{name[:i]}{name[i + 1]}{name[i]}{name[i + 2 :]}" for i in range(len(name) - 1))
    return 1.0 if known in swaps else SequenceMatcher(None, name, known).ratio()


def _is_misspelt(source: _Source, name: str, known: str) -> bool:
    """Whether a name near a known one is of its kind, and not a name of the person's own."""
    value = source.names[name]
    if known in CONSTANTS:
        of_kind = isinstance(value, CONSTANTS[known])
    else:
        of_kind = callable(value) and not isinstance(value, type)
    return of_kind and not _says_more(name, known) and not source.uses(name)


def _says_more(name: str, known: str) -> bool:
    """Whether a name holds a known one and more: loop2, costs, my_loop; not jitt or TOLERANCES."""
    slips = {known, known + known[-1], known[0] + known}
    if known in CONSTANTS:
        slips.add(f"{known}S")
    slips = {slip.casefold() for slip in slips}
    return known.casefold() in name.casefold() and name.casefold() not in slips


# --- what a file says, in the order of the template


def _name(source: _Source) -> str:
    name = source.get("NAME")
    if name is None and not NAME.fullmatch(source.path.stem):
        source.lacks(f"a NAME, and {source.path.stem!r} has other signs than letters, digits, _.-")
    name = source.path.stem if name is None else name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        source.wrong("NAME", f"NAME has to be of letters, digits and _.-, not {name!r}")
    return name


def _function(source: _Source, name: str) -> Any:
    function = source.get(name)
    if function is not None and not callable(function):
        source.wrong(name, f"{name} has to be a function, not {function!r}")
    return function


def _tiers(source: _Source) -> dict[str, Kernel]:
    functions = {tier: _function(source, name) for name, tier in TIER_OF_FUNCTION.items()}
    found: dict[str, Kernel] = {tier: one for tier, one in functions.items() if one is not None}
    others = source.get("TIERS")
    if others is not None and not isinstance(others, dict):
        source.wrong("TIERS", f'TIERS has to be a dict {{"name": function}}, not {others!r}')
    for tier, function in (others or {}).items():
        if not isinstance(tier, str) or not NAME.fullmatch(tier):
            words = f"a name in TIERS has to be of letters, digits and _.-, not {tier!r}"
        elif tier in PEERS:
            words = f'TIERS["{tier}"]: {tier} is the name of a built-in peer: take "my-{tier}"'
        elif tier in found:
            name = next(name for name, taken in TIER_OF_FUNCTION.items() if taken == tier)
            words = f'TIERS["{tier}"]: the function {name} is the tier {tier} already'
        elif not callable(function):
            words = f'TIERS["{tier}"] has to be a function, not {function!r}'
        else:
            found[tier] = function
            continue
        source.wrong("TIERS", words)
    if not found:
        source.lacks("a tier: a function loop, vectorized, jit or parallel", *TIER_OF_FUNCTION)
    return {tier: found[tier] for tier in in_order(found)}


def _oracle(source: _Source, tiers: Mapping[str, Kernel]) -> str:
    oracle = source.get("ORACLE")
    if oracle is None:
        if "loop" not in tiers:
            source.lacks(
                f"a function loop; say which tier the others have to agree with: "
                f'ORACLE = "{next(iter(tiers))}"'
            )
        return "loop"
    if oracle not in tiers:
        source.wrong("ORACLE", f"ORACLE is {oracle!r}, and the tiers are {', '.join(tiers)}")
    return str(oracle)


def _sizes(source: _Source) -> dict[str, Size]:
    sizes = source.get("SIZES")
    like = '{"S": {"n": 100}, "M": {"n": 10_000}}'
    if sizes is None:
        source.lacks(f"SIZES, such as SIZES = {like}", "SIZES")
    if not isinstance(sizes, dict) or not sizes:
        source.wrong("SIZES", f"SIZES has to be a dict such as {like}, not {sizes!r}")
    for name, size in sizes.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            source.wrong("SIZES", f"a size's name has to be of letters, digits, _.-, not {name!r}")
        if not isinstance(size, dict) or not all(_is_size(*pair) for pair in size.items()):
            words = f'SIZES["{name}"] has to be a dict of whole numbers such as {{"n": 100}}'
            source.wrong("SIZES", f"{words}, not {size!r}")
    return dict(sizes)


def _is_size(key: Any, number: Any) -> bool:
    return isinstance(key, str) and isinstance(number, int) and not isinstance(number, bool)


def _lists(source: _Source) -> bool:
    lists = source.get("LISTS")
    if lists not in (None, True, False):
        source.wrong("LISTS", f"LISTS has to be True or False, not {lists!r}")
    return bool(lists)


def _tolerances(source: _Source) -> dict[str, float]:
    given = source.get("TOLERANCE")
    if given is None:
        return TOLERANCE
    of_dtype = given if isinstance(given, dict) else dict.fromkeys(DTYPES, given)
    for dtype, tolerance in of_dtype.items():
        if dtype not in DTYPES or not _is_figure(tolerance):
            words = 'a number of at least 0, or a dict such as {"float64": 1e-9, "float32": 1e-3}'
            source.wrong("TOLERANCE", f"TOLERANCE has to be {words}, not {given!r}")
    return TOLERANCE | of_dtype


def _growth(source: _Source) -> float | None:
    growth = source.get("GROWTH")
    if growth is not None and not _is_figure(growth):
        words = "the exponent that the time grows with in n, such as 2"
        source.wrong("GROWTH", f"GROWTH has to be {words}, not {growth!r}")
    return None if growth is None else float(growth)


def _is_figure(value: Any) -> bool:
    """Whether a value is a finite number of at least 0."""
    of_numbers = isinstance(value, int | float) and not isinstance(value, bool)
    return of_numbers and 0 <= value < math.inf


def _inputs(source: _Source, size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    arguments = source.ask("make_inputs", size, dtype, rng)
    if not isinstance(arguments, tuple):
        words = f"make_inputs has to return the arguments as a tuple, not a {_type(arguments)}"
        hint = "; of a single one that is (x,)" if isinstance(arguments, np.ndarray) else ""
        source.wrong("make_inputs", words + hint)
    return arguments


def _type(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def _cost(source: _Source, size: Size, itemsize: int) -> Cost:
    cost = source.ask("cost", size, itemsize)
    right = isinstance(cost, tuple) and len(cost) in {2, 3} and all(map(_is_figure, cost))
    if not right:
        words = "(bytes moved, operations), or with the exps among them as a third"
        source.wrong("cost", f"cost has to return {words}, not {cost!r}")
    return Cost(*map(int, cost))


def _sample(source: _Source, arguments: Arguments, rng: np.random.Generator) -> Arguments:
    sample = source.ask("sample", arguments, rng)
    if not isinstance(sample, tuple):
        words = f"sample has to return the arguments, fewer of them, not a {_type(sample)}"
        source.wrong("sample", words)
    return sample


def _hard_inputs(source: _Source, dtype: str) -> Sequence[tuple[str, Arguments]]:
    found = source.ask("hard_inputs", dtype)
    for pair in found if isinstance(found, Sequence) else [found]:
        match pair:
            case (str(), tuple()):
                continue
        words = 'pairs ("what is hard about them", arguments), the arguments a tuple'
        source.wrong("hard_inputs", f"hard_inputs has to return a list of {words}")
    return tuple(found)


def _no_hard_inputs(dtype: str) -> tuple[()]:  # noqa: ARG001 - one signature for all
    return ()


# --- what the oracle's result says


def outputs_like(tolerances: Mapping[str, float], expected: Any, dtype: str) -> tuple[Output, ...]:
    """Return what every tier has to return: numbers of the same shape as the oracle's.

    Parameters
    ----------
    tolerances : mapping of dtype to number
        With the largest abs(b) of an output for its scale, abs(a − b) ≤ tol · (abs(b) + scale); the
        scale is 1 where the oracle has zeros only. Integers and truth values have to be equal.
    expected : anything
        The oracle's result: a number, an array (or nested lists), or a tuple of these.
    dtype : str
        The cell's.

    Raises
    ------
    TypeError
        A result that is something else.
    """
    several = isinstance(expected, tuple) and len(expected) > 1
    parts = expected if several else (expected,)
    names = [f"result {i}" for i in range(1, len(parts) + 1)] if several else ["the result"]
    return tuple(
        _output_like(name, part, tolerances[dtype]) for name, part in zip(names, parts, strict=True)
    )


def _output_like(name: str, expected: Any, tolerance: float) -> Output:
    try:
        numbers = numbers_of(expected)
    except (TypeError, ValueError) as error:  # a ValueError for ragged lists
        wanted = "numbers, arrays of them, and tuples of these"
        raise TypeError(f"{name} is {_a(expected)}; what can be compared is {wanted}") from error
    if numbers.whole.all() and numbers.values.dtype.kind != "f":
        allowed = Tolerance(0.0, 0.0)
    else:
        allowed = Tolerance(tolerance, tolerance * (largest(numbers) or 1.0))
    return Output(name, "numbers", lambda _arguments, _dtype: allowed)


def _a(value: Any) -> str:
    if value is None:
        return "None (a kernel has to return what it computed)"
    if isinstance(value, list):
        return "a list that is no array"
    return f"a {type(value).__name__}"
