"""Numba's cache, and compilation in memory where it cannot be written or is damaged."""

import hashlib
import inspect
import pickle
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from numba import njit, types
from numba.core import serialize, sigutils
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import is_jitted

_said_no_cache = False
_said_damaged = False
_DIGEST = hashlib.sha256
_findable: WeakSet[Any] = WeakSet()


def findable(function: Any) -> Any:
    """Return a jitted function for which Numba's cache finds, in any process, what takes it.

    Numba keys compiled code by its argument types, and each jitted function is a type with a random
    identity. Here the identity is that of its file, its name and its closure. It is not that of
    what the function calls in other files: an edit there needs another cache folder.
    """
    if not is_jitted(function):  # NUMBA_DISABLE_JIT
        return function
    jitted: Any = function
    identity = hashlib.sha256(Path(inspect.getfile(jitted.py_func)).read_bytes())
    closure = [cell.cell_contents for cell in jitted.py_func.__closure__ or ()]
    identity.update(jitted.py_func.__qualname__.encode() + serialize.dumps(closure))
    jitted._set_uuid(str(uuid.UUID(bytes=identity.digest()[:16])))  # noqa: SLF001 - no public way
    _findable.add(jitted)
    return jitted


def cached(function: Callable[..., Any], **flags: Any) -> Any:
    """Return `njit(cache=True, **flags)(function)`, whose cache never fails a call.

    A problem with the cache gives one warning. Numba's cache notices edits of the function's own
    file only, and ignores its flags: a function that is cached twice needs two names. What is
    compiled for a jitted argument is kept only if it is `findable`: any other is never found again.
    """
    jitted: Any = njit(**flags)(function)
    if jitted is function:  # NUMBA_DISABLE_JIT
        return function
    try:
        jitted._cache = _Cache(function)  # noqa: SLF001 - as its own `enable_caching` does
    except (RuntimeError, OSError) as error:  # no folder to cache in can be written
        _say_no_cache(error)
    return jitted


class _Cache(FunctionCache):
    """Numba's cache of a function; if it raises, the function is compiled in memory."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        impl = self._impl
        stamp = impl.locator.get_source_stamp()
        self._cache_file = _Files(self._cache_path, impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load a compiled function; None if there is none, or only a damaged one."""
        if not _can_be_found(sig):
            return None
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - damaged bytes can raise anything
            _say_damaged(error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save a compiled function if possible."""
        if not _can_be_found(sig):
            return
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - it is compiled, so go on
            _say_no_cache(error)


def _can_be_found(sig: Any) -> bool:
    """Whether another process can find what is compiled for this signature."""
    arguments, _ = sigutils.normalize_signature(sig)
    taken = (one.dispatcher for one in arguments if isinstance(one, types.Dispatcher))
    return all(jitted in _findable for jitted in taken)


class _Files(IndexDataCacheFile):
    """The files of a cache, each with a digest at the end, which `pickle` ignores.

    Without the digest, damaged machine code would be loaded, and the call would crash. Each file
    also has the key that it was saved for: two processes that compile different variants at once
    may give them the same file, and the one would run the code of the other.
    """

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self._version = f"{self._version} with digests and keys"

    def save(self, key: Any, data: Any) -> None:
        """Save what was compiled, with its key."""
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        """Load what was compiled for this key; None if the file has another's."""
        saved_for, data = super().load(key) or (None, None)
        return data if saved_for == key else None

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception as error:  # noqa: BLE001 - as above; saving replaces it
            _say_damaged(error)
            return {}

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        data, digest = content[: -_DIGEST().digest_size], content[-_DIGEST().digest_size :]
        if _DIGEST(data).digest() != digest:
            raise ValueError(f"{name} does not match its digest")
        return pickle.loads(data)

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + _DIGEST(data).digest()


def _say_no_cache(error: Exception) -> None:
    global _said_no_cache
    if not _said_no_cache:
        _said_no_cache = True
        _say(
            f"lossbench compiles its kernels in memory, again in each process: {error}. "
            f"Set NUMBA_CACHE_DIR to a writable folder."
        )


def _say_damaged(error: Exception) -> None:
    global _said_damaged
    if isinstance(error, OSError):
        _say_no_cache(error)
    elif not _said_damaged:
        _said_damaged = True
        kind = type(error).__name__
        _say(
            f"lossbench compiles a kernel again: its file in Numba's cache is damaged: "
            f"{kind}: {error}"
        )


def _say(words: str) -> None:
    warnings.warn(words, RuntimeWarning, stacklevel=5)
