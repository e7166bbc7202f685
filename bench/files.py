"""Files that can be read however a process ends. What is in them is left to who writes them."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file under another name in its folder, then give it its name.

    Raises
    ------
    OSError
        It cannot be written, with its name; what stood there before is left as it was.
    """
    new = path.with_name(f"{path.name}.tmp")
    try:
        new.write_bytes(data.encode() if isinstance(data, str) else data)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise _named(error, path) from error


def append(path: Path, line: str) -> None:
    """Write a line at the end of a file, and out of this process.

    Raises
    ------
    OSError
        It cannot be written, in whole or in part; with its name.
    """
    left = f"{line}\n".encode()
    try:
        # Without a buffer, in one piece: two processes may write to one file.
        with path.open("ab", buffering=0) as file:
            while left:
                left = left[file.write(left) :]
    except OSError as error:
        raise _named(error, path) from error


def _named(error: OSError, path: Path) -> OSError:
    """Return the error with the name of the file, which that of a full disk has not."""
    number = error.errno or 0
    return OSError(number, os.strerror(number), str(path))
