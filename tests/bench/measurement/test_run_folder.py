"""The folder of a run: made, found again, and refused where it is none."""

import json
from dataclasses import replace

import pytest

from bench.common.threads import all_cores
from bench.measurement import run_folder
from bench.model import Options

OPTIONS = Options()


def test_a_run_s_options_are_found_in_its_folder(tmp_path):
    options = Options(problems=("softmax",), sizes=("L",), threads=(1, 4), passes=3, budget=0.5)
    folder = run_folder.begin(tmp_path, options)
    assert run_folder.options_of(folder) == options
    assert run_folder.options_of(run_folder.begin(tmp_path, OPTIONS)).threads == (all_cores(),)


def test_runs_of_one_second_have_folders_of_their_own(tmp_path):
    folders = [run_folder.begin(tmp_path, OPTIONS) for _ in range(3)]
    assert len(set(folders)) == 3
    assert run_folder.find("latest", tmp_path) == folders[-1]
    for folder in folders:
        assert run_folder.find(folder.name, tmp_path) == folder
        assert run_folder.find(str(folder), tmp_path / "elsewhere") == folder


def test_a_run_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="there is no run in"):
        run_folder.find("latest", tmp_path)
    folder = run_folder.begin(tmp_path, OPTIONS)
    with pytest.raises(ValueError, match=f"unknown run 'lates'; choose from {folder.name}"):
        run_folder.find("lates", tmp_path)


def test_a_folder_that_is_not_a_run(tmp_path):
    with pytest.raises(ValueError, match="is not a run that can be resumed"):
        run_folder.options_of(tmp_path)
    for text in ("{}", "[]", '{"options": {"colour": "red"}}', "{"):
        (tmp_path / "environment.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="is not a run that can be resumed"):
            run_folder.options_of(tmp_path)


def test_a_run_is_measured_by_one_process_at_a_time(tmp_path):
    folder = run_folder.begin(tmp_path, OPTIONS)
    with (
        run_folder.held(folder),
        pytest.raises(ValueError, match=rf"{folder.name} is being measured by another process"),
        run_folder.held(folder),
    ):
        pass


def changed(folder, change):
    path = folder / "environment.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def test_a_run_does_not_go_on_with_other_code_or_libraries(tmp_path):
    folder = run_folder.begin(tmp_path, OPTIONS)
    run_folder.check_same_code(folder)
    changed(folder, lambda values: values["machine"]["libraries"].update(numpy="1.0"))
    with pytest.raises(ValueError, match=r"this has changed: numpy 1\.0 → .*Start a new"):
        run_folder.check_same_code(folder)
    folder = run_folder.begin(tmp_path, OPTIONS)
    changed(folder, lambda values: values["machine"]["libraries"].update(torch="1.0"))
    run_folder.check_same_code(folder)
    folder = run_folder.begin(tmp_path, replace(OPTIONS, tiers=("numpy", "torch")))
    changed(folder, lambda values: values["machine"]["libraries"].update(torch="1.0"))
    with pytest.raises(ValueError, match=r"this has changed: torch 1\.0"):
        run_folder.check_same_code(folder)
    folder = run_folder.begin(tmp_path, OPTIONS)
    changed(folder, lambda values: values.update(code="another"))
    with pytest.raises(ValueError, match="this has changed: the code of the tiers"):
        run_folder.check_same_code(folder)
    changed(folder, lambda values: values.pop("code"))  # a run of before there was one
    run_folder.check_same_code(folder)
    changed(folder, lambda values: values.pop("format"))
    with pytest.raises(ValueError, match="this has changed: the meaning of tier names"):
        run_folder.check_same_code(folder)


def test_the_folder_of_the_runs_may_be_no_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="file is a file: --output takes a folder"):
        run_folder.begin(tmp_path / "file", OPTIONS)


def test_a_table_alone_is_no_run_to_go_on_with(tmp_path):
    folder = run_folder.begin(tmp_path, OPTIONS)
    (folder / "measurements.csv").write_text("a table", encoding="utf-8")
    with pytest.raises(ValueError, match=r"resumed: it has no cells\.jsonl, only a table"):
        run_folder.check_same_code(folder)
    (folder / "cells.jsonl").write_text("", encoding="utf-8")
    run_folder.check_same_code(folder)
