"""Raise Ctrl-C, SIGTERM and SIGHUP, on Windows Ctrl-Break, as one exception."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP, and sends SIGBREAK when the console is closed, too.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupted(KeyboardInterrupt):
    """A signal told this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """As in a shell: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""

    @property
    def words(self) -> str:
        """The message for the user."""
        name = str(self)
        return "interrupted" if name == "SIGINT" else f"interrupted by {name}"


@contextmanager
def as_exception() -> Iterator[None]:
    """Raise `Interrupted` when a signal would end the process silently.

    An ignored signal stays ignored: nohup ignores SIGHUP, a shell's background jobs Ctrl-C.
    """
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    handled = [number for number in numbers if before[number] != signal.SIG_IGN]
    for number in handled:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)
