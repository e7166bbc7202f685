"""LLVM's remarks on loops: read them, and say in plain words what they mean and what to change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """One line that LLVM printed about a loop.

    Attributes
    ----------
    file : str
        Without its folder; "<unknown>" in code without lines.
    line : int
        Of the instruction that it is about; 0 if LLVM does not know.
    text : str
    """

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the vectoriser did with one loop.

    Attributes
    ----------
    file, line
        Of the loop.
    width, interleaved : int
        Numbers per vector, vectors per iteration; 1 if it was not vectorised.
    reasons : tuple of Remark
    """

    file: str
    line: int
    width: int
    interleaved: int
    reasons: tuple[Remark, ...]


@dataclass(frozen=True)
class Meaning:
    """A known remark.

    Attributes
    ----------
    kind : str
        The obstacle, in a word.
    part : str
        What the remark contains.
    words, change : str
        What it means; what to change in the source.
    """

    kind: str
    part: str
    words: str
    change: str


NO_REDUCTION = "value that could not be identified as reduction"
# The first whose part occurs in a remark. Each has an example in the tests.
MEANINGS = (
    Meaning(
        "reduction order",
        "cannot prove it is safe to reorder floating-point operations",
        "a floating-point sum keeps the order of the loop: one addition waits for the last",
        '@njit(fastmath={"reassoc", "nsz"}): several partial sums, rounded otherwise',
    ),
    Meaning(
        "dependence",
        NO_REDUCTION,
        "each iteration needs the result of the one before, which is no plain sum or product, such "
        "as a maximum that keeps NaN, or the place of one",
        "keep several of them and combine them at the end, or compute it in a loop of its own",
    ),
    Meaning(
        "dependence",
        "unsafe dependent memory operations",
        "an iteration may read what an earlier one wrote",
        "write to another array than the one that is read; a true recurrence stays serial",
    ),
    Meaning(
        "aliasing",
        "cannot identify array bounds",
        "LLVM cannot tell which elements are read and written, nor whether they are the same, as "
        "where an index comes from data or may wrap",
        "loop over the elements in order where that is possible; gather into an array first",
    ),
    Meaning(
        "branch",
        "Control flow cannot be substituted for a select",
        "an `if` decides what is written or called",
        "compute both values and choose one: `a if condition else b`",
    ),
    Meaning(
        "early exit",
        "arly exit",
        "the loop may end early, so that the next iterations must not begin",
        "move the exit out: find the end first, or compute all and choose afterwards",
    ),
    Meaning(
        "unknown length",
        "could not determine number of loop iterations",
        "the number of iterations is not known when the loop starts",
        "`for i in range(n)` instead of `while`",
    ),
    Meaning(
        "call",
        "call instruction cannot be vectorized",
        "it calls a function that takes one number at a time",
        "a function that LLVM can inline; for exp, log and others kernels.simd.elementary",
    ),
    Meaning(
        "cost",
        "vectorization is not beneficial",
        "vectors would be slower, as for divisions of whole numbers, or elements far apart",
        "floats instead of whole numbers for division; elements next to each other",
    ),
)
# Remarks on which another one says more.
_GENERAL = (
    "instruction cannot be vectorized",
    "interleaving is not beneficial",
    "induction variable could not be identified",
    "uncountable loop",
    "conversion changes vector width",
    "has already been vectorized",
)
_NOT_VECTORISED = "loop not vectorized"

_REMARK = re.compile(r"^remark: (.*?):(\d+):\d+: (.*)$")
_DONE = re.compile(
    r"vectorized loop \(vectorization width: ((?:vscale x )?\d+), interleaved count: (\d+)\)"
)


def meaning_of(text: str) -> Meaning | None:
    """Return what a remark means; None if it is not known."""
    return next((one for one in MEANINGS if one.part in text), None)


def is_general(text: str) -> bool:
    """Return whether a remark says nothing of its own."""
    return meaning_of(text) is None and any(part in text for part in _GENERAL)


def read(text: str) -> list[Verdict]:
    """Return the verdicts in what LLVM printed: one for each time that it looked at a loop.

    The reasons come before the line that says that the loop was not vectorised.
    """
    found: list[Verdict] = []
    reasons: list[Remark] = []
    for one in _remarks(text):
        done = _DONE.search(one.text)
        if done:
            width = int(done[1].removeprefix("vscale x "))
            found.append(Verdict(one.file, one.line, width, int(done[2]), tuple(reasons)))
            reasons = []
        elif one.text == _NOT_VECTORISED:
            found.append(Verdict(one.file, one.line, 1, 1, tuple(reasons)))
            reasons = []
        elif "vectorization is not beneficial" in one.text:
            found.append(Verdict(one.file, one.line, 1, 1, (*reasons, one)))
            reasons = []
        elif not is_general(one.text):
            reasons.append(one)
    return found


def _remarks(text: str) -> Iterator[Remark]:
    for line in text.splitlines():
        if read := _REMARK.match(line):
            yield Remark(read[1], int(read[2]), read[3].removeprefix(f"{_NOT_VECTORISED}: "))
