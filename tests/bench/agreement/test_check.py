"""What agreement refuses, and with which words; and how far off it lets a value be."""

import random
import sys
import time
from dataclasses import replace
from functools import partial

import numba
import numpy as np
import pandas as pd
import pytest

from bench.agreement import values
from bench.agreement.check import check
from bench.agreement.closeness import closeness
from bench.agreement.results import is_lazy
from bench.model import Cell, Cost, Output, Problem, Tier, Tolerance, to_lists

HARD = np.array([1e4, -1e4])
TOLERANCE = Tolerance(1e-12, 1e-12)


def in_loops(x):
    return [2.0 * value for value in x]


def in_numpy(x):
    return 2.0 * x


def tier(kernel, *, in_lists=False):
    return Tier(lambda: kernel, to_lists if in_lists else None)


def problem(*, loop=in_loops, outputs=None, sizes=None, sample=None, **tiers):
    """Doubling, with tiers of the test's own."""
    return Problem(
        name="double",
        tiers={
            name.replace("_", "-"): tier(k, in_lists=name == "loop")
            for name, k in {"loop": loop, **tiers}.items()
        },
        sizes=sizes or {"S": {"n": 5}},
        make_inputs=lambda size, dtype, rng: (rng.standard_normal(size["n"]).astype(dtype),),
        outputs=outputs or (Output("doubled", "array", lambda _arguments, _dtype: TOLERANCE),),
        cost=lambda size, itemsize: Cost(size["n"] * itemsize, size["n"]),
        growth=1.0,
        sample=sample or (lambda arguments, _rng: tuple(item[:2] for item in arguments)),
        hard_inputs=lambda dtype: [("large numbers", (HARD.astype(dtype),))],
    )


def verdict_on(kernel, *, dtype="float64", tier="numba", budget=60.0, size="S", **parts):
    """The verdict on one tier."""
    one = problem(**{tier.replace("-", "_"): kernel}, **parts)
    return check(one, [Cell("double", tier, size, dtype, 1)], budget)[0]


def test_a_right_tier_is_ok():
    verdict = verdict_on(in_numpy)
    assert (verdict.status, verdict.message, verdict.checked) == ("ok", "", "full")
    assert verdict.max_abs_error == verdict.max_rel_error == 0.0
    assert verdict.seconds is not None


def test_the_loops_are_a_cell_too():
    cells = [Cell("double", tier, "S", "float64", 1) for tier in ("loop", "numpy")]
    verdicts = check(problem(numpy=in_numpy), cells, 60.0)
    assert [one.cell for one in verdicts] == cells
    assert [one.status for one in verdicts] == ["ok", "ok"]


def test_a_wrong_value_is_refused_with_its_error():
    def wrong(x):
        result = 2.0 * x
        if len(x) > 2:
            result[3] += 0.5
        return result

    verdict = verdict_on(wrong)
    assert verdict.status == "disagrees"
    assert verdict.message.startswith("doubled[3] is ")
    assert "loop has" in verdict.message
    assert verdict.max_abs_error == pytest.approx(0.5)
    assert verdict.seconds is None


def test_a_tier_that_is_wrong_on_hard_inputs_only_is_refused():
    verdict = verdict_on(lambda x: 2.0 * np.clip(x, -100.0, 100.0))
    assert verdict.status == "disagrees"
    assert "hard input “large numbers”: doubled[0]" in verdict.message
    assert verdict.max_abs_error == 19_800.0


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (lambda x: (2.0 * x)[:-1], "doubled is a float64 array of shape (1,), not a float64 array"),
        (lambda x: (2.0 * x).astype(np.float32), "doubled is a float32 array of shape (2,)"),
        (lambda x: (2.0 * x).reshape(1, -1), "doubled is a float64 array of shape (1, 2)"),
        (lambda x: list(2.0 * x), "doubled is a list, not a float64 array of shape (2,)"),
        (lambda _x: None, "doubled is None, not a float64 array"),
        (lambda x: x * np.nan, "doubled[0] is nan, loop has 20000"),
        (lambda x: x / 0.0, "doubled[0] is inf"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_result_of_the_wrong_form_is_refused(kernel, words):
    verdict = verdict_on(kernel)
    assert verdict.status == "disagrees"
    assert words in verdict.message


def test_float32_is_wanted_of_a_float32_cell():
    assert verdict_on(in_numpy, dtype="float32").status == "ok"
    verdict = verdict_on(lambda x: 2.0 * x.astype(np.float64), dtype="float32")
    assert "not a float32 array" in verdict.message


def test_a_missing_output_is_named():
    outputs = tuple(
        Output(name, kind, lambda _arguments, _dtype: TOLERANCE)
        for name, kind in (("total", "scalar"), ("doubled", "array"))
    )
    parts = {"loop": lambda x: (sum(x), in_loops(x)), "outputs": outputs}
    assert verdict_on(lambda x: (float(x.sum()), 2.0 * x), **parts).status == "ok"
    missing = verdict_on(lambda x: (float(x.sum()),), **parts)
    assert missing.status == "disagrees"
    assert "returned 1 of 2 outputs (total, doubled): doubled missing" in missing.message
    alone = verdict_on(lambda x: float(x.sum()), **parts)
    assert "returned a float, not a tuple of total, doubled" in alone.message
    narrow = verdict_on(lambda x: (x.sum().astype(np.float32), 2.0 * x), **parts)
    assert "total is a float32, not a float" in narrow.message


def test_exact_outputs_have_to_be_equal_and_of_one_type():
    outputs = (Output("entry", "exact", lambda _arguments, _dtype: TOLERANCE),)
    parts = {"loop": lambda _x: (1, 2), "outputs": outputs}
    assert verdict_on(lambda _x: (1, 2), **parts).status == "ok"
    verdict = verdict_on(lambda _x: (2, 1), **parts)
    assert "entry is (2, 1), loop has (1, 2)" in verdict.message


def test_a_tier_that_writes_to_its_inputs_is_refused_and_the_next_sees_them_whole():
    def writes(x):
        result = 2.0 * x
        x += 1.0
        return result

    one = problem(numpy=writes, numba=in_numpy)
    cells = [Cell("double", tier, "S", "float64", 1) for tier in ("numpy", "numba")]
    verdicts = check(one, cells, 60.0)
    assert [verdict.status for verdict in verdicts] == ["disagrees", "ok"]
    assert "wrote to its argument 1 of 1" in verdicts[0].message


def test_loops_that_write_to_their_lists_are_refused():
    def writes(x):
        x[0] = 0.0
        return in_loops(x)

    verdict = verdict_on(in_numpy, loop=writes)
    assert verdict.status == "failed"
    assert verdict.message == "nothing to compare with: loop: wrote to its argument 1 of 1"


def test_an_exception_is_the_message():
    def raises(_x):
        raise ZeroDivisionError("of\nall things")

    verdict = verdict_on(raises)
    assert verdict.status == "failed"
    assert "ZeroDivisionError: of all things" in verdict.message


def test_a_missing_library_is_unavailable_whenever_it_is_missed():
    def loads():
        raise ModuleNotFoundError("No module named 'torch'")

    when_called = verdict_on(lambda _x: loads())
    assert when_called.status == "unavailable"
    one = problem(numba=in_numpy)
    one.tiers["numba"] = Tier(loads)
    when_loaded = check(one, [Cell("double", "numba", "S", "float64", 1)], 60.0)[0]
    assert when_loaded.status == "unavailable"
    assert when_loaded.message == "ModuleNotFoundError: No module named 'torch'"


# --- budgets


def slow_loop(seen, x):
    """Doubling at two milliseconds an entry."""
    seen.append(len(x))
    time.sleep(0.002 * len(x))
    return in_loops(x)


SLOW_SIZES = {"S": {"n": 5}, "L": {"n": 100_000}}


def test_loops_over_their_budget_see_a_sample():
    seen = []
    one = problem(loop=partial(slow_loop, seen), numpy=in_numpy, numba=in_numpy, sizes=SLOW_SIZES)
    cells = [Cell("double", tier, "L", "float64", 1) for tier in ("loop", "numpy", "numba")]
    loop, numpy, numba = check(one, cells, 2.0)
    assert max(seen) == 5
    assert loop.status == "skipped"
    assert "per call, over the budget of 2 s" in loop.message
    assert loop.estimated_s > 2.0
    assert (numpy.status, numpy.checked) == ("ok", "sample")
    assert (numba.status, numba.checked) == ("ok", "sample")


def test_what_the_sample_misses_is_held_against_numpy():
    def wrong_at_the_end(x):
        result = 2.0 * x
        result[5:] += 1.0
        return result

    parts = {"loop": partial(slow_loop, []), "numpy": in_numpy, "sizes": SLOW_SIZES}
    verdict = verdict_on(wrong_at_the_end, size="L", budget=2.0, **parts)
    assert verdict.status == "disagrees"
    assert "numpy has" in verdict.message


def test_a_wrong_numpy_does_not_accuse_the_others():
    def wrong_on_the_sample(x):
        return 2.0 * x + (len(x) == 2 and x[0] != HARD[0])

    parts = {"loop": partial(slow_loop, []), "numpy": wrong_on_the_sample, "sizes": SLOW_SIZES}
    verdict = verdict_on(in_numpy, size="L", budget=2.0, **parts)
    assert (verdict.status, verdict.checked) == ("ok", "sample")


def test_without_a_sample_nothing_is_timed():
    parts = {"loop": partial(slow_loop, []), "sizes": SLOW_SIZES, "sample": lambda *_: None}
    verdict = verdict_on(in_numpy, size="L", budget=2.0, **parts)
    assert verdict.status == "skipped"
    assert "cannot be sampled" in verdict.message


def test_a_slow_tier_is_skipped_by_what_a_smaller_size_foretells():
    def slow(x):
        time.sleep(0.002 * len(x))
        return 2.0 * x

    verdict = verdict_on(slow, size="L", budget=2.0, sizes=SLOW_SIZES)
    assert verdict.status == "skipped"
    assert verdict.estimated_s > 2.0
    assert verdict.max_abs_error is None


@pytest.mark.parametrize(("tier", "kernel"), [("loop", in_loops), ("numpy", in_numpy)])
def test_what_the_first_call_loads_is_no_part_of_a_call(tier, kernel):
    seen = []

    def slow_at_first(x):
        if not seen:
            time.sleep(0.3)
        seen.append(len(x))
        return kernel(x)

    kernels = {"loop": in_loops, "numpy": in_numpy, tier: slow_at_first}
    (verdict,) = check(problem(**kernels), [Cell("double", tier, "S", "float64", 1)], 60.0)
    assert verdict.seconds < 0.15


def test_an_oracle_that_compiles_longer_than_the_budget_is_not_slow():
    seen = []

    def compiled_at_first(x):
        if not seen:
            time.sleep(0.3)
        seen.append(len(x))
        return in_numpy(x)

    one = replace(problem(numba=compiled_at_first), oracle="numba")
    (verdict,) = check(one, [Cell("double", "numba", "S", "float64", 1)], 0.2)
    assert (verdict.status, verdict.checked) == ("ok", "full")


def test_an_oracle_is_held_against_itself_on_more_threads():
    def right_on_one(x):
        return in_numpy(x) + (numba.get_num_threads() - 1)

    one = replace(problem(numba_parallel=right_on_one), oracle="numba-parallel")
    cells = [Cell("double", "numba-parallel", "S", "float64", count) for count in (1, 2)]
    alone, beside = check(one, cells, 60.0)
    assert alone.status == "ok"
    assert beside.status == "disagrees"


# --- tolerance


@pytest.mark.parametrize(
    ("value", "agrees"),
    [(1.5, True), (2.5, True), (2.5000001, False), (1.4999999, False)],
)
def test_the_tolerance_is_inclusive(value, agrees):
    output = Output("y", "scalar", lambda _arguments, _dtype: Tolerance(0.125, 0.25))
    found = closeness((output,), value, 2.0, (), "float64", "loop")
    assert (found.message == "") is agrees


def test_a_tolerance_may_differ_from_entry_to_entry():
    output = Output("y", "array", lambda _a, _d: Tolerance(0.0, np.array([0.0, 1.0])))
    near = closeness((output,), np.array([1.0, 2.0]), [1.0, 1.0], (), "float64", "loop")
    assert near.message == ""
    assert near.max_abs_error == 1.0
    off = closeness((output,), np.array([2.0, 1.0]), [1.0, 1.0], (), "float64", "loop")
    assert off.message.startswith("y[0] is 2, loop has 1")


@pytest.mark.parametrize(
    ("values", "wanted", "agree"),
    [
        ([np.nan, 1.0], [np.nan, 1.0], True),
        ([np.inf, -np.inf], [np.inf, -np.inf], True),
        ([np.inf], [-np.inf], False),
        ([1.0], [np.nan], False),
        ([np.nan], [np.inf], False),
        ([1e308], [np.inf], False),
    ],
)
def test_nan_and_infinities_have_to_be_in_the_same_places(values, wanted, agree):
    output = Output("y", "array", lambda _arguments, _dtype: Tolerance(1.0, 1.0))
    found = closeness((output,), np.array(values), wanted, (), "float64", "loop")
    assert (found.message == "") is agree


def test_the_relative_error_is_of_entries_that_are_not_zero():
    output = Output("y", "array", lambda _arguments, _dtype: Tolerance(1.0, 1.0))
    found = closeness((output,), np.array([0.5, 3.0]), [0.0, 2.0], (), "float64", "loop")
    assert (found.max_abs_error, found.max_rel_error) == (1.0, 0.5)


# --- any arguments and any results, as a person's own file may have them


def of_any(make, hard=(), **tiers):
    """A problem whose oracle is NumPy, with arguments of the test's own."""
    return Problem(
        name="any",
        tiers={name: tier(k) for name, k in tiers.items()},
        sizes={"S": {"n": 5}},
        make_inputs=lambda _size, _dtype, _rng: make(),
        outputs={"float64": 1e-10},
        cost=None,
        growth=None,
        sample=None,
        hard_inputs=lambda _dtype: hard,
        oracle="numpy",
    )


def judged(one):
    """The verdicts by tier."""
    cells = [Cell("any", tier, "S", "float64", 1) for tier in one.tiers]
    return {verdict.cell.tier: verdict for verdict in check(one, cells, 60.0)}


X = np.array([3.0, 1.0, 2.0])
BUFFER = np.empty(3)


def filling(factor, form):
    """A kernel that returns the one buffer each time, in some form."""

    def kernel(x):
        np.multiply(x, factor, out=BUFFER)
        return form(BUFFER)

    return kernel


@pytest.mark.parametrize(
    "form",
    [
        lambda buffer: buffer,
        lambda buffer: buffer[::-1],
        lambda buffer: [buffer, buffer],
        lambda buffer: (buffer, 1.0),
        lambda buffer: np.ma.array(buffer, mask=[1, 0, 0], copy=False),
        lambda buffer: pd.Series(buffer, copy=False),
    ],
)
def test_a_result_is_what_it_was_when_its_call_ended(form):
    hard = [("ones", (np.ones(3),)), ("twos", (np.full(3, 2.0),))]
    tiers = {"numpy": filling(2.0, form), "right": lambda x: form(2.0 * x)}
    found = judged(of_any(lambda: (X,), hard, **tiers, wrong=filling(3.0, form)))
    assert [one.status for one in found.values()] == ["ok", "ok", "disagrees"]
    assert "is 3, numpy has 2" in found["wrong"].message


HUGE = 10**400


@pytest.mark.parametrize(
    ("wanted", "same", "other", "words", "error"),
    [
        ([2**60, 5], np.array([2**60, 5]), [2**60 + 1, 5], f"is {2**60 + 1}, numpy has", 1.0),
        (np.array([2**60]), np.array([2.0**60]), np.array([2.0**60 + 256]), "e+18", 256.0),
        ([2**60 + 1], [2**60 + 1], np.array([2.0**60]), f"numpy has {2**60 + 1}", 1.0),
        (np.uint64(2**63), 2**63, 2**63 + 1, f"is {2**63 + 1}", 1.0),
        (2**53, 2.0**53, 2**53 + 1, f"is {2**53 + 1}", 1.0),
        ([2**63, -1], [np.uint64(2**63), -1.0], [2**63, -2], "is -2, numpy has -1", 1.0),
        (-(2**63), np.int64(-(2**63)), 2**63, f"numpy has {-(2**63)}", 2.0**64),
        ([[2**70], [-3]], [[2**70], [-3.0]], [[2**70 + 7], [-3]], "result[0, 0] is", 7.0),
        ([HUGE], [HUGE], [HUGE + 1], "is a whole number of 1329 bits", 1.0),
        ([HUGE], [HUGE], [3], "is 3, numpy has a whole number", sys.float_info.max),
        (np.array([2**70, 1], object), [2**70, True], [2**70, 2], "result[1] is 2", 1.0),
        (7, 7.0, 7.5, "is 7.5, numpy has 7", 0.5),
        (np.array([True, False]), [1, 0], [1, 1], "is 1, numpy has False", 1.0),
        ([2**60, 0.5], [2**60, 0.5], [2**60 + 1, 0.5], f"numpy has {2**60}", 1.0),
        ([2**60, 0.5], [2**60, 0.5 + 1e-12], [2**60, 0.75], "is 0.75, numpy has 0.5", 0.25),
        ([0, 0.5], [1e-15, 0.5], [1, 0.5], "is 1, numpy has 0", 1.0),
    ],
)
def test_whole_numbers_are_compared_as_whole_numbers(wanted, same, other, words, error):
    one = of_any(lambda: (X,), numpy=lambda _: wanted, same=lambda _: same, other=lambda _: other)
    found = judged(one)
    assert (found["same"].status, found["other"].status) == ("ok", "disagrees")
    assert words in found["other"].message
    assert found["other"].max_abs_error == error


class Counting:
    """An object with a state."""

    def __init__(self):
        self.calls, self.array = 0, np.zeros(2)

    def __call__(self):
        self.calls += 1


def write_after_the_first(seen, x):
    if seen and seen[0] is x:
        x[0] += 1.0
    seen[:] = [x]


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [3.0, 1.0, 2.0], list.sort),
        (lambda: [X.copy()], lambda value: value[0].sort()),
        (lambda: {"x": [X.copy()]}, lambda value: value["x"][0].sort()),
        (lambda: {1, 2}, lambda value: value.add(3)),
        (Counting, Counting.__call__),
        (Counting, lambda value: value.array.fill(1.0)),
        (lambda: Counting().__call__, lambda value: value()),
        (lambda: pd.DataFrame({"x": X}), lambda value: value.insert(0, "y", 1)),
        (lambda: pd.Series([1, "a"]), lambda value: value.__setitem__(0, 2)),
        (lambda: np.array([1 + 1j, np.nan]), lambda value: value.fill(0)),
        (lambda: np.ma.array(X, mask=[1, 0, 0]), lambda value: value.mask.fill(False)),
        (lambda: np.ma.array(X, mask=[1, 0, 0]), lambda value: value.__setitem__(1, 7.0)),
        (X.copy, partial(write_after_the_first, [])),
    ],
)
def test_a_change_of_any_argument_is_seen_and_goes_no_further(make, change):
    value = make()  # one for all, as a constant of a person's file
    found = judged(
        of_any(
            lambda: (1.0, value),
            [("hard", (1.0, value))],
            numpy=lambda one, _: one,
            changes=lambda one, value: (change(value), one)[1],
            later=lambda one, given: one + (not values.same(given, make())),
        )
    )
    assert [one.status for one in found.values()] == ["ok", "disagrees", "ok"]
    assert "wrote to its argument 2 of 2" in found["changes"].message
    assert values.same(value, make())


def test_what_a_call_changes_before_it_raises_goes_no_further():
    def raises(x):
        x.sort()
        raise ValueError("late")

    one = of_any(lambda: ([3.0, 1.0],), numpy=lambda x: x, raises=raises, right=lambda x: x)
    assert [verdict.status for verdict in judged(one).values()] == ["ok", "failed", "ok"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.array([complex(np.nan, 1.0), complex(1.0, np.nan)]),
        lambda: np.ma.array([np.nan, 1.0], mask=[0, 1]),
        lambda: [np.nan, float("nan")],
        lambda: pd.DataFrame({"x": [np.nan, 1.0]}),
        lambda: np.array([("a", np.nan)], [("key", "U1"), ("x", "f8")]),
    ],
)
def test_nan_in_an_argument_is_no_change(make):
    one = of_any(lambda: (make(),), numpy=len, other=lambda value: len(value))
    assert [verdict.status for verdict in judged(one).values()] == ["ok", "ok"]


def test_an_argument_may_be_the_result():
    found = judged(of_any(lambda: (X,), numpy=lambda x: x, view=lambda x: x[:]))
    assert [verdict.status for verdict in found.values()] == ["ok", "ok"]


def test_each_call_draws_the_same_numbers():
    rng = np.random.default_rng(1)
    found = judged(
        of_any(
            lambda: (rng, random.Random(1)),
            numpy=lambda one, other: (one.random(), other.random()),
            same=lambda one, other: (one.random(1)[0], other.random()),
            more=lambda one, other: (one.random() + one.random(), other.random()),
        )
    )
    assert [verdict.status for verdict in found.values()] == ["ok", "ok", "disagrees"]
    assert rng.random() == np.random.default_rng(1).random()


def test_an_argument_that_cannot_be_copied_is_refused():
    found = judged(of_any(lambda: (1, (i for i in range(3))), numpy=lambda *_: 1.0))
    assert found["numpy"].status == "failed"
    assert "argument 2 of 2 is a generator, which cannot be copied" in found["numpy"].message


class Lazy:
    """A result that is computed when it is asked for; `None` where it never is."""

    def __init__(self, compute):
        self._compute = compute


class WithArray(Lazy):
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._compute(), dtype)


class WithCompute(Lazy):
    def compute(self):
        return self._compute()

    def __getattr__(self, name):
        return lambda: self  # as dask.delayed: an attribute of any name

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("compute comes first")


class WithBlock(Lazy):
    def block_until_ready(self):
        self.ready = self._compute()
        return self

    def compute(self):
        raise AssertionError("block_until_ready comes first")

    def __array__(self, dtype=None, copy=None):
        return self.ready


@pytest.mark.parametrize("kind", [WithArray, WithCompute, WithBlock])
@pytest.mark.parametrize("form", [lambda one: one, lambda one: (1.0, one), lambda one: [one, one]])
def test_a_lazy_result_is_waited_for(kind, form):
    def slowly(x):
        time.sleep(0.02)
        return 2.0 * x

    def raises():
        raise ZeroDivisionError("of late")

    found = judged(
        of_any(
            lambda: (X,),
            numpy=lambda x: form(2.0 * x),
            lazy=lambda x: form(kind(lambda: slowly(x))),
            wrong=lambda x: form(kind(lambda: 3.0 * x)),
            raising=lambda _: form(kind(raises)),
        )
    )
    assert [one.status for one in found.values()] == ["ok", "ok", "disagrees", "failed"]
    assert [one.waits for one in found.values()] == [False, True, False, False]
    assert found["lazy"].seconds >= 0.02
    assert "ZeroDivisionError: of late" in found["raising"].message


def test_a_lazy_oracle_is_waited_for():
    found = judged(of_any(lambda: (X,), numpy=lambda x: WithArray(x.copy), other=lambda x: x))
    assert [(one.status, one.waits) for one in found.values()] == [("ok", True), ("ok", False)]


@pytest.mark.parametrize(
    "result", [1, 2.5, True, X, [1.0, [2.0]], (1, X), np.float32(1), np.ma.array(X), 2**70]
)
def test_numbers_lists_and_arrays_are_not_waited_for(result):
    assert not is_lazy(result)


def test_a_result_that_cannot_be_waited_for_is_refused():
    found = judged(of_any(lambda: (X,), numpy=lambda x: x, other=lambda x: Lazy(x.copy)))
    assert (found["other"].status, found["other"].waits) == ("disagrees", False)
    assert "the result is a Lazy, not real numbers" in found["other"].message


def with_mask(*mask, hidden=9.0):
    return np.ma.array(np.where(mask, hidden, X), mask=mask)


@pytest.mark.parametrize(
    ("wanted", "got", "words"),
    [
        (with_mask(0, 1, 0), with_mask(0, 1, 0, hidden=5.0), ""),
        (with_mask(0, 1, 0, hidden=np.nan), with_mask(0, 1, 0), ""),
        (with_mask(0, 1, 0), with_mask(1, 1, 0), "result[0] is masked, numpy's is not; 1 of 3"),
        (with_mask(1, 1, 0), with_mask(0, 1, 0), "result[0] is not masked, numpy's is; 1 of 3"),
        (X, with_mask(0, 0, 1), "result[2] is masked, numpy's is not; 1 of 3 entries"),
        (with_mask(0, 0, 1), X, "result[2] is not masked, numpy's is; 1 of 3 entries"),
        (X, with_mask(0, 0, 0), ""),
        (with_mask(0, 1, 0), with_mask(0, 1, 0) + 1.0, "result[0] is 4, numpy has 3 "),
        ([with_mask(0, 1, 0)], [with_mask(0, 0, 0)], "result[0, 1] is not masked"),
        (np.ma.masked, np.ma.masked, ""),
        ([1.0, np.ma.masked], [1.0, np.nan], "result[1] is not masked"),
        ((with_mask(0, 1, 0), 1), (with_mask(0, 1, 1), 1), "result 1[2] is masked"),
        # What is hidden does not make what is seen coarser
        (with_mask(0, 1, 0, hidden=1e20), with_mask(0, 1, 0) + 1e-3, "result[0] is 3.00"),
    ],
)
def test_masks_count_and_what_they_hide_does_not(wanted, got, words):
    found = judged(of_any(lambda: (X,), numpy=lambda _: wanted, other=lambda _: got))
    assert found["numpy"].status == "ok"
    assert found["other"].status == ("disagrees" if words else "ok")
    assert words in found["other"].message
