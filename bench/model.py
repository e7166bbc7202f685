"""The terms of the suite as plain values: problem, tier, output, cost, cell, verdict, options."""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.common.threads import all_cores

Kernel = Callable[..., Any]
Arguments = tuple[Any, ...]
Size = Mapping[str, Any]

# In the order in which they are shown.
TIERS = ("loop", "numpy", "numba", "numba-parallel", "kernels", "kernels-parallel")
# The texts: speed-ups are computed over these.
BASELINES = ("loop", "numpy", "numba")
# Other libraries, and C: measured only where they are named, unavailable where not installed. They
# never promised our special values: a peer has to agree where inputs are finite, and its row names
# the hard inputs with NaN or infinities for which it returns something else.
PEERS = ("sklearn", "torch", "torch-chunked", "jax", "scipy", "c")
DTYPES = ("float64", "float32")
# Of user's kernels: 100 and 10 times those of the built-in problems, as nobody has worked out how
# their rounding grows. A complex number has those of its parts.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "float16": 1e-2}
# In a sweep, M@4096 is the size M with n = 4096, and M@k=3 that with k = 3.
SWEPT = "@"

Status = Literal["ok", "disagrees", "failed", "skipped", "unavailable"]
STATUSES: tuple[Status, ...] = ("ok", "disagrees", "failed", "skipped", "unavailable")
WRONG: frozenset[Status] = frozenset({"disagrees", "failed"})

DEFAULT_SIZES = ("lecture", "S", "M")
DEFAULT_DTYPES = ("float64",)
# With this many passes in two runs, `compare` still finds one cell of a default run's 193 that
# became 1.3 times slower. The smallest p-value of a Mann-Whitney test of n against n passes is
# 2/C(2n, n). From n = 9 it is below 0.01/193, which the correction requires; from n = 14 it is so
# even if one disturbed pass lies on the wrong side of all others. In simulated pairs of runs the
# cell was found in 96 % of those with 9 to 13 passes and in 99.7 % with 14 (1 to 2.4 % noise and
# 0.7 % disturbed passes, as measured); with 3 % and 5 %, in 71 to 77 % and in 93 %.
DEFAULT_PASSES = 14
DEFAULT_BUDGET = 2.0
# A first look (--quick).
QUICK_PASSES = 3
QUICK_BUDGET = 0.5
# The interval of a median is at most the range of the n passes, which contains the true median with
# probability 1 − 2^(1−n): 0.94 for 5 passes, 0.97 for 6.
LEAST_PASSES = 6
# Types of defaults that Numba takes as arguments, too.
PLAIN_DEFAULTS = (bool, int, float, complex, str, type(None))


@dataclass(frozen=True)
class Tolerance:
    """How far a value may be from the oracle's: abs(a − b) ≤ rtol · abs(b) + atol."""

    rtol: float
    atol: float | NDArray[np.float64]
    """An array where the allowed distance differs between entries."""


@dataclass(frozen=True)
class Output:
    """One of the values that every tier of a problem returns.

    Attributes
    ----------
    name : str
        Its name in messages.
    kind : "scalar", "array", "float64 array", "exact" or "numbers"
        A Python float; an array in the cell's dtype; a float64 array whatever the cell's dtype;
        integers and truth values, which have to be equal; real numbers of any type (a scalar, an
        array, nested lists) in the shape of the oracle's.
    tolerance : function of (arguments, dtype)
        Not used for "exact". Whole numbers among "numbers" have to be equal.
    """

    name: str
    kind: Literal["scalar", "array", "float64 array", "exact", "numbers"]
    tolerance: Callable[[Arguments, str], Tolerance]


@dataclass(frozen=True)
class Cost:
    """What one call has to do at least, by the arithmetic of the operation.

    Attributes
    ----------
    bytes_moved : int
        The inputs read once and the outputs written once.
    flops : int
        Additions, multiplications, divisions, comparisons; an exp or a log counts as one.
    exps : int
        The part of them that is exps.
    bytes_written : int
        The part of the bytes moved that is written.
    working_set : int
        Bytes that a call reads more than once; 0 where it reads each byte once.
    """

    bytes_moved: int
    flops: int
    exps: int = 0
    bytes_written: int = 0
    working_set: int = 0


@dataclass(frozen=True, eq=False)
class Forms:
    """A function as an argument of a problem, in the form that each tier takes.

    `fewer` makes the same function of some of its samples, if it has samples.
    """

    loop: Kernel
    numpy: Kernel
    numba: Kernel
    kernels: Kernel
    fewer: Callable[[tuple[int, ...]], Any] | None = None

    def of(self, tier: str) -> Kernel:
        """Return the form for a tier; peers take NumPy's."""
        form: Kernel = getattr(self, tier.removesuffix("-parallel") if tier in TIERS else "numpy")
        return form


@dataclass(frozen=True)
class Tier:
    """One version of an operation.

    Attributes
    ----------
    load : function
        Returns the kernel. It is called when the kernel is first needed; if a library is missing,
        it raises `ImportError`, and the tier is `unavailable`.
    prepare : function of the arguments, optional
        Returns what the kernel takes instead (nested lists, a peer's arrays), outside the timing.
    uses_threads : function of a size's numbers, optional
        Whether a call of that size runs on several threads; without it, a parallel tier always
        does. A run measures a size at which it does not only if the tier is named.
    compiles_unseen : bool
        Whether a call may compile without Numba's events, as calls of JAX do. For a user's tiers
        nobody knows; a hang is more likely than a compiler.
    """

    load: Callable[[], Kernel]
    prepare: Callable[[Arguments], Arguments] | None = None
    uses_threads: Callable[[Size], bool] = lambda _: True
    compiles_unseen: bool = False


def jitted_function(kernel: Any) -> FunctionType | None:
    """Return the Python function under a jitted one; None if it is not jitted."""
    function = getattr(kernel, "py_func", None)  # a lazy object may answer to any name
    return function if isinstance(function, FunctionType) else None


def with_defaults(kernel: Kernel, arguments: Arguments) -> Arguments:
    """Return the arguments of a jitted function, and the defaults that they leave out.

    Numba looks for the default of an argument by its type: a call that leaves out a number takes
    0.1 ms longer if the process has called a function with another default of that type before
    (numba/numba#6173). The time of a cell would depend on the cells before it.
    """
    function = jitted_function(kernel)
    if function is None:
        return arguments
    defaults = function.__defaults__ or ()
    left_out = function.__code__.co_argcount - len(arguments)
    is_known = 0 < left_out <= len(defaults)
    added = defaults[-left_out:] if is_known else ()
    return (*arguments, *added) if all(type(one) in PLAIN_DEFAULTS for one in added) else arguments


# Compared by identity: two problems of the same name are still two problems.
@dataclass(frozen=True, eq=False)
class Problem:
    """An operation with its tiers, inputs, outputs and cost model.

    Attributes
    ----------
    name : str
        Unique in a run.
    tiers : mapping of name to Tier
        A kernel takes the arguments by position and leaves them as they are, but for `writes`.
    sizes : mapping of size name to its numbers
        ``n``, ``d``, ``c`` where they apply (they are columns of the table), and others; in a
        user's file also other numbers, truth values and strings.
    make_inputs : function of (size, dtype, rng)
        The arguments of one call, as a tuple.
    outputs : tuple of Output, or mapping of dtype to tolerance
        With one output a kernel returns it alone, with more a tuple of them. With a mapping, all
        tiers return numbers in the shapes of the oracle's result, within that tolerance, or those
        of each output.
    cost : function of (size, bytes of a number), optional
        The cost of one call; None if nobody has counted it.
    growth : float, optional
        The expected exponent p of a time that grows as N^p; None if unknown.
    sample : function of (arguments, rng), optional
        A part of these inputs that the oracle finishes quickly, for sizes at which it is over its
        budget; None if they cannot be cut. Without a function, the inputs of the smallest size are
        the sample.
    hard_inputs : function of dtype
        Labelled arguments with which kernels of this kind go wrong; new ones at each call.
    oracle : str
        The tier that the others have to agree with.
    texts_cost : function like `cost`, optional
        If the texts (loop, NumPy, Numba) do more work than the operation needs: the cost that
        predicts their times.
    source : str
        The path of a user's file; empty for a built-in problem.
    remarks : tuple of str
        What a run says about that file before it starts.
    arguments : tuple of str
        The names of the arguments, where messages have them; empty if unknown.
    writes : tuple of int
        The positions, from 0, of the arguments that a kernel may write to. They are outputs, before
        what it returns, and each call gets new copies of all arguments.
    work_numbers : tuple of str, optional
        The numbers of a size to whose product the time of a call is roughly proportional, if there
        is neither a cost nor a growth; None for all whole numbers.
    dtypes : tuple of str
        Those in which `make_inputs` can make the arguments. A user's file may name its own.
    """

    name: str
    tiers: Mapping[str, Tier]
    sizes: Mapping[str, Size]
    make_inputs: Callable[[Size, str, np.random.Generator], Arguments]
    outputs: tuple[Output, ...] | Mapping[str, float | tuple[float, ...]] = field(
        default_factory=lambda: TOLERANCE
    )
    cost: Callable[[Size, int], Cost] | None = None
    growth: float | None = None
    sample: Callable[[Arguments, np.random.Generator], Arguments | None] | None = None
    hard_inputs: Callable[[str], Iterable[tuple[str, Arguments]]] = lambda _: ()
    oracle: str = "loop"
    texts_cost: Callable[[Size, int], Cost] | None = None
    source: str = ""
    remarks: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    writes: tuple[int, ...] = ()
    work_numbers: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] = DTYPES

    def argument(self, position: int) -> str:
        """Return the name of an argument in messages."""
        known = position < len(self.arguments)
        return self.arguments[position] if known else f"argument {position + 1}"

    def numbers(self, size: str) -> Size:
        """Return the numbers of a size; M@4096 is the size M with n = 4096 (`swept`).

        Examples
        --------
        >>> from bench.problems.builtin import PROBLEMS
        >>> PROBLEMS[0].numbers("M@4096")
        {'n': 4096, 'c': 10}
        """
        name, number, value = swept(size)
        numbers = self.sizes[name]
        return {**numbers, number: int(value)} if value else numbers

    def has_size(self, size: str) -> bool:
        """Whether there is a size of this name, or of the part before the @."""
        name, number, value = swept(size)
        if SWEPT not in size:
            return name in self.sizes
        return value.isdecimal() and is_whole(self.sizes.get(name, {}).get(number))

    @property
    def smallest_size(self) -> str:
        """The size with the least to do."""
        return min(self.sizes, key=lambda size: self.work(self.oracle, size))

    def inputs(self, size: str, dtype: str) -> Arguments:
        """Return the arguments of a size: the same in every process, rounded to the dtype."""
        return self.make_inputs(self.numbers(size), dtype, seeded(f"{self.name}/{size}"))

    def prepared(self, tier: str, arguments: Arguments) -> Arguments:
        """Return the arguments as a tier takes them, with the defaults of a jitted function."""
        prepare = self.tiers[tier].prepare
        formed = tuple(item.of(tier) if isinstance(item, Forms) else item for item in arguments)
        given = prepare(formed) if prepare else formed
        return given if tier in PEERS else with_defaults(self.tiers[tier].load(), given)

    def cost_of(self, size: str, dtype: str) -> Cost | None:
        """Return the cost of one call; None if unknown."""
        if self.cost is None:
            return None
        return self.cost(self.numbers(size), np.dtype(dtype).itemsize)

    def work(self, tier: str, size: str) -> float:
        """Return the work of a call, at least 1: its time is roughly proportional to it.

        That is the number of operations; if unknown, N to the power `growth`; if that is unknown,
        the product of the size's `work_numbers`, in which 0 counts as 1.
        """
        numbers = self.numbers(size)
        longer = self.texts_cost if tier in BASELINES else None
        counted = longer or self.cost
        if counted is not None:
            return max(1, counted(numbers, 8).flops)
        if self.growth is not None and is_whole(numbers.get("n")):
            return float(max(1, numbers["n"]) ** self.growth)
        names = numbers if self.work_numbers is None else self.work_numbers
        whole = [numbers[name] for name in names if is_whole(numbers[name])]
        return float(math.prod(max(1, number) for number in whole))


@dataclass(frozen=True)
class Cell:
    """One row of the results: the identity of a measurement.

    A `twin` has no row. It is the same cell, timed a second time in each pass (A/A): any difference
    between the two is noise. `measurement.schedule` adds it to the passes.
    """

    problem: str
    tier: str
    size: str
    dtype: str
    threads: int
    twin: bool = False

    @property
    def id(self) -> str:
        """The name in pytest: svm_loss-numba-M-float64; of a parallel tier, with its threads."""
        name = f"{self.problem}-{self.tier}-{self.size}-{self.dtype}"
        if is_threaded(self.tier):
            name += f"-{self.threads}thread{'s' if self.threads > 1 else ''}"
        return f"{name}-twin" if self.twin else name

    @property
    def group(self) -> tuple[str, str, str]:
        """What cells that are compared with each other have in common."""
        return self.problem, self.size, self.dtype


def swept(size: str) -> tuple[str, str, str]:
    """Return the base of a size, and the number that a sweep varies, with its value if it does.

    Examples
    --------
    >>> swept("M@4096"), swept("M@k=3"), swept("M")
    (('M', 'n', '4096'), ('M', 'k', '3'), ('M', 'n', ''))
    """
    name, _, number = size.partition(SWEPT)
    key, _, value = number.rpartition("=")
    return name, key or "n", value


def is_whole(number: Any) -> bool:
    """Whether a number of a size is a whole number."""
    return isinstance(number, int) and not isinstance(number, bool)


def is_threaded(tier: str) -> bool:
    """Whether a tier is parallel, by its name. All others run at one thread."""
    return tier.endswith("-parallel")


def in_order(tiers: Iterable[str]) -> tuple[str, ...]:
    """Return tiers, each once, in the order of the tables; unknown ones last, as given."""
    known = {tier: i for i, tier in enumerate((*TIERS, *PEERS))}
    return tuple(sorted(dict.fromkeys(tiers), key=lambda tier: known.get(tier, len(known))))


def seeded(name: str) -> np.random.Generator:
    """Return a random generator for a name, the same in every process (unlike `hash`)."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def to_lists(arguments: Arguments) -> Arguments:
    """Return the arguments with every array as nested lists of Python numbers."""
    return tuple(item.tolist() if isinstance(item, np.ndarray) else item for item in arguments)


@dataclass(frozen=True)
class Verdict:
    """What agreement found about a cell.

    Attributes
    ----------
    cell : Cell
    status : str
        One of `STATUSES`; only an ``ok`` cell is timed.
    message : str
        Why it is not ok. For a peer that is ok: the special values that it treats differently.
    checked : "full", "sample" or ""
        What the oracle confirmed: the whole result, that of a sample of the inputs, or nothing.
    max_abs_error, max_rel_error : float, optional
        The largest distance to the oracle's result: absolute, and relative to its value.
    seconds : float, optional
        Of one call after the first. It serves to plan the timing and is not a result.
    estimated_s : float, optional
        The predicted time of a call that was not made, as it would take too long.
    waits : bool
        Whether it returned a lazy result, so that its timed calls wait for theirs.
    uncached_s : float
        Seconds of compiling of functions that Numba does not cache.
    """

    cell: Cell
    status: Status
    message: str = ""
    checked: Literal["full", "sample", ""] = ""
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    seconds: float | None = None
    estimated_s: float | None = None
    waits: bool = False
    uncached_s: float = 0.0


@dataclass(frozen=True)
class ProblemFile:
    """A user's file, with a digest of what it held when the run started.

    Attributes
    ----------
    path : str
        Absolute.
    sha256 : str
        The digest of its bytes, and of those of the modules that it imports from beside it.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Options:
    """What a run measures. It is stored in environment.json, so that the run can be resumed.

    Empty `problems` mean all, empty `tiers` all but the peers, empty `dtypes` each problem's own,
    empty `threads` as many as there are cores, and empty `files` the built-in problems. `costs` are
    the limits of the machine and the memory of a call.
    """

    problems: tuple[str, ...] = ()
    sizes: tuple[str, ...] = DEFAULT_SIZES
    tiers: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    passes: int = DEFAULT_PASSES
    budget: float = DEFAULT_BUDGET
    seed: int = 0
    quick: bool = False
    costs: bool = True
    files: tuple[ProblemFile, ...] = ()

    @property
    def thread_counts(self) -> tuple[int, ...]:
        """The thread counts of the parallel tiers."""
        return self.threads or (all_cores(),)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Options":
        """Return options from their JSON values.

        Raises
        ------
        KeyError, TypeError, AttributeError
            The values are not those of options.
        """
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        files = tuple(ProblemFile(**file) for file in known.pop("files", ()))
        return cls(**known, files=files)
