"""A cell over runs and hosts: order, what it is compared with, and how that is shown."""

import json
import math

import numpy as np
import pytest
from commands import answered

from bench.analysis import csv_file, history, runs, table
from bench.measurement.records import Record
from bench.model import Cell, Verdict

LOOP, NUMPY, KERNELS = (Cell("svm_loss", tier, "S", "float64", 1) for tier in
                        ("loop", "numpy", "kernels"))  # fmt: skip
SOFTMAX = Cell("softmax_loss", "numpy", "M", "float64", 1)
CPU = {"cpu": "Little", "usable_cores": 2, "libraries": {"numpy": "2.0"}}
OTHER = {"cpu": "Big", "usable_cores": 64, "libraries": {"numpy": "2.0"}}


def passes(cell, seconds, count):
    """As many passes as given, 1 % apart, in no order."""
    steps = np.random.default_rng(round(1e9 * seconds)).permutation(count)
    verdict = Verdict(cell, "ok", "", "full", 0.0, 0.0, 1e-5)
    return [
        Record(number, verdict, 10, (seconds * (1.0 + 0.01 * step / count),))
        for number, step in enumerate(steps, 1)
    ]


def tabulated(run_id, times, count=14):
    found = [one for cell, seconds in times.items() for one in passes(cell, seconds, count)]
    return table.tabulate(run_id, list(times), found)


def run_of(output, run_id, times, facts=CPU, started="", **options):
    folder = output / run_id
    folder.mkdir(parents=True)
    csv_file.save(tabulated(run_id, times, **options), folder / "measurements.csv")
    if facts:
        words = json.dumps({"machine": facts} | ({"started": started} if started else {}))
        (folder / "environment.json").write_text(words, encoding="utf-8")
    return folder


def shown(*paths):
    return history.history(history.read(paths))


def days(output, *times, **options):
    return [
        run_of(output, f"202601{day:02d}-120000", {LOOP: seconds}, **options)
        for day, seconds in enumerate(times, 1)
    ]


def test_each_run_is_compared_with_the_one_before(tmp_path):
    frame = shown(*days(tmp_path, 1e-3, 1.3e-3, 1.31e-3, 0.8e-3))
    assert frame["finding"].tolist() == ["", "slower", "same", "faster"]
    assert frame["ratio"].tolist()[1:] == pytest.approx([1.3, 1.31 / 1.3, 0.8 / 1.31], rel=0.01)
    assert math.isnan(frame["ratio"][0])
    assert frame["run"].tolist() == [0, 1, 2, 3]


def test_too_few_passes_are_not_judged(tmp_path):
    assert shown(*days(tmp_path, 1e-3, 2e-3, count=2))["finding"].tolist() == ["", "untested"]


def test_runs_are_in_the_order_of_time_and_each_is_there_once(tmp_path):
    late = run_of(tmp_path, "b", {LOOP: 1e-3}, started="2026-01-02T01:00:00+02:00")
    early = run_of(tmp_path, "c", {LOOP: 1e-3}, started="2026-01-01T22:00:00+00:00")
    named = run_of(tmp_path, "20260101-210000-2", {LOOP: 1e-3}, facts=None)
    undated = run_of(tmp_path, "a", {LOOP: 1e-3}, facts=None)
    csv_file.save(csv_file.load(late), tmp_path / "copy.csv")
    frame = shown(undated, late, early, named, late / "measurements.csv")
    assert frame["run_id"].tolist() == ["20260101-210000-2", "c", "b", "a"]
    assert frame["started"].isna().tolist() == [False, False, False, True]


def test_each_host_has_a_history_of_its_own(tmp_path):
    found = [
        run_of(tmp_path, f"202601{day:02d}-000000", {LOOP: seconds}, facts=facts)
        for day, seconds, facts in (
            (1, 1e-3, CPU), (2, 1e-4, OTHER), (3, 1e-3, CPU), (4, 2e-4, OTHER)
        )
    ]  # fmt: skip
    frame = shown(*found)
    assert frame["finding"].tolist() == ["", "", "same", "slower"]
    assert frame["host"].tolist()[:2] == ["Little, 2 cores", "Big, 64 cores"]


def test_a_table_of_several_hosts_is_taken_apart(tmp_path):
    for day, (east, west) in enumerate([(1e-3, 1e-4), (1e-3, 2e-4)], 1):
        frames = [tabulated(f"2026010{day}-000000", {LOOP: seconds}) for seconds in (east, west)]
        both = [one.assign(host=host) for one, host in zip(frames, ("east", "west"), strict=True)]
        csv_file.save(runs.joined(both), tmp_path / f"{day}.csv")
    history_of = shown(tmp_path / "2.csv", tmp_path / "1.csv")
    assert history_of["host"].tolist() == ["east", "west"] * 2
    assert history_of["finding"].tolist() == ["", "", "same", "slower"]


def test_the_run_of_a_cluster_is_taken_apart_too(tmp_path):
    """Each host's own run lies in its folder; that of one host was lost."""
    for day, libraries in ((1, "2.0"), (2, "2.1")):
        folder = tmp_path / f"2026010{day}-120000-cluster"
        facts = CPU | {"libraries": {"numpy": libraries}}
        when = f"2026-01-0{day}T12:00:05+00:00"
        own = run_of(folder / "east", f"2026010{day}-120005", {LOOP: 1e-3}, facts, when)
        lost = Record(1, Verdict(LOOP, "failed", "west: its worker died"))
        hosts = {
            "east": csv_file.load(own),
            "west": table.tabulate("", [LOOP], [lost]),
        }
        whole = runs.joined([frame.assign(host=host) for host, frame in hosts.items()])
        csv_file.save(whole, folder / "measurements.csv")
    frame = shown(*sorted(tmp_path.iterdir()))
    east, west = (frame[frame["host"] == host] for host in ("east", "west"))
    assert east["run_id"].tolist() == ["20260101-120005", "20260102-120005"]
    assert east["finding"].tolist() == ["", "same"]
    assert east["changed"].tolist()[1] == ("numpy: 2.0 → 2.1",)
    assert west["run_id"].tolist() == ["20260101-120000-cluster", "20260102-120000-cluster"]
    assert west["status"].tolist() == ["failed"] * 2
    assert west["started"].notna().all()


def test_what_is_between_without_a_time_is_passed_over(tmp_path):
    one, _, three = days(tmp_path, 1e-3, 1e-3, 2e-3)
    failed = table.tabulate("20260102-120000", [LOOP], [Record(1, Verdict(LOOP, "failed", "boom"))])
    csv_file.save(failed, tmp_path / "20260102-120000" / "measurements.csv")
    frame = shown(one, tmp_path / "20260102-120000", three)
    assert frame["status"].tolist() == ["ok", "failed", "ok"]
    assert frame["finding"].tolist() == ["", "", "slower"]


def test_an_unknown_machine_is_not_compared(tmp_path):
    frame = shown(*days(tmp_path, 1e-3, 2e-3, facts=None))
    assert frame["finding"].tolist() == ["", ""]
    assert frame["host"].tolist() == ["", ""]


def test_an_upgrade_is_named_and_judged(tmp_path):
    newer = CPU | {"libraries": {"numpy": "2.1"}}
    one = run_of(tmp_path, "20260101-000000", {LOOP: 1e-3, NUMPY: 1e-5})
    two = run_of(tmp_path, "20260102-000000", {LOOP: 1e-3, NUMPY: 1e-6}, facts=newer)
    frame = shown(one, two)
    assert frame["finding"].tolist() == ["", "", "same", "faster"]
    assert frame["changed"].tolist()[2:] == [("numpy: 2.0 → 2.1",)] * 2


# --- selection


CELLS = {LOOP: 1e-3, NUMPY: 1e-5, KERNELS: 1e-6, SOFTMAX: 1e-5}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, CELLS),
        ({"tier": ["loop,kernels"]}, [LOOP, KERNELS]),
        ({"problem": ["softmax_loss"]}, [SOFTMAX]),
        ({"tier": ["numpy"], "size": ["M", "S"]}, [NUMPY, SOFTMAX]),
    ],
)
def test_cells_are_selected_by_name(tmp_path, given, wanted):
    parts = history.selected(history.read([run_of(tmp_path, "a", CELLS)]), **given)
    frame = history.history(parts)
    assert frame[["problem", "tier"]].to_numpy().tolist() == [[c.problem, c.tier] for c in wanted]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tier": ["kernel"]}, "unknown tier 'kernel'; choose from kernels, "),
        ({"problem": ["softmax"]}, "unknown problem 'softmax'; choose from softmax_loss, "),
        ({"problem": ["softmax_loss"], "size": ["S"]}, "unknown size 'S'; choose from M"),
    ],
)
def test_what_no_run_has_is_named(tmp_path, given, words):
    parts = history.read([run_of(tmp_path, "a", CELLS)])
    with pytest.raises(ValueError, match=words):
        history.selected(parts, **given)


def test_too_many_cells_are_refused(tmp_path):
    many = {Cell("svm_loss", "numpy", f"S@{n}", "float64", 1): 1e-5 for n in range(1, 10)}
    parts = history.read([run_of(tmp_path, "a", many)])
    with pytest.raises(ValueError, match="9 cells: choose 1 to 8 with --problem-name, --tier"):
        history.selected(parts)
    assert len(history.selected(parts, size=["S@1,S@2"])[0].table) == 2


# --- the command


def test_the_command_shows_a_table_and_draws_a_picture(tmp_path):
    days(tmp_path, 1e-3, 1.3e-3, 1.3e-3)
    (tmp_path / "demo").mkdir()
    process = answered("history", "--tier", "loop", "--output", tmp_path)
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert lines[0] == "svm_loss-loop-S-float64"
    rows = [line.split() for line in lines if line.startswith(" 2026")]
    assert [row[0] for row in rows] == [f"2026010{day}-120000" for day in (1, 2, 3)]
    assert rows[1][-2:] == ["1.30\N{MULTIPLICATION SIGN}", "slower"]
    assert rows[2][-1] == "same"
    assert "1.30 ms" in process.stdout
    assert lines[-2:] == [str(tmp_path / "history.png"), str(tmp_path / "history.svg")]
    picture = (tmp_path / "history.svg").read_text(encoding="utf-8")
    assert "1 cells" not in picture
    assert "svm_loss-loop-S-float64" in picture
    again = answered("history", *tmp_path.iterdir(), "--output", tmp_path)  # as a shell expands *
    assert again.stdout == process.stdout


def test_runs_by_name_path_and_pattern(tmp_path):
    one, _, three = days(tmp_path, 1e-3, 1.3e-3, 1.3e-3)
    process = answered("history", one.name, "latest", "--output", tmp_path)
    assert process.stdout.count("20260101-120000") == 1
    assert process.stdout.count("20260103-120000") == 1
    assert "20260102-120000" not in process.stdout
    named = answered("history", tmp_path / "*[13]-120000", "--output", tmp_path / "new")
    assert named.stdout.splitlines()[:-2] == process.stdout.splitlines()[:-2]
    assert (tmp_path / "new" / "history.png").exists()
    assert three.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "unknown run 'nowhere'; choose from 20260101-120000"),
        (["--tier", "nump"], "unknown tier 'nump'; choose from loop"),
        (["{}/nothing*"], "no run, CSV or Parquet file among:"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(tmp_path, arguments, words):
    days(tmp_path, 1e-3)
    named = [word.format(tmp_path) for word in arguments]
    process = answered("history", *named, "--output", tmp_path)
    assert process.returncode == 2, process.stdout
    assert words in " ".join(process.stderr.split())
    assert not list(tmp_path.glob("history*"))


def test_without_a_time_there_is_no_picture(tmp_path):
    failed = table.tabulate("a", [LOOP], [Record(1, Verdict(LOOP, "failed", "boom"))])
    csv_file.save(failed, tmp_path / "a.csv")
    process = answered("history", tmp_path / "a.csv", "--output", tmp_path / "new")
    assert process.returncode == 0, process.stderr
    assert "failed" in process.stdout
    assert not (tmp_path / "new").exists()
