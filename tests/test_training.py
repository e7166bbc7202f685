"""Training of the linear classifier: the fast versions follow the path of the loops."""

import numpy as np
import pytest
from inputs import LAYOUTS, seeded_linear
from tiers import FAST, LIBRARY, LOOPS, NUMBA, NUMPY, VERSIONS, every_version, fast_version

_, _, X, LABELS = seeded_linear(11, 3, 4)
W0, B0, _, _ = seeded_linear(1, 3, 4, seed=7)

OPTIONS = {
    "defaults": {},
    "one step": {"epochs": 1},
    "hinge": {"loss": "svm", "margin": 0.5},
    "regularized": {"regularization": 0.2},
    "momentum": {"momentum": 0.9},
    "fixed bias": {"train_bias": False, "b0": B0},
    "given start": {"W0": W0, "b0": B0},
    "given weights only": {"W0": W0, "loss": "svm"},
    "more classes than are present": {"classes": 6},
    "batches": {"batch_size": 4},
    "batches with all": {"batch_size": 3, "momentum": 0.5, "regularization": 0.01, "loss": "svm"},
    "a batch a sample": {"batch_size": 1},
    "a batch as large as the data": {"batch_size": 11},
    "a batch larger than the data": {"batch_size": 100},
    "central differences": {"gradient": "numerical"},
    "forward differences": {"gradient": "numerical", "method": "forward", "h": 0.01},
    "differences of the hinge": {"gradient": "numerical", "loss": "svm", "h": 0.01},
    "differences of batches": {
        "gradient": "numerical", "batch_size": 5, "h": 1e-3, "regularization": 0.1,
    },
    "a seed": {"batch_size": 4, "seed": 12345},
    "a negative seed": {"batch_size": 4, "seed": -1},
    "a huge seed": {"batch_size": 4, "seed": 2**70 + 3},
}  # fmt: skip


def train(version, X=X, labels=LABELS, **options):
    return version.train_linear(X, labels, **{"epochs": 12, "learning_rate": 0.1} | options)


def assert_same_path(actual, expected, rtol=1e-6, atol=1e-12):
    for result, value in zip(actual, expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=rtol, atol=atol)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("version", "options"),
    [
        pytest.param(version, options, id=f"{name}-{described}")
        for name, version in FAST.items()
        for described, options in OPTIONS.items()
        if version is not NUMBA or "seed" not in options or options["seed"] < 2**64
    ],
)
def test_training_follows_the_loops(version, options):
    W, b, losses = train(version, **options)
    assert_same_path((W, b, losses), train(LOOPS, **options))
    assert losses.dtype == np.float64
    assert np.isfinite(losses).all()


@pytest.mark.slow
@fast_version
@pytest.mark.parametrize("name", ["defaults", "batches with all", "forward differences"])
def test_training_in_float32(version, name):
    options = OPTIONS[name]
    W, b, losses = train(version, X.astype(np.float32), **options)
    assert (W.dtype, b.dtype, losses.dtype) == (np.float32, np.float32, np.float64)
    assert_same_path((W, b, losses), train(LOOPS, **options), rtol=1e-4, atol=1e-5)


def test_one_float64_start_makes_training_float64():
    W, b, _ = train(LIBRARY, X.astype(np.float32), W0=W0, b0=B0.astype(np.float32))
    assert (W.dtype, b.dtype) == (np.float64, np.float64)


@every_version
def test_no_epochs_give_a_copy_of_the_start(version):
    start = W0.copy(), B0.copy()
    W, b, losses = train(version, epochs=0, W0=start[0], b0=start[1])
    np.testing.assert_array_equal(W, W0)
    np.testing.assert_array_equal(b, B0)
    assert len(losses) == 0
    W[0][0], b[0] = 99.0, 99.0
    np.testing.assert_array_equal(start[0], W0)
    np.testing.assert_array_equal(start[1], B0)


@pytest.mark.slow
@every_version
def test_what_is_given_is_not_trained_in_place(version):
    given = [array.copy() for array in (X, LABELS, W0, B0)]
    train(version, given[0], given[1], W0=given[2], b0=given[3], batch_size=4)
    for array, before in zip(given, (X, LABELS, W0, B0), strict=True):
        np.testing.assert_array_equal(array, before)


@every_version
def test_classes_default_to_the_largest_label_and_1(version):
    W, b, _ = version.train_linear([[1.0], [2.0]], [0, 4], epochs=1)
    assert (np.shape(W), np.shape(b)) == ((1, 5), (5,))
    W, b, _ = version.train_linear([[1.0], [2.0]], [0, 0], epochs=1)
    assert (np.shape(W), np.shape(b)) == ((1, 1), (1,))
    W, b, _ = version.train_linear([[1.0]], [0], classes=3, epochs=1)
    assert (np.shape(W), np.shape(b)) == ((1, 3), (3,))


@every_version
def test_a_loss_is_that_before_its_epoch(version):
    losses = [train(version, epochs=3, batch_size=4, W0=W0, b0=B0)[2]]
    W, b, _ = train(version, epochs=2, batch_size=4, W0=W0, b0=B0)
    assert losses[0][0] == pytest.approx(version.linear_loss(W0, B0, X, LABELS), rel=1e-12)
    assert losses[0][2] == pytest.approx(version.linear_loss(W, b, X, LABELS), rel=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_training_takes_any_layout(layout):
    arrays = {"W0": layout(W0), "b0": layout(B0)}
    expected = train(
        LOOPS,
        layout(X),
        layout(LABELS),
        classes=4,
        **arrays,
    )
    assert_same_path(train(LIBRARY, layout(X), layout(LABELS), classes=4, **arrays), expected)


@fast_version
def test_training_may_diverge(version):
    *_, losses = train(
        version, X * 1e3, loss="svm", regularization=1e3, learning_rate=1e3, epochs=80
    )
    assert not np.isfinite(losses[-1])


# --- the order of the samples


def batches_of(version, seed, samples=9, epochs=3):
    """Orders as training shows them: a batch a sample, and each sample moves its own weight.

    Two classes from zeros: the weights of feature i move first when sample i has its turn. With one
    epoch's momentum kept whole, the later a sample came, the less far its weight has gone.
    """
    X = np.eye(samples)
    W, _, _ = version.train_linear(
        X, [0] * samples, 2, loss="svm", margin=1e6, train_bias=False, learning_rate=1.0,
        batch_size=1, momentum=1.0, seed=seed, epochs=epochs,
    )  # fmt: skip
    return np.asarray(W)[:, 0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, -5, -(2**63), 2**63 - 1, 2**63, 2**64 - 1])
@fast_version
def test_the_order_is_that_of_the_loops(version, seed):
    weights = batches_of(LOOPS, seed, epochs=1)
    assert sorted(weights) == list(range(1, 10))  # each sample had its turn once
    assert batches_of(version, seed, epochs=1) == weights
    assert batches_of(version, seed) == batches_of(LOOPS, seed)


@every_version
def test_the_order_depends_on_the_seed_and_the_epoch(version):
    assert batches_of(version, 0, epochs=1) != batches_of(version, 1, epochs=1)
    first = np.array(batches_of(version, 0, epochs=1))
    # were epoch 2 in the same order, each weight would gain 9 for the epoch and its first turn
    assert (np.array(batches_of(version, 0, epochs=2)) != 2 * first + 9).any()


@pytest.mark.parametrize(
    ("version", "seed"),
    [
        *((version, seed) for version in (LOOPS, NUMPY, LIBRARY) for seed in (2**64 + 5, -(2**70))),
        *((version, -1) for version in VERSIONS.values()),  # Numba takes no more than 64 bits
    ],
)
def test_a_seed_counts_by_its_lowest_64_bits(version, seed):
    assert batches_of(version, seed) == batches_of(version, seed % 2**64)
