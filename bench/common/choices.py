"""Parse commands, and comma-separated names and counts; suggest near matches for unknown names."""

import os
import shlex
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher


def parse_names(kind: str, given: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the given names, each once, in the order of the known ones.

    Parameters
    ----------
    kind : str
        What they name, for the message.
    given : iterable of str
        Each may hold several names, separated by commas.
    known : sequence of str
        The valid names.

    Raises
    ------
    ValueError
        A name is unknown; the message lists the known ones, the nearest first.
    """
    names = split_commas(given)
    for name in names:
        if name not in known:
            raise ValueError(unknown_name(kind, name, known))
    return tuple(name for name in known if name in names)


def split_commas(given: Iterable[str]) -> list[str]:
    """Return the non-empty items between commas, stripped."""
    return [name for names in given for name in map(str.strip, names.split(",")) if name]


def unknown_name(kind: str, name: str, known: Sequence[str]) -> str:
    """Return the message for an unknown name."""
    likeness = {
        one: SequenceMatcher(None, name.casefold(), one.casefold()).ratio() for one in known
    }
    nearest = sorted(known, key=lambda one: -likeness[one])
    if kind == "problem" and name.endswith(".py"):
        return f"unknown problem {name!r}: a file is run by --problem {name}"
    return f"unknown {kind} {name!r}; choose from {', '.join(nearest)}"


def parse_counts(kind: str, given: Iterable[str]) -> tuple[int, ...]:
    """Return the given numbers, each at least 1, in ascending order.

    Raises
    ------
    ValueError
        A given value is not a positive whole number.
    """
    names = split_commas(given)
    for name in names:
        if not name.isdecimal() or int(name) < 1:
            raise ValueError(f"{kind} has to be at least 1, not {name!r}")
    return tuple(sorted({int(name) for name in names}))


def words_of(line: str) -> list[str]:
    """Split a command as a shell does; on Windows, a backslash is part of a path."""
    return shlex.split(line.replace("\\", r"\\") if os.name == "nt" else line)
