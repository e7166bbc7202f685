"""Crash-safe writing: atomic replace, append, lock; and reading of JSON lines."""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from filelock import lock_descriptor

T = TypeVar("T")
# Locked while a line is appended to any file of a folder. Windows lets nobody read what is locked,
# and the files themselves are read meanwhile.
APPEND_LOCK = "append.lock"
# How often a process that waits for its turn to append looks: a line takes less.
LOCK_POLL_S = 0.001
# How long a file that another program has open is tried to be replaced, which Windows refuses.
REPLACE_S, REPLACE_POLL_S = 1.0, 0.05


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a temporary file in the same folder, then rename it to `path`.

    While another program has `path` open, Windows refuses that: it is tried for `REPLACE_S`.

    Raises
    ------
    OSError
        The file cannot be written; the error names it. The old file is unchanged.
    """
    new = path.with_name(f"{path.name}.tmp")
    try:
        new.write_bytes(data.encode() if isinstance(data, str) else data)
        _replace(new, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise _named(error, path) from error


def _replace(new: Path, path: Path) -> None:
    deadline = time.monotonic() + REPLACE_S
    while True:
        try:
            new.replace(path)
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(REPLACE_POLL_S)
        else:
            return


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
        with path.open("a+b", buffering=0) as file, path.with_name(APPEND_LOCK).open("ab") as lock:
            _lock(lock, blocking=True)
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


def count_lines(path: Path) -> int:
    """Return the number of complete lines; 0 without a file."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


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
        if not _lock(file, blocking=False):
            raise BlockingIOError(f"another process has locked {path}")
        yield


def _lock(file: IO[bytes], *, blocking: bool) -> bool:
    """Lock a file, if this Python has locks; return whether no other process has."""
    try:
        return lock_descriptor(file.fileno(), blocking=blocking, poll_interval=LOCK_POLL_S)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return True


def _named(error: OSError, path: Path) -> OSError:
    """Return the error with the name of the file, which the error of a full disk lacks."""
    number = error.errno or 0
    return OSError(number, os.strerror(number), str(path))
