"""Select what a run measures: problems, sizes, tiers, dtypes and threads, by name or default."""

import math
from collections.abc import Iterable, Sequence

from bench.common.choices import parse_counts, parse_names
from bench.model import (
    DEFAULT_DTYPES,
    DEFAULT_SIZES,
    DTYPES,
    PEERS,
    SWEPT,
    Cell,
    Options,
    Problem,
    ProblemFile,
    in_order,
    is_threaded,
    is_whole,
    swept,
)

# `--tier peers` measures these as well, for comparison.
BESIDE_PEERS = ("numpy", "numba", "kernels")


def select(
    found: Sequence[Problem],
    files: Sequence[ProblemFile],
    *,
    problems: Iterable[str] = (),
    sizes: Iterable[str] = (),
    tiers: Iterable[str] = (),
    dtypes: Iterable[str] = (),
    threads: Iterable[str] = (),
    everything: bool = False,
) -> Options:
    """Return the options that a user's words select, with defaults for the rest.

    Parameters
    ----------
    found : sequence of Problem
        All problems: those of the files, or the built-in ones.
    files : sequence of ProblemFile
    problems, sizes, tiers, dtypes, threads : iterable of str
        Names or numbers, comma-separated.
    everything : bool
        Whether the default is to take all.

    Raises
    ------
    ValueError
        An unknown name; the message lists the known ones, the nearest first.
    """
    known_sizes, counts = sizes_of(found), parse_counts("threads", threads)
    known_dtypes = tuple(dict.fromkeys(dtype for one in found for dtype in one.dtypes))
    if everything:
        default_tiers = tuple({tier for one in found for tier in one.tiers})
    else:  # a thread count asks for the parallel tiers, at any size
        default_tiers = _all_but_peers(found) if max(counts, default=1) > 1 else ()
    return Options(
        problems=parse_names("problem", problems, [one.name for one in found]),
        sizes=parse_names("size", sizes, known_sizes)
        or (known_sizes if everything else default_sizes(found, files)),
        tiers=tiers_named(tiers, found) or default_tiers,
        dtypes=parse_names("dtype", dtypes, known_dtypes) or (known_dtypes if everything else ()),
        threads=counts,
        files=tuple(files),
    )


def _all_but_peers(found: Iterable[Problem]) -> tuple[str, ...]:
    return in_order(tier for one in found for tier in one.tiers if tier not in PEERS)


def cells_of(all_problems: Iterable[Problem], options: Options) -> list[Cell]:
    """Return the cells of a run, in the order of the table."""
    counts = options.thread_counts
    return [
        Cell(problem.name, tier, size, dtype, count)
        for problem in all_problems
        if not options.problems or problem.name in options.problems
        for size in _sizes_in(problem, options)
        for dtype in problem.dtypes
        if dtype in (options.dtypes or default_dtypes(problem))
        for tier in in_order(problem.tiers)
        if (tier in options.tiers if options.tiers else _by_default(problem, tier, size, counts))
        for count in (counts if is_threaded(tier) else (1,))
    ]


def _by_default(problem: Problem, tier: str, size: str, counts: tuple[int, ...]) -> bool:
    """Whether a tier is measured by default; where it would run serial, kernels-parallel is not."""
    serial = tier == "kernels-parallel" and counts == (1,)
    uses_threads = problem.tiers[tier].uses_threads(problem.numbers(size))
    return tier not in PEERS and not serial and uses_threads


def _sizes_in(problem: Problem, options: Options) -> list[str]:
    """Return the selected sizes that a problem has: by name, or with another n (a sweep)."""
    named = [size for size in problem.sizes if size in options.sizes]
    along = [size for size in options.sizes if SWEPT in size]
    return named + [size for size in along if swept(size)[0] in problem.sizes]


def default_sizes(all_problems: Sequence[Problem], files: Sequence[ProblemFile]) -> tuple[str, ...]:
    """Return the sizes of a run that names none: all those of a user's file, else the defaults."""
    return sizes_of(all_problems) if files else DEFAULT_SIZES


def default_dtypes(problem: Problem) -> tuple[str, ...]:
    """Return the dtypes of a run that names none: those that a user's file names, else float64."""
    return DEFAULT_DTYPES if problem.dtypes is DTYPES else problem.dtypes


def sizes_of(all_problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return the names of all sizes, in the order of the problems."""
    return tuple(dict.fromkeys(size for problem in all_problems for size in problem.sizes))


def tiers_named(given: Iterable[str], all_problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return the tiers that a user named; ``peers`` stands for all peers and BESIDE_PEERS.

    Raises
    ------
    ValueError
        No problem has such a tier; the message lists the known ones.
    """
    known = in_order(tier for problem in all_problems for tier in problem.tiers)
    peers = {"peers": (*BESIDE_PEERS, *PEERS)} if set(PEERS) & set(known) else {}
    named = parse_names("tier", given, (*known, *peers))
    wanted = {tier for name in named for tier in peers.get(name, (name,))}
    return tuple(tier for tier in known if tier in wanted)


# Ratio of each n to the one before.
STEP = 4.0


def sizes_along(
    problem: Problem, first: float, last: float, base: str | None = None, number: str = "n"
) -> tuple[str, ...]:
    """Return the sizes of a sweep.

    Parameters
    ----------
    problem : Problem
    first, last : float
        The range of the number; both ends are among the sizes.
    base : str, optional
        The size to take the other numbers from; by default M, or the problem's last.
    number : str
        Which whole number of the size.

    Raises
    ------
    ValueError
        The range is empty or begins below 1, or the problem has no such number.

    Examples
    --------
    >>> from bench.problems.builtin import PROBLEMS
    >>> sizes_along(PROBLEMS[0], 8, 512)
    ('M@8', 'M@32', 'M@128', 'M@512')
    """
    if not (1.0 <= first < last < math.inf):
        raise ValueError(f"a sweep goes up from at least 1, not from {first:g} to {last:g}")
    base = base or ("M" if "M" in problem.sizes else list(problem.sizes)[-1])
    numbers = problem.sizes[base]
    if not is_whole(numbers.get(number)):
        others = " or ".join(f"--along {key}" for key in numbers if is_whole(numbers[key]))
        hint = f": try {others}" if others else ""
        raise ValueError(f"{problem.name} has no {number} to sweep over{hint}")
    along = [round(first)]
    # The last step may be shorter than the others, but not tiny
    while along[-1] * 1.5 * STEP <= last:
        along.append(round(along[-1] * STEP))
    key = "" if number == "n" else f"{number}="
    return tuple(f"{base}{SWEPT}{key}{value}" for value in dict.fromkeys((*along, round(last))))
