"""Words that a user gives."""

import os

import pytest

from bench.common.choices import words_of


@pytest.mark.parametrize(
    ("system", "line", "words"),
    [
        ("posix", 'gcc -O2 "my file"', ["gcc", "-O2", "my file"]),
        ("nt", 'gcc -O2 "my file"', ["gcc", "-O2", "my file"]),
        ("nt", r'--output C:\runs "C:\my runs"', ["--output", r"C:\runs", r"C:\my runs"]),
    ],
)
def test_words_of_a_command(system, line, words, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(os, "name", system)
        found = words_of(line)
    assert found == words
