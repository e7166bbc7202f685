"""`lossbench adopt`: a problem file for functions of a module, which runs as it is."""

import itertools
import sys

import pytest
from commands import answered

import bench
from bench.problems.user_file import look_at, problems_in

MODULE = """
from typing import Sequence
import numpy as np
from numba import njit
from numpy.typing import NDArray

def slow(x: NDArray, k: int, scale: float = 2.0) -> float:
    return sum(scale * v * k for v in x)

@njit
def fast(x, k, scale=2.0):
    return scale * x.sum() * k

def product(A, b):
    return [sum(a * c for a, c in zip(row, b)) for row in A]

def at_once(A, b):
    return A @ b

def of_kinds(some: list[float], count: int, x: float, name: str, yes: bool, z: complex, w: tuple):
    return sum(some) * count * x * (not yes) + len(name) + z.imag + len(w)

def nothing(*, a=1):
    return a

class Callable:
    def __call__(self, x):
        return 2 * x

called = Callable()
not_called = 3
"""
NUMBERS = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module in the current folder."""
    name = f"adopted_{next(NUMBERS)}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def adopted(module, names, *options):
    return answered("adopt", *(f"{module}:{name}" for name in names), *options, cwd=".")


@pytest.mark.slow
def test_a_file_for_two_functions_runs_as_it_is(module, tmp_path):
    process = adopted(module, ["slow", "fast"], "--size", "n=10,100")
    assert process.returncode == 0, process.stderr
    words = "Written to slow_problem.py. To check and time it: lossbench run --problem slow_problem"
    assert words in process.stdout
    what = ["--problem", "slow_problem.py", "--passes", "1", "--output", tmp_path / "results"]
    process = answered("run", *what, cwd=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    frame = bench.load(next((tmp_path / "results").iterdir()))
    assert frame["tier"].tolist() == ["loop", "numba"] * 2
    assert frame["n"].tolist() == [10, 10, 100, 100]
    assert (
        tmp_path / "results" / frame["run_id"][0] / f"slow_problem.modules/{module}.py"
    ).exists()


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("names", "options", "tiers", "sizes"),
    [
        (["product", "at_once"], ["--call", "product(rng.random((n, n)), rng.random(n))"],
         ["loop", "numpy"], ["n3", "n5"]),
        (["at_once", "product"], ["--call", "f(np.ones((n, k)), np.ones(k))", "--size", "k=0,2"],
         ["loop", "numpy"], ["n3-k0", "n5-k2"]),
        (["fast", "slow", "slow"], ["--call", "fast(rng.random(n), 3)"],
         ["loop", "numpy", "numba"], ["n3", "n5"]),
        (["of_kinds"], [], ["loop"], ["n3", "n5"]),
        (["called", "called", "called"], ["--call", "f(np.arange(n))"],
         ["loop", "numpy", "called"], ["n3", "n5"]),
    ],
)  # fmt: skip
def test_versions_and_inputs(module, names, options, tiers, sizes):
    process = adopted(module, names, "--size", "n=3,5", *options, "--file", "mine.py")
    assert process.returncode == 0, process.stderr
    (one,) = problems_in([look_at("mine.py")])
    assert (list(one.tiers), list(one.sizes)) == (tiers, sizes)
    checked = answered("check", "--problem", "mine.py", cwd=".")
    assert checked.returncode == 0, checked.stdout
    assert f"{len(tiers) * len(sizes)} cells: {len(tiers) * len(sizes)} ok." in checked.stdout


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        (["missing"], [], "has no function missing"),
        (["not_called"], [], "has no function not_called"),
        (["nothing"], [], "it has no arguments without a default: give a call with --call"),
        (["slow"], ["--size", "k=1"], "each number needs a value for every size"),
        (["slow"], ["--size", "n"], "a size is given as n=100,10000, not 'n'"),
        (["slow"], ["--size", "n=1.5"], "a size is given as n=100,10000, not 'n=1.5'"),
        (["slow"], ["--size", "2=1"], "a size is given as n=100,10000, not '2=1'"),
        (["slow"], ["--call", "slow(x="], "--call is no Python"),
        (["slow"], ["--call", "slow"], "--call has to be a call with positional arguments"),
        (["slow"], ["--call", "slow(x=1)"], "--call has to be a call with positional arguments"),
        (["slow"], ["--file", "taken.py"], "taken.py already exists: choose another name"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(module, tmp_path, names, options, words):
    (tmp_path / "taken.py").write_text("mine", encoding="utf-8")
    before = sorted(path.name for path in tmp_path.glob("*.py"))
    process = adopted(module, names, "--size", "n=3,5", *options)
    assert process.returncode == 2, process.stdout
    assert words in " ".join(process.stderr.replace("│", " ").split())
    assert sorted(path.name for path in tmp_path.glob("*.py")) == before


@pytest.mark.parametrize("words", ["no_such_module_here:f", "json", ":f", "json:", "broken:f"])
def test_a_function_that_is_not_found(tmp_path, words):
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    process = answered("adopt", words, "--size", "n=1", cwd=tmp_path)
    assert process.returncode == 2
    known = ("cannot be imported", "a function is named as module:function")
    assert any(one in " ".join(process.stderr.split()) for one in known)
