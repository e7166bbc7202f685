"""`lossbench warmup` compiles what a worker will ask for, and says so."""

import re

import pytest
from commands import answered, lossbench, run_python

from kernels.simd._ways import hinge_way, softmax_way
from kernels.simd.warmup import class_counts

WORK = """
import numpy as np
from kernels import *
rng = np.random.default_rng(0)
for classes in (1, 2, 5, 8, 9, 40, 128, 129, 500, 3000):
    scores = rng.standard_normal((40, classes)).astype("f4")
    labels = rng.integers(0, classes, 40)
    for function in (svm_loss, softmax_loss, svm_loss_gradient, softmax_loss_gradient):
        function(scores, labels)
    softmax(scores), log_softmax(scores)
    X, W, b = scores[:, :1].copy(), scores[:1], scores[0]
    for loss in ("svm", "softmax"):
        linear_loss(W, b, X, labels, loss)
        linear_gradient(W, b, X, labels, loss)
        linear_numerical_gradient(W, b, X, labels, loss, h=1e-3)
        train_linear(X, labels, classes, loss, epochs=1)
        train_linear(X, labels, classes, loss, epochs=1, batch_size=7)
    relative_error(scores, scores)
"""


@pytest.mark.slow
def test_a_worker_compiles_nothing_more(tmp_path):
    variables = {"NUMBA_CACHE_DIR": str(tmp_path)}
    process = lossbench("warmup", "--dtype", "float32", variables=variables)
    assert (process.returncode, process.stderr) == (0, "")
    *lines, place = process.stdout.splitlines()
    for line in lines:
        assert re.fullmatch(r"\w+, float32: \d+ variants? in \d+\.\d s", line)
    assert {"svm_loss", "train_linear"} <= {line.partition(",")[0] for line in lines}
    assert place.startswith(f"In {tmp_path}")
    before = set(tmp_path.rglob("*.nbc"))
    done = run_python(WORK, **variables)
    assert done.returncode == 0, done.stderr
    assert set(tmp_path.rglob("*.nbc")) == before


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float64", 8)])
def test_every_way_of_taking_rows_has_a_number_of_classes(dtype, size):
    svm, softmax = class_counts("svm", dtype), class_counts("softmax", dtype)
    for classes in range(1, 10_000):
        assert hinge_way(classes, size) in [hinge_way(one, size) for one in svm]
        assert softmax_way(classes) in [softmax_way(one) for one in softmax]


def test_another_dtype_is_refused():
    process = answered("warmup", "--dtype", "float16")
    assert process.returncode == 2
    assert "unknown dtype 'float16'" in process.stderr
