"""Run a user's file as a module, and find the line of each name that it defines."""

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

from bench.problems.user_modules import imports, make_way, modules_of

_MARK = "__lossbench_problem__"


class ProblemFileError(ValueError):
    """A user's file is wrong; the message says where and why, in one line."""


def shown(path: str | Path) -> str:
    """Return a path relative to the current folder, or as it is if it is not inside."""
    return str(
        Path(path).relative_to(Path.cwd()) if Path(path).is_relative_to(Path.cwd()) else path
    )


@dataclass(frozen=True)
class Source:
    """A file that was run: its syntax tree, and the names that it defined."""

    path: Path
    tree: ast.Module
    last_line: int
    names: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Return the value of a name; None if it is undefined or imported from Numba.

        So ``from numba import jit`` and ``from numba import njit as jit`` make no tier.
        """
        value = self.names.get(name)
        of_numba = vars(sys.modules["numba"]).values() if "numba" in sys.modules else ()
        return None if callable(value) and any(value is one for one in of_numba) else value

    def line_of(self, name: str) -> int:
        """Return the last line that defines a name, or that of the file."""
        lines = [line for bound, line in _bound(self.tree.body) if bound == name]
        return lines[-1] if lines else self.last_line

    def wrong(self, name: str, words: str) -> NoReturn:
        """Refuse the file because of a name's value."""
        raise ProblemFileError(f"{shown(self.path)}, line {self.line_of(name)}: {words}")

    def lacks(self, what: str, *names: str) -> NoReturn:
        """Refuse the file because something is missing; hint at a similar name, if any."""
        own = {name.casefold(): name for name, _ in _bound(self.tree.body)}
        near = [own[one] for name in names for one in get_close_matches(name.casefold(), own)]
        hint = f" (line {self.line_of(near[0])} has {near[0]})" if near else ""
        where = f"{shown(self.path)}, line {self.last_line}"
        raise ProblemFileError(f"{where}: the file ends without {what}{hint}")

    def defined(self) -> list[str]:
        """Return the public names that the file itself defines, without its imports."""
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
        """Return whether the file itself reads a name, as it reads that of a helper."""
        return any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in ast.walk(self.tree)
        )

    def ask(self, name: str, *given: Any) -> Any:
        """Call a function of the file; report an exception with its line."""
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
    """Return the last line of a file in an exception's traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def error_text(error: BaseException) -> str:
    """Return an error as one line, shortened if it is long."""
    kind = "" if isinstance(error, ProblemFileError) else f"{type(error).__name__}: "
    return textwrap.shorten(f"{kind}{error}", 300)


def run_source(path: Path, content: bytes) -> Source:
    """Run a file as a module."""
    try:
        tree = ast.parse(content, str(path))
        code = compile(content, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # a ValueError for zero bytes
        line = getattr(error, "lineno", None) or 1
        words = getattr(error, "msg", None) or str(error)
        raise ProblemFileError(f"{shown(path)}, line {line}: {words}") from error
    # Under its own name, it would find itself where it imports another module of that name.
    module = ModuleType(f"{path.stem}__file" if imports(content, path.stem) else path.stem)
    module.__file__ = str(path)
    _register(module)
    make_way(path, modules_of(path, content))
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        line = line_in(path, error) or 1
        raise ProblemFileError(f"{shown(path)}, line {line}: {error_text(error)}") from error
    return Source(path, tree, max(1, len(content.splitlines())), vars(module))


def _register(module: ModuleType) -> None:
    """Register a file's module under the name by which a user would import it.

    A kernel in Numba's cache imports its module by name. Under a name of ours, the user's programs
    could not load the kernels that a run has cached.
    """
    name = module.__name__
    other = sys.modules.get(name)
    if other is not None and not getattr(other, _MARK, False):
        path = shown(str(module.__file__))
        raise ProblemFileError(f"{path} would hide the module {name}: give the file another name")
    setattr(module, _MARK, True)
    sys.modules[name] = module
