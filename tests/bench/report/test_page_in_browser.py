"""The page of a run in a browser: no errors, sorted and filtered by address, click and key."""

import os
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.analysis import csv_file
from bench.report import page

SAMPLE = Path(__file__).parents[3] / "results" / "sample"
FRAME = csv_file.load(SAMPLE)
KEYS = [column.key for column in page.columns(FRAME)]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


@pytest.fixture(scope="module")
def its_page(tmp_path_factory):
    """The page of the sample run, in a folder of its own."""
    return page.write(tmp_path_factory.mktemp("page"), FRAME, None, ())[0]


@pytest.fixture
def browse(tmp_path):
    """A function that opens a file in a browser of its own."""

    def opened(file, fragment="", *options, width=1280):
        arguments = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--enable-logging=stderr", "--virtual-time-budget=5000", "--no-first-run"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", *options),
            *([] if options else ["--dump-dom"]),
            file.as_uri() + fragment,
        ]
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert process.returncode == 0, err
        return out, [line for line in err.splitlines() if "CONSOLE" in line]

    return opened


def with_script(its_page, folder, script):
    """Return a copy of the page that then does what a person would."""
    copy = folder / "driven.html"
    text = its_page.read_text(encoding="utf-8")
    assert text.count("</body>") == 1
    copy.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return copy


class Rows(HTMLParser):
    """The rows of the table that are shown, the headings' orders, and the count."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.sorts, self.outputs = [], {}, []
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        its = dict(attributes)
        if tag == "tr":
            self.rows.append(None if "hidden" in its else [])
        elif tag in {"td", "th"} and self.rows and self.rows[-1] is not None:
            self.rows[-1].append("")
            if its.get("scope") == "col" and "aria-sort" in its:
                self.sorts[its["data-key"]] = its["aria-sort"]
        if tag != "wbr":
            self.within = tag

    def handle_endtag(self, _):
        self.within = ""

    def handle_data(self, data):
        if self.within in {"td", "th"} and self.rows[-1]:
            self.rows[-1][-1] += data
        elif self.within == "output":
            self.outputs.append(data)

    @property
    def shown(self):
        return [row for row in self.rows[1:] if row is not None]

    def column(self, key):
        return [row[KEYS.index(key)] for row in self.shown]


def test_a_page_loads_without_an_error(its_page, browse):
    text, console = browse(its_page)
    assert console == []
    rows = Rows(text)
    frame = FRAME
    assert len(rows.shown) == len(frame)
    assert rows.outputs == [f"{len(frame)} of {len(frame)} cells"]
    assert rows.sorts == {}
    assert rows.column("problem") == list(frame["problem"].astype(str))


def test_an_error_would_have_been_seen(its_page, browse, tmp_path):
    _, console = browse(with_script(its_page, tmp_path, "nobody.knows();"))
    assert len(console) == 1
    assert "nobody is not defined" in console[0]
    _, console = browse(with_script(its_page, tmp_path, "fetch('https://example.org/');"))
    assert "Content Security Policy" in " ".join(console)


def test_an_address_sorts_and_filters(its_page, browse):
    text, console = browse(its_page, "#sort=-median_s&tier=numba&size=S&text=softmax")
    assert console == []
    rows = Rows(text)
    frame = FRAME
    wanted = frame[
        (frame["tier"] == "numba")
        & (frame["size"] == "S")
        & frame["problem"].str.contains("softmax")
    ].sort_values("median_s", ascending=False)
    assert rows.column("problem") == list(wanted["problem"].astype(str))
    assert set(rows.column("tier")) == {"numba"}
    assert rows.outputs == [f"4 of {len(frame)} cells"]
    assert rows.sorts == {"median_s": "descending"}


def test_what_has_no_value_comes_last_either_way(its_page, browse):
    for sort in ("speedup_vs_numpy", "-speedup_vs_numpy"):
        words = Rows(browse(its_page, f"#sort={sort}")[0]).column("speedup_vs_numpy")
        blanks = words.count("")
        assert 0 < blanks < len(words)
        assert words[-blanks:] == [""] * blanks
        numbers = (re.match(r"[\d.]+", word) for word in words[:-blanks])  # none in a tie
        ratios = [float(number[0]) for number in numbers if number]
        assert ratios
        assert ratios == sorted(ratios, reverse=sort.startswith("-"))


def test_an_unknown_address_shows_everything(its_page, browse):
    text, console = browse(its_page, "#sort=colour&tier=abacus&nonsense=1")
    assert console == []
    frame = FRAME
    assert len(Rows(text).shown) == len(frame)


def test_clicks_and_typing_change_the_view_and_its_address(its_page, browse, tmp_path):
    script = """
      const button = document.querySelector('th[data-key="median_s"] button');
      button.click();
      button.click();
      const field = document.querySelector('[name="text"]');
      field.value = 'HINGE no such';
      field.dispatchEvent(new Event('input', {bubbles: true}));
      const none = document.getElementById('shown').textContent;
      field.value = 'SVM';
      field.dispatchEvent(new Event('input', {bubbles: true}));
      document.title = `${none} ${location.hash} ${document.activeElement.tagName}`;
    """
    text, console = browse(with_script(its_page, tmp_path, script))
    assert console == []
    rows = Rows(text)
    frame = FRAME
    assert f"<title>0 of {len(frame)} cells #sort=-median_s&amp;text=SVM BODY</title>" in text
    wanted = frame[frame["problem"].str.contains("svm")].sort_values("median_s", ascending=False)
    assert rows.column("problem") == list(wanted["problem"].astype(str))
    again = Rows(browse(with_script(its_page, tmp_path, script + "document.forms[0].reset();"))[0])
    assert len(again.shown) == len(frame)
    assert again.sorts == {}


def test_a_page_fits_a_phone(its_page, browse, tmp_path):
    # The least width of a headless window is 500: the page is held in a frame of a phone's
    holder = tmp_path / "phone.html"
    driven = with_script(
        its_page,
        tmp_path,
        "const root = document.documentElement;"
        "parent.postMessage([innerWidth, root.scrollWidth - root.clientWidth], '*');",
    )
    holder.write_text(
        f"<iframe src='{driven.name}' width='390' height='844' style='border:0'></iframe>"
        "<script>onmessage = (event) => { document.title = event.data.join(' '); }</script>",
        encoding="utf-8",
    )
    text, console = browse(holder)
    assert console == []
    assert "<title>390 0</title>" in text


def test_a_page_is_readable_without_javascript(its_page, browse, tmp_path):
    bare = tmp_path / "bare.html"
    text = its_page.read_text(encoding="utf-8")
    bare.write_text(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL), encoding="utf-8")
    out, console = browse(bare)
    assert console == []
    assert len(Rows(out).shown) == len(FRAME)
    assert re.search(r'<form id="filters"[^>]* hidden=""', out), "no controls that do nothing"


def test_a_page_can_be_printed(its_page, browse, tmp_path):
    browse(its_page, "", f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
