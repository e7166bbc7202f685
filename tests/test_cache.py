"""Numba's cache, damaged or unwritable: a call compiles, warns once, and never fails."""

import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numba
import pytest

from kernels import _cache

ROOT = Path(__file__).parents[1]
MODULE = """
from kernels._cache import cached
def _doubled(x):
    return 2 * x
doubled = cached(_doubled, nogil=True)
"""
LINE = "lossbench compiles"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder for the cache, with no warning given yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(_cache, "_said_no_cache", False)
    monkeypatch.setattr(_cache, "_said_damaged", False)
    monkeypatch.syspath_prepend(str(tmp_path))
    # Python takes an edit in the same second, to a text of the same length, for no edit
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "doubling.py").write_text(MODULE, encoding="utf-8")
    return tmp_path / "cache"


def doubled():
    """The function of the module, as a new process would import it."""
    sys.modules.pop("doubling", None)
    import doubling

    return doubling.doubled


def called(*values):
    """Call it; return the results, the number of cached variants, and the warnings."""
    function = doubled()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        results = [function(value) for value in values]
    return results, sum(function.stats.cache_hits.values()), [str(one.message) for one in said]


def only(cache, suffix):
    (path,) = cache.rglob(f"*{suffix}")
    return path


def test_a_whole_cache_is_used_and_says_nothing(cache):
    assert called(3.0) == ([6.0], 0, [])
    assert called(3.0) == ([6.0], 1, [])
    assert only(cache, ".nbi").exists()


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-33],
        lambda _: b"garbage" * 100,
        lambda content: b"\0" * len(content),
        lambda _: pickle.dumps({"another": "file"}),
    ],
    ids=["empty", "one-byte", "half", "last-bytes", "garbage", "zeros", "other"],
)
def test_a_damaged_file_is_replaced(cache, suffix, damage):
    called(3.0)
    path = only(cache, suffix)
    path.write_bytes(damage(path.read_bytes()))
    results, hits, said = called(3.0)
    assert (results, hits) == ([6.0], 0)
    assert len(said) <= 1
    assert all(f"{LINE} a kernel again: its file in Numba's cache is" in one for one in said)
    assert called(3.0) == ([6.0], 1, []), "and the next process is fast again"


def test_a_hole_in_the_machine_code_is_seen(cache):
    called(3.0)
    path = only(cache, ".nbc")
    content = path.read_bytes()
    path.write_bytes(content[:2000] + b"\0" * 2000 + content[4000:])
    results, hits, said = called(3.0)
    assert (results, hits) == ([6.0], 0)
    assert "does not match its digest" in said[0]


def test_damage_is_said_once(cache):
    called(3.0, 3)
    for path in cache.rglob("*.nbc"):
        path.write_bytes(b"")
    results, hits, said = called(3.0, 3)
    assert (results, hits, len(said)) == ([6.0, 6], 0, 1)


def test_a_file_of_another_variant_is_not_run(cache):
    """Two processes that compile at once find the same number free for their files.

    One file and one index replace the other, and not always those of the same process.
    """
    called(3)
    index = only(cache, ".nbi")
    of_the_integer = index.read_bytes()
    index.unlink()
    called(3.5)
    index.write_bytes(of_the_integer)  # it says that the file is the integer's
    assert called(3) == ([6], 0, [])
    assert called(3) == ([6], 1, []), "and the file is the integer's again"


def test_an_index_of_another_version_is_replaced_in_silence(cache):
    called(3.0)
    only(cache, ".nbi").write_bytes(pickle.dumps("0.1") + b"whatever it wrote")
    assert called(3.0) == ([6.0], 0, [])
    assert called(3.0) == ([6.0], 1, [])


def test_an_index_that_is_a_folder(cache):
    called(3.0)
    path = only(cache, ".nbi")
    path.unlink()
    path.mkdir()
    results, hits, said = called(3.0)
    assert (results, hits) == ([6.0], 0)
    (line,) = said
    assert "its kernels in memory, again in each process: [Errno 21] Is a directory" in line


@pytest.mark.parametrize("attribute", ["_save_index", "_save_data"])
@pytest.mark.usefixtures("cache")
def test_a_disk_that_is_full_after_the_first_test(monkeypatch, attribute):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_cache._Files, attribute, full)
    results, hits, said = called(3.0, 3)
    assert (results, hits) == ([6.0, 6], 0)
    (line,) = said
    assert f"{LINE} its kernels in memory" in line
    assert "No space left on device" in line


def test_a_folder_that_is_gone_and_cannot_be_made_again(cache):
    function = doubled()
    for path in sorted(cache.rglob("*"), reverse=True):
        path.rmdir()
    cache.rmdir()
    cache.write_text("a file in its place", encoding="utf-8")
    with pytest.warns(RuntimeWarning, match=f"{LINE} its kernels in memory"):
        assert function(3.0) == 6.0


@pytest.mark.slow
def test_the_library_and_the_texts_with_every_file_emptied(tmp_path):
    program = textwrap.dedent("""
        import warnings, numpy as np, kernels, kernels.jit
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            scores, labels = np.zeros((1, 2)), np.zeros(1, np.int64)
            for home in (kernels, kernels.jit):
                print(round(home.softmax_loss(scores, labels), 4), end=" ")
        print(len(said))
    """)

    def run():
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True, text=True, check=True, cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "c"), "PYTHONPATH": str(ROOT)},
        ).stdout.split()  # fmt: skip

    assert run() == ["0.6931", "0.6931", "0"]
    files = [path for path in (tmp_path / "c").rglob("*") if path.suffix in {".nbi", ".nbc"}]
    assert len(files) == 4
    for path in files:
        path.write_bytes(b"")
    assert run() == ["0.6931", "0.6931", "1"]
    assert run() == ["0.6931", "0.6931", "0"]


TAKER = """
from numba import njit
from kernels._cache import cached, findable
def _applied(f, x):
    return f(x)
applied = cached(_applied)
def times(factor):
    def function(x):
        return factor * x
    return njit(function)
"""


def applied(tmp_path, factor, keep, module=TAKER):
    """Apply a function to 3 as a new process would; return the result and the cache hits."""
    (tmp_path / "applying.py").write_text(module, encoding="utf-8")
    sys.modules.pop("applying", None)
    import applying

    function = applying.times(factor)
    if keep:
        _cache.findable(function)
    return applying.applied(function, 3.0), sum(applying.applied.stats.cache_hits.values())


@pytest.mark.usefixtures("cache")
def test_what_is_compiled_for_a_findable_function_is_found(tmp_path):
    assert applied(tmp_path, 2.0, keep=True) == (6.0, 0)
    assert applied(tmp_path, 2.0, keep=True) == (6.0, 1)
    assert applied(tmp_path, 5.0, keep=True) == (15.0, 0), "its closure is another"
    assert applied(tmp_path, 5.0, keep=True) == (15.0, 1)


@pytest.mark.usefixtures("cache")
def test_what_is_compiled_for_an_edited_function_is_not_found(tmp_path):
    applied(tmp_path, 2.0, keep=True)
    edited = TAKER.replace("factor * x", "factor + x")
    assert applied(tmp_path, 2.0, keep=True, module=edited) == (5.0, 0)


def test_nothing_is_kept_for_any_other_function(cache, tmp_path):
    assert applied(tmp_path, 2.0, keep=False) == (6.0, 0)
    assert applied(tmp_path, 2.0, keep=False) == (6.0, 0)
    assert not list(cache.rglob("*applied*")), "each process would add a file"
