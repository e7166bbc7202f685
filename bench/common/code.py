"""Locate the project's code and compute its digest, which identifies runs and caches."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The code that a verdict depends on.
CODE = ("reference", "kernels", "bench/problems")


def digest(folders: Iterable[str] = CODE) -> str:
    """Return a digest of the code of the built-in tiers and of their problems."""
    found = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
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
