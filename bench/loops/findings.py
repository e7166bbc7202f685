"""Say of each loop whether it was vectorised, why not, and what is in its code."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.loops import assembly, remarks, source
from bench.loops.assembly import AssemblyLoop
from bench.loops.places import Place, Places, SourceFile, debug_name
from bench.loops.probe import KNOWN
from bench.loops.remarks import Meaning, Remark, Verdict
from bench.loops.source import SourceLoop

IN_ELEMENTARY = frozenset({"exp", "expm1", "log", "log1p"})
# The names of C's mathematical functions, for both precisions.
_MATH = frozenset(
    name + suffix
    for name in (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan"),
        *("sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2", "erf", "erfc", "gamma"),
        *("tgamma", "lgamma", "hypot", "fmod", "ldexp", "frexp", "cbrt", "asinh", "acosh"),
        *("atanh", "numba_erf", "numba_erfc"),
    )
    for suffix in ("", "f")
)
# What a loop may call in Numba's runtime and in Python, by how the names begin.
_COUNT = "reference count", "the references to an array are counted"
_PYTHON = "Python call", "Python is called"
RUNTIME = {
    "NRT_incref": _COUNT,
    "NRT_decref": _COUNT,
    "NRT_": ("allocation", "memory is allocated"),
    "numba_": _PYTHON,
    "Py": _PYTHON,
    "_Py": _PYTHON,
}
CHANGES = {
    "allocation": "allocate once before the loop, and fill",
    "reference count": "index the whole array, `x[i, j]`, instead of taking rows out of it",
    "Python call": "keep to what Numba compiles: numbers and arrays",
    "division check": '@njit(error_model="numpy"): a division by 0 gives inf or NaN, no error',
    "index may wrap": "count from 0 with `range(n)`, or use an unsigned index: np.uintp(k)",
    "strided layout": "np.ascontiguousarray before the call",
    "non-unit stride": "let the innermost loop walk along the last axis, element by element",
    "widening": "constants as np.float32(2.0); whole numbers converted before the loop",
    "integer division": "multiply by a reciprocal, or divide by a power of 2",
    "branch": "compute both values and choose one: `a if condition else b`",
}
Kind = Literal["vectorised", "scalar", "outer", "gone", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What keeps a loop from being fast.

    Attributes
    ----------
    kind : str
        In a word or two.
    line : int
    words, change : str
        What was found, and what to change in the source; the change may be empty.
    """

    kind: str
    line: int
    words: str
    change: str = ""


@dataclass(frozen=True)
class Loop:
    """A loop of the source, and what became of it.

    Attributes
    ----------
    file, function : str
    line, end_line : int
    text : str
        Its first line.
    inside : str
        Of the loop of an expression, such as `max(row)`: where Numba has it.
    verdict : "vectorised", "scalar", "outer", "gone" or "unknown"
    words : str
        The verdict in words.
    code : str
        The arithmetic in its code, and the registers.
    findings : tuple of Finding
    """

    file: str
    function: str
    line: int
    end_line: int
    text: str
    inside: str
    verdict: Kind
    words: str
    code: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Explanation:
    """The loops of what was compiled.

    Attributes
    ----------
    loops : tuple of Loop
    notes : tuple of str
        What could not be told.
    strided : tuple of str
        The arguments of the kernel whose elements may lie apart.
    versions : mapping
        Of Numba and llvmlite.
    """

    loops: tuple[Loop, ...]
    notes: tuple[str, ...]
    strided: tuple[str, ...]
    versions: Mapping[str, str]


def explain(
    lined: Mapping[str, Any], plain: Mapping[str, Any], texts: Mapping[str, str]
) -> Explanation:
    """Return the findings of a kernel.

    Parameters
    ----------
    lined, plain : mapping
        What the worker wrote of the build with lines, and of the one without.
    texts : mapping of path to str
        The sources of the compiled functions, without Numba's own.
    """
    sources = {}
    for path, text in texts.items():
        its = [one for one in lined["functions"] if one["file"] == path]
        sources[debug_name(path)] = SourceFile(path, text, its)
    places = Places(sources, lined["assembly"], remarks.read(lined["remarks"]))
    loops = [
        found
        for place in places.all
        if (found := _loop(place, sources[place.file], places))
        # A function that another kernel had compiled before, and this one does not call
        and (place in places.compiled or found.function in lined["compiled"])
        and found.text  # code that Numba writes itself has lines of no file
    ]
    versions = {name: lined[name] for name in ("numba", "llvmlite")}
    kernel = lined["functions"][-1]  # those that it calls are compiled before it
    strided = tuple(name for name, layout in kernel["arrays"].items() if layout == "A")
    return Explanation(tuple(loops), tuple(_notes(lined, plain, loops)), strided, versions)


def _notes(
    lined: Mapping[str, Any], plain: Mapping[str, Any], loops: Sequence[Loop]
) -> Iterator[str]:
    if KNOWN not in lined["probe"]:
        yield (
            f"llvmlite {lined['llvmlite']} gives no remarks: why a loop is not vectorised is not "
            "known; assembly and types are."
        )
    same = [assembly.instructions(one) for one in lined["assembly"]]
    if same != [assembly.instructions(one) for one in plain["assembly"]]:
        yield (
            "With line numbers, the compiler made other code than without: what is said of "
            "registers may differ from the kernel that is timed."
        )
    if not loops:
        yield "No loop was compiled."


def _loop(place: Place, its: SourceFile, places: Places) -> Loop:
    written = None if place.inside else its.innermost(place.line)
    compiled = places.compiled.get(place, [])
    verdicts = places.judged.get(place, [])
    has_inner = written is not None and places.has_inner(place, written)
    kind, words = _verdict(has_inner, compiled, verdicts, places.calls.get(place, ()))
    if kind == "gone" and "prange(" in its.line(place.line):
        kind, words = "outer", "runs on threads: Numba makes a function of what is inside"
    findings = list(dict.fromkeys(_findings(kind, place, written, its, compiled, verdicts, places)))
    return Loop(
        its.path,
        its.function_at(place.line),
        place.line,
        written.end_line if written else place.line,
        its.line(place.line),
        re.split(r"[/\\]", place.inside)[-1],
        kind,
        words,
        "" if kind == "outer" else _code(compiled),
        tuple(sorted(findings, key=lambda one: one.line)),
    )


# --- the verdict


def _verdict(
    has_inner: bool,
    compiled: Sequence[AssemblyLoop],
    verdicts: Sequence[Verdict],
    called: Collection[tuple[str, int]],
) -> tuple[Kind, str]:
    if has_inner:  # a version of it whose inner loops have one iteration may be vectorised
        return "outer", "outer loop: LLVM vectorises the loops inside it"
    done = [one for one in verdicts if one.width > 1]
    if done:
        best = max(done, key=lambda one: (one.width, one.interleaved))
        words = f"vectorised: {best.width} numbers at a time"
        if best.interleaved > 1:
            words += f", {best.interleaved} vectors an iteration"
        if any(one.width == 1 for one in verdicts):
            words += "; in some of its versions, not in others"
        calls = sorted({name for name, _ in called if name in _MATH})
        if calls:
            words += f"; but {', '.join(calls)} takes one number at a time"
        return "vectorised", words
    if verdicts:
        return "scalar", "not vectorised"
    if not compiled:
        return "gone", "no loop in the code: unrolled, or computed at once"
    if any(one.packed for one in compiled):
        return "unknown", "vectors in its code; LLVM gives no reason"
    return "unknown", "one number at a time; LLVM gives no reason"


def _code(compiled: Sequence[AssemblyLoop]) -> str:
    """Return the arithmetic of the part that does the work."""
    main = assembly.main_loop(compiled)
    if main is None or not main.packed + main.scalar:
        return ""
    registers = ", ".join(f"{name} {count}" for name, count in main.registers.most_common())
    plural = "s" if main.packed > 1 else ""
    packed = f"{main.packed} vector operation{plural} ({registers})" if main.packed else ""
    scalar = f"{main.scalar} scalar operations" if main.scalar else ""
    return ", ".join(filter(None, [packed, scalar]))


# --- the findings


def _findings(
    kind: Kind,
    place: Place,
    written: SourceLoop | None,
    its: SourceFile,
    compiled: Sequence[AssemblyLoop],
    verdicts: Sequence[Verdict],
    places: Places,
) -> Iterator[Finding]:
    yield from (_of_call(*call) for call in sorted(places.calls.get(place, ())))
    if written is not None and written.is_innermost:
        yield from _of_types(kind, written, its, compiled, places)
        if kind != "outer":
            yield from _of_text(kind, written, its, compiled)
    if kind == "scalar":
        yield from _of_remarks(place, written, its, verdicts)
    if any(one.checks_overlap for one in compiled):
        words = "the vectors are used only where no two arrays share memory, which is tested first"
        yield Finding("aliasing", place.line, words)


def _of_remarks(
    place: Place, written: SourceLoop | None, its: SourceFile, verdicts: Iterable[Verdict]
) -> Iterator[Finding]:
    looks = [one.reasons for one in verdicts if one.reasons]
    for reason in dict.fromkeys(reason for one in looks for reason in one):
        meaning = remarks.meaning_of(reason.text)
        if meaning and meaning.part == remarks.NO_REDUCTION and meaning not in _meanings(looks[0]):
            continue  # LLVM unrolls a function's loops before it inlines it, and then looks again
        line = (reason.file == its.name and reason.line) or place.line
        if meaning is None:
            yield Finding("other", line, f"LLVM says: {reason.text}")
        elif meaning.kind == "early exit" and written and not written.exits:
            yield from _of_errors(written, its)
        elif meaning.kind in {"early exit", "unknown length"}:
            # LLVM may name any line of the loop
            exits = written.exits if written and meaning.kind == "early exit" else ()
            line = exits[0] if exits else place.line
            yield Finding(meaning.kind, line, meaning.words, meaning.change)
        elif meaning.kind != "call":  # the assembly names the function
            yield Finding(meaning.kind, line, meaning.words, meaning.change)


def _meanings(reasons: Iterable[Remark]) -> list[Meaning | None]:
    return [remarks.meaning_of(one.text) for one in reasons]


def _of_errors(written: SourceLoop, its: SourceFile) -> Iterator[Finding]:
    """Yield why a loop has an exit that is not written: an error that it may raise."""
    divisions = [one for one in _facts(written, its) if one["kind"] == "division check"]
    for fact in divisions:
        shown = _shown(fact, its) or f"a division ({fact['symbol']})"
        words = f"`{shown}` is tested for a divisor of 0, which raises an error"
        yield Finding(fact["kind"], fact["line"], words, CHANGES[fact["kind"]])
    if not divisions:
        yield Finding(
            "early exit", written.line, "what it calls may raise an error, which ends the loop"
        )


def _of_types(
    kind: Kind,
    written: SourceLoop,
    its: SourceFile,
    compiled: Sequence[AssemblyLoop],
    places: Places,
) -> Iterator[Finding]:
    one_by_one = "read or written one by one"
    if kind == "vectorised":
        one_by_one += ", or in vectors where they prove to be neighbours"
    tested = {places.user_frame(frames) for one in compiled for frames in one.sign_tests}
    for fact in _facts(written, its):
        name, line = fact["kind"], fact["line"]
        if name == "widening":
            shown = _shown(fact, its)
            words = f"`{shown}`: {fact['words']}" if shown else fact["words"]
            yield Finding(name, line, words, CHANGES[name])
        elif name == "index may wrap" and (its.name, line) in tested:
            words = f"{fact['words']} may be negative, and is tested: Python counts from the end"
            yield Finding(name, line, words, CHANGES[name])
        elif name == "strided layout":
            words = f"{fact['words']} may have any strides: its elements are {one_by_one}"
            yield Finding(name, line, words, CHANGES[name])
    divided = {places.user_frame(frames) for one in compiled for frames in one.divisions}
    for frame in filter(None, divided):
        words = "a division of whole numbers takes 10 to 40 cycles, and has no vector form"
        yield Finding("integer division", frame[1], words, CHANGES["integer division"])


def _of_text(
    kind: Kind, written: SourceLoop, its: SourceFile, compiled: Sequence[AssemblyLoop]
) -> Iterator[Finding]:
    layouts = its.functions[written.function]["layouts"]
    for line, text in written.strides:
        if layouts.get(text.partition("[")[0]) != "F":
            words = f"`{text}`: from one iteration to the next, it skips elements"
            if kind == "vectorised":
                words += ": vectors are put together from parts, or used where nothing is skipped"
            yield Finding("non-unit stride", line, words, CHANGES["non-unit stride"])
    if kind == "vectorised" and not any(one.is_masked for one in compiled):
        return  # both values are computed, and one is chosen
    for line in written.branches[:1]:
        words = "an `if` that some iterations follow and others do not"
        if kind == "vectorised":
            words += ": what it writes is masked, or written one by one"
        yield Finding("branch", line, words, CHANGES["branch"])


def _of_call(name: str, line: int) -> Finding:
    for start, (kind, words) in RUNTIME.items():
        if name.startswith(start):
            return Finding(kind, line, f"{words} in each iteration", CHANGES[kind])
    shown = demangled(name) or "a function whose name is not known"
    plain = shown.removesuffix("f")
    known = next((one for one in (shown, plain) if one in IN_ELEMENTARY), "")
    if shown not in _MATH:
        return Finding("call", line, f"it calls {shown}, which is not inlined")
    words = f"it calls {shown}, which takes one number at a time"
    change = f"kernels.simd.elementary.{known}, which LLVM inlines" if known else ""
    return Finding("call", line, words, change)


def demangled(name: str) -> str:
    """Return the Python name of a function of Numba's, whose symbols hold it after its length."""
    rest = name.removeprefix("_ZN")
    while number := re.match(r"\d+", rest):
        end = number.end() + int(number[0])
        name, rest = rest[number.end() : end], rest[end:]
    return name


def _facts(written: SourceLoop, its: SourceFile) -> Iterator[dict[str, Any]]:
    return (one for one in its.facts if its.innermost(one["line"]) == written)


def _shown(fact: Mapping[str, Any], its: SourceFile) -> str:
    return source.operation_text(its.text, fact["line"], fact["symbol"], fact["number"])
