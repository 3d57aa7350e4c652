"""Calibration of a target: execution times of the scenarios' statements, a round trip, a commit, the idle server.

Statements run under ``EXPLAIN (ANALYZE, TIMING OFF)``, which reports the server's execution time without network and
client. Only reading statements run, in read-only transactions, and users take turns so that a slow moment affects all
statements alike. A commit is timed on a database that is marked as synthetic, with a message to the WAL that changes no
row.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import mean
from typing import Final

import orjson
import psycopg

from capacity.uncertainty import median_interval
from capacity.values import Interval, Refusal
from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark
from loadgen.database.target import Target
from loadgen.errors import RefusalError
from loadgen.observe.facts import database_facts
from loadgen.observe.probe import Probe
from loadgen.observe.samples import used
from loadgen.planning.calibration import CalibrationRecord, Idle, Method, Skipped, StatementTime
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.scenarios import find_scenario
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription
from loadgen.runs.store import new_id
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.planning", "sql/database.sql")

USERS: Final = 8
WARM: Final = 2
"""Executions of a statement per user before the timed ones, which cache its pages and catalogue entries."""
EXECUTIONS: Final = 10
"""Timed executions of a statement per user and round, sent together so that they cost one round trip."""
LEAST_ROUNDS: Final = 6
"""Least rounds for a 90 % interval of a median."""
MOST_ROUNDS: Final = 60
PINGS: Final = 200
COMMITS: Final = 100
SHARE_S: Final = 0.15
"""Largest share of the time for round trips, and again for commits."""
IDLE_S: Final = 3.0
STATEMENT_TIMEOUT_MS: Final = 2000
SERIALIZE_FROM: Final = 170000
IDENTIFY: Final = "identify"
"""Name of the engine's own statement, which reads no table."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Timed:
    """A statement of a scenario whose only parameter is a user."""

    scenario: str
    statement: StatementDescription


def calibrate(target: Target, scenarios: Sequence[str], seconds: float, say: Say) -> CalibrationRecord:
    """Calibrate ``target`` for about ``seconds``, besides the time to load the scenarios.

    Raises RefusalError for a database without users or a time too short for six rounds, LoadgenError for what the
    server refuses.
    """
    now, began = dt.datetime.now(dt.UTC), time.monotonic()
    with connect(target, autocommit=True, application_name="loadgen calibrate") as connection, faults(target):
        say(f"reading {', '.join(scenarios)}")
        wanted, skipped = _statements([_described(name) for name in scenarios])
        facts = database_facts(connection, target)
        marked = read_mark(connection) is not None
        users = _users(connection, target)
        idle_s = min(IDLE_S, 0.3 * seconds)
        say(f"idle server, {idle_s:g} s")
        idle = _idle(connection, idle_s)
        if idle is None:
            skipped.append(Skipped("idle server", "other sessions were active on this database"))
        say("round trips")
        round_trip = _repeated(lambda: _ping(connection), PINGS, SHARE_S * seconds)
        commit = None
        if marked and not _read_only(connection):
            say("commits")
            probe = _SQL["commit_probe"]
            commit = _repeated(
                lambda: _timed(lambda: connection.execute(probe, prepare=True)), COMMITS, SHARE_S * seconds
            )
        else:
            why = "the database is not marked as synthetic" if not marked else "the server is read-only"
            skipped.append(Skipped("commit", why))
        statements = _time(connection, users, wanted, seconds * (1 - 2 * SHARE_S), say)
    method: Method = "execution and serialisation" if _serializes(facts.server_version) else "execution"
    return CalibrationRecord(
        id=new_id("calibration", now),
        made_at=now.isoformat(timespec="seconds"),
        database=facts,
        method=method,
        statements=statements,
        round_trip_ms=round_trip,
        commit_ms=_less(commit, round_trip),
        idle=idle,
        skipped=tuple(skipped),
        took_s=round(time.monotonic() - began, 1),
    )


def _described(name: str) -> ScenarioDescription:
    with ScenarioChild(find_scenario(name), {}) as child:
        return child.description


def _statements(scenarios: Sequence[ScenarioDescription]) -> tuple[list[_Timed], list[Skipped]]:
    """Statements that read and have a user as their only parameter, and the skipped others with the reason."""
    wanted, skipped = [], []
    for scenario in scenarios:
        for statement in scenario.statements:
            if statement.name == IDENTIFY:
                continue
            if statement.writes:
                skipped.append(Skipped(f"{scenario.name}.{statement.name}", "it writes"))
            elif [p.draw for p in statement.parameters] != ["active_user"]:
                skipped.append(Skipped(f"{scenario.name}.{statement.name}", "it has parameters other than a user"))
            else:
                wanted.append(_Timed(scenario.name, statement))
    if not wanted:
        missing = "a read-only statement whose only parameter is a user"
        raise RefusalError(Refusal("nothing_to_time", missing, "add --scenario dashboard"))
    return wanted, skipped


def _users(connection: psycopg.Connection, target: Target) -> list[int]:
    places = [(i + 0.5) / USERS for i in range(USERS)]
    users = [row[0] for row in connection.execute(_SQL["calibration_users"], {"places": places}).fetchall()]
    if not users:
        raise RefusalError(Refusal("no_users", f"a user in {target}", "fill it: loadgen seed --users 2000"))
    return users


def _idle(connection: psycopg.Connection, seconds: float) -> Idle | None:
    """CPU and WAL that the idle server uses; None if other sessions are active."""
    probe = Probe(connection)
    samples = [probe.sample()]
    for _ in range(3):
        time.sleep(seconds / 3)
        samples.append(probe.sample())
    if any(sample.waits for sample in samples):
        return None
    begin, end = samples[0].at, samples[-1].at
    cpu_s, wal = used(samples, "cpu_s", begin, end), used(samples, "wal_bytes", begin, end)
    seconds = end - begin
    return Idle(None if cpu_s is None else cpu_s / seconds, None if wal is None else wal / seconds, round(seconds, 2))


def _time(
    connection: psycopg.Connection, users: Sequence[int], wanted: Sequence[_Timed], seconds: float, say: Say
) -> tuple[StatementTime, ...]:
    explain = _explain(connection.info.server_version)
    rounds: dict[_Timed, list[float]] = defaultdict(list)
    counted = dict.fromkeys(wanted, 0)
    end, done = time.monotonic() + seconds, 0
    say(f"{len(wanted)} statements for {len(users)} users")
    while done < MOST_ROUNDS and (done < LEAST_ROUNDS or time.monotonic() < end):
        found: dict[_Timed, list[float]] = defaultdict(list)
        for user in users:
            with as_user(connection, user):
                for one in wanted:
                    found[one] += _executed(connection, explain + one.statement.sql.encode(), user)
            if time.monotonic() > end + seconds:
                missing = f"{LEAST_ROUNDS} rounds over {len(wanted)} statements in {2 * seconds:.0f} s"
                raise RefusalError(Refusal("too_slow", missing, "measure for longer: --time 60s"))
        done += 1
        for one, times in found.items():
            rounds[one].append(mean(times))
            counted[one] += len(times)
    return tuple(
        StatementTime(one.scenario, one.statement.name, median_interval(rounds[one]), counted[one]) for one in wanted
    )


def _executed(connection: psycopg.Connection, explain: bytes, user: int) -> list[float]:
    """Execution time in ms of each timed execution."""
    # The statements number their parameters, as the server wants them.
    cursors = [psycopg.RawCursor(connection) for _ in range(WARM + EXECUTIONS)]
    with connection.pipeline():
        for cursor in cursors:
            cursor.execute(explain, [user])
    return [_execution_ms(cursor) for cursor in cursors[WARM:]]


def _execution_ms(cursor: psycopg.RawCursor[tuple[object, ...]]) -> float:
    row = cursor.fetchone()
    assert row is not None  # EXPLAIN answers one row
    plans = row[0] if isinstance(row[0], list) else orjson.loads(str(row[0]))
    return float(plans[0]["Execution Time"])


@contextmanager
def as_user(connection: psycopg.Connection, user: int) -> Iterator[None]:
    """Open a read-only transaction as one user of the application."""
    with connection.transaction():
        limits = {"timeout_ms": str(STATEMENT_TIMEOUT_MS), "user": str(user)}
        connection.execute(_SQL["calibration_limits"], limits)
        yield


def _explain(server_version: int) -> bytes:
    options = "ANALYZE, TIMING OFF, BUFFERS OFF, SUMMARY ON, FORMAT JSON"
    if server_version >= SERIALIZE_FROM:
        options += ", SERIALIZE BINARY"
    return f"EXPLAIN ({options}) ".encode()


def _serializes(version: str) -> bool:
    return int(version.split(".", maxsplit=1)[0]) * 10000 >= SERIALIZE_FROM


def _ping(connection: psycopg.Connection) -> float:
    return _timed(lambda: connection.pgconn.exec_(b""))


def _timed(act: Callable[[], object]) -> float:
    """Duration of a call in ms."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _repeated(once: Callable[[], float], most: int, seconds: float) -> Interval | None:
    """Median of up to ``most`` times within ``seconds``, without the first; None for too few."""
    end = time.monotonic() + seconds
    once()
    found: list[float] = []
    while len(found) < most and time.monotonic() < end:
        found.append(once())
    return median_interval(found) if len(found) >= LEAST_ROUNDS else None


def _less(commit: Interval | None, round_trip: Interval | None) -> Interval | None:
    """Wait of a commit: the time of its statement less a round trip."""
    if commit is None or round_trip is None:
        return None
    low, value = (max(one, 0.0) for one in (commit.low - round_trip.high, commit.value - round_trip.value))
    return Interval(low, value, max(commit.high - round_trip.low, value), commit.level)


def _read_only(connection: psycopg.Connection) -> bool:
    row = connection.execute("SHOW transaction_read_only").fetchone()
    return row is not None and row[0] == "on"
