"""What is between a client and the server, found by how it behaves: a real PgBouncer in both modes, and none."""

import pytest
from pgbouncer_fixtures import pgbouncer_version

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import UsageError
from loadgen.observe.pooler import DIRECT, detect_pooler
from loadgen.runs.format.access import DetectedPooler

pytestmark = pytest.mark.user


def test_a_server_itself_is_no_pooler(database: Target) -> None:
    assert detect_pooler(database) == DIRECT


def test_a_pooler_by_transaction_is_found_and_whether_it_keeps_names(database: Target, pooler) -> None:
    through = pooler(database, "transaction", size=3)
    # Version 1.21 keeps the names of each client's statements apart where it is told how many.
    assert detect_pooler(through) == DetectedPooler("transaction", prepared=False)
    if pgbouncer_version() >= (1, 21):
        keeping = pooler(database, "transaction", more="max_prepared_statements = 100\n")
        assert detect_pooler(keeping) == DetectedPooler("transaction", prepared=True)
    # Nothing is left on the server's connections that another client would be lent.
    with connect(through, autocommit=True) as conn:
        assert conn.execute("SELECT name FROM pg_prepared_statements").fetchall() == []


def test_a_pooler_by_transaction_with_one_connection_is_found(database: Target, pooler) -> None:
    assert detect_pooler(pooler(database, "transaction", size=1)).mode == "transaction"


def test_a_pooler_by_session_is_found_and_says_what_it_is_if_it_may(database: Target, pooler) -> None:
    found = detect_pooler(pooler(database, "session", admin=True))
    assert (found.mode, found.prepared) == ("session", True)
    assert found.software is not None
    assert found.software.startswith("PgBouncer 1.")


def test_what_is_declared_is_believed_but_not_that_there_is_none(database: Target, pooler) -> None:
    through = pooler(database, "session")
    assert detect_pooler(through, "transaction").mode == "transaction"
    with pytest.raises(UsageError, match=r"--pooler none, but database .* is reached through a pooler"):
        detect_pooler(through, "none")
    assert detect_pooler(database, "transaction") == DetectedPooler("transaction", prepared=False)
