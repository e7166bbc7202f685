"""Give each call of a tier the same arguments, and notice if a call changes them."""

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
        Whether a call may change something in them that no comparison sees, such as the state of a
        random generator. Each call then gets a new copy.

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
        self._copies, self.needs_new_copies = values.copied_arguments(self._arguments)
        self._values = self._problem.prepared(self._tier, self._copies)

    def next(self) -> Arguments:
        """Return the arguments of the next call."""
        if self.needs_new_copies and not self._is_new:
            self._make()
        self._is_new = False
        return self._values

    def harm(self) -> str:
        """Return a message that names the argument that calls have changed; empty if none."""
        # The arguments of a peer may have another form, but a peer that writes to memory it shares
        # with the copies changes those.
        given, pristine = self._copies, self._arguments
        if self._tier not in PEERS:
            given, pristine = self._values, self._problem.prepared(self._tier, pristine)
        for i, (item, was) in enumerate(zip(given, pristine, strict=True), 1):
            if values.same(item, was) is False:
                return f"wrote to its argument {i} of {len(given)}"
        return ""
