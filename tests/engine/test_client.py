"""Statements in a round trip each, or sharing one: answers in order, errors in their place, nothing left behind."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import Target

both = pytest.mark.parametrize("mode", ["sequential", "pipeline"])
PROBE = Path(__file__).with_name("client_probe.py")


def probe(target: Target, check: str, mode: str) -> object:
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(PROBE), check, mode],
        env=os.environ | target.environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@both
def test_answers_come_in_order_and_statements_are_prepared_once(database: Target, mode: str) -> None:
    assert probe(database, "answers", mode) == [["one", "two", 1], ["one", "two", 1]]


@both
def test_the_first_refused_query_is_named_and_the_session_goes_on(database: Target, mode: str) -> None:
    assert probe(database, "failure", mode) == {"place": 2, "sqlstate": "22012", "usable": True, "after": "still here"}


@both
def test_more_than_both_sides_can_buffer_does_not_block(database: Target, mode: str) -> None:
    assert probe(database, "more_than_buffers_hold", mode) == 100 * 400_000


@both
def test_a_killed_user_leaves_no_query_running(database: Target, mode: str) -> None:
    assert probe(database, "killed", mode) == {"usable": False, "running": 0}


@both
def test_a_session_that_the_server_ended_says_so(database: Target, mode: str) -> None:
    # What the server said last, or only that it is gone: that depends on whether the end was heard before sending.
    assert probe(database, "server_gone", mode) in ({"sqlstate": s, "usable": False} for s in ("57P01", "08006"))


@both
def test_a_draw_waits_for_the_row_that_it_needs(seeded: Target, mode: str) -> None:
    # Users 7 and 40, in this order: 1 + 7 rows, 1 + 40 rows; identify adds one each.
    assert probe(seeded, "draws_of_earlier_rows", mode) == (1 + 1 + 7) + (1 + 1 + 40)


def test_looking_a_name_up_stops_nobody(database: Target) -> None:
    found = probe(by_tcp(database), "slow_resolver", "sequential")
    assert found == {"asked": ["db.example.test"], "went_on": True, "found": "here"}


def by_tcp(target: Target) -> Target:
    """The same server through its port on loopback, where it wants a password."""
    passfile = Path(str(conninfo_to_dict(target.conninfo)["host"])).parent / "pgpass"
    password = passfile.read_text().strip().rpartition(":")[2]
    return replace(target, conninfo=make_conninfo(target.conninfo, host="127.0.0.1"), password=password)
