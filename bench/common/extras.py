"""Libraries that are installed on request only: say which one is missing, and for what."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingLibraryError(ImportError):
    """A library is missing that only one command or format needs."""


@contextmanager
def needing(distribution: str, purpose: str) -> Iterator[None]:
    """Turn a failed import into a message that names what to install.

    Examples
    --------
    >>> with needing("scikit-learn", "the digits"):
    ...     import no_such_module
    Traceback (most recent call last):
    bench.common.extras.MissingLibraryError: the digits need scikit-learn (No module named \
'no_such_module'). Install it: python -m pip install scikit-learn
    """
    try:
        yield
    except ImportError as error:
        raise MissingLibraryError(
            f"{purpose} need {distribution} ({error}). "
            f"Install it: python -m pip install {distribution}"
        ) from error
