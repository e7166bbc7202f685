"""Find the modules that a user's file imports from beside it: they are a part of it."""

import ast
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.model import Problem

# In the folder of a run, the modules of my_kernel.py are in my_kernel.modules.
STORED = ".modules"


def folders_of(path: Path) -> tuple[Path, Path]:
    """Return the folders in which a file's own modules are looked for."""
    return path.parent, path.with_suffix(STORED)


def modules_of(path: Path, content: bytes) -> dict[str, Path]:
    """Return the files of the modules that a file imports from beside it, and those that they do.

    Parameters
    ----------
    path : Path
        Absolute.
    content : bytes
        That of the file.

    Returns
    -------
    dict
        By their paths relative to the folder in which they are; all files of a package.
    """
    found: dict[str, Path] = {}
    contents = [content]
    for one in contents:
        for name in _imported(one):
            for folder in folders_of(path):
                for file in _files_of(folder, name):
                    relative = file.relative_to(folder).as_posix()
                    if file != path and relative not in found:
                        found[relative] = file
                        contents.append(file.read_bytes())
    return dict(sorted(found.items()))


def copy_into(folder: Path, path: Path) -> None:
    """Copy a file and its modules into the folder of a run.

    Raises
    ------
    OSError
        They cannot be copied.
    """
    copy = folder / path.name
    shutil.copyfile(path, copy)
    copy_modules(path, copy.with_suffix(STORED))


def copy_modules(path: Path, folder: Path) -> None:
    """Copy the modules of a file into a folder, as they lie beside the file.

    Raises
    ------
    OSError
        They cannot be copied.
    """
    for relative, module in modules_of(path, path.read_bytes()).items():
        its_copy = folder / relative
        its_copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, its_copy)


def imports(content: bytes, name: str) -> bool:
    """Return whether a source imports a module of that name."""
    return name in _imported(content)


def _imported(content: bytes) -> Iterator[str]:
    """Yield the first parts of the modules that a source imports, anywhere in it."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError):  # reported when it is run
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _files_of(folder: Path, name: str) -> list[Path]:
    """Return the files of a module or package in a folder."""
    package = folder / name
    if (package / "__init__.py").is_file():
        return sorted(package.rglob("*.py"))
    module = folder / f"{name}.py"
    return [module] if module.is_file() else []


def make_way(path: Path, files: Mapping[str, Path]) -> None:
    """Let a file that is about to be run, or one of its functions, find its own modules.

    They are looked for behind all else, as in a script: so they hide nothing. Those of another
    file, of the same name, are kept for that file.
    """
    for relative, file in files.items():
        name = relative.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        other = getattr(sys.modules.get(name), "__file__", None)
        if other is not None and Path(other) != file and _is_of_a_users_file(Path(other)):
            _waiting[Path(other)] = sys.modules.pop(name)
        if name not in sys.modules and file in _waiting:
            sys.modules[name] = _waiting[file]
    own = [str(folder) for folder in folders_of(path)]
    others = [folder for folder in _folders if folder not in own]
    sys.path[:] = [folder for folder in sys.path if folder not in {*own, *others}] + own + others
    _folders[:] = own + others


# Those of the files that this process has run.
_folders: list[str] = []
# Modules of one file while those of another are in their place.
_waiting: dict[Path, ModuleType] = {}


def with_its_modules(problem: Problem, path: Path, files: Mapping[str, Path]) -> Problem:
    """Return a problem whose functions find their own modules, also where they import in a call."""
    if not files:
        return problem

    def own(function: Any) -> Any:
        return function and partial(_called, function, path, files)

    tiers = {
        name: replace(tier, load=own(tier.load), prepare=own(tier.prepare))
        for name, tier in problem.tiers.items()
    }
    names = ("make_inputs", "cost", "sample", "hard_inputs")
    functions = {name: own(getattr(problem, name)) for name in names}
    return replace(problem, tiers=tiers, **functions)


def _called(
    function: Callable[..., Any], path: Path, files: Mapping[str, Path], *given: Any
) -> Any:
    make_way(path, files)
    return function(*given)


def _is_of_a_users_file(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in _folders)
