"""Crash-safe writing: atomic replace, append, lock; and reading of JSON lines."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a temporary file in the same folder, then rename it to `path`.

    Raises
    ------
    OSError
        The file cannot be written; the error names it. The old file is unchanged.
    """
    new = path.with_name(f"{path.name}.tmp")
    try:
        new.write_bytes(data.encode() if isinstance(data, str) else data)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise _named(error, path) from error


def append_line(path: Path, line: str) -> None:
    """Append a line to a file, unbuffered.

    An incomplete last line, left by a process that was killed while it wrote, is removed first.
    Several processes may append to one file.

    Raises
    ------
    OSError
        The line cannot be written; the error names the file. Its old lines are unchanged.
    """
    left = f"{line}\n".encode()
    try:
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _end_of_complete_lines(file)
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


def _end_of_complete_lines(file: IO[bytes]) -> int:
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return 0
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return end
    file.seek(0)
    return file.read(end).rfind(b"\n") + 1


def append_json(path: Path, values: Mapping[str, Any]) -> None:
    """Append values to a file as one line of JSON; see `append_line`."""
    append_line(path, json.dumps(values, allow_nan=False))


def read_json_lines(path: Path, what: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """Read a file of JSON lines, without an incomplete last line.

    Parameters
    ----------
    path : Path
        The list is empty if there is no such file.
    what : str
        What a line holds, for the message.
    make : function
        Makes a value from the object of a line.

    Raises
    ------
    ValueError
        A line holds something else; the message has its number.
    """
    if not path.exists():
        return []
    found = []
    complete = path.read_bytes().rpartition(b"\n")[0].splitlines()
    for number, line in enumerate(complete, 1):
        try:
            found.append(make(json.loads(line)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: not {what} ({error!r})") from error
    return found


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file; the lock is released at the end of this process at the latest.

    Raises
    ------
    BlockingIOError
        Another process has the lock.
    OSError
        The file cannot be created; the error names it.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise _named(error, path) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _named(error: OSError, path: Path) -> OSError:
    """Return the error with the name of the file, which the error of a full disk lacks."""
    number = error.errno or 0
    return OSError(number, os.strerror(number), str(path))
