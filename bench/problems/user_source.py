"""A user's file, run as a module: the names that it leaves, and the line of each."""

import ast
import sys
import textwrap
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_MARK = "__lossbench_problem__"


class ProblemFileError(ValueError):
    """A file that holds no problem; the message says where and why, in a line."""


def shown(path: str | Path) -> str:
    """Return a path as short as it can be said from here."""
    return str(
        Path(path).relative_to(Path.cwd()) if Path(path).is_relative_to(Path.cwd()) else path
    )


@dataclass(frozen=True)
class Source:
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
        raise ProblemFileError(f"{shown(self.path)}, line {self.line_of(name)}: {words}")

    def lacks(self, what: str, *names: str) -> NoReturn:
        """Refuse the file for what it does not have; a name that is nearly it is pointed at."""
        own = {name.casefold(): name for name, _ in _bound(self.tree.body)}
        near = [own[one] for name in names for one in get_close_matches(name.casefold(), own)]
        hint = f" (line {self.line_of(near[0])} has {near[0]})" if near else ""
        where = f"{shown(self.path)}, line {self.last_line}"
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
            line = line_in(self.path, error) or self.line_of(name)
            words = f"{name} raised {error_text(error)}"
            raise ProblemFileError(f"{shown(self.path)}, line {line}: {words}") from error


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


def line_in(path: str | Path, error: BaseException) -> int | None:
    """Return the last line of a file that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def error_text(error: BaseException) -> str:
    """Return an error in one line of bearable length."""
    kind = "" if isinstance(error, ProblemFileError) else f"{type(error).__name__}: "
    return textwrap.shorten(f"{kind}{error}", 300)


def run_source(path: Path, content: bytes) -> Source:
    """Run a file as a module of its own."""
    try:
        tree = ast.parse(content, str(path))
        code = compile(content, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # a ValueError for zero bytes
        line = getattr(error, "lineno", None) or 1
        words = getattr(error, "msg", None) or str(error)
        raise ProblemFileError(f"{shown(path)}, line {line}: {words}") from error
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
        line = line_in(path, error) or 1
        raise ProblemFileError(f"{shown(path)}, line {line}: {error_text(error)}") from error
    return Source(path, tree, max(1, len(content.splitlines())), vars(module))


def _enter(module: ModuleType) -> None:
    """Let a file's module be imported by the name that a person would import it by.

    A kernel that Numba has cached imports its module. By any name of ours, what a run has cached
    could not be loaded by the person's own programs, which import the file as what it is called.
    """
    name = module.__name__
    other = sys.modules.get(name)
    if other is not None and not getattr(other, _MARK, False):
        path = shown(str(module.__file__))
        raise ProblemFileError(f"{path} would hide the module {name}: give the file another name")
    setattr(module, _MARK, True)
    sys.modules[name] = module
