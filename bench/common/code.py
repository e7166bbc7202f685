"""Locate the project's code, and compute its digest: whether it changed since a run began."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The code of the built-in tiers and problems.
CODE = ("reference", "kernels", "bench/problems/builtin", "bench/problems/peers")


def digest(folders: Iterable[str] = CODE) -> str:
    """Return a digest of the source files in some folders."""
    found = hashlib.sha256()
    for folder in folders:
        sources = (path for kind in ("*.py", "*.c") for path in (ROOT / folder).rglob(kind))
        for path in sorted(sources):
            found.update(str(path.relative_to(ROOT)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def numba_cache() -> str:
    """Return the folder for Numba's cache: one for each state of the compiled code.

    Numba does not notice an edit of a function that a cached one calls in another file.
    """
    default = ROOT / "kernels" / "__pycache__"
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or default)
    name = f"numba-{digest(('reference', 'kernels'))[:16]}"
    return str(folder if folder.name == name else folder / name)
