"""Statements that share a round trip: all answers in order, errors in their place, nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

from loadgen.database.connect import Target

PROBE = Path(__file__).with_name("pipeline_probe.py")


def probe(target: Target, check: str) -> object:
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(PROBE), check],
        env=os.environ | target.environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_answers_come_in_order_and_statements_are_prepared_once(database: Target) -> None:
    assert probe(database, "answers") == [["one", "two", 1], ["one", "two", 1]]


def test_the_first_refused_query_is_named_and_the_session_goes_on(database: Target) -> None:
    assert probe(database, "failure") == {"place": 2, "sqlstate": "22012", "usable": True, "after": "still here"}


def test_more_than_both_sides_can_buffer_does_not_block(database: Target) -> None:
    assert probe(database, "more_than_buffers_hold") == 100 * 400_000


def test_a_killed_user_leaves_no_query_running(database: Target) -> None:
    assert probe(database, "killed") == {"usable": False, "running": 0}


def test_a_session_that_the_server_ended_says_so(database: Target) -> None:
    # What the server said last, or only that it is gone: that depends on whether the end was heard before sending.
    assert probe(database, "server_gone") in ({"sqlstate": s, "usable": False} for s in ("57P01", "08006"))


def test_a_draw_waits_for_the_row_that_it_needs(seeded: Target) -> None:
    # Users 7 and 40, in this order: 1 + 7 rows, 1 + 40 rows; identify adds one each.
    assert probe(seeded, "draws_of_earlier_rows") == (1 + 1 + 7) + (1 + 1 + 40)
