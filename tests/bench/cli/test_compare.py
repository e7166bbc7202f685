"""`lossbench compare` as a person uses it: two small real runs, the second of a slower kernel."""

import json
import shutil

import pytest
from commands import answered, copied_tree, lossbench

import bench

SLOWER = """

once = svm_loss


def svm_loss(scores, labels, margin=1.0):
    for _ in range(5):
        once(scores, labels, margin)
    return once(scores, labels, margin)
"""
# With six passes against six, one of two cells can be told from chance: 2/C(12, 6) < 0.01/2.
RUN = ["run", "svm_loss", "--size", "lecture", "--tier", "loop,numpy", "--passes", "6"]


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A run of the project as it is."""
    output = tmp_path_factory.mktemp("old")
    process = answered(*RUN, "--output", output)
    assert process.returncode == 0, process.stdout + process.stderr
    return next(output.iterdir())


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """A run of a project whose NumPy hinge loss does all of its work several times."""
    tree = copied_tree(tmp_path_factory.mktemp("slower"))
    kernel = tree / "kernels" / "vectorized" / "losses.py"
    kernel.write_text(kernel.read_text(encoding="utf-8") + SLOWER, encoding="utf-8")
    process = lossbench(*RUN, "--output", tree / "results", root=tree)
    assert process.returncode == 0, process.stdout + process.stderr
    return next((tree / "results").iterdir())


def compared(process):
    """The words after the name of the one cell in the table."""
    rows = [line.split() for line in process.stdout.splitlines() if "-numpy-" in line]
    assert [row[0] for row in rows] == ["svm_loss-numpy-lecture-float64"], process.stdout
    return rows[0][1:]


def test_a_slower_kernel_is_found_and_fails(old, new):
    process = answered("compare", old, new, "--fail-above", "1.10")
    assert process.returncode == 1, process.stdout + process.stderr
    assert compared(process)[-1] == "slower"
    assert "faster by more than 5 %, of 2 cells that were tested." in process.stdout
    assert process.stderr == ""


def test_the_other_way_round_it_is_faster_and_does_not_fail(old, new):
    # The loops' cell was twice as slow in one of two runs that shared the cores with other tests
    process = answered("compare", new, old, "--fail-above", "10")
    assert process.returncode == 0, process.stdout + process.stderr
    assert compared(process)[-1] == "faster"


def test_a_limit_above_the_ratio_does_not_fail(old, new):
    assert answered("compare", old, new, "--fail-above", "1000").returncode == 0


def test_a_run_against_itself_shows_nothing(old):
    process = answered("compare", old, old, "--fail-above", "1.0", "--min-effect", "0")
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.startswith(
        "None is shown to differ by more than 0 %, of 2 cells that were tested."
    )


def test_runs_by_name_and_a_table_by_itself(old, tmp_path):
    process = answered("compare", old.name, "latest", "--output", old.parent)
    assert "None is shown to differ" in process.stdout, process.stdout + process.stderr
    inside = answered("compare", old / "measurements.csv", old)
    assert "None is shown to differ" in inside.stdout, (
        "what lies beside it says on which machine it was"
    )
    alone = tmp_path / "table.csv"
    shutil.copy(old / "measurements.csv", alone)
    process = answered("compare", alone, old)
    assert process.returncode == 0
    assert "no machine is recorded for the old run" in process.stdout
    assert compared(process)[-1] == "1.00\N{MULTIPLICATION SIGN}"


def test_a_run_on_another_machine_is_not_judged(old, new, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(new, other)
    environment = json.loads((other / "environment.json").read_text(encoding="utf-8"))
    environment["machine"]["cpu"] = "a slow one"
    environment["machine"]["libraries"]["numpy"] = "1.0"
    (other / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    assert answered("compare", old, other).returncode == 0
    process = answered("compare", old, other, "--fail-above", "1.10")
    assert process.returncode == 2, process.stdout + process.stderr
    assert "no cell was tested: both runs need about 9 passes" in process.stderr
    assert "→ a slow one" in process.stdout
    assert "numpy: " in process.stdout
    assert compared(process)[-1].endswith("\N{MULTIPLICATION SIGN}")


def test_markdown(old, new):
    process = answered("compare", old, new, "--markdown")
    assert process.returncode == 0
    lines = process.stdout.splitlines()
    assert lines[0] == "| cell | old | new | new/old |  |"
    assert lines[2].startswith("| svm_loss-numpy-lecture-float64 |")


def test_a_run_has_a_twin_intervals_and_a_noise_floor(old):
    frame = bench.load(old)
    assert (frame["twin_medians_s"] != "").sum() == 1
    floors = set(frame["noise_floor"].dropna())  # none, if other work disturbed the twin
    assert len(floors) <= 1
    assert all(floor >= 1.0 for floor in floors)
    assert frame[["speedup_vs_numpy_low", "speedup_vs_loop_high"]].notna().all(axis=None)
    lines = (old / "cells.jsonl").read_text(encoding="utf-8").splitlines()
    timed = [json.loads(line) for line in lines if '"times": [0' not in line]
    timed = [values for values in timed if values["times"]]
    assert {values["twin"] for values in timed} == {True, False}
    assert all(values["cpu_share"] > 0.0 for values in timed)


def spoil_csv(folder):
    path = folder / "measurements.csv"
    path.write_text(path.read_text(encoding="utf-8")[:-400], encoding="utf-8")


def spoil_environment(folder):
    (folder / "environment.json").write_text('{"machine": 3', encoding="utf-8")


def spoil_cells(folder):
    (folder / "measurements.csv").unlink()
    (folder / "cells.jsonl").write_text('{"a": 1}\n', encoding="utf-8")


def make_foreign(folder):
    (folder / "measurements.csv").write_text("name,price\nbread,2\n", encoding="utf-8")


def make_empty(folder):
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_csv, "cut short"),
        (spoil_environment, "does not describe the machine"),
        (spoil_cells, "line 1: not a record of a cell"),
        (make_foreign, "is not a table of lossbench"),
        (make_empty, "holds no run"),
    ],
)
def test_a_foreign_or_truncated_run_is_a_line_and_exit_code_2(old, tmp_path, spoil, words):
    folder = tmp_path / "20260101-000000"
    shutil.copytree(old, folder)
    spoil(folder)
    for arguments in ((old, folder), (folder, old)):
        process = answered("compare", *arguments)
        assert process.returncode == 2, process.stdout + process.stderr
        assert words in " ".join(process.stderr.split())
        assert process.stderr.count("Error: ") == 1
        assert "Traceback" not in process.stderr
        assert process.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "latest"], "unknown run 'nowhere'"),
        (["latest", "latest", "--fail-above", "0.9"], "--fail-above has to be at least 1, not 0.9"),
        (["latest", "latest", "--min-effect", "-1"], "smallest effect has to be at least 0"),
        (["latest"], "NEW"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(old, arguments, words):
    process = answered("compare", *arguments, "--output", old.parent)
    assert process.returncode == 2, process.stdout + process.stderr
    assert words in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
