"""Other libraries as tiers: where they are missing, and that they agree where they are not."""

import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.agreement.check import check
from bench.common import threads
from bench.model import (
    DTYPES,
    PEERS,
    TIERS,
    Cell,
    Cost,
    Options,
    Output,
    Problem,
    Tier,
    Tolerance,
    to_lists,
)
from bench.problems import peers
from bench.problems.builtin import PROBLEMS
from bench.problems.selection import BESIDE_PEERS, cells_of, tiers_named

ROOT = Path(__file__).parents[3]
NAMED = {problem.name: problem for problem in PROBLEMS}
EACH = [(peer, name) for peer, names in peers.OPERATIONS.items() for name in names]
NEEDED = {peer: peer for peer in PEERS} | {"c": "cffi", "torch-chunked": "torch"}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


def need(peer):
    """Load a peer, or skip the test."""
    pytest.importorskip(NEEDED[peer], reason=f"{peer} is not installed")
    if peer == "c" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    if peer == "torch-chunked":
        theirs = importlib.import_module("torch.nn.functional")
        if not hasattr(theirs, "linear_cross_entropy"):
            pytest.skip("this PyTorch has no linear_cross_entropy")


def verdict_on(problem, peer, size="S", dtype="float64"):
    return check(problem, [Cell(problem.name, peer, size, dtype, 1)], 60.0)[0]


# --- which there are


def test_every_peer_is_listed_and_hangs_in_its_problems():
    assert tuple(peers.OPERATIONS) == PEERS
    for name, problem in NAMED.items():
        wanted = {peer for peer, names in peers.OPERATIONS.items() if name in names}
        assert set(problem.tiers) & set(PEERS) == wanted


@pytest.mark.parametrize(
    ("given", "tiers"),
    [
        ((), ()),
        (("torch",), ("torch",)),
        (("jax,c", "loop"), ("loop", "jax", "c")),
        (("peers",), ("numpy", "numba", "kernels", *PEERS)),
        (("peers,loop",), ("loop", "numpy", "numba", "kernels", *PEERS)),
    ],
)
def test_names_of_peers(given, tiers):
    assert tiers_named(given, PROBLEMS) == tiers


def test_peers_are_measured_only_where_they_are_asked_for():
    assert not {cell.tier for cell in cells_of(PROBLEMS, Options())} & set(PEERS)
    options = Options(problems=("svm_loss",), sizes=("S",), tiers=tiers_named(["c"], PROBLEMS))
    asked = cells_of(PROBLEMS, options)
    assert [cell.id for cell in asked] == ["svm_loss-c-S-float64"]


def pytest_bench_collects(*arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bench", "--collect-only"]
    done = subprocess.run(
        [*command, "-q", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_pytest_bench_has_them_where_they_are_asked_for():
    out = pytest_bench_collects("--lossbench-tier=peers", "--lossbench-size=S")
    assert "test_speed[softmax-sklearn-S-float64]" in out
    assert "test_speed[softmax-numba-S-float64]" in out
    assert "loop" not in out
    assert "1/" in pytest_bench_collects("-k", "softmax_loss-torch-M-float32")


# --- missing


@pytest.fixture
def without_peers(tmp_path):
    """An environment in which none of the libraries can be imported."""
    folder = tmp_path / "nothing"
    folder.mkdir()
    for library in ("torch", "jax", "sklearn", "cffi"):
        words = f"No module named '{library}'"
        (folder / f"{library}.py").write_text(
            f'raise ModuleNotFoundError("{words}")\n', encoding="utf-8"
        )
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}


@pytest.mark.slow
def test_missing_peers_are_unavailable_and_the_run_ends_well(without_peers, tmp_path):
    output = tmp_path / "results"
    options = ["softmax_loss", "--tier", "peers", "--size", "lecture", "--passes", "1"]
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "bench", "run", *options, "--output", str(output)],
        capture_output=True, text=True, cwd=ROOT, env=without_peers, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    assert "7 cells: 3 ok, 4 unavailable." in process.stdout
    assert "No module named 'torch'" in process.stdout
    (folder,) = output.iterdir()
    frame = bench.load(folder).set_index("tier")
    missing = dict.fromkeys(("sklearn", "torch", "jax", "c"), "unavailable")
    ours = dict.fromkeys(("numpy", "numba", "kernels"), "ok")
    assert frame["status"].to_dict() == ours | missing
    assert frame.loc[list(missing), "median_s"].isna().all()


# --- agreement


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("peer", "name"), EACH)
def test_a_peer_agrees(peer, name, dtype):
    need(peer)
    for size in ("lecture", "S"):
        verdict = verdict_on(NAMED[name], peer, size, dtype)
        assert (verdict.status, verdict.checked) == ("ok", "full"), verdict.message


@pytest.mark.parametrize("name", ["svm_loss", "svm_loss_gradient"])
def test_torch_s_many_scores_take_another_way_to_the_same(name, monkeypatch):
    need("torch")
    from bench.problems.peers import torch

    monkeypatch.setattr(torch, "_FEW_SCORES", 0)
    assert verdict_on(replace(NAMED[name]), "torch").status == "ok"


def test_an_older_torch_has_no_chunked_cross_entropy(monkeypatch):
    need("torch")
    import torch

    monkeypatch.delattr(torch.nn.functional, "linear_cross_entropy", raising=False)
    monkeypatch.delitem(sys.modules, "bench.problems.peers.torch_chunked", raising=False)
    verdict = verdict_on(replace(NAMED["linear_loss"]), "torch-chunked")
    assert verdict.status == "unavailable"
    assert "linear_cross_entropy" in verdict.message


def test_torch_s_convention_is_needed(monkeypatch):
    need("torch")
    from bench.problems.peers import torch

    theirs = torch.functional.multi_margin_loss
    monkeypatch.setattr(
        torch.functional,
        "multi_margin_loss",
        lambda scores, *rest, **options: theirs(scores, *rest, **options) / scores.shape[1],
    )
    # A problem of its own: what was found about the hard inputs is kept by problem
    verdict = verdict_on(replace(NAMED["svm_loss"]), "torch")
    assert verdict.status == "disagrees"


def test_scipy_s_step_back_is_needed(monkeypatch):
    from bench.problems.peers import scipy

    forward = scipy.optimize.approx_fprime
    monkeypatch.setattr(scipy.optimize, "approx_fprime", lambda x, f, h: forward(x, f, abs(h)))
    verdict = verdict_on(replace(NAMED["numerical_gradient"]), "scipy")
    assert verdict.status == "disagrees"


def test_torch_is_told_how_many_threads():
    need("torch")
    import torch

    before = torch.get_num_threads()
    with threads.limited(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


# --- special values: a tier of ours is held to them, a peer is not


def doubling(tier, kernel, hard):
    return Problem(
        name="double",
        tiers={
            "loop": Tier(lambda: lambda x: [2.0 * value for value in x], to_lists),
            tier: Tier(lambda: kernel),
        },
        sizes={"S": {"n": 3}},
        make_inputs=lambda size, dtype, rng: (rng.standard_normal(size["n"]).astype(dtype),),
        outputs=(Output("doubled", "array", lambda *_: Tolerance(1e-12, 1e-12)),),
        cost=lambda size, itemsize: Cost(size["n"] * itemsize, size["n"]),
        growth=1.0,
        sample=lambda arguments, _rng: arguments,
        hard_inputs=lambda dtype: [("a hard one", (np.array(hard, dtype),))],
    )


def doubles_what_is_small(x):
    return np.where(np.abs(x) < 100.0, 2.0 * x, 0.0).astype(x.dtype)


@pytest.mark.parametrize(
    ("tier", "hard", "status"),
    [
        ("numba", [np.nan, 1.0], "disagrees"),
        ("scipy", [np.nan, 1.0], "ok"),
        ("scipy", [-np.inf, 1.0], "ok"),
        ("scipy", [1e4, 1.0], "disagrees"),
        ("numba", [2.0, 1.0], "ok"),
    ],
)
def test_only_a_peer_may_have_special_values_of_its_own(tier, hard, status):
    verdict = verdict_on(doubling(tier, doubles_what_is_small, hard), tier)
    assert verdict.status == status
    if not np.isfinite(hard).all() and status == "ok":
        assert verdict.message == "differs on special values: a hard one"


def test_a_peer_that_keeps_special_values_has_nothing_said_of_it():
    verdict = verdict_on(doubling("scipy", lambda x: 2.0 * x, [np.nan, 1.0]), "scipy")
    assert (verdict.status, verdict.message) == ("ok", "")


def test_a_peer_that_writes_to_its_inputs_is_refused():
    def writes(x):
        x *= 2.0
        return x

    verdict = verdict_on(doubling("scipy", writes, [1.0]), "scipy")
    assert verdict.status == "disagrees"
    assert "wrote to its argument 1 of 1" in verdict.message


# --- C


def test_without_a_compiler_c_is_unavailable(monkeypatch):
    need("c")
    from bench.problems.peers import c

    monkeypatch.setenv("CC", "no-such-compiler -O2")
    c._compiled.cache_clear()
    verdict = verdict_on(replace(NAMED["softmax"]), "c")
    c._compiled.cache_clear()
    assert verdict.status == "unavailable"
    assert "no C compiler: no-such-compiler is not on the path" in verdict.message


def test_a_compiler_that_fails_is_quoted(monkeypatch):
    need("c")
    from bench.problems.peers import c

    monkeypatch.setenv("CC", "cc --no-such-flag")
    with pytest.raises(ImportError, match=r"the C compiler failed: .*no-such-flag"):
        c.Compiled("float64")


def test_where_nothing_can_be_written_c_is_unavailable(monkeypatch, tmp_path):
    need("c")
    from bench.problems.peers import c

    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("LOSSBENCH_CACHE_DIR", str(tmp_path / "file" / "folder"))
    with pytest.raises(ImportError, match="LOSSBENCH_CACHE_DIR"):
        c.Compiled("float64")


def test_c_is_compiled_once(monkeypatch, tmp_path):
    need("c")
    from bench.problems.peers import c

    monkeypatch.setenv("LOSSBENCH_CACHE_DIR", str(tmp_path))
    c.Compiled("float32")
    (made,) = tmp_path.iterdir()
    before = made.stat().st_mtime_ns
    c.Compiled("float32")
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [before]


def test_loading_c_leaves_denormals_alone():
    need("c")
    from bench.problems.peers import c

    c.Compiled("float64")
    assert np.float64(1e-310) * np.float64(0.5) == 5e-311


def test_the_cache_is_the_user_s_unless_it_is_named(monkeypatch):
    need("c")
    from bench.problems.peers import c

    monkeypatch.delenv("LOSSBENCH_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    assert c.cache_folder() == Path("elsewhere") / "lossbench"


def test_the_peers_stand_beside_tiers_of_ours():
    assert set(BESIDE_PEERS) <= set(TIERS)
