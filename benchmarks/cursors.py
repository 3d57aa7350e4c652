"""The peer: a Locust user on psycopg's cursors, as people write one. Not one of this project's scenarios.

    BENCH_DSN=… BENCH_SCENARIO=description.json locust -f benchmarks/cursors.py --headless -u 8

It does what the description, of ``loadgen describe --json``, says: the same statements by the same weights, for users
drawn from the same distribution, no think time, parameters as cheap as can be. It tells Locust of each transaction, and
with BENCH_EACH=1 of each statement too, which is what this project's engine records.
"""

import os
import random
import re
import time
from pathlib import Path

import numpy as np
import orjson
import psycopg
from locust import User, constant, events, task

from loadgen.population.activity import ActivityRanks

DESCRIPTION = orjson.loads(Path(os.environ["BENCH_SCENARIO"]).read_bytes())
STATEMENTS = {s["name"]: s for s in DESCRIPTION["statements"]}
TRANSACTIONS = [t for t in DESCRIPTION["transactions"] for _ in range(int(t["weight"]))]
EACH = bool(os.environ.get("BENCH_EACH"))
_RNG = np.random.Generator(np.random.PCG64(1))
USERS = ActivityRanks(int(os.environ["BENCH_USERS"]), int(os.environ["BENCH_SEED"])).draw_users(
    _RNG, 100_000, DESCRIPTION["user_skew"]
)
DRAWS = {
    "section": lambda: random.choice(("profile", "cash_flow", "goals", "retirement")),
    "progress": lambda: f'{{"step": {random.randint(1, 12)}, "of": 12, "seconds": {random.randint(5, 900)}}}',
    "question": lambda: "How would paying the mortgage off early change my plan?",
}


def _for_psycopg(statement):
    """The statement with psycopg's placeholders, and the draw of each."""
    drawn = []

    def placeholder(found):
        parameter = statement["parameters"][int(found[1]) - 1]
        drawn.append(parameter["draw"])
        return f"%s::{parameter['type']}"

    return re.sub(r"\$(\d+)", placeholder, statement["sql"].replace("%", "%%")), drawn


PREPARED = {name: _for_psycopg(statement) for name, statement in STATEMENTS.items()}


class CursorUser(User):
    """A connection of its own; cursor.execute and fetchall for each statement."""

    wait_time = constant(0)

    def on_start(self):
        self.connection = psycopg.connect(os.environ["BENCH_DSN"])

    def on_stop(self):
        self.connection.close()

    @task
    def transaction(self):
        chosen = random.choice(TRANSACTIONS)
        user_id = int(USERS[random.randrange(len(USERS))])
        began = time.perf_counter()
        failure = None
        rows = 0
        try:
            with self.connection.transaction(), self.connection.cursor() as cursor:
                for name in chosen["statements"]:
                    sql, drawn = PREPARED[name]
                    sent = time.perf_counter()
                    cursor.execute(sql, [user_id if draw == "active_user" else DRAWS[draw]() for draw in drawn])
                    found = len(cursor.fetchall()) if cursor.description else cursor.rowcount
                    rows += found
                    if EACH:
                        record("statement", name, sent, found, None)
        except psycopg.Error as error:
            failure = error
        record("transaction", chosen["name"], began, rows, failure)


def record(kind, name, began, rows, failure):
    """As a Locust user records a request."""
    events.request.fire(
        request_type=kind,
        name=name,
        response_time=(time.perf_counter() - began) * 1000,
        response_length=rows,
        exception=failure,
        context={},
    )
