"""The loops of the linear classifier under `@njit`; the order of an epoch in unsigned integers."""

import numpy as np
from numba import njit
from numba.extending import overload

from kernels._cache import cached
from kernels.jit import lists as lists  # registers what the texts call
from reference import linear

linear_loss = cached(linear.linear_loss)
linear_gradient = cached(linear.linear_gradient)
linear_numerical_gradient = cached(linear.linear_numerical_gradient)
train_linear = cached(linear.train_linear)


@njit
def splitmix64(value):
    """One output of SplitMix64, in unsigned 64-bit integers, which wrap as it needs."""
    value += np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@overload(linear.shuffled)
def _shuffled(samples, seed, epoch):
    def order(samples, seed, epoch):
        epoch_key = splitmix64(splitmix64(np.uint64(seed)) ^ np.uint64(epoch))
        keys = np.empty(samples, np.uint64)
        for sample in range(samples):
            keys[sample] = splitmix64(epoch_key ^ np.uint64(sample))
        return list(np.argsort(keys, kind="mergesort"))

    return order
