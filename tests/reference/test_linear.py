"""The order of the samples in an epoch: the published outputs, in all four versions."""

import numpy as np
import pytest
from numba import njit

import reference.linear
from kernels.jit import linear as jit_linear
from kernels.simd import _linear_training
from kernels.vectorized import linear as vectorized_linear
from reference.linear import shuffled, splitmix64

GAMMA = 0x9E3779B97F4A7C15
# The first outputs of SplitMix64 seeded with 0, as in Vigna's splitmix64.c
OUTPUTS = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]


def of_vectorized(state):
    return int(vectorized_linear.splitmix64(np.array([state], np.uint64))[0])


def of_jit(state):
    return int(jit_linear.splitmix64(np.uint64(state)))


def of_simd(state):
    return int(_linear_training.splitmix64(np.uint64(state)))


@pytest.mark.parametrize("hashed", [splitmix64, of_vectorized, of_jit, of_simd])
def test_splitmix64(hashed):
    # its state grows by GAMMA an output
    assert [hashed(i * GAMMA % 2**64) for i in range(4)] == OUTPUTS


@njit
def shuffled_in_jit(samples, seed, epoch):
    return reference.linear.shuffled(samples, seed, epoch)


@pytest.mark.parametrize("seed", [0, 1, -1, -(2**63), 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("samples", [1, 2, 1000])
def test_the_order_is_a_permutation_and_the_same_in_all(seed, samples):
    order = shuffled(samples, seed, 3)
    assert sorted(order) == list(range(samples))
    assert vectorized_linear.shuffled(samples, seed, 3).tolist() == order
    bits = np.uint64(seed) if seed >= 2**63 else seed  # an int is an int64 to Numba
    assert shuffled_in_jit(samples, bits, 3) == order
    assert _linear_training.shuffled(samples, np.uint64(seed % 2**64), 3).tolist() == order


def test_the_order_is_sorted_by_the_hashes():
    key = splitmix64(splitmix64(42) ^ 7)
    hashes = [splitmix64(key ^ sample) for sample in shuffled(50, 42, 7)]
    assert hashes == sorted(hashes)


def test_the_loops_train_on_arrays_as_on_lists():
    X, labels = np.array([[-1.0], [1.0], [0.5]]), np.array([0, 1, 1])
    of_lists = reference.train_linear(X.tolist(), labels.tolist(), epochs=3, batch_size=2)
    of_arrays = reference.train_linear(X, labels, epochs=3, batch_size=2)
    for value, wanted in zip(of_arrays, of_lists, strict=True):
        np.testing.assert_array_equal(value, wanted)
