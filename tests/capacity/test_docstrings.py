"""The examples in docstrings run, and docstrings say what a caller must know."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import capacity

MODULES = ["capacity", *(m.name for m in pkgutil.walk_packages(capacity.__path__, "capacity."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_package_shows_how_it_is_used() -> None:
    assert doctest.testmod(capacity).attempted >= 10


Documented = ast.FunctionDef | ast.ClassDef


def public(path: Path) -> Iterator[tuple[str, Documented]]:
    """Functions, classes and methods that no underscore begins, properties left out: their names say it."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_") and not is_property(inner):
                    yield f"{node.name}.{inner.name}", inner


def is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "property" for decorator in node.decorator_list)


def lacks(node: Documented) -> str | None:
    """What its docstring does not say, if anything."""
    said = ast.get_docstring(node) or ""
    returns = ast.unparse(node.returns) if isinstance(node, ast.FunctionDef) and node.returns else ""
    if not said:
        return "a docstring"
    if "Refusal" in returns and "efuse" not in said:
        return "what it refuses"
    # Methods of a class are looked at by themselves; what its construction raises is the class's to say.
    made = [f for f in ast.walk(node) if isinstance(f, ast.FunctionDef) and f.name == "__post_init__"]
    runs = made if isinstance(node, ast.ClassDef) else [node]
    if any(isinstance(part, ast.Raise) for f in runs for part in ast.walk(f)) and "aises" not in said:
        return "what it raises"
    return None


def test_public_names_say_what_they_refuse_and_raise() -> None:
    found = {
        f"{path.stem}.{name}": missing
        for path in sorted(Path(capacity.__path__[0]).rglob("*.py"))
        for name, node in public(path)
        if (missing := lacks(node)) is not None
    }
    assert not found


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("def f(): ...", "a docstring"),
        ('def f() -> int | Refusal:\n    """Some."""', "what it refuses"),
        ('def f():\n    """Some."""\n    raise ValueError', "what it raises"),
        ('def f() -> Refusal:\n    """Refuses and raises."""\n    raise ValueError', None),
    ],
)
def test_a_docstring_that_lacks_something_is_caught(code: str, missing: str | None) -> None:
    node = ast.parse(code).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert lacks(node) == missing
