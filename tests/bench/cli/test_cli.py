"""The command line as a person uses it: in processes of its own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, answered, copied_tree, lossbench, only_folder

import bench
from bench.analysis.columns import COLUMNS
from bench.measurement import records, run_folder

POST_LOSSES = {"0": "105.4667", "100": "84.0333", "500": "8.5667", "1000": "2e-8"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run, its process and its folder."""
    output = tmp_path_factory.mktemp("results")
    arguments = ["svm_loss", "--size", "lecture,S", "--passes", "2", "--output", output]
    process = lossbench("run", *arguments, "--threads", "2", "--floors")
    return process, only_folder(output)


def test_a_run_ends_well_and_shows_its_table(finished):
    process, folder = finished
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == ""
    for words in (
        "svm_loss",
        "lecture",
        " numba ",
        " kernels ",
        "parallel",
        "2 threads",
        "10 cells: 10 ok.",
    ):
        assert words in process.stdout
    assert f"Written to {folder / 'measurements.csv'}" in process.stdout
    assert "agreement: 0 of 30 cells done\n" in process.stdout, "plain lines"
    assert re.search(r"^pass \d of 2: \d+ of 32 cells done$", process.stdout, re.MULTILINE)
    assert "\x1b" not in process.stdout


def test_a_run_s_files(finished):
    _, folder = finished
    names = {path.name for path in folder.iterdir()}
    csv, cells = "measurements.csv", "cells.jsonl"
    passes = {"pass-1.json", "pass-2.json"}
    others = {"environment.json", "floors.json", "memory.jsonl", "texts.jsonl", "lock"}
    assert names == {csv, cells, *others, *passes}
    assert (folder / csv).read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)


def test_a_run_s_table(finished):
    _, folder = finished
    frame = bench.load(folder)
    assert len(frame) == 10
    assert set(frame["status"]) == {"ok"}
    assert set(frame["checked"]) == {"full"}
    assert set(frame["run_id"]) == {folder.name}
    assert (frame["passes"] == 2).all()
    assert (frame["rounds"] >= 2).all()
    assert frame[["min_s", "median_s", "speedup_vs_loop", "gb_per_s"]].notna().all(axis=None)
    assert set(frame.loc[frame["tier"] == "kernels-parallel", "threads"]) == {2}
    assert (frame["share_of_floor"] > 0.0).all(), "at two threads, too"
    assert set(frame["bound_by"]) == {"L1"}
    with_memory = set(frame.loc[frame["temporary_bytes"].notna(), "tier"])
    assert with_memory == (set(frame["tier"]) if sys.platform == "linux" else {"loop", "numpy"})
    assert frame["compile_s"].isna().all(), "it was not asked for"


def test_a_run_s_records_hold_every_round(finished):
    _, folder = finished
    found = records.read(folder / "cells.jsonl")
    assert len(found) == 10 + 2 * 11, "all are judged; in each pass one is timed twice"
    report = json.loads((folder / "pass-1.json").read_text(encoding="utf-8"))
    of_pass = {record.verdict.cell.id: record for record in found if record.pass_number == 1}
    for benchmark in report["benchmarks"]:
        record = of_pass[benchmark["param"]]
        assert list(record.times) == benchmark["stats"]["data"]
        assert record.iterations == benchmark["stats"]["iterations"]
        assert benchmark["extra_info"]["agreement"]["status"] == "ok"
        assert benchmark["extra_info"]["cost"]["flops"] > 0


def test_a_run_s_environment(finished):
    _, folder = finished
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    assert environment["run_id"] == folder.name
    assert environment["options"]["sizes"] == ["lecture", "S"]
    machine = environment["machine"]
    assert machine["threading_layer"] in {"omp", "tbb", "workqueue"}
    assert machine["thread_variables"]["NUMBA_NUM_THREADS"] == "2"
    assert machine["libraries"]["numba"]
    assert machine["blas"]


def test_a_finished_run_has_nothing_to_resume(finished):
    _, folder = finished
    before = (folder / "cells.jsonl").read_bytes()
    process = answered("run", "--resume", folder)
    assert process.returncode == 0
    assert "10 cells: 10 ok." in process.stdout
    assert (folder / "cells.jsonl").read_bytes() == before


def test_a_torn_run_is_resumed_where_it_was(finished, tmp_path):
    _, whole = finished
    folder = tmp_path / "20260101-000000"
    shutil.copytree(whole, folder)
    lines = (folder / "cells.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = "".join(lines[:23])
    (folder / "cells.jsonl").write_text(kept + lines[23][:-30], encoding="utf-8")
    process = answered("run", "--resume", "latest", "--output", tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    text = (folder / "cells.jsonl").read_text(encoding="utf-8")
    assert text.startswith(kept), "finished cells are not run again"
    found = records.read(folder / "cells.jsonl")
    assert len(found) == len({(r.pass_number, r.verdict.cell) for r in found}) == 32
    assert (folder / "pass-2-resumed-1.json").exists()
    assert (bench.load(folder)["passes"] == 2).all()


SVM = "    return float(terms.sum() / len(labels))\n"


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A project whose NumPy hinge loss is wrong."""
    tree = copied_tree(tmp_path_factory.mktemp("spoiled"))
    kernel = tree / "kernels" / "vectorized" / "losses.py"
    text = kernel.read_text(encoding="utf-8")
    assert text.count(SVM) == 1
    kernel.write_text(
        text.replace(SVM, SVM.replace("labels))", "labels)) * (1.0 + 1e-9)")), encoding="utf-8"
    )
    return tree


@pytest.mark.slow
def test_a_wrong_tier_is_refused(spoiled, tmp_path):
    arguments = ["svm_loss", "--size", "lecture", "--tier", "loop,numpy", "--passes", "2"]
    process = lossbench("run", *arguments, "--output", tmp_path, root=spoiled)
    assert process.returncode == 1
    assert "disagrees: svm_loss numpy lecture float64: " in process.stdout
    frame = bench.load(only_folder(tmp_path)).set_index("tier")
    assert frame["status"].to_dict() == {"loop": "ok", "numpy": "disagrees"}
    assert frame.loc["numpy", ["median_s", "speedup_vs_loop", "passes"]].isna().all()
    assert frame.loc["numpy", "max_abs_error"] > 0.0
    assert frame.loc["loop", "passes"] == 2


def test_check_refuses_a_wrong_tier(spoiled):
    process = lossbench("check", "svm_loss", "--size", "S", "--tier", "numpy", root=spoiled)
    assert process.returncode == 1
    assert "disagrees: svm_loss-numpy-S-float64: hard input" in process.stdout


@pytest.mark.slow
def test_check_of_everything_that_takes_functions():
    names = ["numerical_gradient", "check_gradient", "gradient_descent"]
    process = answered("check", *names, "--size", "lecture")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "12 cells: 12 ok." in process.stdout


def test_list():
    process = answered("list")
    assert process.returncode == 0
    assert "linear_numerical_gradient" in process.stdout


@pytest.mark.slow
def test_demo_lecture_shows_the_post_s_losses_in_every_tier(tmp_path):
    process = lossbench("demo", "lecture", "--output", tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    lines = {
        line.split()[0]: line.split()[1:] for line in process.stdout.splitlines() if line.split()
    }
    for epoch, loss in POST_LOSSES.items():
        assert lines[epoch] == [loss] * 4
    assert "trained in" in process.stdout
    assert "compiled in" in process.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"training.png", "training.svg"}


@pytest.mark.slow
def test_demo_descent_draws_its_pictures(tmp_path):
    process = lossbench("demo", "descent", "--output", tmp_path, "--no-show")
    assert process.returncode == 0, process.stdout + process.stderr
    pictures = process.stdout.split()
    assert [Path(picture).name for picture in pictures] == [
        *("descent-0.01.png", "descent-0.8.png", "descent-1.05.png", "descent.png")
    ]
    for picture in pictures:
        assert Path(picture).read_bytes().startswith(b"\x89PNG")


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "svm_los"], "unknown problem 'svm_los'; choose from svm_loss, "),
        (["run", "own.py"], "unknown problem 'own.py': a file is run by --problem own.py"),
        (["check", "softmaxloss"], "unknown problem 'softmaxloss'; choose from softmax_loss, "),
        (["run", "--size", "XL"], "unknown size 'XL'; choose from L, "),
        (["run", "--tier", "numb"], "unknown tier 'numb'; choose from numba, "),
        (["run", "--dtype", "float16"], "unknown dtype 'float16'; choose from float"),
        (["run", "--threads", "0"], "threads has to be at least 1, not '0'"),
        (["run", "--budget", "-1"], "the budget has to be above 0 and below 1e+06 seconds"),
        (["run", "--budget", "inf"], "the budget has to be above 0 and below 1e+06 seconds"),
        (["run", "--passes", "0"], "'--passes'"),
        (["run", "numerical_gradient", "--size", "L"], "none of the selected problems has that"),
        (["run", "--resume", "latest", "--size", "S"], "--resume takes all options from the run"),
        (["run", "--resume", "nowhere", "--output", "{empty}"], "there is no run in"),
        (["run", "--output", "{file}"], "file"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(arguments, words, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    places = {"empty": tmp_path / "empty", "file": tmp_path / "file"}
    process = answered(*(argument.format(**places) for argument in arguments), cwd=tmp_path)
    assert process.returncode == 2, process.stdout + process.stderr
    assert words in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"file"}, "nothing is begun"


COMPARED = ["compare", ROOT / "results/sample", ROOT / "results/sample"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "svm_loss"], 2),
        (["run", "--resume", "{folder}"], 2),
        (["check", "svm_loss"], 2),
        (["sweep", "svm_loss"], 2),
        (["compile-cost", "{folder}"], 2),
        (["demo", "lecture"], 2),
        (["demo", "digits"], 2),
        (["list"], 0),
        (["show", "train_linear"], 0),
        (["report", "{folder}", "--format", "terminal"], 0),
        (COMPARED, 0),
    ],
    ids=lambda words: "-".join(map(str, words[:2])) if isinstance(words, list) else None,
)
def test_nothing_is_timed_without_the_compiler(finished, arguments, code, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    words = [str(argument).format(folder=finished[1]) for argument in arguments]
    process = lossbench(*words, cwd=tmp_path)
    assert process.returncode == code, process.stdout + process.stderr
    refused = "NUMBA_DISABLE_JIT is set" in " ".join(process.stderr.split())
    assert refused is (code == 2)
    assert not list(tmp_path.iterdir()), "nothing is begun"


def test_help_answers_without_what_loads_long():
    program = (
        "import sys; from bench.cli import app; app(['--help'], standalone_mode=False); "
        "print(sorted({'numba', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert process.stdout.rstrip().endswith("[]")


def test_a_run_is_not_measured_twice_at_once(finished):
    _, folder = finished
    with run_folder.held(folder):
        for command in (["run", "--resume", folder], ["compile-cost", folder]):
            process = answered(*command)
            assert process.returncode == 2
            assert "is being measured by another process" in " ".join(process.stderr.split())


@pytest.mark.slow
def test_the_page_of_a_table_is_named_after_it(finished, tmp_path):
    _, folder = finished
    mine = tmp_path / "report.html"
    mine.write_text("mine", encoding="utf-8")
    shutil.copy(folder / "measurements.csv", tmp_path / "monday.csv")
    process = answered("report", tmp_path / "monday.csv")
    assert process.returncode == 0, process.stderr
    assert mine.read_text(encoding="utf-8") == "mine"
    assert 'href="monday-pictures/time-svm_loss.png"' in (tmp_path / "monday.html").read_text(
        encoding="utf-8"
    )
    assert (tmp_path / "monday-pictures" / "time-svm_loss.png").exists()


def test_a_run_s_page(finished, tmp_path):
    _, folder = finished
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    process = answered("report", "latest", "--output", tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert f"Written to {copy / 'report.html'}, with " in process.stdout
    assert f"Run {copy.name}</h1>" in (copy / "report.html").read_text(encoding="utf-8")
    assert (copy / "pictures" / "time-svm_loss.png").exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("terminal", "median of a call"),
        ("markdown", "| problem | size | dtype | loop |"),
        ("csv", "run_id,problem,tier,"),
        ("json", '"counts": "10 cells: 10 ok."'),
    ],
)
def test_a_run_in_other_forms(finished, form, words):
    _, folder = finished
    process = answered("report", folder / "measurements.csv", "--format", form)
    assert process.returncode == 0, process.stderr
    assert words in process.stdout
    assert not (folder / "report.html").exists()


def test_a_report_of_what_is_no_run(tmp_path):
    process = answered("report", "latest", "--output", tmp_path)
    assert process.returncode == 2
    assert "there is no run in" in process.stderr
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    process = answered("report", wrong)
    assert process.returncode == 2
    assert "is not a table of lossbench" in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
