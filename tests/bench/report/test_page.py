"""What stands on the page of a run, and in the files beside it."""

import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

import bench
from bench.analysis import csv_file, table
from bench.common.format import duration
from bench.measurement import run_folder
from bench.measurement.records import Record
from bench.model import Cell, Verdict
from bench.problems import texts
from bench.report import page, pictures
from bench.report.pictures import style

SAMPLE = Path(__file__).parents[3] / "results" / "sample"
TIMES = "\N{MULTIPLICATION SIGN}"
# Of svm_loss: loops are passed by NumPy between the sizes, by Numba at both.
SECONDS = {
    ("loop", "lecture"): 1e-5,
    ("numpy", "lecture"): 2e-5,
    ("numba", "lecture"): 1e-6,
    ("loop", "S"): 1e-3,
    ("numpy", "S"): 4e-5,
    ("numba", "S"): 4e-6,
}
# Elements without an end tag.
VOID = {"meta", "wbr", "link", "input", "br"}


def cell(tier, size):
    return Cell("svm_loss", tier, size, "float64", 1)


def verdict(its, **given):
    return replace(Verdict(its, "ok", "", "full", 1e-16, 1e-15, 1e-5), **given)


def a_table(**of_numba_s):
    """Return the table of a run of one problem; of Numba at S, what is given."""
    found = []
    for (tier, size), seconds in SECONDS.items():
        its = cell(tier, size)
        judged = verdict(its, **(of_numba_s if (tier, size) == ("numba", "S") else {}))
        timed = judged.status == "ok"
        found += [Record(n, judged, 1, (seconds,) if timed else ()) for n in range(1, 9)]
    return table.tabulate("a-run", [cell(*key) for key in SECONDS], found)


def with_costs(frame):
    jitted = frame["tier"] == "numba"
    calls = np.where(frame["size"] == "S", np.inf, 12345.2)
    return frame.assign(
        share_of_floor=0.25,
        compile_s=np.where(jitted, 2.5, np.nan),
        load_s=np.where(jitted, 0.125, np.nan),
        break_even_calls_vs_numpy=np.where(jitted, calls, np.nan),
        temporary_bytes=pd.array([1024] * len(frame), dtype="Int64"),
    )


class Page(HTMLParser):
    """A page taken apart, held to closing what it opens."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)

    def attributes(self, tag):
        return [attributes for its_tag, attributes in self.tags if its_tag == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def shown(frame, machine=None):
    return Page(page.render(frame, list(pictures.pictures(frame)), machine))


def write(folder):
    frame, machine = csv_file.load(folder), run_folder.machine_of(folder)
    return page.write(folder, frame, machine, texts.load(folder))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of the committed sample run, in a folder of its own."""
    folder = tmp_path_factory.mktemp("sample")
    for name in ("measurements.csv", "environment.json", "texts.jsonl"):
        (folder / name).write_bytes((SAMPLE / name).read_bytes())
    return write(folder)


def test_a_page_and_its_pictures(written):
    its_page, *files = written
    assert its_page.name == "report.html"
    assert {file.suffix for file in files} == {".png", ".svg"}
    names = {file.stem for file in files}
    assert {"speedups-over-loop", "speedups-over-numpy", "errors"} <= names
    assert {"time-svm_loss", "time-train_linear"} <= names
    assert {"roofline", "share-of-floor"} <= names
    for file in files:
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG")
        else:
            assert ET.fromstring(file.read_bytes()).tag.endswith("svg")
    left = [path.name for path in its_page.parent.rglob("*") if "tmp" in path.name]
    assert left == []


def test_a_page_needs_no_network(written):
    parsed = Page(written[0].read_text(encoding="utf-8"))
    links = [
        value
        for _, attributes in parsed.tags
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "action", "srcset"}
    ]
    assert len(links) > 50
    assert all(re.match(r"#|data:|pictures/[\w-]+\.(png|svg)$", link) for link in links)
    for link in links:
        if link.startswith("pictures/"):
            assert (written[0].parent / link).exists()
    assert "@import" not in written[0].read_text(encoding="utf-8")


def test_a_page_s_ids_are_its_own_and_those_that_are_named_are_there(written):
    parsed = Page(written[0].read_text(encoding="utf-8"))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [attributes.get("aria-labelledby", "") for _, attributes in parsed.tags]
    anchors = [
        value[1:]
        for _, attributes in parsed.tags
        for name in ("href", "xlink:href")
        if (value := attributes.get(name) or "").startswith("#")
    ]
    assert {*" ".join(named).split(), *anchors} <= set(ids)


def test_a_page_can_be_heard(written):
    parsed = Page(written[0].read_text(encoding="utf-8"))
    assert parsed.attributes("html")[0]["lang"] == "en"
    images = [one for one in parsed.attributes("svg") if one.get("role") == "img"]
    assert len(images) == len(parsed.attributes("svg")) == (len(written) - 1) // 2
    assert len(parsed.attributes("title")) == len(images) + 1
    assert all(one.get("scope") in {"col", "row"} for one in parsed.attributes("th"))
    assert next(one for one in parsed.attributes("a"))["href"] == "#main"
    assert len(parsed.attributes("h1")) == len(parsed.attributes("main")) == 1


def test_every_cell_is_in_the_table_and_every_column_in_the_csv(written):
    frame = csv_file.load(SAMPLE)
    parsed = Page(written[0].read_text(encoding="utf-8"))
    assert len(parsed.attributes("tr")) == len(frame) + 1
    (link,) = (one for one in parsed.attributes("a") if "download" in one)
    assert link["download"] == f"{frame['run_id'].iloc[0]}.csv"
    text = base64.b64decode(link["href"].partition("base64,")[2]).decode()
    assert list(pd.read_csv(io.StringIO(text))["median_s"].dropna()) == pytest.approx(
        list(frame["median_s"].dropna()), rel=1e-15
    )


def test_what_was_compared_is_shown_beside_what_it_reached(written):
    text = Page(written[0].read_text(encoding="utf-8")).text
    for words in ("reference/losses.py:", "def softmax_loss(", "the loop's text, as it stands"):
        assert words in text
    median = next(
        row for row in csv_file.load(SAMPLE).itertuples() if row.tier == "numpy" and row.size == "S"
    ).median_s
    assert f"S: {duration(median)}" in text
    assert "The versions are unknown" in shown(a_table()).text


def test_the_environment_is_shown(written):
    text = Page(written[0].read_text(encoding="utf-8")).text
    machine = json.loads((SAMPLE / "environment.json").read_text(encoding="utf-8"))["machine"]
    l2, blas = machine["caches"]["L2 unified"], machine["blas"][0]["version"]
    numba = machine["libraries"]["numba"]
    for words in (machine["cpu"], f"numba {numba}", f"L2 unified {l2}", f"openblas {blas}", " GiB"):
        assert words in text
    assert "machine is unknown" in shown(a_table()).text


def test_the_words_of_the_terminal_are_those_of_the_page():
    text = shown(a_table()).text
    assert "6 cells: 6 ok. Timed in 8 passes." in text
    assert f"250{TIMES} (250 to 250)" in text
    assert f"0.50{TIMES} (0.50 to 0.50)" in text
    assert "4.00 µs" in text


def test_what_disagrees_is_told_at_the_top_and_has_no_time():
    frame = a_table(status="disagrees", message="loss is <1 & not 2", max_abs_error=1.0)
    parsed = shown(frame)
    assert "1 of them is wrong" in parsed.text
    assert "loss is <1 & not 2" in parsed.text
    row = page.rows(frame)[-1]
    keys = [column.key for column in page.columns(frame)]
    words = dict(zip(keys, (one.words for one in row), strict=True))
    assert words["status"] == "disagrees"
    assert words["median_s"] == words["speedup_vs_loop"] == words["speedup_vs_numpy"] == ""
    assert words["max_abs_error"] == "1.0e+00"
    assert "wrong: a tier" not in shown(a_table()).text


def test_an_estimate_and_a_sample_are_told():
    frame = a_table(status="skipped", message="over the budget", estimated_s=9.0)
    assert [one.words for one in page.rows(frame)[-1]][6] == "~ 9.0 s"
    sampled = page.rows(a_table(checked="sample"))[-1][-1]
    assert sampled.words == "checked on a sample"


def test_sections_without_figures_say_so():
    text = shown(a_table()).text
    for words in (
        "did not measure what the machine can do at best",
        "did not measure what compiling costs",
    ):
        assert words in text
    alone = a_table()[lambda frame: (frame["tier"] == "loop") & (frame["size"] == "S")]
    text = shown(alone.reset_index(drop=True)).text
    for words in ("No cell has a speed-up", "No problem was timed at two", "No tier was compared"):
        assert words in text


def test_a_run_without_cells_has_a_page():
    text = shown(table.tabulate("empty", [], [])).text
    assert "Run without cells" in text
    assert "0 cells" in text


def test_costs_are_shown_where_the_run_has_them():
    frame = with_costs(a_table())
    found = {one.name: one for _, one in pictures.pictures(frame)}
    assert {"roofline", "share-of-floor", "compile", "break-even"} <= set(found)
    assert "in 1 of them compiling never pays" in found["break-even"].description
    assert "25 % of it" in found["share-of-floor"].description
    assert "2.50 s" in found["compile"].description
    text = shown(frame).text
    for words in ("of floor", "12,346", "never", "2.50 s", "125 ms", "1,024"):
        assert words in text
    assert "did not measure" not in text


def test_roofs_are_where_the_floors_are():
    frame = with_costs(a_table())
    (drawn,) = (one for _, one in pictures.pictures(frame) if one.name == "roofline")
    (roofs,) = (line for line in drawn.figure.axes[0].lines if "floor" in str(line.get_label()))
    largest = frame.groupby("problem", observed=True)["flops"].transform("max")
    shown_cells = frame[(frame["flops"] == largest) & frame["median_s"].notna()]
    flops = shown_cells["flops"].astype(float)
    assert roofs.get_ydata() == pytest.approx(flops / shown_cells["median_s"] / 1e9 * 4.0)
    intensity = flops / shown_cells["bytes_moved"].astype(float)
    assert 0 < len(intensity) < len(frame)
    assert roofs.get_xdata() == pytest.approx(intensity)


def times_picture(frame):
    (drawn,) = (one for _, one in pictures.pictures(frame) if one.name == "time-svm_loss")
    return drawn


def test_lines_cross_where_one_tier_passes_another():
    drawn = times_picture(a_table())
    assert "rings where one passes another: 1." in drawn.description
    (ring,) = (line for line in drawn.figure.axes[0].lines if line.get_markerfacecolor() == "none")
    # From 36 to 2560 operations the gap goes from log(1/2) to log(25): it closes at this share
    share = np.log(2.0) / (np.log(2.0) + np.log(25.0))
    assert ring.get_xdata()[0] == pytest.approx(36.0 ** (1.0 - share) * 2560.0**share)
    assert ring.get_ydata()[0] == pytest.approx(1e-5 ** (1.0 - share) * 1e-3**share)


def test_tiers_whose_order_is_not_clear_do_not_cross():
    frame = a_table()
    of_numpy = (frame["tier"] == "numpy") & (frame["size"] == "S")
    unclear = " ".join(["4e-05", "0.02"] * 4)  # NumPy ahead of the loops in half of the passes
    frame["pass_medians_s"] = frame["pass_medians_s"].mask(of_numpy, unclear)
    assert "another: 0." in times_picture(frame).description
    behind = " ".join(["0.02"] * 8)
    frame["pass_medians_s"] = frame["pass_medians_s"].mask(of_numpy, behind)
    assert "another: 0." in times_picture(frame).description


def test_a_sweep_is_drawn_against_what_differs():
    assert times_picture(a_table()).figure.axes[0].get_xlabel() == "operations of a call"
    swept = a_table().assign(c=pd.array([10] * 6, dtype="Int64"))
    assert times_picture(swept).figure.axes[0].get_xlabel() == "N"


@pytest.mark.slow
def test_a_page_runs_no_kernel(tmp_path):
    code = (
        "import sys, bench; from pathlib import Path; from bench.report import page; "
        "page.write(Path(sys.argv[1]), bench.load(sys.argv[2]), None, ()); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(SAMPLE)]
    done = subprocess.run(command, text=True, capture_output=True, check=True)
    assert (tmp_path / "report.html").exists()
    assert {"numba", "kernels.simd"}.isdisjoint(done.stdout.split())


def test_problems_have_pictures_of_their_own():
    names = ["a.b", "a-b", "a_b", "a-b float64"]
    assert len(set(map(style.file_name, names))) == len(names)


@pytest.mark.parametrize("variable", style.VARIABLES.values())
def test_pictures_have_colours_in_both_modes(variable):
    sheet = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    assert len(re.findall(rf"{variable}: #", sheet)) == 3, "light, dark and in print"


def contrast(one, other):
    values = []
    for colour in (one, other):
        parts = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        values.append(float(np.dot(linear, (0.2126, 0.7152, 0.0722))))
    return (max(values) + 0.05) / (min(values) + 0.05)


def test_text_and_lines_stand_out_in_both_modes():
    sheet = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, flags=re.DOTALL)[:2]
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for ground in ("ground", "raised"):
            for name in ("ink", "soft", "link", "wrong", "path", "start"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
            for number in range(len(style.LINES)):
                assert contrast(colours[f"line-{number}"], colours[ground]) >= 4.5
        assert contrast(colours["wrong"], colours["wrong-ground"]) >= 4.5


def test_results_show_themselves_in_a_notebook():
    results = bench.load(SAMPLE)
    assert isinstance(results, pd.DataFrame)
    parsed = Page(results._repr_html_())
    assert len(parsed.attributes("tr")) == len(results) + 1
    best = results.loc[results["speedup_vs_loop"].idxmax()]
    low, high = (best[f"speedup_vs_loop_{end}"] for end in ("low", "high"))
    assert low > 1000.0
    assert f"{best['speedup_vs_loop']:.0f}{TIMES} ({low:.0f} to {high:.0f})" in parsed.text
    pd.testing.assert_frame_equal(pd.DataFrame(results), csv_file.load(SAMPLE))
    assert type(results[results["tier"] == "numba"]) is pd.DataFrame
