"""The format of ``.sql`` files."""

import pytest

from loadgen.errors import UsageError
from loadgen.sql_files import SqlFile, sections


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
