"""Find names in a user's file that are nearly ours: refuse misspelt ones, report the others."""

from difflib import SequenceMatcher

from bench.problems.user_file_checks import CONSTANTS, FUNCTIONS
from bench.problems.user_source import Source, shown

# Names this similar, on a scale to 1, are near: one letter too many or too few in our shortest
# name, one wrong letter in names of five or more. A test has examples of both sides.
NEAR = 0.8


def near_misses(source: Source) -> tuple[str, ...]:
    """Refuse a name that misspells one of ours; return one line per other name that is near one."""
    tiers = source.get("TIERS")
    in_tiers = list(tiers.values()) if isinstance(tiers, dict) else []
    lines = []
    for name in source.defined():
        known = _nearest(name)
        if known is None or any(source.names[name] is tier for tier in in_tiers):
            continue
        if source.get(known) is None and _is_misspelt(source, name, known):
            source.wrong(name, f"{name} looks like a misspelling of {known}: rename it")
        where = f"{shown(source.path)}, line {source.line_of(name)}"
        lines.append(f"{where}: lossbench ignores the name {name}; did you mean {known}?")
    return tuple(lines)


def _nearest(name: str) -> str | None:
    """Return the known name that is nearest to a name, if it is near."""
    if name in FUNCTIONS or name in CONSTANTS or len(name) < min(map(len, FUNCTIONS)):
        return None
    known = max((*FUNCTIONS, *CONSTANTS), key=lambda known: _similarity(name, known))
    return known if _similarity(name, known) >= NEAR else None


def _similarity(name: str, known: str) -> float:
    """Return how similar two names are: 1 if only case differs, or two letters are swapped."""
    name, known = name.casefold(), known.casefold()
    swaps = (f"{name[:i]}{name[i + 1]}{name[i]}{name[i + 2 :]}" for i in range(len(name) - 1))
    return 1.0 if known in swaps else SequenceMatcher(None, name, known).ratio()


def _is_misspelt(source: Source, name: str, known: str) -> bool:
    """Whether a near name has the right kind of value and nothing shows that it is intended."""
    value = source.names[name]
    if known in CONSTANTS:
        of_kind = isinstance(value, CONSTANTS[known])
    else:
        of_kind = callable(value) and not isinstance(value, type)
    return of_kind and not _extends(name, known) and not source.uses(name)


def _extends(name: str, known: str) -> bool:
    """Whether a name is a known one with more: loop2, costs, my_loop; not jitt or TOLERANCES."""
    slips = {known, known + known[-1], known[0] + known}
    if known in CONSTANTS:
        slips.add(f"{known}S")
    slips = {slip.casefold() for slip in slips}
    return known.casefold() in name.casefold() and name.casefold() not in slips
