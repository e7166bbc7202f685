"""Find the loop of the source to which a loop of the assembly, or a remark, belongs."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.loops import assembly, source
from bench.loops.assembly import AssemblyLoop, Frames
from bench.loops.remarks import Verdict
from bench.loops.source import SourceLoop


@dataclass(frozen=True, order=True)
class Place:
    """A loop: one that is written; or, with `inside`, one that an expression stands for.

    Attributes
    ----------
    file : str
        As the build with lines names it.
    line : int
    inside : str
        Where Numba has the loop of a call such as `max(row)`, or "array expression".
    """

    file: str
    line: int
    inside: str = ""


def debug_name(path: str) -> str:
    """Return how the build with lines names a file: its path, but for what separates frames."""
    return re.sub(r"[@\[\]\s]", "_", path)


class SourceFile:
    """A file of which functions were compiled."""

    def __init__(self, path: str, text: str, functions: Sequence[Mapping[str, Any]]) -> None:
        self.path, self.text = path, text
        self.functions = {one["line"]: one for one in functions}
        self.facts = [fact for one in functions for fact in one["facts"]]
        self._lines = source.lines_of(text)

    @property
    def name(self) -> str:
        """How the build with lines names it."""
        return debug_name(self.path)

    @cached_property
    def loops(self) -> list[SourceLoop]:
        """The loops of the compiled functions."""
        return [one for one in source.loops_in(self.text) if one.function in self.functions]

    def line(self, number: int) -> str:
        """Return a line without its indent."""
        return self._lines[number - 1].strip() if 0 < number <= len(self._lines) else ""

    def function_at(self, line: int) -> str:
        """Return the name of the function around a line; empty without one."""
        return source.function_at(self.text, line)

    def innermost(self, line: int) -> SourceLoop | None:
        """Return the innermost compiled loop around a line."""
        return source.innermost(self.loops, line)


class Places:
    """Where everything that was found belongs.

    Parameters
    ----------
    sources : mapping of file name to SourceFile
    assemblies : sequence of str
    verdicts : sequence of Verdict
    """

    def __init__(
        self,
        sources: Mapping[str, SourceFile],
        assemblies: Sequence[str],
        verdicts: Sequence[Verdict],
    ) -> None:
        self._sources = sources
        self.compiled: dict[Place, list[AssemblyLoop]] = {}
        self.calls: dict[Place, set[tuple[str, int]]] = {}
        self.judged: dict[Place, list[Verdict]] = {}
        self._around_others: set[Place] = set()
        for text in assemblies:
            self._place_loops(assembly.loops_of(text))
        for verdict in verdicts:
            if place := self._of_verdict(verdict):
                self.judged.setdefault(place, []).append(verdict)

    @property
    def all(self) -> list[Place]:
        """All loops in the order of their lines."""
        written = {
            Place(name, one.line) for name, its in self._sources.items() for one in its.loops
        }
        return sorted(written | self.compiled.keys() | self.judged.keys())

    def has_inner(self, place: Place, written: SourceLoop) -> bool:
        """Return whether a loop has others inside it: written, of expressions or of calls."""
        inside = (one for one in (self.compiled | self.judged) if one.inside)
        has_call = place in self._around_others
        return (
            not written.is_innermost
            or has_call
            or any(
                one.file == place.file and written.line <= one.line <= written.end_line
                for one in inside
            )
        )

    def _place_loops(self, loops: Sequence[AssemblyLoop]) -> None:
        found = {loop.header: self._of_loop(loop) for loop in loops}
        for loop in loops:
            self._set_apart(loop, {one.header: one for one in loops}, found)
        for loop in loops:
            if place := found[loop.header]:
                self.compiled.setdefault(place, []).append(loop)
                self._place_calls(loop, place)
                around = found.get(loop.parent)
                if around and self._function(around) != self._function(place):
                    self._around_others.add(around)

    def _function(self, place: Place) -> tuple[str, str]:
        return place.file, self._sources[place.file].function_at(place.line)

    def _set_apart(
        self,
        loop: AssemblyLoop,
        loops: Mapping[str, AssemblyLoop],
        found: dict[str, Place | None],
    ) -> None:
        """Place a loop and the one around it apart, if most of both is in the same written loop."""
        place = found[loop.header]
        if place is None or place.inside or place != found.get(loop.parent):
            return
        around = self._around_written(place) or self._of_caller(loops[loop.parent], place)
        if around and around != found.get(loops[loop.parent].parent):
            found[loop.parent] = around
        elif line := self._line_of(loop):
            found[loop.header] = Place(*line, "array expression")

    def _around_written(self, place: Place) -> Place | None:
        its = self._sources[place.file]
        outer = [one for one in its.loops if one.line < place.line <= one.end_line]
        return Place(place.file, max(one.line for one in outer)) if outer else None

    def _of_caller(self, loop: AssemblyLoop, place: Place) -> Place | None:
        """Return the loop that calls the function of a place, which was inlined into it."""
        callers = (
            Place(file, its.line)
            for frames in loop.frames
            for file, line in frames[1:]
            if file in self._sources and (its := self._sources[file].innermost(line))
        )
        return next((one for one in callers if one != place), None)

    def _place_calls(self, loop: AssemblyLoop, place: Place) -> None:
        """Place each call by its own line: the loop may be a version of one around it."""
        for name, frames in loop.calls:
            file, line = self.user_frame(frames) or (place.file, place.line)
            its = self._written(file, line) or place
            self.calls.setdefault(its, set()).add((name, line))

    def user_frame(self, frames: Frames) -> tuple[str, int] | None:
        """Return the innermost frame that is in a loop of one of the files, or in a file."""
        known = [frame for frame in frames if frame[0] in self._sources]
        in_loops = (frame for frame in known if self._sources[frame[0]].innermost(frame[1]))
        return next(in_loops, known[0] if known else None)

    def _line_of(self, loop: AssemblyLoop) -> tuple[str, int] | None:
        lines: Counter[tuple[str, int]] = Counter()
        for frames, count in loop.frames.items():
            if frame := self.user_frame(frames):
                lines[frame] += count
        return lines.most_common(1)[0][0] if lines else None

    def _of_loop(self, loop: AssemblyLoop) -> Place | None:
        frame = self._line_of(loop)
        if frame is None:
            return None
        here = {frames: n for frames, n in loop.frames.items() if self.user_frame(frames) == frame}
        foreign = Counter({frames: n for frames, n in here.items() if frames[0] != frame})
        its = self._sources[frame[0]].innermost(frame[1])
        counts = its and any(self.user_frame(one) == (frame[0], its.line) for one in loop.frames)
        if 2 * sum(foreign.values()) > sum(loop.frames.values()) and not counts:
            name, line = foreign.most_common(1)[0][0][0]
            # Its own line or that of its body, by which of them has more instructions
            line = min(
                n for one in foreign for file, n in one[:1] if file == name and n >= line - 1
            )
            return Place(*frame, f"{name}:{line}")
        return self._written(*frame)

    def _written(self, file: str, line: int) -> Place | None:
        loop = self._sources[file].innermost(line)
        return Place(file, loop.line) if loop else Place(file, line, "array expression")

    def _of_verdict(self, verdict: Verdict) -> Place | None:
        if verdict.file in self._sources:
            expression = Place(verdict.file, verdict.line, "array expression")
            if expression in self.compiled:
                return expression
            return self._vectorised(verdict.file, verdict.line) if verdict.line else None
        return self._around(verdict)

    def _vectorised(self, file: str, line: int) -> Place | None:
        """Return the loop that a remark is about: of the innermost ones, the next in the source.

        LLVM may name the line before a loop.
        """
        place, its = self._written(file, line), self._sources[file]
        around = its.innermost(line)
        if around is None or around.is_innermost:
            return place
        inside = (one.line for one in its.loops if line <= one.line <= around.end_line)
        return Place(file, min(inside, default=around.line))

    def _around(self, verdict: Verdict) -> Place | None:
        """Return the loop of an expression whose function of Numba's has this line."""
        for place in self.compiled:
            name, _, line = place.inside.rpartition(":")
            if name == verdict.file and abs(int(line) - verdict.line) <= 1:
                return place
        return None
