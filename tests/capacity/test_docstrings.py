"""The examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import capacity

MODULES = ["capacity", *(f"capacity.{m.name}" for m in pkgutil.iter_modules(capacity.__path__))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_package_shows_how_it_is_used() -> None:
    assert doctest.testmod(capacity).attempted >= 10
