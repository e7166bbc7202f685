"""The terms of the suite as plain values: problem, tier, output, cost, cell, verdict, options."""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kernel = Callable[..., Any]
Arguments = tuple[Any, ...]
Size = Mapping[str, int]

# The order in which they are shown.
TIERS = ("loop", "numpy", "numba", "numba-parallel", "kernels", "kernels-parallel")
# The texts, which the others are compared with.
BASELINES = ("loop", "numpy", "numba")
# Other libraries, and C: measured only where they are named, unavailable where not installed. They
# never promised our special values: a peer has to agree where inputs are finite, and its row names
# the hard inputs with NaN or infinities for which it returns something else.
PEERS = ("sklearn", "torch", "jax", "scipy", "c")
DTYPES = ("float64", "float32")
# Parts the name of a size from the n that takes the place of its own.
SWEPT = "@"

Status = Literal["ok", "disagrees", "failed", "skipped", "unavailable"]
STATUSES: tuple[Status, ...] = ("ok", "disagrees", "failed", "skipped", "unavailable")
WRONG: frozenset[Status] = frozenset({"disagrees", "failed"})

DEFAULT_SIZES = ("lecture", "S", "M")
DEFAULT_DTYPES = ("float64",)
# With so many passes in each of two runs, `compare` still finds one cell of a default run's 193
# that became 1.3 times slower. The smallest p-value of a Mann-Whitney test of n against n passes is
# 2/C(2n, n): below 0.01/193, as the correction wants it, from n = 9 on, and from n = 14 on with
# one pass, disturbed by something else, on the wrong side of all others too. In simulated pairs
# of runs the cell was found in 96 % of those with 9 to 13 passes, in 99.7 % with 14, at 1 to 2.4 %
# of noise and 0.7 % of disturbed passes, as measured; at 3 % and 5 %, in 71 to 77 % and in 93 %.
DEFAULT_PASSES = 14
DEFAULT_BUDGET = 2.0
# An interval of a median reaches from the smallest to the largest of n passes at the most, and that
# holds the true one with a chance of 1 − 2^(1−n): 0.94 for 5 passes, 0.97 for 6.
LEAST_PASSES = 6


@dataclass(frozen=True)
class Tolerance:
    """How far a value may be from the oracle's: abs(a − b) ≤ rtol · abs(b) + atol."""

    rtol: float
    atol: float | NDArray[np.float64]
    """An array where some entries may be further off than others."""


@dataclass(frozen=True)
class Output:
    """One of the values that every tier of a problem returns.

    Attributes
    ----------
    name : str
        The word for it in messages.
    kind : "scalar", "array", "float64 array", "exact" or "numbers"
        A Python float; an array in the cell's dtype; a float64 array whatever the cell's dtype;
        integers and truth values, which have to be equal; real numbers of any type (a scalar, an
        array, nested lists) in the shape of the oracle's.
    tolerance : function of (arguments, dtype)
        Not asked where the kind is "exact"; whole numbers among "numbers" have to be equal.
    """

    name: str
    kind: Literal["scalar", "array", "float64 array", "exact", "numbers"]
    tolerance: Callable[[Arguments, str], Tolerance]


@dataclass(frozen=True)
class Cost:
    """What one call has to do at the least, by the arithmetic of the operation.

    Attributes
    ----------
    bytes_moved : int
        The inputs read once and the outputs written once.
    flops : int
        Additions, multiplications, divisions, comparisons; an exp or a log counts as one.
    exps : int
        Those of them that are exps.
    bytes_written : int
        Of the bytes moved, those that are written.
    working_set : int
        Bytes of what is gone through, where that happens more than once in a call; 0 where they are
        the bytes moved.
    """

    bytes_moved: int
    flops: int
    exps: int = 0
    bytes_written: int = 0
    working_set: int = 0


@dataclass(frozen=True, eq=False)
class Forms:
    """One argument, a function to be called, in the form that each tier takes.

    `fewer` makes the same function of some of its samples only, where it has samples.
    """

    loop: Kernel
    numpy: Kernel
    numba: Kernel
    kernels: Kernel
    fewer: Callable[[tuple[int, ...]], Any] | None = None

    def of(self, tier: str) -> Kernel:
        """Return the form for a tier: a peer takes NumPy's."""
        form: Kernel = getattr(self, tier.removesuffix("-parallel") if tier in TIERS else "numpy")
        return form


@dataclass(frozen=True)
class Tier:
    """One version of an operation.

    Attributes
    ----------
    load : function
        Returns the kernel; called when it is first needed. A library that is missing raises
        `ImportError` then, and the tier is `unavailable`.
    prepare : function of the arguments, optional
        Returns what the kernel takes in their place (nested lists, a peer's own arrays), outside
        the timing.
    compiles_unseen : bool
        Whether a call may compile without Numba's events, as JAX's do. Of a user's own tiers
        nothing is known: a hang in one is more likely than a compiler.
    """

    load: Callable[[], Kernel]
    prepare: Callable[[Arguments], Arguments] | None = None
    compiles_unseen: bool = False


# Compared by identity: two problems of one name are still two problems.
@dataclass(frozen=True, eq=False)
class Problem:
    """An operation with its tiers, inputs, outputs and cost model.

    Attributes
    ----------
    name : str
        Unique in a run.
    tiers : mapping of name to Tier
        A kernel takes the arguments by position and leaves them as they are.
    sizes : mapping of size name to its numbers
        ``n``, ``d``, ``c`` where they mean something (they are columns of the table), and others.
    make_inputs : function of (size, dtype, rng)
        The arguments of one call, as a tuple.
    outputs : tuple of Output, or mapping of dtype to tolerance
        With one output a kernel returns it alone, with more a tuple of them. With a mapping, all
        tiers return numbers in the shapes of the oracle's result, within that tolerance.
    cost : function of (size, bytes of a number), optional
        The cost of one call; None where nobody has counted it.
    growth : float, optional
        The exponent that the time is expected to grow with in N; None where nobody has said.
    sample : function of (arguments, rng), optional
        The very inputs cut down to what the oracle does quickly, for where it cannot finish them
        all; None where they cannot be cut. Without a function, those of the smallest size take
        their place.
    hard_inputs : function of dtype
        Labelled arguments at which kernels of this kind go wrong, made anew at each call.
    oracle : str
        The tier that the others have to agree with.
    texts_cost : function like `cost`, optional
        Where the texts (loop, NumPy, Numba) take a longer way than the operation needs; their times
        are foretold by it.
    source : str
        The file that a person wrote the problem in; empty for the built-in ones.
    remarks : tuple of str
        What a run says of that file before it begins.
    """

    name: str
    tiers: Mapping[str, Tier]
    sizes: Mapping[str, Size]
    make_inputs: Callable[[Size, str, np.random.Generator], Arguments]
    outputs: tuple[Output, ...] | Mapping[str, float]
    cost: Callable[[Size, int], Cost] | None
    growth: float | None
    sample: Callable[[Arguments, np.random.Generator], Arguments | None] | None
    hard_inputs: Callable[[str], Iterable[tuple[str, Arguments]]]
    oracle: str = "loop"
    texts_cost: Callable[[Size, int], Cost] | None = None
    source: str = ""
    remarks: tuple[str, ...] = ()

    def numbers(self, size: str) -> Size:
        """Return the numbers of a size; M@4096 is the size M with n = 4096.

        Examples
        --------
        >>> from bench.problems.builtin import PROBLEMS
        >>> PROBLEMS[0].numbers("M@4096")
        {'n': 4096, 'c': 10}
        """
        name, _, n = size.partition(SWEPT)
        numbers = self.sizes[name]
        return {**numbers, "n": int(n)} if n else numbers

    def has_size(self, size: str) -> bool:
        """Whether there is a size of this name, or of the name before an n of its own."""
        name, swept, n = size.partition(SWEPT)
        return name in self.sizes and (n.isdecimal() if swept else True)

    @property
    def smallest_size(self) -> str:
        """The size with the least to do."""
        return min(self.sizes, key=lambda size: self.work(self.oracle, size))

    def inputs(self, size: str, dtype: str) -> Arguments:
        """Return the arguments of a size: the same in every process, for each dtype rounded."""
        return self.make_inputs(self.numbers(size), dtype, seeded(f"{self.name}/{size}"))

    def prepared(self, tier: str, arguments: Arguments) -> Arguments:
        """Return the arguments as a tier takes them: each gets its own form of a function."""
        prepare = self.tiers[tier].prepare
        formed = tuple(item.of(tier) if isinstance(item, Forms) else item for item in arguments)
        return prepare(formed) if prepare else formed

    def cost_of(self, size: str, dtype: str) -> Cost | None:
        """Return the cost of one call, where it is known."""
        if self.cost is None:
            return None
        return self.cost(self.numbers(size), np.dtype(dtype).itemsize)

    def work(self, tier: str, size: str) -> float:
        """Return what the time of a call in a tier is about proportional to, at least 1.

        That is its operations, or N to the power it grows with, or failing both the product of the
        size's numbers.
        """
        numbers = self.numbers(size)
        longer = self.texts_cost if tier in BASELINES else None
        counted = longer or self.cost
        if counted is not None:
            return max(1, counted(numbers, 8).flops)
        if self.growth is not None and "n" in numbers:
            return float(max(1.0, numbers["n"] ** self.growth))
        return max(1, math.prod(numbers.values()))


@dataclass(frozen=True)
class Cell:
    """One row of the results: the identity of a measurement.

    A `twin` has no row: it is the cell of the same words, timed a second time in each pass under a
    name of its own, for what its two times differ by is noise (A/A). `plan` adds it to the passes.
    """

    problem: str
    tier: str
    size: str
    dtype: str
    threads: int
    twin: bool = False

    @property
    def id(self) -> str:
        """The name in pytest: svm_loss-numba-M-float64, with the threads where a tier has some."""
        name = f"{self.problem}-{self.tier}-{self.size}-{self.dtype}"
        if is_threaded(self.tier):
            name += f"-{self.threads}thread{'s' if self.threads > 1 else ''}"
        return f"{name}-twin" if self.twin else name

    @property
    def group(self) -> tuple[str, str, str]:
        """What the cells have in common that are compared with each other."""
        return self.problem, self.size, self.dtype


def is_threaded(tier: str) -> bool:
    """Whether a tier starts threads of its own, as its name says; others run at one, once."""
    return tier.endswith("-parallel")


def in_order(tiers: Iterable[str]) -> tuple[str, ...]:
    """Return tiers, each once, in the order they are shown in: those that nobody knows as given."""
    known = {tier: i for i, tier in enumerate((*TIERS, *PEERS))}
    return tuple(sorted(dict.fromkeys(tiers), key=lambda tier: known.get(tier, len(known))))


def seeded(name: str) -> np.random.Generator:
    """Return a generator for a name; `hash` would give another in every process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def to_lists(arguments: Arguments) -> Arguments:
    """Return the arguments with every array as nested lists of Python numbers."""
    return tuple(item.tolist() if isinstance(item, np.ndarray) else item for item in arguments)


@dataclass(frozen=True)
class Verdict:
    """What was found about a cell, and why it is not timed if it is not.

    Attributes
    ----------
    cell : Cell
    status : str
        One of `STATUSES`; only an ``ok`` cell is timed.
    message : str
        Why it is not ok, in a sentence; of a peer that is, which special values are not ours.
    checked : "full", "sample" or ""
        What the loops confirmed: the whole result, that of a sample of the inputs, or nothing.
    max_abs_error, max_rel_error : float, optional
        The largest distance to the oracle, and that in units of the oracle's value.
    seconds : float, optional
        Of one call after the first, to plan the timing by; it is not a result.
    estimated_s : float, optional
        What a call would take, where it was not made for that reason.
    waits : bool
        Whether it returned something lazy, so that its timed calls have to wait for their results.
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


@dataclass(frozen=True)
class ProblemFile:
    """A file and what was in it when it was looked at: the name of the problem that a run times.

    Attributes
    ----------
    path : str
        Absolute.
    sha256 : str
        Of its bytes.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Options:
    """What a run measures; written to environment.json, from which it is resumed.

    Empty `problems`, `tiers` and `threads` stand for all of them, which for tiers is all but the
    peers, and for threads as many as there are cores. Empty `files` stand for the built-in
    problems.
    """

    problems: tuple[str, ...] = ()
    sizes: tuple[str, ...] = DEFAULT_SIZES
    tiers: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    threads: tuple[int, ...] = ()
    passes: int = DEFAULT_PASSES
    budget: float = DEFAULT_BUDGET
    seed: int = 0
    files: tuple[ProblemFile, ...] = ()

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
