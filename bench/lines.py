"""Files of a JSON object a line, added to as a run goes on.

What a line means is left to the caller; that of a cell in a pass, all of it, to `records`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench import files

T = TypeVar("T")


def append(path: Path, values: Mapping[str, Any]) -> None:
    """Write a line at the end of the file, and out of this process."""
    files.append(path, json.dumps(values, allow_nan=False))


def read(path: Path, what: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
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
