"""The tiers of a built-in operation: its texts, the library, and the peers that have it."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.model import Kernel, Size, Tier, to_lists
from bench.problems import peers


def our_tiers(
    module: str, name: str, shared_values: Callable[[Size], int] | None = None
) -> dict[str, Tier]:
    """Return the tiers of an operation that has the same name in all folders, and its peers.

    Parameters
    ----------
    module, name : str
    shared_values : function of a size's numbers, optional
        The values that the parallel kernel shares among threads, if there is one.
    """
    tiers = {
        "loop": Tier(partial(import_kernel, f"reference.{module}", name), to_lists),
        "numpy": Tier(partial(import_kernel, f"kernels.vectorized.{module}", name)),
        "numba": Tier(partial(import_kernel, f"kernels.jit.{module}", name)),
        "kernels": Tier(partial(import_kernel, "kernels", name)),
    }
    if shared_values:
        parallel = partial(import_kernel, "kernels", name, parallel=True)
        uses_threads = partial(_uses_threads, shared_values)
        tiers["kernels-parallel"] = Tier(parallel, uses_threads=uses_threads)
    return tiers | peers.tiers(name)


def _uses_threads(shared_values: Callable[[Size], int], size: Size) -> bool:
    from kernels.simd.compiler import worth_threads  # loads Numba

    return worth_threads(shared_values(size))


def import_kernel(module: str, name: str, **keywords: Any) -> Kernel:
    """Import a kernel and fix these keywords."""
    kernel: Kernel = getattr(importlib.import_module(module), name)
    return partial(kernel, **keywords) if keywords else kernel
