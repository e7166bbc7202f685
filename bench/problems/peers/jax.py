"""JAX on the CPU: the formulas of optax in jax.numpy, compiled by `jax.jit`.

Each is written in the way that was fastest: `take_along_axis` reads the label's score (a mask of
one-hot labels reads all scores once more). Options are static: compiled in as constants.
"""

from functools import partial
from typing import Any

import numpy as np

from bench.common import threads
from bench.model import Arguments

threads.keep_xla_to_one()  # before JAX is loaded

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
# Each call waits for its result anyway: computed in the calling thread, a small one takes half the
# time.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def prepare(operation: str, arguments: Arguments) -> Arguments:  # noqa: ARG001 - as every peer's
    """Return arrays on JAX's device."""
    return tuple(
        jax.device_put(np.ascontiguousarray(item)) if isinstance(item, np.ndarray) else item
        for item in arguments
    )


def svm_loss(*arguments: Any) -> float:
    """Return the mean hinge loss."""
    return float(_svm_loss(*arguments))


def softmax_loss(*arguments: Any) -> float:
    """Return the mean cross-entropy."""
    return float(_softmax_loss(*arguments))


def softmax(scores: Any) -> Any:
    """Return probabilities."""
    return _softmax(scores).block_until_ready()


def log_softmax(scores: Any) -> Any:
    """Return the logarithms of probabilities."""
    return _log_softmax(scores).block_until_ready()


def svm_loss_gradient(*arguments: Any) -> tuple[float, Any]:
    """Return the hinge loss and its gradient."""
    loss, dscores = _svm_loss_gradient(*arguments)
    return float(loss), dscores.block_until_ready()


def softmax_loss_gradient(*arguments: Any) -> tuple[float, Any]:
    """Return the cross-entropy and its gradient."""
    loss, dscores = _softmax_loss_gradient(*arguments)
    return float(loss), dscores.block_until_ready()


def linear_loss(*arguments: Any) -> float:
    """Return the loss of a linear classifier."""
    return float(_linear_loss(*arguments))


def linear_gradient(*arguments: Any) -> tuple[float, Any, Any]:
    """Return the loss of a linear classifier, and its gradient by W and b."""
    loss, (dW, db) = _linear_gradient(*arguments)
    return float(loss), dW.block_until_ready(), db.block_until_ready()


# --- formulas


def _hinge(scores: Any, labels: Any, margin: float = 1.0) -> Any:
    own = jnp.take_along_axis(scores, labels[:, None], 1)
    # Convention: a hinge at its kink is inactive, as relu has it; half of it with jnp.maximum.
    terms = jax.nn.relu((scores - own) + margin)
    # Convention: the sum over the wrong classes (optax's multiclass hinge takes the largest term).
    wrong = jnp.arange(scores.shape[1]) != labels[:, None]
    return jnp.where(wrong, terms, 0).sum(1).mean()


def _cross_entropy(scores: Any, labels: Any) -> Any:
    own = jnp.take_along_axis(scores, labels[:, None], 1)[:, 0]
    return (jax.nn.logsumexp(scores, 1) - own).mean()


def _linear(
    W: Any,
    b: Any,
    X: Any,
    labels: Any,
    loss: str = "softmax",
    margin: float = 1.0,
    regularization: float = 0.0,
) -> Any:
    scores = X @ W + b
    value = _hinge(scores, labels, margin) if loss == "svm" else _cross_entropy(scores, labels)
    return value + regularization * (W * W).sum()


_compiled = partial(jax.jit, static_argnames=("margin",))
_compiled_linear = partial(jax.jit, static_argnames=("loss", "margin", "regularization"))

_svm_loss = _compiled(_hinge)
_softmax_loss = jax.jit(_cross_entropy)
_softmax = jax.jit(partial(jax.nn.softmax, axis=1))
_log_softmax = jax.jit(partial(jax.nn.log_softmax, axis=1))
_svm_loss_gradient = _compiled(jax.value_and_grad(_hinge))
_softmax_loss_gradient = jax.jit(jax.value_and_grad(_cross_entropy))
_linear_loss = _compiled_linear(_linear)
_linear_gradient = _compiled_linear(jax.value_and_grad(_linear, argnums=(0, 1)))
