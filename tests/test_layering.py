"""Imports point one way, and the library shares no code with the texts that it is checked by."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = {"reference", "bench"} | {
    f"kernels.{name}" for name in ("_cache", "jit", "simd", "vectorized")
}


def modules_of(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported_by(path):
    """Names of the modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


def ours_imported_by(path):
    """Which parts of the project a file imports: `reference`, `bench`, `kernels.jit`, …."""
    parts = {
        ".".join(name.split(".")[:2]) if name.startswith("kernels.") else name.partition(".")[0]
        for name in imported_by(path)
    }
    return parts & PARTS


def every_module(*packages):
    paths = [path for package in packages for path in modules_of(package)]
    ids = [str(path.relative_to(ROOT)) for path in paths]
    return pytest.mark.parametrize("path", paths, ids=ids)


@every_module("reference")
def test_the_loops_import_nothing_but_math(path):
    assert {name.partition(".")[0] for name in imported_by(path)} <= {"math", "reference"}


@every_module("kernels/jit")
def test_numba_texts_import_the_loops(path):
    assert ours_imported_by(path) <= {"kernels.jit", "kernels._cache", "reference"}


@every_module("kernels/vectorized")
def test_numpy_texts_import_only_numpy(path):
    assert {name.partition(".")[0] for name in imported_by(path)} <= {"kernels", "numpy"}
    assert ours_imported_by(path) <= {"kernels.vectorized"}


@every_module("kernels/simd")
def test_the_library_imports_no_text(path):
    texts = {"kernels.vectorized"} if path.name == "_without_jit.py" else set()
    assert ours_imported_by(path) <= {"kernels.simd", "kernels._cache"} | texts


@pytest.mark.parametrize("name", ["__init__", "_cache"])
def test_kernels_itself_imports_only_the_library(name):
    assert ours_imported_by(ROOT / "kernels" / f"{name}.py") <= {"kernels.simd"}


def test_the_library_loads_no_text():
    code = "import sys, kernels; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    loaded = set(done.stdout.split())
    assert "kernels.simd" in loaded
    assert {"reference", "bench", "kernels.jit", "kernels.vectorized"}.isdisjoint(loaded)


def test_the_loops_load_neither_numpy_nor_anything_of_ours():
    code = "import sys, reference; print(*(name.partition('.')[0] for name in sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert {"numpy", "numba", "kernels", "bench"}.isdisjoint(done.stdout.split())


def test_the_same_files_are_in_each_version():
    for package in ("reference", "kernels/vectorized", "kernels/jit", "kernels/simd"):
        names = {path.name for path in modules_of(package)}
        assert {"losses.py", "gradients.py", "descent.py", "linear.py"} <= names
