"""Words that a user gives."""

import os

import pytest

from bench.common.choices import words_of


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_words_of_a_command(system, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(os, "name", system)
        words = words_of('gcc -O2 "my file"')
        path = words_of(r'--output C:\runs "C:\my runs"') if system == "nt" else None
    assert words == ["gcc", "-O2", "my file"]
    assert path in (None, ["--output", r"C:\runs", r"C:\my runs"])
