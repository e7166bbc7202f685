"""The machine and the libraries that a run was made with. Thread counts are left to `threads`."""

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from bench import threads

OF_PEERS = ("scikit-learn", "torch", "jax", "jaxlib", "cffi")
LIBRARIES = (
    *("lossbench", "numpy", "numba", "llvmlite", "scipy", "pandas", "pytest-benchmark"),
    *OF_PEERS,
)
ROOT = Path(__file__).parents[1]
# What a verdict is about.
CODE = ("reference", "kernels", "bench/problems", "bench/peers")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def facts(*, threading_layer: bool) -> dict[str, Any]:
    """Return what a measurement depends on, in words and numbers that JSON takes.

    Parameters
    ----------
    threading_layer : bool
        Whether to ask Numba for its layer: it chooses one when a first parallel kernel runs.
    """
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "blas": _blas_libraries(),
        "threading_layer": _threading_layer() if threading_layer else None,
        "thread_variables": {name: os.environ.get(name) for name in threads.VARIABLES},
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": threads.all_cores(),
        "caches": caches(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def code(folders: Iterable[str] = CODE) -> str:
    """Return a digest of the code of the built-in tiers and of their problems."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def refuse_without_jit() -> None:
    """Refuse to measure where Numba may not compile: its column would have times of plain Python.

    Raises
    ------
    ValueError
        It may not.
    """
    from numba import config

    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise ValueError(
            "NUMBA_DISABLE_JIT is set: Numba compiles nothing, and what would be timed as Numba is "
            "plain Python. Unset it"
        )


def numba_cache() -> str:
    """Return the folder for Numba's cache: one for each state of the code that is compiled.

    Numba sees no edit of a function that a cached one calls in another file.
    """
    default = ROOT / "kernels" / "__pycache__"
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or default)
    name = f"numba-{code(('reference', 'kernels'))[:16]}"
    return str(folder if folder.name == name else folder / name)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _blas_libraries() -> list[dict[str, Any]]:
    """Return the libraries by name: they come in the order in which they were loaded."""
    found = [_blas(pool) for pool in threadpool_info() if pool["user_api"] == "blas"]
    return sorted(found, key=lambda library: str(library["library"]))


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {key: pool.get(key) for key in ("internal_api", "version", "architecture")} | {
        "library": Path(pool["filepath"]).name
    }


def _threading_layer() -> str:
    import numpy as np

    from kernels import softmax_loss  # loads Numba, which takes long: only where it is asked for
    from kernels.simd.thresholds import MIN_VALUES_FOR_THREADS

    softmax_loss(np.zeros((1, MIN_VALUES_FOR_THREADS)), [0], parallel=True)  # starts the layer
    numba: Any = sys.modules["numba"]
    return str(numba.threading_layer())


def _cpu_name() -> str:
    import cpuinfo  # starts a process of its own on some systems: only when it is wanted

    return str(cpuinfo.get_cpu_info().get("brand_raw", platform.processor()))


def caches() -> dict[str, str]:
    """Return the sizes of one core's caches, as Linux tells them; elsewhere py-cpuinfo is asked."""
    if not CACHES.is_dir():
        import cpuinfo

        info = cpuinfo.get_cpu_info()
        return {key: str(info[key]) for key in sorted(info) if key.endswith("_cache_size")}
    levels = {}
    for cache in sorted(CACHES.glob("index*")):
        if not (cache / "size").exists():  # the system does not know it
            continue
        level, kind, size = (
            (cache / name).read_text().strip() for name in ("level", "type", "size")
        )
        levels[f"L{level} {kind.lower()}"] = size
    return levels
