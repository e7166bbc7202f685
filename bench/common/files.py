"""Files that can be read however a process ends. What is in them is left to who writes them."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")


def write_atomic(path: Path, data: str | bytes) -> None:
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


def append_line(path: Path, line: str) -> None:
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


def append_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a line at the end of the file, and out of this process."""
    append_line(path, json.dumps(values, allow_nan=False))


def read_json_lines(path: Path, what: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """Return what the lines of a file stand for; a last one that was torn is left out.

    Parameters
    ----------
    path : Path
        Nothing is returned where there is no such file.
    what : str
        The word for a line, for the message.
    make : function
        From the object of a line to what it stands for.

    Raises
    ------
    ValueError
        A line that is something else, with its number.
    """
    if not path.exists():
        return []
    found = []
    whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
    for number, line in enumerate(whole, 1):
        try:
            found.append(make(json.loads(line)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: not {what} ({error!r})") from error
    return found


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
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
