"""`lossbench run --cluster`: one table of several hosts, also if a worker dies."""

import contextlib
import os
import shutil
import signal
import textwrap
import threading
import time
from dataclasses import replace

import pandas as pd
import psutil
import pytest
from commands import ROOT, answered, started, wait_for

from bench.analysis import csv_file, fleet
from bench.measurement import cluster
from bench.measurement.cluster import HostRun
from bench.model import Cell, Options
from bench.problems.user_file import look_at

distributed = pytest.importorskip("distributed")

SAMPLE = ROOT / "results" / "sample"

KERNEL = """
    import time
    import sums_helper

    SIZES = {"S": {"n": 100}}

    def make_inputs(size, dtype, rng):
        return (rng.random(size["n"]).astype(dtype),)

    def loop(x):
        return sum(x)

    def vectorized(x):
        return sums_helper.total(x)
"""


@pytest.fixture
def sums(tmp_path):
    """A problem file with a module beside it."""
    (tmp_path / "sums_helper.py").write_text(
        "def total(x):\n    return x.sum()\n", encoding="utf-8"
    )
    path = tmp_path / "sums.py"
    path.write_text(textwrap.dedent(KERNEL), encoding="utf-8")
    return path


@pytest.fixture
def two_workers():
    """The address of a cluster of two worker processes, and the processes."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as local:
        yield local


@pytest.mark.slow
def test_no_scheduler_is_one_line(tmp_path):
    shown = answered(
        "run", "svm_loss", "--cluster", "tcp://127.0.0.1:9", "--output", tmp_path / "runs"
    )
    assert shown.returncode == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in shown.stderr
    assert list((tmp_path / "runs").iterdir()) == []


def test_options_that_do_not_go_with_a_cluster_are_refused():
    shown = answered("run", "svm_loss", "--cluster", "tcp://127.0.0.1:9", "--explain")
    assert shown.returncode == 2
    assert "--cluster takes no" in shown.stderr


def test_options_and_files_go_to_the_workers(sums):
    options = replace(Options(), files=(look_at(sums),), tiers=("loop", "numpy"), passes=3)
    words = cluster.options_as_words(options)
    assert "--problem=sums.py" in words
    assert "--tier=loop,numpy" in words
    assert "--passes=3" in words
    assert cluster.files_of(options).keys() == {"sums.py", "sums.modules/sums_helper.py"}


def test_the_cells_of_a_dead_worker_are_failed():
    cells = [Cell("svm_loss", tier, "S", "float64", 1) for tier in ("loop", "numpy")]
    table = fleet.tabulate([HostRun("one", None, "its worker died", None)], cells)
    assert table["status"].tolist() == ["failed", "failed"]
    assert table["host"].tolist() == ["one", "one"]
    assert table["message"].str.contains("one: its worker died").all()
    assert table["median_s"].isna().all()


@pytest.mark.slow
def test_two_workers_give_one_table_of_two_hosts(two_workers, sums, tmp_path):
    shown = answered(
        *("run", "--problem", sums, "--passes", 1, "--output", tmp_path / "runs"),
        *("--cluster", two_workers.scheduler_address),
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    table = pd.read_csv(folder / "measurements.csv")
    assert table["host"].nunique() == 2
    assert set(zip(table["host"], table["tier"], strict=True)) == {
        (host, tier) for host in table["host"].unique() for tier in ("loop", "numpy")
    }
    assert set(table["status"]) == {"ok"}
    # One host, so one run after the other
    first, second = sorted(table["run_id"].unique())
    assert first != second


@pytest.mark.slow
def test_a_worker_that_dies_marks_its_cells_and_the_rest_goes_on(two_workers, sums, tmp_path):
    def kill_a_worker_that_runs():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for nanny in two_workers.workers.values():
                worker = psutil.Process(nanny.process.pid)
                if any("bench.workers.lifeline" in one.cmdline() for one in worker.children()):
                    os.kill(worker.pid, signal.SIGKILL)
                    return
            time.sleep(0.2)

    killer = threading.Thread(target=kill_a_worker_that_runs)
    killer.start()
    shown = answered(
        *("run", "--problem", sums, "--passes", 2, "--output", tmp_path / "runs"),
        *("--cluster", two_workers.scheduler_address),
    )
    killer.join()
    assert shown.returncode == 3
    (folder,) = (tmp_path / "runs").iterdir()
    table = pd.read_csv(folder / "measurements.csv")
    assert sorted(table.groupby("host")["status"].first()) == ["failed", "ok"]


@pytest.mark.slow
def test_ctrl_c_keeps_what_the_hosts_have_measured(two_workers, sums, tmp_path):
    output = tmp_path / "runs"
    process = started(
        *("run", "--problem", sums, "--passes", 2000, "--output", output),
        *("--cluster", two_workers.scheduler_address),
    )
    nannies = [psutil.Process(one.process.pid) for one in two_workers.workers.values()]

    def one_is_timing():
        below = [child for nanny in nannies for child in nanny.children(recursive=True)]
        with contextlib.suppress(psutil.Error):  # one that has just ended
            return any("test_speed.py" in word for child in below for word in child.cmdline())
        return False

    wait_for(one_is_timing)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "interrupted. What the hosts had measured was saved." in shown
    (folder,) = output.iterdir()
    table = pd.read_csv(folder / "measurements.csv")
    assert set(table["status"]) == {"ok"}
    assert table["median_s"].notna().all()


@pytest.fixture
def of_two_hosts(tmp_path):
    """The folder of a cluster's run, with the sample run as that of two hosts."""
    folder = tmp_path / "runs-cluster"
    for host in ("one", "two"):
        shutil.copytree(SAMPLE, folder / host / "20260101-000000")
    (folder / "three").mkdir()  # its disk was full
    runs = [HostRun(host, 0, "", folder / host / "20260101-000000") for host in ("one", "two")]
    runs.append(HostRun("three", 3, "", folder / "three"))
    csv_file.save(fleet.tabulate(runs, []), folder / "measurements.csv")
    return folder


def test_a_page_shows_one_host_and_a_cluster_s_folder_says_where_it_is(of_two_hosts):
    shown = answered("report", of_two_hosts.name, "--output", of_two_hosts.parent)
    assert shown.returncode == 2
    assert f"a page shows one run: {of_two_hosts / 'one' / '20260101-000000'}, " in shown.stderr


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_table_shows_the_hosts_below_each_other(of_two_hosts, form):
    shown = answered("report", of_two_hosts, "--format", form)
    assert shown.returncode == 0, shown.stderr
    assert "lecture one" in shown.stdout
    assert "lecture two" in shown.stdout
