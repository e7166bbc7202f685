"""Imports point one way: bench to kernels and reference, and neither of these to another."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"reference", "kernels", "bench"}


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


def packages_imported_by(path):
    return {name.partition(".")[0] for name in imported_by(path)}


def ids(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", modules_of("reference"), ids=ids(modules_of("reference")))
def test_the_loops_import_nothing_but_math_and_operator(path):
    assert packages_imported_by(path) <= {"math", "operator", "reference"}


@pytest.mark.parametrize("path", modules_of("kernels"), ids=ids(modules_of("kernels")))
def test_kernels_import_no_other_package_of_ours(path):
    assert packages_imported_by(path) & PACKAGES <= {"kernels"}


@pytest.mark.parametrize("path", modules_of("kernels/vectorized"), ids=lambda path: path.name)
def test_the_numpy_tier_does_not_know_of_the_numba_tier(path):
    assert not any("jit" in name or name.startswith("numba") for name in imported_by(path))


@pytest.mark.parametrize("path", modules_of("kernels/simd"), ids=lambda path: path.name)
def test_the_numba_tier_does_not_know_of_the_numpy_tier(path):
    assert not any("vectorized" in name for name in imported_by(path))


def test_the_loops_load_neither_numpy_nor_anything_of_ours():
    code = "import sys, reference; print(*(name.partition('.')[0] for name in sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert {"numpy", "numba", "kernels", "bench"}.isdisjoint(done.stdout.split())


def test_the_same_files_are_in_each_tier():
    for package in ("reference", "kernels/vectorized", "kernels/simd"):
        names = {path.name for path in modules_of(package)}
        assert {"losses.py", "gradients.py", "descent.py", "linear.py"} <= names
