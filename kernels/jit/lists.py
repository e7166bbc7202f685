"""Register with Numba the array forms of `reference.lists`, and the texts that others call."""

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from reference import gradients, linear, lists, losses

for text in (
    *(losses.svm_loss, losses.softmax_loss),
    *(losses.svm_loss_gradient, losses.softmax_loss_gradient),
    *(gradients.slopes_of_row, gradients.largest_error),
    *(linear.linear_scores, linear.penalty, linear.descend),
    *(linear.linear_loss, linear.linear_gradient, linear.linear_numerical_gradient),
):
    register_jitable(text)


@overload(lists.zeros)
def _zeros(shape, like):
    if isinstance(like, types.Array):
        return lambda shape, like: np.zeros(shape, like.dtype)
    return lambda shape, like: np.zeros(shape)


@overload(lists.zeros_like)
def _zeros_like(values):
    return lambda values: np.zeros_like(values)


@overload(lists.copied)
def _copied(values):
    return lambda values: values.copy()


@overload(lists.floats)
def _floats(values):
    return lambda values: values.astype(np.float64)


@overload(lists.taken)
def _taken(values, order):
    return lambda values, order: values[np.array(order)]


@overload(lists.flat)
def _flat(values):
    return lambda values: values.ravel()


@overload(lists.indices)
def _indices(place, values):
    def of_array(place, values):
        entries = np.ndindex(values.shape)
        entry = next(entries)
        for _ in range(place):
            entry = next(entries)
        return entry

    return of_array
