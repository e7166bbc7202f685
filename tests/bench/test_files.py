"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

from bench.files import write_whole


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_text_and_bytes_are_written(tmp_path):
    write_whole(tmp_path / "a", "µ\n")
    write_whole(tmp_path / "b", b"\x00")
    assert (tmp_path / "a").read_bytes() == "µ\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00"
    assert names(tmp_path) == {"a", "b"}


def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch):
    file = tmp_path / "a"
    write_whole(file, "old")

    def half(path, data):
        with path.open("wb") as opened:
            opened.write(data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == {"a"}
