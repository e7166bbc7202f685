"""Files that are there whole or not at all."""

import errno
import multiprocessing
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.common import files
from bench.common.files import append_line, locked, write_atomic


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_text_and_bytes_are_written(tmp_path):
    write_atomic(tmp_path / "a", "µ\n")
    write_atomic(tmp_path / "b", b"\x00")
    assert (tmp_path / "a").read_bytes() == "µ\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00"
    assert names(tmp_path) == {"a", "b"}


def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch):
    file = tmp_path / "a"
    write_atomic(file, "old")

    def half(path, data):
        with path.open("wb") as opened:
            opened.write(data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(file, "new")
    assert file.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("refusals", [1, 5])
def test_a_file_that_another_program_has_open_is_replaced_when_it_is_closed(
    tmp_path, monkeypatch, refusals
):
    file, left, replace = tmp_path / "a", [None] * refusals, Path.replace
    write_atomic(file, "old")

    def refused(path, target):
        if left:
            left.pop()
            raise PermissionError(13, "The process cannot access the file")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    monkeypatch.setattr(files, "REPLACE_POLL_S", 0.001)
    write_atomic(file, "new")
    assert (file.read_bytes(), left) == (b"new", [])
    left += [None] * 10_000
    monkeypatch.setattr(files, "REPLACE_S", 0.01)
    with pytest.raises(PermissionError, match=f"Permission denied: '{re.escape(str(file))}'"):
        write_atomic(file, "newer")
    assert (file.read_bytes(), names(tmp_path)) == (b"new", {"a"})


# --- lines


def test_a_torn_line_is_cut_off_by_the_next(tmp_path):
    file = tmp_path / "lines"
    for line in ("one", "two"):
        append_line(file, line)
    whole = file.read_bytes()
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        append_line(file, "three")
        kept = whole[:length].rpartition(b"\n")
        assert file.read_bytes() == kept[0] + kept[1] + b"three\n"


APPENDING = """
import sys
from pathlib import Path
from bench.common.files import append_line
for number in range(300):
    append_line(Path(sys.argv[1]), f"{sys.argv[2]} {number} " + "x" * 5000)
"""


def test_lines_of_two_processes_stay_whole(tmp_path):
    file = tmp_path / "lines"
    writers = [
        subprocess.Popen([sys.executable, "-c", APPENDING, str(file), name]) for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = file.read_text(encoding="utf-8").splitlines()
    for name in "ab":
        assert [line.split()[1] for line in lines if line[0] == name] == [*map(str, range(300))]
    assert {len(line.split()[2]) for line in lines} == {5000}


def fill(file):
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    append_line(Path(file), "a" * 700)
    try:
        append_line(Path(file), "b" * 700)
    except OSError as error:
        Path(f"{file}.message").write_text(str(error), encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="resource, which limits files, is POSIX's")
def test_a_line_that_has_no_room_leaves_the_others_whole(tmp_path):
    file = tmp_path / "lines"
    process = multiprocessing.get_context("spawn").Process(target=fill, args=(str(file),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert file.read_text(encoding="utf-8") == "a" * 700 + "\n"
    assert str(file) in Path(f"{file}.message").read_text(encoding="utf-8")


def test_what_is_held_is_refused_to_others(tmp_path):
    with locked(tmp_path / "lock"), pytest.raises(BlockingIOError), locked(tmp_path / "lock"):
        pass
    with locked(tmp_path / "lock"):
        pass


HOLDING = """
import sys
from pathlib import Path
from bench.common.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_held_is_free_again(tmp_path):
    file, words = tmp_path / "lock", [sys.executable, "-c", HOLDING, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as process:
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(BlockingIOError), locked(file):
            pass
        process.kill()
    with locked(file):
        pass


def test_appending_makes_no_folder_that_is_gone(tmp_path):
    file = tmp_path / "gone" / "lines"
    with pytest.raises(FileNotFoundError, match=re.escape(str(file))):
        append_line(file, "one")
    assert not names(tmp_path)


def test_where_python_has_no_locks_all_else_works(tmp_path, monkeypatch):
    def no_locks(*_arguments, **_options):
        raise OSError(errno.ENOSYS, "no locks")

    monkeypatch.setattr(files, "lock_descriptor", no_locks)
    append_line(tmp_path / "lines", "one")
    with locked(tmp_path / "lock"):
        append_line(tmp_path / "lines", "two")
    assert (tmp_path / "lines").read_text(encoding="utf-8") == "one\ntwo\n"
