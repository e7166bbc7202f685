"""Other libraries, and C, as tiers: one module per peer, one function per operation.

`prepare(operation, arguments)` of each module converts the arguments, outside the timing. Inside
the timing, scalars become Python floats; larger results stay arrays of the peer, which agreement
converts. A comment with "Convention" marks a line that adapts an operation to our definition.
Peers run on one thread, like all serial tiers.
"""

import importlib
from functools import partial
from typing import Any

from bench.model import Arguments, Kernel, Tier

_OF_SCORES = (
    *("svm_loss", "softmax_loss", "softmax", "log_softmax"),
    *("svm_loss_gradient", "softmax_loss_gradient"),
)
_LINEAR = ("linear_loss", "linear_gradient")

# Listed here, so that the operations of a peer are known even if it is not installed.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "sklearn": ("softmax_loss", "softmax", "softmax_loss_gradient"),
    "torch": (*_OF_SCORES, *_LINEAR),
    "torch-chunked": _LINEAR,
    "jax": (*_OF_SCORES, *_LINEAR),
    "scipy": ("softmax", "log_softmax", "numerical_gradient"),
    "c": _OF_SCORES,
}


def tiers(operation: str) -> dict[str, Tier]:
    """Return the peers that have an operation."""
    return {
        peer: Tier(
            partial(load, peer, operation), partial(prepare, peer, operation), compiles_unseen=True
        )
        for peer, operations in OPERATIONS.items()
        if operation in operations
    }


def load(peer: str, operation: str) -> Kernel:
    """Import a peer's kernel; raise `ImportError` if its library is not installed, or too old."""
    kernel: Kernel = getattr(_module(peer), operation)
    return kernel


def prepare(peer: str, operation: str, arguments: Arguments) -> Arguments:
    """Return the arguments as a peer's kernel takes them."""
    made: Arguments = _module(peer).prepare(operation, arguments)
    return made


def _module(peer: str) -> Any:
    return importlib.import_module(f"{__name__}.{peer.replace('-', '_')}")
