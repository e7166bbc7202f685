"""The kernels of NPBench as problems, read from a checkout of it: none of its code is here.

LOSSBENCH_NPBENCH=../npbench lossbench run --problem examples/npbench.py gemver,nbody --size S

Source: github.com/spcl/npbench (A. N. Ziogas et al., ICS 2021).
"""

import ast
import importlib.util
import inspect
import json
import os
import sys
from functools import cache, partial
from pathlib import Path

import numpy as np

from bench import Problem, Tier
from bench.model import DTYPES

CHECKOUT = Path(os.environ.get("LOSSBENCH_NPBENCH", "npbench-is-not-given"))
if not (CHECKOUT / "bench_info").is_dir():
    raise FileNotFoundError(
        "set LOSSBENCH_NPBENCH to a checkout of github.com/spcl/npbench: the folder with bench_info"
    )
# The endings of its files, and what they are here.
VERSIONS = {
    "numpy": "numpy",
    "numba_n": "numba",
    "numba_np": "numba-parallel",
    "numba_npr": "numba-prange-parallel",
    "numba_o": "numba-object",
    "numba_op": "numba-object-parallel",
    "numba_opr": "numba-object-prange-parallel",
}
# NPBench compares norms. Entry by entry, these leave room for sums in another order.
TOLERANCE, TOLERANCE_IN_FLOAT32 = 1e-8, 1e-4
# Of several that a kernel's file names, the first is that of its results.
KNOWN_DTYPES = ("complex128", "float64", "float32", "int64", "int32", "uint8")


def path_of(info, ending=""):
    """Return the file of a kernel's version."""
    folder = CHECKOUT / "npbench" / "benchmarks" / info["relative_path"]
    return folder / f"{info['module_name']}{ending and '_'}{ending}.py"


@cache
def module_in(path):
    """Run a file as a module; under its own name, this file would stand in its package's place."""
    spec = importlib.util.spec_from_file_location(f"npbench_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def function_of(info, name, ending=""):
    """Return a function of a kernel's file; without it, the version is unavailable."""
    path = path_of(info, ending)
    if not hasattr(module_in(path), name):
        raise ImportError(f"{path.name} has no function {name}")
    return getattr(module_in(path), name)


def inputs_of(info, size, dtype, _rng):
    """Return the arguments as NPBench makes them, the same in each process."""
    np.random.seed(0)  # noqa: NPY002 - most kernels seed a generator, mlp takes this one as it is
    known = dict(size)
    if info.get("init"):
        names = info["init"]["output_args"]
        initialize = function_of(info, info["init"]["func_name"])
        given = [known[name] for name in info["init"]["input_args"]]
        options = {"datatype": np.dtype(dtype).type} if has_dtypes(initialize) else {}
        made = initialize(*given, **options)
        known.update(zip(names, made if len(names) > 1 else [made], strict=True))
    return tuple(known[name] for name in info["input_args"])


def has_dtypes(initialize):
    """Whether the arguments can be made in another dtype."""
    return "datatype" in inspect.signature(initialize).parameters


def dtypes_of(info):
    """Return the dtypes of a kernel's arguments; usually float64, and float32 by choice."""
    path = path_of(info)
    tree = ast.parse(path.read_text(encoding="utf-8") if info.get("init") else "")
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    own = next((dtype for dtype in KNOWN_DTYPES if dtype in named), "float64")
    chosen = any(isinstance(node, ast.arg) and node.arg == "datatype" for node in ast.walk(tree))
    return DTYPES if chosen and own == "float64" else (own,)


def problem_of(file):
    """Return the problem that a file of bench_info describes."""
    info = json.loads(file.read_text(encoding="utf-8"))["benchmark"]
    there = [ending for ending in VERSIONS if path_of(info, ending).exists()]
    dtypes = dtypes_of(info)
    tolerances = dict.fromkeys(dtypes, TOLERANCE) | {"float32": TOLERANCE_IN_FLOAT32}
    return Problem(
        name=file.stem,
        tiers={
            VERSIONS[ending]: Tier(partial(function_of, info, info["func_name"], ending))
            for ending in there
        },
        sizes=info["parameters"],
        make_inputs=partial(inputs_of, info),
        outputs={dtype: max(tolerances[dtype], info.get("norm_error", 0.0)) for dtype in dtypes},
        dtypes=dtypes,
        oracle="numpy",
        arguments=tuple(info["input_args"]),
        # All arrays: some kernels write to others than bench_info says (nbody).
        writes=tuple(map(info["input_args"].index, info["array_args"])),
    )


PROBLEMS = [problem_of(file) for file in sorted((CHECKOUT / "bench_info").glob("*.json"))]
