"""Statements in a round trip each, or sharing one: answers in order, errors in their place, nothing left behind."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.target import Target

both = pytest.mark.parametrize("mode", ["sequential", "pipeline"])
PROBE = Path(__file__).with_name("client_probe.py")


class Probe(Protocol):
    """The fixture ``probe``."""

    def __call__(self, target: Target, check: str, mode: str) -> object: ...


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    """One process for all checks: importing takes it longer than any of them."""
    command = [sys.executable, "-W", "error::RuntimeWarning", str(PROBE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def check(target: Target, name: str, mode: str) -> object:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps([name, mode, target.environment()]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, "the check failed; see above"
            return json.loads(answer)

        yield check
        process.kill()


@both
def test_answers_come_in_order_and_statements_are_prepared_once(probe: Probe, database: Target, mode: str) -> None:
    assert probe(database, "answers", mode) == [["one", "two", 1], ["one", "two", 1]]


@both
def test_the_first_refused_query_is_named_and_the_session_goes_on(probe: Probe, database: Target, mode: str) -> None:
    assert probe(database, "failure", mode) == {"place": 2, "sqlstate": "22012", "usable": True, "after": "still here"}


@both
def test_more_than_both_sides_can_buffer_does_not_block(probe: Probe, database: Target, mode: str) -> None:
    assert probe(database, "more_than_buffers_hold", mode) == 100 * 400_000


@both
def test_a_killed_user_leaves_no_query_running(probe: Probe, database: Target, mode: str) -> None:
    assert probe(database, "killed", mode) == {"usable": False, "running": 0}


@both
def test_a_session_that_the_server_ended_says_so(probe: Probe, database: Target, mode: str) -> None:
    # What the server said last, or only that it is gone: that depends on whether the end was heard before sending.
    assert probe(database, "server_gone", mode) in ({"sqlstate": s, "usable": False} for s in ("57P01", "08006"))


@both
def test_a_draw_waits_for_the_row_that_it_needs(probe: Probe, seeded: Target, mode: str) -> None:
    # Users 7 and 40, in this order: 1 + 7 rows, 1 + 40 rows; identify adds one each.
    assert probe(seeded, "draws_of_earlier_rows", mode) == (1 + 1 + 7) + (1 + 1 + 40)


def test_looking_a_name_up_stops_nobody(probe: Probe, database: Target) -> None:
    found = probe(by_tcp(database), "slow_resolver", "sequential")
    assert found == {"asked": ["db.example.test"], "went_on": True, "found": "here"}


def by_tcp(target: Target) -> Target:
    """The same server through its port on loopback, where it wants a password."""
    passfile = Path(str(conninfo_to_dict(target.conninfo)["host"])).parent / "pgpass"
    password = passfile.read_text().strip().rpartition(":")[2]
    return replace(target, conninfo=make_conninfo(target.conninfo, host="127.0.0.1"), password=password)
