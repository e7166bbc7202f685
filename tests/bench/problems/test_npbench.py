"""`examples/npbench.py` on a small tree in the form of an NPBench checkout."""

import json

import pytest
from commands import ROOT, lossbench

from bench.problems.user_file import look_at, problems_in

EXAMPLE = ROOT / "examples" / "npbench.py"
SHIFT = {
    "relative_path": "linear/shift",
    "module_name": "shift",
    "func_name": "kernel",
    "parameters": {"S": {"N": 40}, "paper": {"N": 400}},
    "init": {"func_name": "initialize", "input_args": ["N"], "output_args": ["by", "x"]},
    "input_args": ["by", "x"],
    "array_args": ["x"],
    "output_args": ["x"],
}
AREA = {
    "relative_path": "area",
    "module_name": "area",
    "func_name": "area",
    "parameters": {"S": {"lo": -1.5, "N": 5}},
    "input_args": ["lo", "N"],
    "array_args": [],
    "output_args": [],
}
COUNT = {
    "relative_path": "count",
    "module_name": "count",
    "func_name": "count",
    "parameters": {"S": {"N": 7}},
    "init": {"func_name": "initialize", "input_args": ["N"], "output_args": ["x"]},
    "input_args": ["x"],
    "array_args": ["x"],
    "output_args": [],
}
SMALL = COUNT | {"relative_path": "small", "module_name": "small"}
INFOS = {"shift": SHIFT, "area": AREA, "count": COUNT, "small": SMALL}
FILES = {
    "count/count.py": """
import numpy as np
def initialize(N, datatype=np.int32):
    return np.arange(N, dtype=datatype)
""",
    "count/count_numpy.py": "def count(x):\n    assert x.dtype == 'int32'\n    return x.sum()\n",
    "count/count_numba_n.py": "def count(x):\n    return sum(int(one) for one in x)\n",
    "small/small.py": """
import numpy as np
def initialize(N):
    return np.random.rand(N).astype(np.float32)
""",
    "small/small_numpy.py": "def count(x):\n    return x / 3\n",
    "small/small_numba_n.py": "def count(x):\n    return (x / 3.000001).astype('float32')\n",
    "linear/shift/shift.py": """
import numpy as np
def initialize(N, datatype=np.float64):
    return datatype(2), np.fromfunction(lambda i: i / N, (N,), dtype=datatype)
""",
    "linear/shift/shift_numpy.py": "def kernel(by, x):\n    x += by\n",
    "linear/shift/shift_numba_n.py": """
import numba as nb
@nb.jit(nopython=True)
def kernel(by, x):
    x += by
""",
    "linear/shift/shift_numba_o.py": "def kernel(by, x):\n    x += 2 * by\n",
    "area/area_numpy.py": "def area(lo, N):\n    return -lo * N\n",
    "area/area_numba_n.py": "def other(lo, N):\n    return -lo * N\n",
    "area/area_numba_np.py": "import no_such_library\n",
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout"
    for name, text in FILES.items():
        path = folder / "npbench" / "benchmarks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "bench_info").mkdir()
    for name, info in INFOS.items():
        text = json.dumps({"benchmark": info})
        (folder / "bench_info" / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("LOSSBENCH_NPBENCH", str(folder))


@pytest.mark.slow
@pytest.mark.usefixtures("checkout")
def test_its_kernels_are_problems(tmp_path):
    what = ["--problem", EXAMPLE, "--size", "S", "--dtype", "float64,float32"]
    process = lossbench("check", "shift", *what, cwd=tmp_path)
    assert (process.returncode, process.stderr) == (1, ""), process.stdout
    assert "6 cells: 4 ok, 2 disagrees." in process.stdout
    assert "disagrees: shift-numba-object-S-float64: x[0] is 4, numpy has 2" in process.stdout
    area = lossbench("check", "area", *what[:4], cwd=tmp_path)
    assert area.returncode == 2, "there is nothing to compare"
    assert "3 cells: 1 ok, 2 unavailable." in area.stdout
    assert "area_numba_n.py has no function area" in area.stdout
    listed = lossbench("list", *what[:2], cwd=tmp_path)
    for words in ("S paper", "numpy numba numba-object", "-1.5"):
        assert words in listed.stdout


@pytest.mark.usefixtures("checkout")
def test_its_kernels_have_the_dtypes_of_their_inputs(tmp_path):
    process = lossbench("check", "count,small", "--problem", EXAMPLE, cwd=tmp_path)
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    assert "4 cells: 4 ok." in process.stdout


@pytest.mark.usefixtures("checkout")
def test_its_inputs_are_the_same_each_time():
    (small,) = (one for one in problems_in([look_at(EXAMPLE)]) if one.name == "small")
    first, second = (small.inputs("S", "float32")[0] for _ in range(2))
    assert len(set(first)) > 1
    assert list(first) == list(second)


def test_without_a_checkout_it_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.delenv("LOSSBENCH_NPBENCH", raising=False)
    process = lossbench("check", "--problem", EXAMPLE, cwd=tmp_path)
    assert process.returncode == 2
    words = " ".join(process.stderr.replace("│", " ").split())
    assert "set LOSSBENCH_NPBENCH to a checkout of github.com/spcl/npbench" in words
