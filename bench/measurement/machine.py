"""Describe the machine and the libraries of a run, and compare those of two runs."""

import functools
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from bench.common import threads
from bench.model import PEERS

OF_PEERS = ("scikit-learn", "torch", "jax", "jaxlib", "cffi")
LIBRARIES = (
    *("lossbench", "numpy", "numba", "llvmlite", "scipy", "pandas", "pytest-benchmark"),
    *OF_PEERS,
)
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
# What macOS and py-cpuinfo call the caches, and sysfs. py-cpuinfo never has L1 of Windows, and of a
# Mac at most L2.
OF_SYSCTL = {
    "l1dcachesize": "L1 data",
    "l1icachesize": "L1 instruction",
    "l2cachesize": "L2 unified",
    "l3cachesize": "L3 unified",
}
OF_CPUINFO = {
    "l1_data_cache_size": "L1 data",
    "l1_instruction_cache_size": "L1 instruction",
    "l2_cache_size": "L2 unified",
    "l3_cache_size": "L3 unified",
}
LONGEST_LINE = 128  # bytes, of a cache


def facts(*, threading_layer: bool) -> dict[str, Any]:
    """Return what a measurement depends on, as JSON values.

    Parameters
    ----------
    threading_layer : bool
        Whether to ask Numba for its layer: it chooses one when the first parallel kernel runs.
    """
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        **facts_of_process(threading_layer=threading_layer),
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": threads.all_cores(),
        "caches": caches(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def facts_of_process(*, threading_layer: bool = True) -> dict[str, Any]:
    """Return those facts that a process knows of itself only."""
    layer = None
    if threading_layer:
        import scipy.linalg  # noqa: F401 - Numba loads its BLAS sooner or later: list it always

        numba: Any = importlib.import_module("numba")
        numba.get_num_threads()  # starts the layer
        layer = numba.threading_layer()
    return {
        "blas": _blas_libraries(),
        "threading_layer": layer,
        "thread_variables": {name: os.environ.get(name) for name in threads.VARIABLES},
    }


def refuse_without_jit() -> None:
    """Refuse to measure if Numba may not compile: its column would have times of plain Python.

    Raises
    ------
    ValueError
        NUMBA_DISABLE_JIT is set.
    """
    if "NUMBA_DISABLE_JIT" not in os.environ and not Path(".numba_config.yaml").exists():
        return  # it takes half a second to load Numba
    from numba import config

    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise ValueError(
            "NUMBA_DISABLE_JIT is set: Numba would compile nothing, and plain Python would be "
            "timed instead. Unset it"
        )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _blas_libraries() -> list[dict[str, Any]]:
    """Return the BLAS libraries, sorted by name: threadpoolctl lists them in order of loading."""
    found = [_blas(pool) for pool in threadpool_info() if pool["user_api"] == "blas"]
    return sorted(found, key=lambda library: str(library["library"]))


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {key: pool.get(key) for key in ("internal_api", "version", "architecture")} | {
        "library": Path(pool["filepath"]).name
    }


@functools.cache  # a run needs it twice in a process, and it takes a quarter of a second
def _cpu_name() -> str:
    import cpuinfo  # starts a process on some systems: only if asked for

    return str(cpuinfo.get_cpu_info().get("brand_raw", platform.processor()))


def caches() -> dict[str, str]:
    """Return the sizes of one core's caches, named and written as in Linux's sysfs."""
    if CACHES.is_dir():
        return _caches_of_sysfs()
    if sys.platform == "darwin" and (found := _caches_of_sysctl()):
        return found
    import cpuinfo

    return _caches_of_cpuinfo(cpuinfo.get_cpu_info())


def _caches_of_sysfs() -> dict[str, str]:
    levels = {}
    for cache in sorted(CACHES.glob("index*")):
        if not (cache / "size").exists():  # unknown to the system
            continue
        level, kind, size = (
            (cache / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size")
        )
        levels[f"L{level} {kind.lower()}"] = size
    return levels


def _caches_of_sysctl() -> dict[str, str]:
    """Return the caches of a Mac; of its fast cores, if it has two kinds (perflevel0)."""
    names = [f"{cores}.{name}" for cores in ("hw", "hw.perflevel0") for name in OF_SYSCTL]
    try:  # it prints those that this Mac has
        done = subprocess.run(
            ["sysctl", *names], capture_output=True, encoding="utf-8", check=False
        )
    except OSError:
        return {}
    lines = [line.partition(": ") for line in done.stdout.splitlines()]
    return {OF_SYSCTL[name.rpartition(".")[2]]: f"{int(size) >> 10}K" for name, _, size in lines}


def _caches_of_cpuinfo(info: Mapping[str, Any]) -> dict[str, str]:
    sizes = {name: info[key] for key, name in OF_CPUINFO.items() if info.get(key)}
    # py-cpuinfo 10 reads CPUID's L2 the wrong way round: its kilobytes are the length of a line.
    line = info.get("l2_cache_line_size")
    if isinstance(line, int) and line > LONGEST_LINE:
        sizes["L2 unified"] = line << 10
    return {name: _size_in_words(size) for name, size in sizes.items()}


def _size_in_words(size: int | str) -> str:
    """Return a size as sysfs writes it: 32K for 32768, and for "32 KB" of older py-cpuinfos."""
    if isinstance(size, int):
        return f"{size >> 10}K"
    return size.replace(" ", "").rstrip("Bi")


def unused(tiers: Collection[str]) -> tuple[str, ...]:
    """Return the libraries that do not matter to some tiers: those of peers, without peers."""
    return () if set(tiers) & set(PEERS) else OF_PEERS


def differences_of(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, tiers: Collection[str]
) -> tuple[str, ...]:
    """Return the differences between two machines and their libraries, as messages.

    Parameters
    ----------
    old, new : mapping, optional
        The ``machine`` of each run's environment.json; None if it is unknown.
    tiers : collection of str
        The compared tiers: the peers' libraries matter only to peers.

    Returns
    -------
    tuple of str
        lossbench's own version is left out: its changes are what is compared.
    """
    if old is None or new is None:
        which = " and ".join(name for name, facts in (("old", old), ("new", new)) if facts is None)
        return (f"no machine is recorded for the {which} run",)
    left_out = {"lossbench", *unused(tiers)}
    before, after = ({name: words for _, name, words in in_words(facts)} for facts in (old, new))
    pairs = {one: (before.get(one, "none"), after.get(one, "none")) for one in (*before, *after)}
    return tuple(
        f"{name}: {old_words} → {new_words}"
        for name, (old_words, new_words) in pairs.items()
        if name not in left_out and old_words != new_words
    )


def in_words(machine: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each known fact, library and setting: its group, its name, and the fact in words."""
    for key, fact in machine.items():
        group = key.replace("_", " ")
        if isinstance(fact, Mapping):
            yield from ((group, name, str(one)) for name, one in fact.items() if one is not None)
        elif isinstance(fact, list):
            # Libraries are listed in the order in which a process happened to load them.
            yield group, group, "; ".join(sorted(map(_joined, fact))) or "none"
        elif key == "memory_bytes":
            # Rounded: the system reserves some of the memory, and not always the same amount.
            yield "memory", "memory", f"{fact / 2**30:.0f} GiB"
        elif fact is not None:
            yield group, group, str(fact)


def _joined(fact: Any) -> str:
    return " ".join(map(str, fact.values())) if isinstance(fact, Mapping) else str(fact)
