"""The cache folder of Numba: one for each state of the code that is compiled."""

import subprocess
import sys

from commands import copied_tree, environment

from bench.common.code import ROOT, numba_cache


def cache_of(tree):
    code = "from bench.common.code import numba_cache; print(numba_cache())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree, env=environment(tree), text=True, capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip


def test_an_edit_of_a_loop_gives_another_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    tree = copied_tree(tmp_path)
    before = cache_of(tree)
    assert before == numba_cache() != str(tmp_path / "cache")
    assert cache_of(tree) == before
    for file in ("reference/losses.py", "kernels/simd/_columns.py"):
        path = tree / file
        path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
        assert cache_of(tree) != before
        before = cache_of(tree)


def test_it_lies_in_the_folder_that_is_set_or_beside_the_kernels(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    inner = numba_cache()
    assert inner.startswith(str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", inner)
    assert numba_cache() == inner, "a process of a run goes on in the run's"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert numba_cache().startswith(str(ROOT / "kernels" / "__pycache__"))
