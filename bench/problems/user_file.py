"""Load a user's file: check that it has not changed, run it, and make a `Problem` of it."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from bench.model import Arguments, Kernel, Problem, ProblemFile, Tier, to_lists
from bench.problems.builtin import PROBLEMS
from bench.problems.near_misses import near_misses
from bench.problems.user_file_checks import (
    NAME,
    arguments_of,
    cost_of,
    dtypes_of,
    function_of,
    growth_of,
    hard_inputs_of,
    inputs_of,
    lists_of,
    name_of,
    oracle_of,
    prepared_by,
    prepares_of,
    problems_of,
    sample_of,
    sizes_of,
    tiers_of,
    tolerances_of,
    work_numbers_of,
    writes_of,
)
from bench.problems.user_modules import modules_of, with_its_modules
from bench.problems.user_source import ProblemFileError, Source, run_source, shown

TEMPLATE = Path(__file__).with_name("template.py")


def look_at(path: str | Path) -> ProblemFile:
    """Return a file's absolute path and the digest of its current content and its modules'.

    Raises
    ------
    ProblemFileError
        The file does not exist, cannot be read, or is not Python.
    """
    found = Path(path).resolve()
    return ProblemFile(str(found), _digest(found, _bytes_of(found)))


def problems_in(files: Sequence[ProblemFile]) -> tuple[Problem, ...]:
    """Return the problems of the files; without files, the built-in ones.

    Raises
    ------
    ProblemFileError
        A file is wrong or has changed, or two problems or files have the same name.
    """
    if not files:
        return PROBLEMS
    found = tuple(one for file in files for one in _problems_in(file))
    for i, one in enumerate(found):
        for other in found[:i]:
            where = f"{shown(other.source)} and {shown(one.source)}"
            if one.name == other.name:
                words = f"are both named {one.name}: give one of them another NAME"
                raise ProblemFileError(f"{where} {words}")
            if one.source != other.source and Path(one.source).name == Path(other.source).name:
                # A run's folder has a copy of each
                raise ProblemFileError(f"{where} have the same file name: rename one of them")
    return found


def stored_problems_in(files: Sequence[ProblemFile], folder: Path) -> tuple[Problem, ...]:
    """Return the problems as they were in a run: of a file that changed, from the run's copy.

    Raises
    ------
    ProblemFileError
        The copy is missing too, or cannot run without what lay beside the original.
    """
    return problems_in([_as_it_was(file, folder) for file in files])


def _as_it_was(file: ProblemFile, folder: Path) -> ProblemFile:
    with contextlib.suppress(ProblemFileError):
        if look_at(file.path) == file:
            return file
    return replace(file, path=str((folder / Path(file.path).name).resolve()))


def _problems_in(file: ProblemFile) -> tuple[Problem, ...]:
    path = Path(file.path)
    content = _bytes_of(path)
    if _digest(path, content) != file.sha256:
        modules, which = ", ".join(modules_of(path, content)), shown(path)
        if modules:
            which += f", or a module that it imports ({modules}),"
        raise ProblemFileError(
            f"{which} has changed since the run began: restore it from the copy in the run's "
            "folder, or start a new run"
        )
    return load(path, content, file.sha256)


def write_template(path: Path) -> None:
    """Write the commented template to a new file; see `write_new`."""
    write_new(path, TEMPLATE.read_text(encoding="utf-8"))


def write_new(path: Path, text: str) -> None:
    """Write a problem file, if there is none of that name.

    Raises
    ------
    ProblemFileError
        The name is not allowed, or the file exists or cannot be written.
    """
    if path.suffix != ".py" or not NAME.fullmatch(path.stem):
        wanted = "consist of letters, digits and _.- and end in .py, such as my_kernel.py"
        raise ProblemFileError(f"the name of the file has to {wanted}, not {path.name!r}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ProblemFileError(f"{path} already exists: choose another name") from None
    except OSError as error:
        raise ProblemFileError(f"{path} cannot be written: {error.strerror}") from error


def _bytes_of(path: Path) -> bytes:
    if path.suffix != ".py":
        raise ProblemFileError(f"{shown(path)} is not a Python file: its name has to end in .py")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ProblemFileError(f"there is no file {shown(path)}") from None
    except OSError as error:
        raise ProblemFileError(f"{shown(path)} cannot be read: {error.strerror}") from error


def _digest(path: Path, content: bytes) -> str:
    found = hashlib.sha256(content)
    for relative, file in modules_of(path, content).items():
        found.update(relative.encode() + file.read_bytes())
    return found.hexdigest()


@cache
def load(path: Path, content: bytes, digest: str) -> tuple[Problem, ...]:  # noqa: ARG001
    """Run a file and return the problem that it defines, or those in its `PROBLEMS`.

    Parameters
    ----------
    path : Path
        Absolute.
    content : bytes
        That of the file.
    digest : str
        With its modules: it is run again if one of them has changed.

    Raises
    ------
    ProblemFileError
        The file is wrong; the message says where and why.
    """
    source = run_source(path, content)
    modules = modules_of(path, content)
    if source.get("PROBLEMS") is None:
        return (with_its_modules(_problem_of(source), path, modules),)
    listed = [replace(one, source=str(path)) for one in problems_of(source)]
    return tuple(with_its_modules(one, path, modules) for one in listed)


def _problem_of(source: Source) -> Problem:
    """Return the problem that a file's names define."""
    tiers = tiers_of(source)
    make_inputs = function_of(source, "make_inputs")
    if make_inputs is None:
        source.lacks("a function make_inputs(size, dtype, rng)", "make_inputs")
    sizes = sizes_of(source)
    remarks = near_misses(source)
    dtypes = dtypes_of(source)
    arguments = arguments_of(tiers[oracle_of(source, tiers)])
    prepare: dict[str, Callable[[Arguments], Arguments]] = {
        tier: partial(prepared_by, source, tier) for tier in prepares_of(source, tiers)
    }
    if lists_of(source):
        prepare.setdefault("loop", to_lists)
    found = Problem(
        name=name_of(source),
        tiers={
            tier: Tier(partial(_given, kernel), prepare.get(tier)) for tier, kernel in tiers.items()
        },
        sizes=sizes,
        make_inputs=partial(inputs_of, source),
        outputs=tolerances_of(source, dtypes),
        cost=partial(cost_of, source) if function_of(source, "cost") else None,
        growth=growth_of(source),
        sample=partial(sample_of, source) if function_of(source, "sample") else None,
        hard_inputs=(
            partial(hard_inputs_of, source) if function_of(source, "hard_inputs") else lambda _: ()
        ),
        oracle=oracle_of(source, tiers),
        source=str(source.path),
        remarks=remarks,
        arguments=arguments,
        work_numbers=work_numbers_of(source, sizes),
        dtypes=dtypes,
    )
    # Report errors in make_inputs before a run begins
    count = len(found.inputs(found.smallest_size, dtypes[0]))
    return replace(found, writes=writes_of(source, arguments, count))


def _given(kernel: Kernel) -> Kernel:
    return kernel
