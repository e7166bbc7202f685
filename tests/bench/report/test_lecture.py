"""Where the pictures of the blog post open a window."""

import sys

import pytest

from bench.report.pictures import lecture


@pytest.mark.parametrize(
    ("system", "variables", "is_terminal", "wanted"),
    [
        ("linux", {"DISPLAY": ":0"}, True, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ("linux", {"DISPLAY": ":0"}, False, False),
        ("linux", {}, True, False),
        ("darwin", {}, True, True),
        ("darwin", {}, False, False),
        ("darwin", {"SSH_CONNECTION": "here there"}, True, False),
        ("win32", {}, True, True),
        ("win32", {}, False, False),
    ],
)
def test_a_window_needs_a_terminal_and_a_screen(
    system, variables, is_terminal, wanted, monkeypatch
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert lecture._has_screen() == wanted
