"""Other libraries, and C, as tiers: a module a peer, with a function of the operation's name.

Beside the functions stands `prepare(operation, arguments)`: what the peer takes, made
outside the timing. Scalars come back as Python floats within it; a result as large as the scores
stays the peer's own array, which only agreement converts. A line that adapts an operation to our
convention says so. Peers run at one thread, as do all serial tiers.
"""

import importlib
from functools import partial

from bench.model import Arguments, Kernel, Tier

_OF_SCORES = (
    *("svm_loss", "softmax_loss", "softmax", "log_softmax"),
    *("svm_loss_gradient", "softmax_loss_gradient"),
)
_LINEAR = ("linear_loss", "linear_gradient")

# Listed here, not found in the modules: to know what a peer has, it need not be there.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "sklearn": ("softmax_loss", "softmax", "softmax_loss_gradient"),
    "torch": (*_OF_SCORES, *_LINEAR),
    "jax": (*_OF_SCORES, *_LINEAR),
    "scipy": ("softmax", "log_softmax", "numerical_gradient"),
    "c": _OF_SCORES,
}


def tiers(operation: str) -> dict[str, Tier]:
    """Return the peers that have an operation."""
    return {
        peer: Tier(partial(load, peer, operation), partial(prepare, peer, operation), True)
        for peer, operations in OPERATIONS.items()
        if operation in operations
    }


def load(peer: str, operation: str) -> Kernel:
    """Import a peer's kernel; an `ImportError` where the library is not there."""
    kernel: Kernel = getattr(importlib.import_module(f"{__name__}.{peer}"), operation)
    return kernel


def prepare(peer: str, operation: str, arguments: Arguments) -> Arguments:
    """Return what a peer's kernel takes."""
    made: Arguments = importlib.import_module(f"{__name__}.{peer}").prepare(operation, arguments)
    return made
