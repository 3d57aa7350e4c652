"""Whatever value stands in a statement, the text that is shown is made of words of the tool's own vocabulary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.profiling.lexer import normalise
from loadgen.profiling.names import FUNCTIONS, KEYWORDS, NAMES

VOCABULARY = KEYWORDS | FUNCTIONS | NAMES


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT * FROM users WHERE email = 'ann@example.com'", "SELECT * FROM users WHERE email = $1"),
        ("select u.id from users u where u.id=$3 or $3=1", "SELECT x1.id FROM users x1 WHERE x1.id = $1 OR $1 = $2"),
        ("SELECT E'it''s' || U&'d\"x' || B'0101' || X'ff' FROM goals;", "SELECT $1 || $2 || $3 || $4 FROM goals"),
        ("SELECT $tag$ 'ann' $x$ $tag$, $$ ann $$ FROM goals", "SELECT $1, $2 FROM goals"),
        ("SELECT /* ann /* bob */ */ id -- carol\nFROM goals", "SELECT id FROM goals"),
        ('SELECT "ann bob" FROM "goals" AS "ann ""bob"', "SELECT x1 FROM goals AS x2"),
        ("SELECT id FROM goals WHERE user_id IN ($1, $2, 17, $4)", "SELECT id FROM goals WHERE user_id IN ($1)"),
        ("SELECT -1.5e-3, .5, 0xFF, 1_000 FROM goals LIMIT 10", "SELECT - $1 - $2, $3, $4, $5 FROM goals LIMIT $6"),
        ("SELECT id FROM goals WHERE user_id=-1", "SELECT id FROM goals WHERE user_id = - $1"),
        ("SELECT costs->>'net_worth' FROM education_goals", "SELECT costs ->> $1 FROM education_goals"),
        ("(SELECT 1 FROM goals)", "(SELECT $1 FROM goals)"),
        ("SELECT foo$bar$ann FROM goals", "SELECT x1 FROM goals"),
        ("SELECT äöü FROM goals", "SELECT x1 FROM goals"),
    ],
)  # fmt: skip
def test_what_is_shown(statement: str, shown: str) -> None:
    found = normalise(statement)
    assert found is not None
    assert found.text == shown


@pytest.mark.parametrize(
    "statement",
    [
        "SET application_name = 'ann'", "CREATE TABLE ann (x text DEFAULT 'ann')", "DO $$ BEGIN END $$",
        "COPY users TO 'x'",
        "EXPLAIN SELECT 1", "DECLARE c CURSOR FOR SELECT 1", "EXECUTE p('ann')", "CALL f('ann')", "", ";", "ann", "\\d",
        "SELECT 'unterminated", 'SELECT "unterminated', "SELECT $a$ unterminated", "SELECT /* unterminated",
        "SELECT ''' x",
        r"SELECT 'it\'s' FROM users",  # where it ends is a matter of a setting
        "SELECT 1; SELECT 2", "SELECT id <==> 4 FROM goals", '"select" 1', "SELECT \x00 FROM users",
        "SELECT {x} FROM users",
    ],
)  # fmt: skip
def test_what_is_not(statement: str) -> None:
    assert normalise(statement) is None


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("SELECT id FROM goals FOR UPDATE", False),
        ("SELECT id FROM goals FOR NO KEY UPDATE", False),
        ('SELECT "update" FROM goals', False),
        ("UPDATE goals SET status = $1", True),
        ("INSERT INTO goals (user_id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET status = $2", True),
        ("WITH gone AS (DELETE FROM goals RETURNING id) SELECT count(*) FROM gone", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", False),
        ("MERGE INTO goals USING users ON true WHEN MATCHED THEN DO NOTHING", True),
    ],
)
def test_what_writes(statement: str, writes: bool) -> None:
    found = normalise(statement)
    assert found is not None
    assert found.writes is writes


TEXT = st.text(max_size=40)
LETTERS = st.text("abcXYZ019_ '\"\\$-/*;äß\n", max_size=30)
ANY = TEXT | LETTERS


@st.composite
def literals(draw: st.DrawFn) -> str:
    """A value as SQL can write one."""
    value = draw(ANY)
    tag = draw(st.sampled_from(["", "a", "body", "ä1"]))
    quoted = value.replace("'", "''")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    name = value.replace('"', '""') or "x"
    return draw(
        st.sampled_from([
            f"'{quoted}'", f"E'{escaped}'", f"N'{quoted}'", f"U&'{quoted}' UESCAPE '!'", f"B'{quoted}'", f"X'{quoted}'",
            f"${tag}${value.replace('$', '')}${tag}$", f'"{name}"', f'U&"{name}"', f"/* {value.replace('*/', '')} */ 1",
            f"-- {value.replace(chr(10), '').replace(chr(13), '')}\n 1", f"'{quoted}'\n'{quoted}'", f"'{quoted}'::text",
        ])
    )  # fmt: skip


def assert_only_vocabulary(shown: str) -> None:
    for word in re.findall(r"[^\W\d]\w*|\d+|\$\d+", shown.replace("$", " $")):
        assert word.lower() in VOCABULARY or re.fullmatch(r"x\d+|\$\d+|\d+", word), word
    assert shown.isascii()
    assert not set(shown) & set("'\"\\\n;{}")
    # Digits stand in placeholders, counted up from 1, and in words of the vocabulary.
    bare = [word for word in re.findall(r"[\w$]+", shown) if re.match(r"\d", word)]
    assert not bare
    for kind in (r"\$", r"\bx"):
        numbers = [int(n) for n in re.findall(kind + r"(\d+)", shown)]
        assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1))


@given(literals(), literals())
def test_no_literal_survives(one: str, two: str) -> None:
    found = normalise(f"SELECT {one} FROM users WHERE email = {two}")  # noqa: S608  # nobody runs it
    if found is not None:
        assert_only_vocabulary(found.text)


@given(ANY)
def test_no_text_at_all_does(text: str) -> None:
    for statement in (text, f"SELECT {text}", f"SELECT 1 FROM users {text}"):  # noqa: S608
        found = normalise(statement)
        if found is not None:
            assert_only_vocabulary(found.text)
            again = normalise(found.text)
            assert again is not None
            assert again.text == found.text


WORDS = [*sorted(VOCABULARY), "'a''b'", "$1", "$$x$$", "17", "(", ")", ",", "::", ".", "->>", "zzz", '"Q q"']


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_what_is_shown_is_shown_again_the_same(words: list[str]) -> None:
    found = normalise("SELECT " + " ".join(words))
    assert found is not None
    assert_only_vocabulary(found.text)
    again = normalise(found.text)
    assert again is not None
    assert again.text == found.text
