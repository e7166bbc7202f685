"""Check each declaration in a user's file, and say in which line and how it is wrong."""

import inspect
import math
import re
from collections.abc import Collection, Mapping, Sequence
from inspect import Parameter
from typing import Any

import numpy as np

from bench.model import (
    DTYPES,
    PEERS,
    TOLERANCE,
    Arguments,
    Cost,
    Kernel,
    Problem,
    Size,
    in_order,
    is_whole,
)
from bench.problems.user_source import Source

# Functions that are tiers because of their names.
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
    "TOLERANCE": (int, float, dict, tuple, list),
    "DTYPES": (tuple, list, str),
    "GROWTH": (int, float),
    "OUTPUTS": (tuple, list, str, int),
    "PREPARE": (dict,),
    "WORK": (tuple, list, str),
    "PROBLEMS": (tuple, list),
}
# Names stand between commas on the command line, in the ids of pytest, and in names of files.
NAME = re.compile(r"[\w.-]+", re.ASCII)


def name_of(source: Source) -> str:
    """Return the problem's name: NAME, or the name of the file."""
    name = source.get("NAME")
    if name is None and not NAME.fullmatch(source.path.stem):
        source.lacks(f"a NAME, and {source.path.stem!r} does not consist of letters, digits, _.-")
    name = source.path.stem if name is None else name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        source.wrong("NAME", f"NAME has to consist of letters, digits and _.-, not {name!r}")
    return name


def problems_of(source: Source) -> Sequence[Problem]:
    """Return the problems that the file lists."""
    given = source.get("PROBLEMS")
    if not isinstance(given, tuple | list) or not given:
        source.wrong("PROBLEMS", f"PROBLEMS has to be a list of bench.Problem, not {given!r}")
    for one in given:
        if not isinstance(one, Problem):
            source.wrong("PROBLEMS", f"PROBLEMS has to hold bench.Problem only, not {one!r}")
        which = f"the problem {one.name!r} in PROBLEMS"
        if not isinstance(one.name, str) or not NAME.fullmatch(one.name):
            source.wrong("PROBLEMS", f"{which} has a name of other signs than letters, digits, _.-")
        if one.oracle not in one.tiers:
            known = ", ".join(one.tiers)
            source.wrong(
                "PROBLEMS", f"{which} has the oracle {one.oracle!r}, but the tiers {known}"
            )
        if not one.sizes:
            source.wrong("PROBLEMS", f"{which} has no sizes")
    return given


def function_of(source: Source, name: str) -> Any:
    """Return a function of the file; None if the name is not defined."""
    function = source.get(name)
    if function is not None and not callable(function):
        source.wrong(name, f"{name} has to be a function, not {function!r}")
    return function


def tiers_of(source: Source) -> dict[str, Kernel]:
    """Return the tiers, by name, in the order of the table."""
    functions = {tier: function_of(source, name) for name, tier in TIER_OF_FUNCTION.items()}
    found: dict[str, Kernel] = {tier: one for tier, one in functions.items() if one is not None}
    others = source.get("TIERS")
    if others is not None and not isinstance(others, dict):
        source.wrong("TIERS", f'TIERS has to be a dict {{"name": function}}, not {others!r}')
    for tier, function in (others or {}).items():
        if not isinstance(tier, str) or not NAME.fullmatch(tier):
            words = f"a name in TIERS has to consist of letters, digits and _.-, not {tier!r}"
        elif tier in PEERS:
            words = f'TIERS["{tier}"]: {tier} is the name of a built-in peer; use "my-{tier}"'
        elif tier in found:
            name = next(name for name, taken in TIER_OF_FUNCTION.items() if taken == tier)
            words = f'TIERS["{tier}"]: the function {name} is already the tier {tier}'
        elif not callable(function):
            words = f'TIERS["{tier}"] has to be a function, not {function!r}'
        else:
            found[tier] = function
            continue
        source.wrong("TIERS", words)
    if not found:
        source.lacks("a tier: a function loop, vectorized, jit or parallel", *TIER_OF_FUNCTION)
    return {tier: found[tier] for tier in in_order(found)}


def oracle_of(source: Source, tiers: Mapping[str, Kernel]) -> str:
    """Return the tier that the others have to agree with."""
    oracle = source.get("ORACLE")
    if oracle is None:
        if "loop" not in tiers:
            source.lacks(
                f"a function loop; say which tier the others have to agree with: "
                f'ORACLE = "{next(iter(tiers))}"'
            )
        return "loop"
    if oracle not in tiers:
        source.wrong("ORACLE", f"ORACLE is {oracle!r}, but the tiers are {', '.join(tiers)}")
    return str(oracle)


def arguments_of(oracle: Kernel) -> tuple[str, ...]:
    """Return the names of a kernel's arguments; none if its signature does not tell them."""
    try:
        parameters = inspect.signature(oracle).parameters.values()
    except (TypeError, ValueError):  # such as a ufunc's
        return ()
    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(one.name for one in parameters if one.kind in by_position)


def writes_of(source: Source, arguments: Sequence[str], count: int) -> tuple[int, ...]:
    """Return the positions of the arguments that kernels may write to.

    Parameters
    ----------
    source : Source
    arguments : sequence of str
        The names of the arguments, where known.
    count : int
        The number of arguments.
    """
    given = source.get("OUTPUTS")
    if given is None:
        return ()
    items = [given] if isinstance(given, str | int) else given
    if not isinstance(items, tuple | list) or not items:
        like = f'names or positions of arguments, such as ("{next(iter(arguments), "x")}",)'
        source.wrong("OUTPUTS", f"OUTPUTS has to be {like}, not {given!r}")
    found = [arguments.index(item) if item in arguments else item for item in items]
    for item in found:
        if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < count:
            known = ", ".join(arguments[:count]) or f"0 to {count - 1}"
            source.wrong("OUTPUTS", f"OUTPUTS has {item!r}, but the arguments are {known}")
    return tuple(dict.fromkeys(found))


def prepares_of(source: Source, tiers: Collection[str]) -> dict[str, Kernel]:
    """Return the functions that prepare the arguments of some tiers."""
    given = source.get("PREPARE")
    if given is None:
        return {}
    if not isinstance(given, dict):
        source.wrong("PREPARE", f'PREPARE has to be a dict {{"tier": function}}, not {given!r}')
    for tier, function in given.items():
        if tier not in tiers:
            words = f"PREPARE has {tier!r}, but the tiers are {', '.join(tiers)}"
            source.wrong("PREPARE", words)
        if not callable(function):
            source.wrong("PREPARE", f'PREPARE["{tier}"] has to be a function, not {function!r}')
    return given


def prepared_by(source: Source, tier: str, arguments: Arguments) -> Arguments:
    """Return the arguments as the file's function for a tier makes them."""
    prepared = source.names["PREPARE"][tier](*arguments)
    if not isinstance(prepared, tuple):
        words = f'PREPARE["{tier}"] has to return a tuple of arguments, not a {_type(prepared)}'
        source.wrong("PREPARE", words)
    return prepared


def sizes_of(source: Source) -> dict[str, Size]:
    """Return the sizes with their numbers."""
    sizes = source.get("SIZES")
    like = '{"S": {"n": 100}, "M": {"n": 10_000}}'
    if sizes is None:
        source.lacks(f"SIZES, such as SIZES = {like}", "SIZES")
    if not isinstance(sizes, dict) or not sizes:
        source.wrong("SIZES", f"SIZES has to be a dict such as {like}, not {sizes!r}")
    for name, size in sizes.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            words = f"a size's name has to consist of letters, digits and _.-, not {name!r}"
            source.wrong("SIZES", words)
        if not isinstance(size, dict) or not all(_is_size(*pair) for pair in size.items()):
            words = f'SIZES["{name}"] has to be a dict of numbers and strings such as {{"n": 100}}'
            source.wrong("SIZES", f"{words}, not {size!r}")
    return dict(sizes)


def _is_size(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, int | float | str)


def work_numbers_of(source: Source, sizes: Mapping[str, Size]) -> tuple[str, ...] | None:
    """Return the numbers of a size that say how long a call takes, if the file names them."""
    given = source.get("WORK")
    names = (given,) if isinstance(given, str) else given
    if names is None:
        return None
    if not isinstance(names, tuple | list):
        source.wrong("WORK", f'WORK has to be names of numbers such as ("n",), not {given!r}')
    for name in names:
        for size, numbers in sizes.items():
            if not is_whole(numbers.get(name)):
                source.wrong("WORK", f'WORK has {name!r}, no whole number of SIZES["{size}"]')
    return tuple(names)


def lists_of(source: Source) -> bool:
    """Return whether the loop takes nested lists."""
    lists = source.get("LISTS")
    if lists not in (None, True, False):
        source.wrong("LISTS", f"LISTS has to be True or False, not {lists!r}")
    return bool(lists)


def dtypes_of(source: Source) -> tuple[str, ...]:
    """Return the dtypes that the file names, or the usual ones."""
    given = source.get("DTYPES")
    if given is None:
        return DTYPES
    names = (given,) if isinstance(given, str) else given
    like = 'names of NumPy\'s dtypes such as ("float64", "complex128", "int32")'
    if not isinstance(names, tuple | list) or not names or not all(map(_is_dtype, names)):
        source.wrong("DTYPES", f"DTYPES has to be {like}, not {given!r}")
    return tuple(dict.fromkeys(names))


def _is_dtype(name: Any) -> bool:
    """Whether this is NumPy's name of a dtype of numbers."""
    try:
        return (
            isinstance(name, str) and np.dtype(name).name == name and np.dtype(name).kind in "iufc"
        )
    except TypeError:
        return False


def tolerances_of(
    source: Source, dtypes: Sequence[str]
) -> dict[str, float] | dict[str, tuple[float, ...]]:
    """Return the tolerance of each dtype, or those of each output."""
    given = source.get("TOLERANCE")
    if isinstance(given, tuple | list):
        found = [_tolerances(source, one, dtypes) for one in given]
        return {dtype: tuple(one[dtype] for one in found) for dtype in dtypes}
    return _tolerances(source, given, dtypes)


def _tolerances(source: Source, given: Any, dtypes: Sequence[str]) -> dict[str, float]:
    usual = {dtype: _usual_tolerance(dtype) for dtype in dtypes}
    if given is None:
        return usual
    of_dtype = given if isinstance(given, dict) else dict.fromkeys(dtypes, given)
    for dtype, tolerance in of_dtype.items():
        if dtype not in dtypes or not _is_figure(tolerance):
            words = 'a number of at least 0, or a dict such as {"float64": 1e-9, "float32": 1e-3}'
            words += ", or a tuple of these, one for each output"
            source.wrong("TOLERANCE", f"TOLERANCE has to be {words}, not {given!r}")
    return usual | of_dtype


def _usual_tolerance(dtype: str) -> float:
    real = np.zeros(1, dtype).real.dtype.name
    return TOLERANCE.get(real, TOLERANCE["float64"])


def growth_of(source: Source) -> float | None:
    """Return the power of n with which the time grows, if the file has one."""
    growth = source.get("GROWTH")
    if growth is not None and not _is_figure(growth):
        words = "the power of n with which the time grows, such as 2"
        source.wrong("GROWTH", f"GROWTH has to be {words}, not {growth!r}")
    return None if growth is None else float(growth)


def _is_figure(value: Any) -> bool:
    """Whether a value is a finite number of at least 0."""
    of_numbers = isinstance(value, int | float) and not isinstance(value, bool)
    return of_numbers and 0 <= value < math.inf


def inputs_of(source: Source, size: Size, dtype: str, rng: np.random.Generator) -> Arguments:
    """Return the arguments that make_inputs returns."""
    arguments = source.ask("make_inputs", size, dtype, rng)
    if not isinstance(arguments, tuple):
        words = f"make_inputs has to return the arguments as a tuple, not a {_type(arguments)}"
        hint = "; return (x,) for a single one" if isinstance(arguments, np.ndarray) else ""
        source.wrong("make_inputs", words + hint)
    return arguments


def _type(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def cost_of(source: Source, size: Size, itemsize: int) -> Cost:
    """Return the cost of a call, as the file's function says."""
    cost = source.ask("cost", size, itemsize)
    right = isinstance(cost, tuple) and len(cost) in {2, 3} and all(map(_is_figure, cost))
    if not right:
        words = "(bytes moved, operations) or (bytes moved, operations, exps)"
        source.wrong("cost", f"cost has to return {words}, not {cost!r}")
    return Cost(*map(int, cost))


def sample_of(source: Source, arguments: Arguments, rng: np.random.Generator) -> Arguments:
    """Return the part of the arguments that the file's function selects."""
    sample = source.ask("sample", arguments, rng)
    if not isinstance(sample, tuple):
        words = f"sample has to return a tuple of smaller arguments, not a {_type(sample)}"
        source.wrong("sample", words)
    return sample


def hard_inputs_of(source: Source, dtype: str) -> Sequence[tuple[str, Arguments]]:
    """Return the labelled hard inputs."""
    found = source.ask("hard_inputs", dtype)
    for pair in found if isinstance(found, Sequence) else [found]:
        match pair:
            case (str(), tuple()):
                continue
        words = 'pairs ("what is hard about them", arguments), where arguments is a tuple'
        source.wrong("hard_inputs", f"hard_inputs has to return a list of {words}")
    return tuple(found)
