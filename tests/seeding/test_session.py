"""What is said of a connection that is lost."""

from __future__ import annotations

import shutil
from collections import namedtuple

import psycopg
import pytest

from loadgen.database.target import Target
from loadgen.seeding.session import fault

Usage = namedtuple("Usage", ("total", "used", "free"))
LOST = psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")


@pytest.mark.parametrize(
    ("embedded", "free_mib", "says"),
    [(True, 3, "free space"), (True, 300, "check that the server runs"), (False, 3, "check that the server runs")],
)
def test_a_server_that_ended_for_want_of_room_is_known_by_its_disk(
    monkeypatch: pytest.MonkeyPatch, embedded: bool, free_mib: int, says: str
) -> None:
    """Without room for its log the server ends itself, and the client hears no more than that it is gone."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(96 << 20, 0, free_mib << 20))
    said = str(fault(LOST, Target("host=/tmp dbname=d", password=None, embedded=embedded, database="d")))
    assert says in said
    assert "run the same command again" in said
