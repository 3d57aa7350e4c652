"""Where a figure of the model has no source, the word stands beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadgen import population

MODEL = (
    "calendar", "chat", "documents", "estates", "families", "fanouts", "finances", "households", "latents", "model",
    "notes", "parameters", "plans", "reference", "shape", "simulation",
)  # fmt: skip
SAYS = re.compile(r"assumption|\bIRS\b|\bIRC\b|EBRI|Census|Bengen|YCSB|facts file|bounds", re.IGNORECASE)
"""Who published it, or that nobody did; the bounds of a fit are no figures."""
UNITS = {0.01, 0.5, 12, 24, 60, 100, 365.25, 1_000, 1_970, 10_000, 86_400, 1_000_000, 3_600_000_000, 86_400_000_000}
TECHNICAL = {
    "ADULT_AGE", "BANDS", "CHUNK_USERS", "HISTORY_DAYS", "LONGEST_NOTES_BYTES", "LONGEST_YEARS", "MOST_MONTHS",
    "MOST_ROWS_A_USER", "PATHS", "SAMPLE_PATHS", "SLICE_MESSAGES", "SUMMARY_YEARS", "YEARS_OF_CONTRIBUTION_IN_SCALE",
    "_BENT_TO", "_CELLS", "_CHUNK_SIZES", "_LEAST", "_LEAST_OWN", "_MIXES", "_MOST_DOLLARS", "_SENTENCES", "_TRIES",
}  # fmt: skip
"""Sizes and limits of the computation, which say nothing of the world."""


def figures(node: ast.AST) -> set[float]:
    """Numbers that could be somebody's measurement: fractions, and whole numbers beyond those of counting."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "table":
        return set()  # how many draws are wanted
    here = {node.value} if isinstance(node, ast.Constant) and type(node.value) in (int, float) else set()
    found = {n for n in here if n not in UNITS and (n > 12 or (n % 1 and n > 1e-5))}
    return found.union(*map(figures, ast.iter_child_nodes(node)))


def named(statement: ast.stmt) -> set[str]:
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return set()
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def said_of(source: list[str], said: str, of: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Each statement of a body, and of the bodies in it, with what is written beside it.

    That is the lines around it up to blank ones and the docstrings of what it is in; in a function, where lines stand
    close, of the lines before it only those from the last comment on.
    """
    for statement in ast.iter_child_nodes(of):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from said_of(source, f"{said}\n{ast.get_docstring(statement) or ''}", statement)
        elif isinstance(statement, ast.stmt):
            first, last = statement.lineno - 1, statement.end_lineno or 0
            in_function = isinstance(of, ast.FunctionDef)
            while first and source[first - 1].strip() and not (in_function and is_comment(source, first - 1)):
                first -= 1
            while first and in_function and is_comment(source, first - 1):
                first -= 1
            while not in_function and last < len(source) and source[last].strip():
                last += 1
            yield statement, "\n".join([said, *source[first:last]])


def is_comment(source: list[str], line: int) -> bool:
    return source[line].lstrip().startswith("#")


def unsaid(text: str) -> list[str]:
    """Statements with figures of which nothing is said."""
    tree = ast.parse(text)
    of_all = ast.get_docstring(tree) or ""
    said = of_all if re.search("(every|all).*assumption", of_all, re.IGNORECASE | re.DOTALL) else ""
    return [
        ast.unparse(statement)
        for statement, beside in said_of(text.splitlines(), said, tree)
        if figures(statement) and not named(statement) & TECHNICAL and not SAYS.search(beside)
    ]


@pytest.mark.parametrize("module", MODEL)
def test_every_figure_has_its_source_or_is_called_an_assumption(module: str) -> None:
    (path,) = Path(population.__path__[0]).rglob(f"{module}.py")
    assert unsaid(path.read_text("utf-8")) == []


def test_what_is_not_said_is_found() -> None:
    marked = (
        "# Assumption: nobody counts them.\nRATE = 0.3\nOTHER = 0.4\n\nLAST = 0.7  # Gallup's, that is: assumption\n"
    )
    assert unsaid(marked) == []
    assert unsaid(marked.replace("Assumption", "Note")) == ["RATE = 0.3", "OTHER = 0.4"]
    inside = "def f(u):\n    # assumption\n    a = 0.2 * u\n    return a\n\n\ndef g(u):\n    return 17 * u\n"
    assert unsaid(inside) == ["return 17 * u"]
    assert unsaid('"""Every figure here is an assumption."""\nA = 0.3\n') == []
