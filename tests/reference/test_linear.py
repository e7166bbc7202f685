"""The loops' shuffle, which the other tiers have to repeat, against published outputs."""

from itertools import chain

import numpy as np
import pytest

from kernels.simd import linear as jit_linear
from kernels.vectorized import linear as vectorized_linear
from reference.linear import batches, shuffled, splitmix64

GAMMA = 0x9E3779B97F4A7C15
# The first outputs of SplitMix64 seeded with 0, as in Vigna's splitmix64.c
OUTPUTS = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]


def of_jit(state):
    return int(jit_linear.splitmix64(np.uint64(state)))


def of_vectorized(state):
    return int(vectorized_linear._splitmix64(np.array([state], np.uint64))[0])


@pytest.mark.parametrize("hashed", [splitmix64, of_vectorized, of_jit])
def test_splitmix64(hashed):
    # its state grows by GAMMA an output
    assert [hashed(i * GAMMA % 2**64) for i in range(4)] == OUTPUTS


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("samples", [1, 2, 1000])
def test_the_order_is_a_permutation_and_one_for_all_tiers(seed, samples):
    order = shuffled(samples, seed, 3)
    assert sorted(order) == list(range(samples))
    assert vectorized_linear.shuffled(samples, np.uint64(seed), 3).tolist() == order
    assert jit_linear.shuffled(samples, np.uint64(seed), 3).tolist() == order


def test_the_order_is_sorted_by_the_hashes():
    key = splitmix64(splitmix64(42) ^ 7)
    hashes = [splitmix64(key ^ sample) for sample in shuffled(50, 42, 7)]
    assert hashes == sorted(hashes)


@pytest.mark.parametrize(
    ("samples", "batch_size", "sizes"),
    [
        (7, 3, [3, 3, 1]),
        (6, 3, [3, 3]),
        (3, 1, [1, 1, 1]),
        (3, 3, [3]),
        (3, 9, [3]),
        (3, None, [3]),
    ],
)
def test_batches_take_every_sample_once(samples, batch_size, sizes):
    cut = batches(samples, batch_size, 0, 0)
    assert [len(batch) for batch in cut] == sizes
    assert sorted(chain(*cut)) == list(range(samples))


@pytest.mark.parametrize("batch_size", [None, 5, 6])
def test_one_batch_is_not_shuffled(batch_size):
    assert batches(5, batch_size, 1, 1) == [[0, 1, 2, 3, 4]]
