"""Names in a user's file that are nearly ours: refuse what is misspelt, remark on the others."""

from difflib import SequenceMatcher

from bench.problems.user_file_checks import CONSTANTS, FUNCTIONS
from bench.problems.user_source import Source, shown

# Share of two names' letters from which one is taken for the other: one letter too many or too few
# in the shortest of ours, one wrong in those of five and more. A test has examples of both sides.
NEAR = 0.8


def near_misses(source: Source) -> tuple[str, ...]:
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
        where = f"{shown(source.path)}, line {source.line_of(name)}"
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


def _is_misspelt(source: Source, name: str, known: str) -> bool:
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
