"""Read assembly: its loops, their lines in the source, and what they compute with.

LLVM's comments name the loop of each block and the line of each instruction. x86-64 and ARM.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# The lines of an instruction: file and line, then those into which that function was inlined.
Frames = tuple[tuple[str, int], ...]

_LABEL = re.compile(r"^(?:\.?L?(BB\d+_\d+):|(?:#|//) (%bb\.\d+):)")
_HEADER = re.compile(r"This (?:Inner )?Loop Header: Depth=(\d+)")
_IN_LOOP = re.compile(r"in Loop: Header=(BB\d+_\d+)")
_PARENT = re.compile(r"Parent Loop (BB\d+_\d+)")
_LINE = re.compile(r"^\s*\.loc\s.*?(?:#|//)\s*(.*)$")
_FRAME = re.compile(r"([^\s@\[\]][^@\[\]]*?):(\d+):\d+")
_INSTRUCTION = re.compile(r"^\t([a-z][\w.]*)(?:\t([^#]*?))?\s*(?:(?:#|//).*)?$")
_SYMBOL = re.compile(r"(?:\$|:\w+:)\"?([A-Za-z_.][\w.]*)\"?")

_FLOATING = r"(?:add|sub|mul|div|sqrt|max|min|fn?m(?:add|sub)\d{3})"
_X86_PACKED = re.compile(rf"^v?(?:{_FLOATING}p[sd]|p(?:add|sub|mul)\w+)$")
_X86_SCALAR = re.compile(rf"^v?{_FLOATING}s[sd]$")
_ARM = re.compile(r"^f(?:add|sub|mul|div|sqrt|max|min|maxnm|minnm|n?madd|n?msub|mla|mls|nmul)$")
_ARM_VECTOR = re.compile(r"\bv\d+\.\d+[sd]\b")
# Masked moves of AVX, and masked stores of AVX-512
_MASKED = re.compile(r"^vp?maskmov|\)\s*\{%k\d\}|^vp?scatter")
_DIVISION = re.compile(r"^(?:idiv[lq]?|div[lq]|sdiv|udiv)$")
_CALL = re.compile(r"^(?:callq?|blr?)$")
_X86_REGISTER = re.compile(r"%([xyz]mm)\d+")
# Names of functions and constants contain hashes.
_NAME = re.compile(r'\$?"[^"]*"|(?<![%\w])\$?[A-Za-z_.][\w.]*$|(?<![%\w])\$[A-Za-z_.][\w.]*')
# A number is spread over a register as its sign: the test whether an index is below 0.
_SIGN_TEST = re.compile(r"(?:\$|#)63\b")


@dataclass
class AssemblyLoop:
    """A loop of the compiled code, without the loops inside it.

    Attributes
    ----------
    header : str
        The label of its first block.
    parent : str
        The header of the loop around it; empty without one.
    frames : Counter of Frames
        The instructions of each line.
    is_masked : bool
        Whether some of its iterations write or compute what others do not.
    checks_overlap : bool
        Whether it runs only if a test before it finds that no arrays share memory.
    packed, scalar : int
        Arithmetic instructions on several numbers at once, and on one.
    registers : Counter of str
        Vector registers of the packed instructions: xmm, ymm, zmm; v on ARM.
    calls : Counter of (name, Frames)
    divisions, sign_tests : Counter of Frames
        Divisions of whole numbers; tests whether an index is below 0.
    """

    header: str
    parent: str = ""
    frames: Counter[Frames] = field(default_factory=Counter)
    is_masked: bool = False
    checks_overlap: bool = False
    packed: int = 0
    scalar: int = 0
    registers: Counter[str] = field(default_factory=Counter)
    calls: Counter[tuple[str, Frames]] = field(default_factory=Counter)
    divisions: Counter[Frames] = field(default_factory=Counter)
    sign_tests: Counter[Frames] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Instruction:
    operation: str
    operands: str
    frames: Frames


def loops_of(assembly: str) -> list[AssemblyLoop]:
    """Return the loops of a function's assembly, in the order of their first blocks."""
    found: dict[str, AssemblyLoop] = {}
    symbols: dict[str, str] = {}
    for loop, one in _instructions(assembly, found):
        _follow_symbols(one, symbols)
        if loop is not None:
            _count(loop, one, symbols)
    return list(found.values())


def instructions(assembly: str) -> list[str]:
    """Return the instructions alone, without names: equal in two builds of the same code."""
    lines = (_INSTRUCTION.match(line) for line in assembly.splitlines())
    words = (f"{line[1]} {line[2] or ''}" for line in lines if line)
    return [_NAME.sub("name", word) for word in words]


def _instructions(
    assembly: str, found: dict[str, AssemblyLoop]
) -> Iterator[tuple[AssemblyLoop | None, _Instruction]]:
    """Yield each instruction with the innermost loop that holds it."""
    label, loop, is_vector, was_checked, is_masked = "", None, False, False, False
    frames: Frames = ()
    for line in assembly.splitlines():
        if begun := _LABEL.match(line):
            label, loop = begun[1] or begun[2], None
            is_vector = "%vector.body" in line
            was_checked |= "%vector.memcheck" in line
            is_masked = "%pred." in line
        if _HEADER.search(line):
            loop = found.setdefault(label, AssemblyLoop(label))
            loop.checks_overlap |= is_vector and was_checked
            was_checked &= not is_vector
        elif inside := _IN_LOOP.search(line):
            loop = found.setdefault(inside[1], AssemblyLoop(inside[1]))
            loop.is_masked |= is_masked
        elif (parent := _PARENT.search(line)) and label:
            # Before the line of the header itself, from the outermost to the innermost
            found.setdefault(label, AssemblyLoop(label)).parent = parent[1]
        elif located := _LINE.match(line):
            frames = _frames(located[1]) or frames
        elif read := _INSTRUCTION.match(line):
            yield loop, _Instruction(read[1], read[2] or "", frames)


def _frames(comment: str) -> Frames:
    """Return the frames of a line's comment; none where the compiler made the instruction."""
    frames = tuple((name.strip(), int(line)) for name, line in _FRAME.findall(comment))
    return tuple(frame for frame in frames if frame[1]) if frames and frames[0][1] else ()


def _follow_symbols(one: _Instruction, symbols: dict[str, str]) -> None:
    """Note which register or place on the stack holds the address of which function."""
    operands = [operand.strip() for operand in re.split(r",(?![^(]*\))", one.operands)]
    if not one.operation.startswith(("mov", "adr", "ldr", "lea")) or len(operands) < 2:
        return
    # AT&T order on x86; the target first on ARM
    source, target = (operands[0], operands[-1]) if "%" in one.operands else operands[1::-1]
    symbol = _SYMBOL.search(source)
    if symbol:
        symbols[target] = symbol[1]
    elif source in symbols:
        symbols[target] = symbols[source]
    elif one.operation != "movk":
        symbols.pop(target, None)


def _count(loop: AssemblyLoop, one: _Instruction, symbols: dict[str, str]) -> None:
    loop.frames[one.frames] += 1
    loop.is_masked |= _MASKED.search(f"{one.operation} {one.operands}") is not None
    is_arm = bool(_ARM.match(one.operation))
    if _X86_PACKED.match(one.operation) or (is_arm and _ARM_VECTOR.search(one.operands)):
        loop.packed += 1
        names = _X86_REGISTER.findall(one.operands)
        loop.registers[max(names) if names else "v"] += 1
    elif _X86_SCALAR.match(one.operation) or is_arm:
        loop.scalar += 1
    elif _CALL.match(one.operation):
        place = one.operands.lstrip("*").strip()
        name = symbols.get(place, "" if place[:1] in "%x0123456789" else place)
        loop.calls[name, one.frames] += 1
    elif _DIVISION.match(one.operation):
        loop.divisions[one.frames] += 1
    elif _SIGN_TEST.search(one.operands):
        loop.sign_tests[one.frames] += 1


def main_loop(loops: Sequence[AssemblyLoop]) -> AssemblyLoop | None:
    """Return the loop that does the work where one loop of the source became several."""
    return max(loops, key=lambda one: (one.packed, sum(one.frames.values())), default=None)
