"""The format of ``.sql`` files; and, read from the code itself, that every statement exists and is used."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from loadgen.errors import UsageError
from loadgen.sql_files import SqlFile, sections

ROOT = Path(__file__).parent.parent
TEMPLATES = "partition_*.sql"
"""Files of another format: scripts that a plan writes."""


def test_a_section_is_what_is_below_its_header() -> None:
    text = "-- About.\n\n-- name: one\n-- Why.\nSELECT 1;\n\n-- Still one.\nSELECT 2\n\n-- name: two\nSELECT 3\n"
    found = sections(text, "x.sql")
    assert {name: section.line for name, section in found.items()} == {"one": 3, "two": 10}
    assert found["one"].lines == ["-- Why.", "SELECT 1;", "", "-- Still one.", "SELECT 2", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"x\.sql: no statement found; each begins with '-- name: NAME'"),
        ("-- About.\nSELECT 1\n-- name: one\nSELECT 2", r"x\.sql:2: this is above the first header"),
        ("-- name: one\nSELECT 1\n-- name: One\nSELECT 2", r"x\.sql:3: not a header: write '-- name: NAME'"),
        ("-- name: one\nSELECT 1\n-- name: one\nSELECT 2", r"x\.sql:3: there is a statement 'one' already"),
    ],
)
def test_says_where_a_file_is_wrong(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sections(text, "x.sql")


def test_a_statement_has_its_comments_and_an_unknown_name_is_an_error() -> None:
    file = SqlFile("loadgen.database", "sql/locks.sql")
    assert file["lock_use"].startswith("-- Held to the end of the session.\nSELECT pg_advisory_lock_shared(")
    assert not file["lock_use"].endswith("\n")
    with pytest.raises(KeyError, match="no_such_name"):
        file["no_such_name"]


def declared(tree: ast.Module) -> dict[str, SqlFile]:
    """The files that a module declares, by the name of its constant."""
    return {
        node.target.id: SqlFile(*map(ast.literal_eval, node.value.args))
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "SqlFile"
    }


def names_in(file: SqlFile) -> set[str]:
    text = (ROOT / file.package.replace(".", "/") / file.path).read_text("utf-8")
    assert text.isascii(), f"{file}: a connection's encoding may lack other characters"
    return set(sections(text, file.path))


def test_every_statement_exists_and_is_used() -> None:
    used: dict[SqlFile, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "loadgen").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        files = declared(tree)
        for file in files.values():
            assert file.package == ".".join(path.relative_to(ROOT).parts[:2]), f"{path} reads another package's file"
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in files:
                file = files[node.value.id]
                if isinstance(node.slice, ast.Constant):
                    used[file].add(node.slice.value)
                else:  # one of the module's texts, by a variable
                    texts = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)}
                    used[file] |= texts & names_in(file)
    assert used == {file: names_in(file) for file in used}
    read = {ROOT / file.package.replace(".", "/") / file.path for file in used}
    assert read == {path for path in (ROOT / "loadgen").rglob("sql/*.sql") if not path.match(TEMPLATES)}
