"""Give each call of a tier the same arguments, and notice if a call changes them."""

from typing import Any

from bench.agreement import values
from bench.model import PEERS, Arguments, Problem


class Given:
    """Copies of the arguments for the calls of a tier; no kernel can change the originals.

    Parameters
    ----------
    problem : Problem
    tier : str
    arguments : tuple
        As `make_inputs` returned them.

    Attributes
    ----------
    needs_new_copies : bool
        Whether a call may change them: it may write to some, or there is something in them that no
        comparison sees, such as the state of a random generator. Each call then gets a new copy.

    Raises
    ------
    CannotCopyError
        An argument cannot be copied.
    """

    def __init__(self, problem: Problem, tier: str, arguments: Arguments) -> None:
        self._problem, self._tier, self._arguments = problem, tier, arguments
        self._make()
        self._is_new = True

    def _make(self) -> None:
        self._copies, is_unsure = values.copied_arguments(self._arguments)
        self.needs_new_copies = is_unsure or bool(self._problem.writes)
        self._values = self._problem.prepared(self._tier, self._copies)

    def next(self) -> Arguments:
        """Return the arguments of the next call."""
        if self.needs_new_copies and not self._is_new:
            self._make()
        self._is_new = False
        return self._values

    def several(self, calls: int) -> list[Arguments]:
        """Return the arguments of the next calls."""
        return [self.next() for _ in range(calls)]

    def outputs(self, returned: Any) -> Any:
        """Return what the last call returned, as a tuple behind what it may write to, if any."""
        if not self._problem.writes:
            return returned
        written = [self._values[position] for position in self._problem.writes]
        found = [] if returned is None else [*returned] if type(returned) is tuple else [returned]
        return tuple(written + found)

    def harm(self) -> str:
        """Return a message that names the argument that calls have changed; empty if none."""
        # The arguments of a peer may have another form, but a peer that writes to memory it shares
        # with the copies changes those.
        given, pristine = self._copies, self._arguments
        if self._tier not in PEERS:
            given, pristine = self._values, self._problem.prepared(self._tier, pristine)
        wrote = [
            i
            for i, (item, was) in enumerate(zip(given, pristine, strict=True))
            if i not in self._problem.writes and values.same(item, was) is False
        ]
        if not wrote:
            return ""
        return f"wrote to its argument {wrote[0] + 1} of {len(given)}{self._hint(wrote)}"

    def _hint(self, wrote: list[int]) -> str:
        """Return how a user's file declares that kernels write to arguments."""
        if not self._problem.source:
            return ""
        named = self._problem.arguments
        names = [f'"{named[i]}"' if i < len(named) else str(i) for i in wrote]
        declared = ", ".join(names) + "," * (len(names) == 1)
        return f"; if it should, declare OUTPUTS = ({declared})"
