"""The examples in the docstrings of `bench`."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        *("compiling", "costs_report", "memory", "noise", "problem", "ratios", "sweep", "table"),
        "units",
    ],
)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"bench.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
