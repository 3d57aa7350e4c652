"""Arguments of ``loadgen psql`` that name a database, which psql would take in place of the whole connection."""

from __future__ import annotations

import json

import pytest
from conftest import Loadgen
from psycopg.conninfo import conninfo_to_dict

SERVER = {"host": "db.example.com", "user": "load", "dbname": "first"}


@pytest.mark.parametrize(
    ("arguments", "dbname", "rest"),
    [
        (("-c", "select 1"), "first", ["-c", "select 1"]),
        (("-d", "other", "-At"), "other", ["-At"]),
        (("-dother",), "other", []),
        (("--dbname=other",), "other", []),
        (("--dbname", "other", "-x"), "other", ["-x"]),
        (("-d", "host=b dbname=c"), "first", ["-d", "host=b dbname=c"]),
        (("-d", "postgresql://b/c"), "first", ["-d", "postgresql://b/c"]),
        (("-d",), "first", ["-d"]),
    ],
)
def test_another_database_is_one_of_the_same_server(
    arguments: tuple[str, ...], dbname: str, rest: list[str], here: Loadgen
) -> None:
    dsn = " ".join(f"{key}={value}" for key, value in SERVER.items())
    done = here("psql", "--dsn", dsn, "--json", "--", *arguments)
    _, connection, *others = json.loads(done.stdout)["command"]
    found = conninfo_to_dict(connection.removeprefix("--dbname="))
    assert {key: found[key] for key in SERVER} == SERVER | {"dbname": dbname}
    assert others == rest
