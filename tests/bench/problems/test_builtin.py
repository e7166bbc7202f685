"""The built-in problems: what they are made of, their inputs, tolerances and costs."""

import itertools

import numpy as np
import pytest

from bench.agreement.check import check
from bench.model import DTYPES, PEERS, TIERS, Cell, seeded, to_lists
from bench.problems.builtin import PROBLEMS, tolerances
from bench.problems.builtin.inputs import SIZES

NAMES = [problem.name for problem in PROBLEMS]
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)


def named(name):
    return PROBLEMS[NAMES.index(name)]


def test_every_operation_is_a_problem():
    in_losses = "svm_loss softmax_loss softmax log_softmax svm_loss_gradient softmax_loss_gradient"
    of_functions = "numerical_gradient relative_error check_gradient gradient_descent"
    linear = "linear_loss linear_gradient linear_numerical_gradient train_linear"
    assert [*f"{in_losses} {of_functions} {linear}".split(), "exp"] == NAMES


@each_problem
def test_every_tier_loads(problem):
    assert {"loop", "numpy", "numba", "kernels"} <= set(problem.tiers) <= {*TIERS, *PEERS}
    assert all(callable(one.load()) for tier, one in problem.tiers.items() if tier not in PEERS)


@each_problem
def test_inputs_are_the_same_every_time(problem):
    for one, again in zip(
        problem.inputs("S", "float64"), problem.inputs("S", "float64"), strict=True
    ):
        np.testing.assert_array_equal(one, again)


@each_problem
def test_float32_inputs_are_the_rounded_float64_ones(problem):
    pairs = zip(problem.inputs("S", "float64"), problem.inputs("S", "float32"), strict=True)
    for wide, narrow in pairs:
        if isinstance(wide, np.ndarray) and wide.dtype == np.float64:
            np.testing.assert_array_equal(wide.astype(np.float32), narrow)


@each_problem
def test_inputs_have_the_numbers_of_their_size(problem):
    for size, number in itertools.product(problem.sizes, ("n", "d", "c")):
        if number not in problem.sizes[size]:
            continue
        arrays = [
            item
            for item in problem.inputs(f"{size}@{number}=7", "float64")
            if isinstance(item, np.ndarray)
        ]
        # The samples and labels of a black box are inside it
        if number != "n" or problem.name not in {"numerical_gradient", "check_gradient"}:
            assert any(7 in array.shape or array.size % 7 == 0 for array in arrays), (size, number)


def test_the_post_s_training_stays_one_by_differences_along_a_number():
    for size in ("lecture", "lecture@d=7", "lecture@epochs=5", "S@epochs=1001"):
        arguments = named("train_linear").inputs(size, "float64")
        by_differences = "numerical" in [item for item in arguments if isinstance(item, str)]
        assert by_differences == size.startswith("lecture")


def test_a_seed_is_of_its_name():
    assert seeded("a").random() == seeded("a").random() != seeded("b").random()
    assert seeded("svm_loss/S").integers(1000) == 174


@each_problem
def test_costs_grow_with_the_size(problem):
    costs = [problem.cost_of(size, "float64") for size in problem.sizes if size in {"S", "M"}]
    assert all(one.flops > 0 and one.bytes_moved > 0 for one in costs)
    assert all(a.flops < b.flops for a, b in itertools.pairwise(costs))


def test_the_cost_of_a_loss_by_hand():
    # 3 × 3 scores of 8 bytes and 3 labels of 8; difference, margin, maximum and sum of each score
    found = named("svm_loss").cost_of("lecture", "float64")
    assert (found.bytes_moved, found.flops) == (96, 36)
    assert named("svm_loss").cost_of("lecture", "float32").bytes_moved == 60


@each_problem
def test_samples_are_small_and_cut_from_the_inputs(problem):
    size = list(problem.sizes)[min(2, len(problem.sizes) - 1)]
    whole = problem.inputs(size, "float64")
    sample = problem.sample(whole, np.random.default_rng(0))
    assert len(sample) == len(whole)
    for part, all_of_it in zip(sample, whole, strict=True):
        if isinstance(all_of_it, np.ndarray):
            assert part.size <= min(all_of_it.size, 20_000)
            assert np.isin(part, all_of_it).all()


def test_the_lecture_s_inputs_are_the_post_s():
    scores, labels = named("svm_loss").inputs("lecture", "float64")
    assert scores.tolist() == [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    assert labels.tolist() == [0, 1, 2]
    W, b, X, labels, _ = named("linear_loss").inputs("lecture", "float64")
    assert W.T.tolist() == [[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0.0], [0.0, 0.25, 0.2, -0.3]]
    assert X.tolist() == [[56.0, 23.0, 24.0, 2.0]] * 3
    assert b.tolist() == [1.0, 1.0, 1.0]


def test_the_loops_get_lists():
    scores, labels = named("svm_loss").inputs("lecture", "float32")
    lists = to_lists((scores, labels, 0.5))
    assert lists[1:] == ([0, 1, 2], 0.5)
    assert isinstance(lists[0][0][0], float)
    softmax = named("softmax")
    assert softmax.prepared("loop", (scores,)) == (scores.tolist(),)
    assert softmax.prepared("numpy", (scores,))[0] is scores


def test_the_sizes_are_those_of_the_design():
    sizes = {name: (size["n"], size["c"], size.get("d")) for name, size in SIZES.items()}
    assert sizes == {
        "lecture": (3, 3, 4),
        "S": (64, 10, 16),
        "M": (1000, 10, 3072),
        "L": (20_000, 1000, None),
        "wide": (64, 50_257, None),
        "tall": (1_000_000, 3, None),
    }


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@each_problem
def test_numpy_agrees_with_the_loops(problem, dtype):
    cells = [Cell(problem.name, tier, "lecture", dtype, 1) for tier in ("loop", "numpy")]
    for verdict in check(problem, cells, 10.0):
        assert (verdict.status, verdict.message, verdict.checked) == ("ok", "", "full")


# --- tolerances


def test_near_a_kink_either_side_is_allowed_and_at_it_none():
    # Of the three hinges one is at its kink, one is off it by half a rounding, one is far from it.
    off = np.float32(1e-8)
    scores = np.array([[1.0, 0.0, off, -5.0]], np.float32)
    labels = np.array([0])
    allowed = tolerances.of_hinge_gradient((scores, labels), "float32").atol
    np.testing.assert_allclose(allowed[0], [1.00001, 1e-5, 1.00001, 1e-5], rtol=1e-6)


def test_large_scores_bring_their_own_rounding():
    scores = np.full((2, 2), 1e4, np.float32)
    eps = np.finfo(np.float32).eps
    assert tolerances.of_nats((scores,), "float32").atol == pytest.approx(1e-5 + 4 * eps * 1e4)
    infinite = np.array([[np.inf, np.nan, 1.0]])
    assert tolerances.rounding_of(infinite, "float64") == 4 * np.finfo(np.float64).eps
