"""What a tier is given: arguments of its own, which each call finds as the first one did."""

from bench.agreement import values
from bench.model import PEERS, Arguments, Problem


class Given:
    """The arguments of a tier's calls, made of copies: what a kernel does to them stays here.

    Parameters
    ----------
    problem : Problem
    tier : str
    arguments : tuple
        As `make_inputs` returned them.

    Attributes
    ----------
    is_used_up : bool
        Whether a call may change something in them that no comparison sees, such as the state of a
        random generator: then each call needs a copy.

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
        self._copies, self.is_used_up = values.copied_arguments(self._arguments)
        self._values = self._problem.prepared(self._tier, self._copies)

    def next(self) -> Arguments:
        """Return the arguments of the next call."""
        if self.is_used_up and not self._is_new:
            self._make()
        self._is_new = False
        return self._values

    def harm(self) -> str:
        """Return which argument the last calls have changed, in words; nothing if none."""
        # What a peer was given need not stand side by side with the arguments; what it shares with
        # them it would have written to.
        given, pristine = self._copies, self._arguments
        if self._tier not in PEERS:
            given, pristine = self._values, self._problem.prepared(self._tier, pristine)
        for i, (item, was) in enumerate(zip(given, pristine, strict=True), 1):
            if values.same(item, was) is False:
                return f"wrote to its argument {i} of {len(given)}"
        return ""
