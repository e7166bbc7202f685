"""A package `kernels` that is not ours: one line, from `import bench` and from the command."""

import os
import shutil
import subprocess
import sys

import pytest
from commands import ROOT, environment, lossbench

from bench.common.kernels_package import foreign_kernels

THEIRS = '"""Load kernels from a hub."""\n'
OVERWRITTEN, UNINSTALLED = "their __init__.py over ours", "ours gone"


@pytest.fixture
def folder(request, tmp_path):
    """A folder with another package `kernels`, or with what is left of ours."""
    kernels = tmp_path / "site" / "kernels"
    if request.param in {OVERWRITTEN, UNINSTALLED}:
        shutil.copytree(ROOT / "kernels", kernels, ignore=shutil.ignore_patterns("__pycache__"))
        (kernels / "__init__.py").unlink()
    if request.param == "a module":
        kernels.parent.mkdir()
        kernels.with_suffix(".py").write_text(THEIRS, encoding="utf-8")
    elif request.param == "an empty folder":
        (kernels / "jit").mkdir(parents=True)
    elif request.param != UNINSTALLED:
        kernels.mkdir(parents=True, exist_ok=True)
        (kernels / "__init__.py").write_text(THEIRS, encoding="utf-8")
    return kernels.parent


@pytest.mark.parametrize(
    "folder", [OVERWRITTEN, UNINSTALLED, "a package", "a module", "an empty folder"], indirect=True
)
def test_a_foreign_package_is_told_from_ours(folder, monkeypatch):
    assert foreign_kernels() == ""
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    assert f"`kernels` in {folder}" in foreign_kernels()
    monkeypatch.setattr(sys, "path", [])
    assert "`kernels` is missing" in foreign_kernels()


@pytest.mark.parametrize("folder", [OVERWRITTEN, "a package", "a module"], indirect=True)
def test_bench_and_the_command_say_so_in_one_line(folder, tmp_path):
    paths = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    imported = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import bench"],
        env=environment() | paths, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = imported.stderr.splitlines()
    assert line.startswith(f"lossbench: the package `kernels` in {folder}")
    for arguments in (["list"], ["--help"], ["run", "svm_loss"]):
        process = lossbench(*arguments, cwd=tmp_path, variables=paths)
        assert (process.returncode, process.stdout) == (2, "")
        assert process.stderr == f"{line}\n"
