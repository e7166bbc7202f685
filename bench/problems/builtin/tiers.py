"""The tiers of a built-in operation: its texts, the library, and the peers that have it."""

import importlib
from functools import partial
from typing import Any

from bench.model import Kernel, Tier, to_lists
from bench.problems import peers


def our_tiers(module: str, name: str, *, parallel: bool = False) -> dict[str, Tier]:
    """Return the tiers of an operation that has the same name in all folders, and its peers."""
    tiers = {
        "loop": Tier(partial(import_kernel, f"reference.{module}", name), to_lists),
        "numpy": Tier(partial(import_kernel, f"kernels.vectorized.{module}", name)),
        "numba": Tier(partial(import_kernel, f"kernels.jit.{module}", name)),
        "kernels": Tier(partial(import_kernel, "kernels", name)),
    }
    if parallel:
        tiers["kernels-parallel"] = Tier(partial(import_kernel, "kernels", name, parallel=True))
    return tiers | peers.tiers(name)


def import_kernel(module: str, name: str, **keywords: Any) -> Kernel:
    """Import a kernel and fix these keywords."""
    kernel: Kernel = getattr(importlib.import_module(module), name)
    return partial(kernel, **keywords) if keywords else kernel
