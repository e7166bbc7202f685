"""Which variants are compiled, when, and where they are cached."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import inputs
import numba
import numpy as np
import pytest

import kernels
from kernels import _cache
from kernels.simd import _losses, compiler

ROOT = Path(kernels.__file__).parents[1]


def run_python(code, folder=ROOT, **variables):
    """Run code in a new process; an environment variable that is None is removed."""
    environment = os.environ | {"PYTHONPATH": str(folder)} | variables
    environment = {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(
        command, env=environment, cwd=folder, text=True, capture_output=True, check=True
    )


def test_nothing_is_compiled_at_import():
    done = run_python("""
        import gc
        import kernels, kernels.jit
        from numba.core.dispatcher import Dispatcher
        ours = [
            one for one in gc.get_objects()
            if isinstance(one, Dispatcher) and one.py_func.__module__.startswith("kernels")
        ]
        print(len(ours) > 20, [one.py_func.__name__ for one in ours if one.signatures])
    """)
    assert done.stdout.strip() == "True []"


def test_a_kernel_has_four_variants_and_no_more():
    support = str(Path(inputs.__file__).parent)
    done = run_python(
        """
        import numpy as np
        from inputs import LAYOUTS, seeded_classification
        from kernels.simd import _losses, softmax_loss_gradient, svm_loss

        for dtype in ("f4", "f8", "f2", "i4"):
            for layout in LAYOUTS.values():
                scores, labels = seeded_classification(6, 4)
                scores = layout(scores.astype(dtype))
                svm_loss(scores, layout(labels.astype(np.int16)))
                softmax_loss_gradient(scores, labels)
        for kernel in (_losses.svm_loss_kernel, _losses.softmax_loss_gradient_kernel):
            scores = [signature[0] for signature in kernel.serial.signatures]
            print(*sorted(f"{one.dtype} {one.layout} {one.mutable}" for one in scores), sep=", ")
            print(kernel.parallel.signatures)
        """,
        PYTHONPATH=os.pathsep.join([str(ROOT), support]),
    )
    variants = "float32 A True, float32 C True, float64 A True, float64 C True"
    assert done.stdout.splitlines() == [variants, "[]"] * 2


@pytest.mark.slow
def test_kernels_are_found_again_in_another_process():
    first_or_later = """
        import numpy as np
        from kernels.simd import _losses, svm_loss
        svm_loss(np.eye(2), [0, 1])
        print(sum(_losses.svm_loss_kernel.serial.stats.cache_hits.values()))
    """
    run_python(first_or_later)
    assert run_python(first_or_later).stdout.strip() == "1"


# --- without a folder to cache in


@pytest.fixture
def _unsaid(monkeypatch):
    """Reset the flag that the warning about the cache was given, and restore it."""
    monkeypatch.setattr(_cache, "_said_no_cache", False)


unsaid = pytest.mark.usefixtures("_unsaid")


def two_functions(monkeypatch):
    """Functions that Numba cannot cache, as they are in no file."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    namespace = {}
    exec("def doubled(x):\n    return 2 * x\n\ndef halved(x):\n    return x / 2", namespace)
    return namespace["doubled"], namespace["halved"]


@unsaid
def test_without_a_cache_kernels_are_compiled_in_memory_which_is_said_once(monkeypatch):
    doubled, halved = two_functions(monkeypatch)
    with pytest.warns(RuntimeWarning, match="compiles its kernels in memory") as said:
        compiled = [compiler.kernel(one, entry=True) for one in (doubled, halved)]
    assert len(said) == 1
    assert "Set NUMBA_CACHE_DIR to a writable folder" in str(said[0].message)
    assert [one(3.0) for one in compiled] == [6.0, 1.5]


@unsaid
def test_what_python_does_not_call_needs_no_cache(monkeypatch):
    doubled, _ = two_functions(monkeypatch)
    assert compiler.kernel(doubled)(3.0) == 6.0  # a warning is an error here


@pytest.mark.slow
def test_without_a_folder_that_can_be_written_all_works(tmp_path):
    # a file in place of each __pycache__, and of the user's cache
    for name in ("kernels", "reference"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__py*"))
    for package in tmp_path.rglob("__init__.py"):
        package.with_name("__pycache__").touch()
    no_folder = tmp_path / "file"
    no_folder.touch()
    done = run_python(
        """
        import kernels
        import kernels.jit
        import numpy as np
        print(kernels.__file__)
        print(kernels.svm_loss([[3.2, 5.1, -1.7]], [0]))
        print(kernels.jit.svm_loss(np.array([[3.2, 5.1, -1.7]]), np.array([0])))
        """,
        tmp_path,
        NUMBA_CACHE_DIR=None,
        PYTHONDONTWRITEBYTECODE="1",
        HOME=str(no_folder),
        XDG_CACHE_HOME=str(no_folder / "cache"),
    )
    file, *losses = done.stdout.split()
    assert Path(file).is_relative_to(tmp_path)
    assert [float(loss) for loss in losses] == pytest.approx([2.9, 2.9], rel=1e-14)
    assert done.stderr.count("compiles its kernels in memory") == 1
    assert done.stderr.count("RuntimeWarning") == 1


# --- serial and parallel kernels


def test_serial_and_parallel_kernels_have_names_of_their_own():
    # Numba's cache knows a function by its name: one would be loaded in place of the other
    kernel = _losses.svm_loss_kernel
    assert kernel.serial.py_func.__qualname__ != kernel.parallel.py_func.__qualname__
    assert kernel.serial.py_func.__code__ is kernel.parallel.py_func.__code__


def test_flags_of_every_kernel():
    kernel = _losses.svm_loss_kernel
    for one in (kernel.serial, kernel.parallel):
        assert one.targetoptions["nogil"] is True
        assert one.targetoptions["fastmath"] is False
    assert not kernel.serial.targetoptions["parallel"]
    assert kernel.parallel.targetoptions["parallel"]


def test_an_unaligned_array_is_copied_before_it_is_compiled_for():
    store = np.zeros(8 * 4 + 1, np.uint8)[1:].view(np.float64).reshape(2, 2)
    assert not store.flags.aligned
    assert kernels.svm_loss(store, [0, 1]) == 1.0
