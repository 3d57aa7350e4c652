"""The words that people read: those of the trade, in help, messages, tables and pages; coined ones are listed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from loadgen.cli.app import EPILOG, TERMS, build

ROOT = Path(__file__).parent.parent
NOT_MESSAGES = ("loadgen/population", "loadgen/profiling/names.py", "loadgen/profiling/lexer.py")
"""Texts of synthetic users, and words of SQL."""
INSTEAD = {
    "told|tells?": "identifies, gives, not available",
    "doubles|doubled": "duplicates, repeated",
    "crew": "scheduler",
    "sheets?": "CSV file",
    "reach": "endpoints, range",
    "meanwhile": "at the same time",
    "unseen": "unknown",
    "anew": "again",
    "half-(?:made|written)": "incomplete",
    "somebody": "another user",
    "storm of": "many",
    "so many": "a number",
    "goes on|go on|lives on": "continues, still runs",
    "for (?:seeing|deciding)": "too short for a decision",
    "a page of it": "HTML page",
    "those there are|there yet": "list, new",
    "pretence": "no interval",
    "under water": "negative net worth",
    "what stands": "how to combine",
    "made? what|what a \\w+ says": "Run as a worker: generate the load the master assigns.",
    "is none|is not one": "is not a …, expected …",
    "farther|hangs on|unasked|by name of": "beyond, depends on",
    "whole number": "integer",
}
"""What to write instead of a word, by a pattern of it."""
WRONG = re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in INSTEAD), re.IGNORECASE)


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Texts of a module that hold a blank, f-strings with {} for each value; no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            left_out.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            left_out.update(node.values)
    for node in ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value


def headings(path: Path) -> Iterator[tuple[int, str]]:
    """Headings of tables, which may be single words."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Table", "_table", "Column"):
            yield from (
                (a.lineno, a.value) for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def hits(package: str) -> list[str]:
    """Every place with a word of ``INSTEAD``."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if not place.startswith(NOT_MESSAGES):
            texts = sorted({*literals(path), *headings(path)})
            found += [f"{place}:{line}: {m[0]!r} in {text!r}" for line, text in texts if (m := WRONG.search(text))]
    return found


def page_texts() -> Iterator[tuple[str, str]]:
    """Lines of the templates of pages, without what is filled in."""
    for path in sorted((ROOT / "loadgen" / "report" / "templates").rglob("*.html")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            yield f"{path.name}:{number}", re.sub(r"\{[{%#].*?[}%#]\}", "{}", line)


def help_texts() -> Iterator[tuple[str, str]]:
    """All texts of the help, with where they are."""
    yield "loadgen", EPILOG
    group: Any = typer.main.get_command(build())
    for verb, command in group.commands.items():
        yield verb, command.help
        for parameter in command.params:
            yield f"{verb} {parameter.name}", f"{' '.join(parameter.opts)} {parameter.help}"


def test_messages_and_tables_use_the_words_of_the_trade() -> None:
    assert hits("loadgen") == []


@pytest.mark.parametrize("texts", [help_texts, page_texts])
def test_help_and_pages_use_the_words_of_the_trade(texts: Callable[[], Iterator[tuple[str, str]]]) -> None:
    assert [f"{where}: {m[0]!r}" for where, text in texts() if (m := WRONG.search(text))] == []


def glossary() -> set[str]:
    """The terms of the glossary, in small letters."""
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    return {term.lower() for term in re.findall(r'^\| <a id="[^"]+"></a>([^|]+) \|', text, re.M)}


TRADE = (
    "arrival rate", "back-test", "closed load", "concurrency", "connection pool", "headroom", "horizon", "knee",
    "measured window", "objective", "offered load", "open load", "percentile", "profile", "read replica",
    "replication lag", "response time", "round trip", "scalability law", "scenario", "service demand", "service time",
    "steady state", "sweep", "think time", "throughput", "wal", "warm-up", "working set", "workload", "calibration",
    "saturation", "interval",
)  # fmt: skip
"""Terms of the field that the help may use; each that it does must be in the glossary."""


@pytest.mark.parametrize("term", TRADE)
def test_a_term_that_the_help_uses_is_in_the_glossary(term: str) -> None:
    used = any(re.search(rf"\b{term}s?\b", text, re.IGNORECASE) for _, text in help_texts())
    assert not used or term in glossary()


@pytest.mark.slow
def test_the_terms_that_the_help_lists_are_used_in_it_or_on_its_page() -> None:
    assert set(TERMS.split(", ")) <= glossary()
