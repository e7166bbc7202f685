"""The arguments of jitted functions: a time must not depend on what was called before."""

import numba
import pytest

from bench.agreement.given import Given
from bench.model import Problem, Tier, with_defaults
from bench.problems.builtin import PROBLEMS


@numba.njit
def scaled(x, factor=2.0, shift=0.5):
    return x.sum() * factor + shift


def plain(x, factor=2.0, shift=0.5):
    return x.sum() * factor + shift


@pytest.mark.parametrize(
    ("kernel", "arguments", "wanted"),
    [
        (scaled, ("x",), ("x", 2.0, 0.5)),
        (scaled, ("x", 3.0), ("x", 3.0, 0.5)),
        (scaled, ("x", 3.0, 4.0), ("x", 3.0, 4.0)),
        (scaled, (), ()),  # Numba says what is missing
        (scaled, ("x", 3.0, 4.0, 5.0), ("x", 3.0, 4.0, 5.0)),
        (plain, ("x",), ("x",)),
        (numba.njit(lambda x, shape=(1, 2): (x, shape)), ("x",), ("x",)),
        (numba.vectorize(plain), ("x",), ("x",)),
    ],
)
def test_a_jitted_function_gets_its_defaults(kernel, arguments, wanted):
    assert with_defaults(kernel, arguments) == wanted


def test_calls_of_a_run_leave_out_no_default():
    one = Problem(
        name="scaled",
        tiers={"loop": Tier(lambda: plain), "numba": Tier(lambda: scaled)},
        sizes={"S": {"n": 3}},
        make_inputs=lambda size, dtype, rng: (rng.random(size["n"]).astype(dtype),),
        outputs=(),
    )
    x = one.inputs("S", "float64")
    given = Given(one, "numba", x)
    assert scaled(*given.next()) == plain(*Given(one, "loop", x).next())
    assert given.harm() == ""
    assert not any(isinstance(its, numba.types.Omitted) for its in scaled.signatures[-1])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_the_built_in_texts_get_all_of_their_arguments(problem):
    arguments = Given(problem, "numba", problem.inputs("lecture", "float64")).next()
    kernel = problem.tiers["numba"].load()
    assert len(arguments) == kernel.py_func.__code__.co_argcount
