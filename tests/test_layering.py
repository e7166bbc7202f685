"""Imports point one way, and the library shares no code with the texts that it is checked by."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PARTS = {"reference", "bench"} | {
    f"kernels.{name}" for name in ("_cache", "blockwise", "jit", "simd", "vectorized")
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


@pytest.mark.parametrize("contract", ["packages", "wings", "circles", "blockwise", "private"])
def test_contract_of_imports(contract, monkeypatch):
    """The contracts stand in pyproject.toml; `make check` names what breaks them."""
    monkeypatch.chdir(ROOT)
    found = lint_imports(limit_to_contracts=(contract,), no_cache=True, no_logo=True)
    assert found == 0


@every_module("bench")
def test_bench_imports_no_private_name_of_another_module(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in froms for alias in node.names]
    assert [name for name in names if name.startswith("_") and not name.endswith("__")] == []


def loaded_after(statement):
    """The modules, with their parents, that a fresh process has after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    return set(done.stdout.split())


def test_a_timing_process_loads_nothing_that_only_reports_need():
    loaded = loaded_after("import bench.conftest")
    assert loaded.isdisjoint({"pandas", "scipy.stats", "matplotlib", "jinja2", "rich"})


def test_a_run_and_its_table_load_no_statistics():
    assert "scipy.stats" not in loaded_after("import bench.analysis.sweep, bench.report.costs")


def test_the_lifeline_loads_no_numpy():
    assert "numpy" not in loaded_after("import bench.workers.lifeline")


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


@every_module("kernels/blockwise")
def test_blocks_are_computed_by_the_library(path):
    assert ours_imported_by(path) <= {"kernels.blockwise", "kernels.simd"}


@pytest.mark.parametrize("name", ["__init__", "_cache"])
def test_kernels_itself_imports_only_the_library(name):
    assert ours_imported_by(ROOT / "kernels" / f"{name}.py") <= {"kernels.simd"}


def test_the_library_loads_no_text():
    loaded = loaded_after("import kernels")
    assert "kernels.simd" in loaded
    others = {"reference", "bench", "kernels.jit", "kernels.vectorized", "kernels.blockwise"}
    assert (others | {"dask", "distributed"}).isdisjoint(loaded)


def test_the_loops_load_neither_numpy_nor_anything_of_ours():
    assert {"numpy", "numba", "kernels", "bench"}.isdisjoint(loaded_after("import reference"))


def test_the_same_files_are_in_each_version():
    for package in ("reference", "kernels/vectorized", "kernels/jit", "kernels/simd"):
        names = {path.name for path in modules_of(package)}
        assert {"losses.py", "gradients.py", "descent.py", "linear.py"} <= names
