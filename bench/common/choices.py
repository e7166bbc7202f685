"""Names that a person gives: taken apart at commas, and answered with the known ones if wrong."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher


def parse_names(kind: str, given: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the given names, each once, in the order of the known ones.

    Parameters
    ----------
    kind : str
        What they name, for the message.
    given : iterable of str
        Each may hold several, parted by commas.
    known : sequence of str
        The names there are.

    Raises
    ------
    ValueError
        A name that is not known; the message lists the known ones, the nearest first.
    """
    names = split_commas(given)
    for name in names:
        if name not in known:
            raise ValueError(unknown_name(kind, name, known))
    return tuple(name for name in known if name in names)


def split_commas(given: Iterable[str]) -> list[str]:
    """Return what stands between commas."""
    return [name for names in given for name in map(str.strip, names.split(",")) if name]


def unknown_name(kind: str, name: str, known: Sequence[str]) -> str:
    """Return the words for a name that is not known."""
    nearest = sorted(known, key=lambda other: -SequenceMatcher(None, name, other).ratio())
    return f"no {kind} {name!r}; there are {', '.join(nearest)}"


def parse_counts(kind: str, given: Iterable[str]) -> tuple[int, ...]:
    """Return the given numbers, each at least 1, in ascending order.

    Raises
    ------
    ValueError
        Something else than a number above 0.
    """
    names = split_commas(given)
    for name in names:
        if not name.isdecimal() or int(name) < 1:
            raise ValueError(f"{kind} has to be at least 1, not {name!r}")
    return tuple(sorted({int(name) for name in names}))
