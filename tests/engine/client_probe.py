"""Run by test_client.py in a process of its own, which gevent patches.

Each line of stdin is a check by name, a mode, and variables that name the database; the answer is a line of JSON.
"""

import json
import os
import random
import sys
import time

import gevent
import locust  # noqa: F401 - patches for gevent

from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.engine.answers import Answers
from loadgen.engine.client import Connection
from loadgen.engine.failures import DatabaseError, QueryError
from loadgen.engine.recording.recorder import Recorder
from loadgen.engine.scenario_sql import Parameter, Statement
from loadgen.engine.transactions import Transaction, Worker, bind, draw, perform

ECHO = Statement("echo", "SELECT $1", False, (Parameter("t", "text", "t", None),), 1, 1)
DIVIDE = Statement("divide", "SELECT 1 / $1", False, (Parameter("n", "integer", "n", None),), 1, 1)
SLEEP = Statement("sleep", "SELECT pg_sleep(60)", False, (), 1, 1)
FIRST = Statement("first", "SELECT $1", False,
                  (Parameter("user", "bigint", "active_user", None),), 1, 1)  # fmt: skip
THEN = Statement("then", "SELECT generate_series(1, $1)", False,
                 (Parameter("n", "bigint", "same", "first"),), 0, None)  # fmt: skip


def session() -> Connection:
    conninfo = resolve(settings.load()).conninfo
    return Connection(conninfo, settings={"statement_timeout": 30_000}, pipeline=os.environ["MODE"] == "pipeline")


def exchanged(connection: Connection, queries) -> Answers:
    answers = Answers()
    connection.exchange(tuple(query for query, _ in queries), [parameters for _, parameters in queries], answers)
    return answers


def number(value: int) -> bytes:
    return value.to_bytes(4, "big", signed=True)


def answers() -> object:
    connection = session()
    found = []
    for _ in range(2):  # prepared with the first, found prepared by the second
        queries = [(b"BEGIN", ()), (ECHO, [b"one"]), (ECHO, [b"two"]), (DIVIDE, [number(1)]), (b"COMMIT", ())]
        answers = exchanged(connection, queries)
        results = answers.results
        found.append([results[1].get_value(0, 0).decode(), results[2].get_value(0, 0).decode(), answers.counts[3]])
    return found


def failure() -> object:
    connection = session()
    try:
        exchanged(
            connection, [(b"BEGIN", ()), (ECHO, [b"one"]), (DIVIDE, [number(0)]), (ECHO, [b"two"]), (b"COMMIT", ())]
        )
    except QueryError as error:
        place, sqlstate = error.place, error.sqlstate
    connection.rollback()
    after = exchanged(connection, [(ECHO, [b"still here"])]).results[0].get_value(0, 0).decode()
    return {"place": place, "sqlstate": sqlstate, "usable": connection.usable, "after": after}


def more_than_buffers_hold() -> object:
    text = b"x" * 400_000
    results = exchanged(session(), [(ECHO, [text])] * 100).results
    return sum(len(result.get_value(0, 0)) for result in results)


def killed() -> object:
    connection = session()
    user = gevent.spawn(exchanged, connection, [(ECHO, [b"one"]), (SLEEP, ()), (ECHO, [b"two"])])
    gevent.sleep(0.5)
    user.kill()
    left = session()
    running = Statement(
        "running", "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND state = 'active' AND pid <> "
        "pg_backend_pid()", False, (), 1, 1,
    )  # fmt: skip
    deadline = time.monotonic() + 10
    count = -1
    while count and time.monotonic() < deadline:
        count = int.from_bytes(exchanged(left, [(running, ())]).results[0].get_value(0, 0), "big")
        gevent.sleep(0.05)
    return {"usable": connection.usable, "running": count}


def server_gone() -> object:
    connection = session()
    ender = session()
    end = Statement("end", "SELECT pg_terminate_backend($1)", False, (Parameter("p", "integer", "p", None),), 1, 1)
    pid = Statement("pid", "SELECT pg_backend_pid()", False, (), 1, 1)
    mine = exchanged(connection, [(pid, ())]).results[0].get_value(0, 0)
    exchanged(ender, [(end, [mine])])
    gevent.sleep(0.3)
    try:
        exchanged(connection, [(ECHO, [b"one"])])
    except DatabaseError as error:
        return {"sqlstate": error.sqlstate, "usable": connection.usable}
    return "no error"


@draw
def same(rng: random.Random, row: tuple[int, ...]) -> int:
    return row[0]


def draws_of_earlier_rows() -> object:
    """A batch of two users, whose second statement needs a row of the first."""
    plan = bind(
        Transaction("t", 1, ("first", "then"), repeat=2), {"first": FIRST, "then": THEN}, {"same": same}, "here"
    )
    users = iter((40, 7))
    recorder = Recorder()
    rows = perform(plan, Worker(session(), recorder, random.Random(1), lambda: next(users)))
    return rows


def slow_resolver() -> object:
    """A name that takes half a second to look up: do others go on meanwhile, and is the connection made then?"""
    import _socket

    from gevent.monkey import get_original
    from psycopg.conninfo import make_conninfo

    from loadgen.engine.resolving import with_addresses

    asked = []

    def slowly(host: str, *arguments: object, **options: object) -> list[object]:
        asked.append(host)
        get_original("time", "sleep")(0.5)
        return [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    _socket.getaddrinfo = slowly  # type: ignore[assignment]  # what gevent's threads call
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.01)
            ticks += 1

    ticker = gevent.spawn(tick)
    target = resolve(settings.load())
    conninfo = make_conninfo(target.conninfo, host="db.example.test", password=target.password)
    connection = Connection(with_addresses(conninfo))
    ticker.kill()
    found = exchanged(connection, [(ECHO, [b"here"])]).results[0].get_value(0, 0).decode()
    return {"asked": asked, "went_on": ticks > 10, "found": found}


if __name__ == "__main__":
    for line in sys.stdin:
        check, mode, variables = json.loads(line)
        os.environ |= variables | {"MODE": mode}
        print(json.dumps(globals()[check]()), flush=True)
