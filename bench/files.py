"""Files that can be read however a process ends. What is in them is left to who writes them."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


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

    A last line that was torn, when a process was killed in the middle of it, is cut off before.
    Several processes may write to one file.

    Raises
    ------
    OSError
        It cannot be written, with its name; what stood there before is left as it was.
    """
    left = f"{line}\n".encode()
    try:
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _end_of_whole_lines(file)
            file.truncate(end)
            try:
                while left:
                    left = left[file.write(left) :]
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise
    except OSError as error:
        raise _named(error, path) from error


def _end_of_whole_lines(file: IO[bytes]) -> int:
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return 0
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return end
    file.seek(0)
    return file.read(end).rfind(b"\n") + 1


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file that one process at a time can hold, to the end of this one at the latest.

    Raises
    ------
    BlockingIOError
        Another process holds it.
    OSError
        It cannot be made; with its name.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise _named(error, path) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _named(error: OSError, path: Path) -> OSError:
    """Return the error with the name of the file, which that of a full disk has not."""
    number = error.errno or 0
    return OSError(number, os.strerror(number), str(path))
