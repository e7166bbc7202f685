"""Changes to a kernel's source: only what has to change, in any way of writing `njit`."""

import subprocess

import numpy as np
import pytest

from bench.loops import remedies
from bench.loops.findings import Explanation, Finding, Loop
from bench.loops.remedies import CannotRewriteError, KernelSource, as_decorated

OPTION = 'fastmath={"reassoc", "nsz"}'
BODY = """
def kernel(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i]
    return total
"""


def source(text, bound_to="kernel"):
    return KernelSource(text, "kernel", bound_to)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@njit", f"@njit({OPTION})"),
        ("@njit()", f"@njit({OPTION})"),
        ("@njit(cache=True)", f"@njit(cache=True, {OPTION})"),
        ("@numba.njit(nogil=True)", f"@numba.njit(nogil=True, {OPTION})"),
        ("@njit(fastmath=True, cache=True)", f"@njit({OPTION}, cache=True)"),
        ('@jit("f8(f8[:])")', f'@jit("f8(f8[:])", {OPTION})'),
        ("x = 1\n\f\n@njit", f"x = 1\n\f\n@njit({OPTION})"),
        ("@njit(  # as it was\n    cache=True,\n)", None),
    ],
)
def test_an_option_goes_into_any_decorator(before, after):
    changed = remedies.REASSOCIATION.apply(source(before + BODY)).text
    if after is None:
        assert OPTION in changed
        compile(changed, "kernel.py", "exec")
    else:
        assert changed == after + BODY


@pytest.mark.parametrize(
    ("call", "changed"),
    [
        ("njit(kernel)", f"njit(kernel, {OPTION})"),
        ("njit(cache=True)(kernel)", f"njit(cache=True, {OPTION})(kernel)"),
    ],
)
def test_an_option_goes_into_a_call_that_compiles(call, changed):
    text = f"{BODY}\nfast = {call}\nother = njit(kernel)\n"
    assert remedies.REASSOCIATION.apply(source(text, "fast")).text == text.replace(
        f"fast = {call}", f"fast = {changed}"
    )


def test_helpers_are_changed_too():
    text = "@njit\ndef helper(v):\n    return v\n\n@njit" + BODY.replace("x[i]\n", "helper(x[i])\n")
    assert remedies.NUMPY_ERRORS.apply(source(text)).text.count('error_model="numpy"') == 2


def test_functions_without_a_decorator_get_one():
    text = '"""Doc."""\n\nimport math\n\n\ndef helper(v):\n    return v\n' + BODY.replace(
        "x[i]\n", "helper(x[i])\n"
    )
    changed = as_decorated(source(text)).text
    assert "@njit\ndef kernel" in changed
    assert "@register_jitable\ndef helper" in changed
    assert "from numba import njit\n" in changed
    compile(changed, "kernel.py", "exec")


@pytest.mark.parametrize(
    ("call", "changed"),
    [
        ("math.exp(x[i])", "elementary.exp(x[i])"),
        ("np.log1p( x[i] )", "elementary.log1p( x[i] )"),
        ("max(x[i], 0.0)", "elementary.maximum(x[i], 0.0)"),
        ("math.exp(max(x[i], 0.0))", "elementary.exp(elementary.maximum(x[i], 0.0))"),
        ("math.sin(x[i])", None),
        ("max(x)", None),
    ],
)
def test_functions_of_one_number_become_elementary(call, changed):
    text = f"@njit  # größer\n{BODY.lstrip()}".replace("+= x[i]", f"+= {call}  # é")
    found = remedies.ELEMENTARY.apply(source(text)).text
    if changed is None:
        assert found == text
    else:
        assert f"+= {changed}  # é" in found
        assert "from kernels.simd import elementary" in found


def test_imports_stand_below_a_docstring_and_futures():
    header = '"""Doc."""\nfrom __future__ import annotations\n'
    changed = remedies.FLOAT32.apply(source(header + "@njit" + BODY)).text
    assert changed.startswith(header.rstrip())
    compile(changed, "kernel.py", "exec")
    assert "total = np.float32(0.0)" in changed
    again = remedies.FLOAT32.apply(source("import numpy as np\n@njit" + BODY)).text
    assert again.count("import numpy as np") == 1


@pytest.mark.parametrize(
    ("body", "is_parallel"),
    [
        ("total += x[i]", True),
        ("x[i] = 1.0", True),
        ("y[i][2] = 1.0", True),
        ("y[i, 3] += 1.0", True),
        ("x[0] = 1.0", False),
        ("x[i + 1] = x[i]", False),
        ("y[3, i] = 1.0", False),
        ("break", False),
    ],
)
def test_only_loops_whose_writes_are_their_own_run_on_threads(body, is_parallel):
    text = "@njit" + BODY.replace("total += x[i]", body)
    changed = remedies.THREADS.apply(source(text)).text
    assert ("for i in prange(len(x))" in changed) is is_parallel
    assert ("@njit(parallel=True)" in changed) is is_parallel


def test_what_is_not_at_the_top_of_a_file_cannot_be_changed():
    with pytest.raises(CannotRewriteError, match="other is not a function at the top"):
        KernelSource("def kernel(x): ...", "other", "other")


def test_a_file_that_imports_from_its_package_cannot_be_copied():
    with pytest.raises(CannotRewriteError, match=r"from \.helper import itself"):
        source(f"from .helper import itself\n@njit{BODY}")


def explanation(*kinds, strided=()):
    findings = tuple(Finding(kind, 1, "") for kind in kinds)
    loop = Loop("k.py", "kernel", 1, 1, "", "", "scalar", "", "", findings)
    return Explanation((loop,), (), strided, {})


def test_only_changes_that_may_help_are_tried():
    text = "@njit" + BODY.replace("x[i]\n", "1.0 / x[i]\n")
    found = remedies.remedies_for(source(text), explanation("division check"), "float64")
    assert [one.name for one in found] == [
        "reassociation",
        "numpy-errors",
        "fastmath",
        "prange-parallel",
    ]
    names = ["+".join(one.name for one in some) for some in remedies.combinations(found)]
    assert names == [*(one.name for one in found), "reassociation+numpy-errors"]


def test_strided_arguments_are_copied_first():
    text = '@njit\ndef kernel(x, y):\n    """Doc."""\n    y[0] = x[0]\n'
    found = remedies.remedies_for(source(text), explanation(strided=("x",)), "float64")
    (one,) = [one for one in found if one.name == "contiguous"]
    assert "    x = np.ascontiguousarray(x)\n    y[0] = x[0]\n" in one.apply(source(text)).text


@pytest.mark.parametrize(
    "text", ["@njit" + BODY, ("@njit" + BODY).rstrip(), "x = 1\n\f\n@njit" + BODY]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_diff_can_be_applied(tmp_path, text, line_end):
    kernel = tmp_path / "kernel.py"
    kernel.write_text(text, encoding="utf-8", newline=line_end)
    after = remedies.ELEMENTARY.apply(remedies.FASTMATH.apply(source(text)))
    change = remedies.diff(source(text), after, "kernel.py", line_end)
    subprocess.run(["git", "apply"], input=change.encode(), cwd=tmp_path, check=True)
    assert kernel.read_bytes() == after.text.replace("\n", line_end).encode()


@pytest.mark.parametrize("called", ["max(x)", "max(x[i])"])
def test_the_maximum_of_a_row_becomes_a_loop_of_vectors(called):
    text = "from numba import njit\n\n\n@njit" + BODY.replace("x[i]\n", f"{called}\n")
    changed = remedies.MAXIMUM.apply(source(text)).text
    assert f"total += {called.replace('max', 'largest')}" in changed
    assert changed.index("def largest") < changed.index("def kernel")
    compile(changed, "kernel.py", "exec")
    namespace = {}
    exec(changed, namespace)
    assert namespace["largest"](np.array([1.0, 3.0, 2.0])) == 3.0
    assert np.isnan(namespace["largest"](np.array([1.0, np.nan, 2.0])))
