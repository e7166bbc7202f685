"""Output on terminals that lack characters: whole, in their encoding, and never a failure."""

import ast
import re
import subprocess
import sys

import pytest
from commands import ROOT, environment

SAMPLE = ROOT / "results" / "sample"
FILE = """
def loop(x):
    print("Σ ← “x”")
    return [2 * value for value in x]
def vectorized(x):
    print("Σ ← “x”")
    return 2 * x
def wrong(x):
    raise ValueError("1 ≤ Σ²")
TIERS = {"wrong": wrong}
SIZES = {"S": {"n": 3}}
def make_inputs(size, dtype, rng):
    return (rng.standard_normal(size["n"]).astype(dtype),)
def costs(size):
    return 0
print("é → 中 \\udcff")
"""


def bench(encoding, *arguments, cwd=ROOT, module="bench"):
    """The command with output in an encoding: its exit code and the two texts, decoded."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env=environment() | {"PYTHONIOENCODING": encoding},
        timeout=300,
        check=False,
    )
    texts = [text.decode(encoding) for text in (process.stdout, process.stderr)]
    assert "Traceback" not in texts[1]
    return process.returncode, *texts


TERMINAL = ["report", SAMPLE, "--format", "terminal"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "arguments", "words"),
    [
        ("ascii", ["list"], "linear_numerical_gradient"),
        ("ascii", ["show", "svm_loss"], "def svm_loss"),
        ("ascii", TERMINAL, "x loop"),
        ("cp437", TERMINAL, "x loop"),
        ("cp932", TERMINAL, "× loop"),  # noqa: RUF001
        ("latin-1", TERMINAL, "× loop"),  # noqa: RUF001
        ("utf-8", TERMINAL, "× loop"),  # noqa: RUF001
        ("ascii", [*TERMINAL[:3], "markdown"], "|---|"),
        ("ascii", [*TERMINAL[:3], "csv"], "run_id,problem"),
        ("ascii", ["compare", SAMPLE, SAMPLE], "median"),
        ("ascii", ["run", "--help"], "Exit codes"),
        ("cp437", ["compile-cost", "--help"], "latest"),
        ("ascii", ["demo", "--help"], "descent"),
    ],
)
def test_what_is_shown_is_shown_in_any_encoding(encoding, arguments, words):
    code, out, err = bench(encoding, *arguments)
    assert (code, err) == (0, "")
    assert words in out


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp932"])
def test_a_run_ends_as_it_would_in_any_encoding(encoding, tmp_path):
    (tmp_path / "double.py").write_text(FILE, encoding="utf-8")
    what = ["--problem", "double.py"]
    for command in (["check", *what], ["run", *what, "--passes", "1", "--no-floors"]):
        code, out, err = bench(encoding, *command, cwd=tmp_path)
        assert (code, err) == (1, "")
        assert "3 cells: 2 ok, 1 failed" in out
        assert re.search("ValueError: 1 (<=|≤) [?Σ][2²]", out)
        assert "lossbench ignores the name costs" in out


@pytest.mark.slow
def test_pytest_bench_ends_as_it_would(tmp_path):
    (tmp_path / "double.py").write_text(FILE, encoding="utf-8")
    options = ["-p", "no:cacheprovider", "--lossbench-problem", tmp_path / "double.py"]
    code, out, _ = bench("ascii", ROOT / "bench", *options, module="pytest")
    assert code == 1
    assert "2 passed" in out
    assert "INTERNALERROR" not in out


@pytest.mark.slow
def test_with_the_c_locale(tmp_path):
    variables = {name: value for name, value in environment().items() if name != "LANG"}
    for more in ({}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        process = subprocess.run(
            [sys.executable, "-m", "bench", "report", str(SAMPLE), "--format", "terminal"],
            capture_output=True, env=variables | {"LC_ALL": "C"} | more, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert (process.returncode, process.stderr) == (0, b"")


def test_what_is_lacking_becomes_something_like_it():
    program = (
        "from bench.common.encoding import replace_unencodable; replace_unencodable(); "
        "print('1.5\\N{MULTIPLICATION SIGN} 3 µs … x² “a” ≠ 中 é \\udcff')"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, env=environment() | {"PYTHONIOENCODING": "ascii"}, check=True,
    )  # fmt: skip
    assert process.stdout == b'1.5x 3 us ... x2 "a" != ? e ?\n'


def lines_that_leave_the_encoding_to_the_system(code):
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) == "os.open":
            continue
        named = {one.arg: ast.unparse(one.value) for one in node.keywords}
        values = [*map(ast.unparse, node.args), *named.values()]
        is_bytes = any(re.fullmatch("'[arwx+]*b[+]?'", value) for value in values)
        opens = re.search(r"(^|\.)(open|read_text|write_text)$", ast.unparse(node.func))
        if opens and not is_bytes and "encoding" not in named:
            yield node.lineno


def test_every_text_is_opened_in_a_named_encoding():
    sample = "open(a)\nopen(a, 'rb')\nos.open(a, 0)\nb.open('w')\n(b / c).write_text(d)\n"
    sample += "b.read_text(encoding='utf-8')\nb.open(mode='a+b')\n"
    assert [*lines_that_leave_the_encoding_to_the_system(sample)] == [1, 4, 5]
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("bench", "docs", "examples", "kernels", "reference", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for line in lines_that_leave_the_encoding_to_the_system(path.read_text(encoding="utf-8"))
    }
    assert found == set()
