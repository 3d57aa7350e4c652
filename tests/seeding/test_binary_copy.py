"""What is encoded is what the server reads."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadgen.population.columns import Column, Kind, Rows
from loadgen.population.text import matrix
from loadgen.seeding.binary_copy import MOST_CENTS, copy_statement, encode

CREATE = "CREATE TABLE every_kind (n bigint, t text, a text, j jsonb, k jsonb, w timestamptz, d date, c numeric(14, 2))"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
BIGINTS = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.integers(-(10**15), 4 * 10**15)
ROWS = st.lists(
    st.tuples(
        BIGINTS, st.none() | TEXTS, st.none() | TEXTS, MOMENTS, st.integers(-20_000, 60_000), st.integers(0, MOST_CENTS)
    ),
    max_size=8,
)


def as_matrix(name: str, kind: Kind, texts: list[bytes | None]) -> Column:
    present = np.array([text is not None for text in texts], dtype=np.bool_)
    return Column(name, kind, matrix([text or b"" for text in texts]), present)


@pytest.fixture
def every_kind(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(CREATE)
    return conn


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_every_kind_comes_back_as_it_was(
    every_kind: psycopg.Connection, rows: list[tuple[int, str | None, str | None, int, int, int]]
) -> None:
    documents = [None if text is None else {"text": text, "n": [1.25, None]} for _, _, text, *_ in rows]
    columns = Rows(
        "every_kind",
        (
            Column("n", Kind.BIGINT, np.array([row[0] for row in rows], dtype=np.int64)),
            Column("t", Kind.TEXT, [None if row[1] is None else row[1].encode() for row in rows]),
            as_matrix("a", Kind.TEXT, [None if row[2] is None else row[2].encode() for row in rows]),
            Column("j", Kind.JSONB, [None if d is None else json.dumps(d).encode() for d in documents]),
            as_matrix("k", Kind.JSONB, [None if d is None else json.dumps(d).encode() for d in documents]),
            Column("w", Kind.TIMESTAMPTZ, np.array([row[3] for row in rows], dtype=np.int64)),
            Column("d", Kind.DATE, np.array([row[4] for row in rows], dtype=np.int64)),
            Column("c", Kind.CENTS, np.array([row[5] for row in rows], dtype=np.int64)),
        ),
    )
    every_kind.execute("TRUNCATE every_kind")
    every_kind.execute("SET TimeZone = 'UTC'")
    with every_kind.cursor().copy(copy_statement(columns)) as copy:
        copy.write(encode(columns))
    stored = every_kind.execute("SELECT * FROM every_kind").fetchall()
    expected = [
        (
            n,
            t,
            a,
            d,
            d,
            EPOCH + dt.timedelta(microseconds=w),
            dt.date(1970, 1, 1) + dt.timedelta(days=day),
            Decimal(c) / 100,
        )
        for (n, t, a, w, day, c), d in zip(rows, documents, strict=True)
    ]
    assert stored == expected


def test_amounts_beyond_the_field_are_refused() -> None:
    for cents in (-1, MOST_CENTS + 1):
        with pytest.raises(ValueError, match="column c"):
            encode(Rows("every_kind", (Column("c", Kind.CENTS, np.array([cents])),)))
