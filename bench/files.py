"""Files that are there whole or not at all, however a process ends; others say what is in them."""

import contextlib
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name in its folder, then give it its name.

    Raises
    ------
    OSError
        It cannot be written; what stood there before is left as it was.
    """
    new = path.with_name(f"{path.name}.tmp")
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
