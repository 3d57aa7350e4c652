"""An independent count of a run's statements: what the server counted beside what the client did, each by its name.

pg_stat_statements counts a statement when its execution ends without an error, on whatever connection. Over the whole
run, ramp and drain included, that has to be what the client counted as answered; where it is not, one of them is wrong
or somebody else ran the same statement. Neither knows of a statement that was under way on a connection that broke, so
each of those may make a difference of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import LoadgenError
from loadgen.observe.pg_stat_statements import Snapshot, StatementUse, between, schema, snapshot
from loadgen.observe.queries import Connection, text
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription
from loadgen.runs.format.use import ServerStatement
from loadgen.runs.format.verdict import Reason


@dataclass(frozen=True, slots=True)
class ClientCount:
    """What the client counted of one statement in a whole run; ``calls`` without those that failed."""

    calls: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Server:
    target: Target
    names: Mapping[int, str]
    """By queryid. Statements that differ in constants only share one, and then the first's name."""
    before: Snapshot
    evicted: int


class StatementCounter:
    """Snapshots of pg_stat_statements around a run, on every server that the run uses.

    What cannot be counted is a reason of :attr:`notes`, and no error: a run is worth having without it.
    """

    def __init__(self, targets: Sequence[Target], scenario: ScenarioDescription) -> None:
        self._statements = scenario.statements
        self._servers: list[_Server] = []
        self._shared: dict[str, str] = {}
        self._missing: str | None = None
        self._failed = False
        """A server could not be asked, or answered with an error."""
        for target in targets:
            try:
                with connect(target, autocommit=True) as connection:
                    self._begin(target, connection)
            except (LoadgenError, psycopg.Error) as error:
                self._missing, self._failed = self._missing or _first_line(error), True

    def end(self, client: Mapping[str, ClientCount], unaccounted: int) -> tuple[ServerStatement, ...]:
        """The statements as the server counted them since, in the scenario's order; empty if it did not.

        ``unaccounted``: how often one may differ, because a connection broke or was killed while it ran.
        """
        totals: dict[str, StatementUse] = {}
        for server in self._servers:
            try:
                with connect(server.target, autocommit=True) as connection:
                    after = snapshot(connection)
                    evicted = _evicted(connection)
            except (LoadgenError, psycopg.Error) as error:
                after, self._missing, self._failed = None, _first_line(error), True
            if after is None:
                self._missing = self._missing or "it no longer shows its statements"
            elif evicted != server.evicted:
                self._missing = "pg_stat_statements.max was reached and it forgot statements"
            else:
                for use in between(server.before, after):
                    name = server.names.get(use.queryid)
                    if name is not None:
                        totals[name] = use.plus(totals[name]) if name in totals else use
        if self._missing is not None or not self._servers:
            return ()
        counted = Counter[str]()
        rows = Counter[str]()
        for name, count in client.items():
            counted[self._shared.get(name, name)] += count.calls
            rows[self._shared.get(name, name)] += count.rows
        names = [s.name for s in self._statements if s.name in counted or s.name in totals]
        return tuple(_statement(name, totals.get(name), counted[name], rows[name], unaccounted) for name in names)

    @property
    def notes(self) -> tuple[Reason, ...]:
        """Why the server's count is missing."""
        if self._missing is None:
            return ()
        do = (
            "see the server's log; it is asked at the beginning and at the end of a run"
            if self._failed
            else "load pg_stat_statements, create the extension, and grant pg_read_all_stats"
        )
        return (Reason("statements_not_counted", f"the server did not count statements: {self._missing}", do),)

    def _begin(self, target: Target, connection: Connection) -> None:
        if schema(connection) is None:
            self._missing = "this database lacks the extension pg_stat_statements"
            return
        names: dict[int, str] = {}
        for statement in self._statements:
            queryid = _queryid(connection, statement)
            if queryid is None:
                self._missing = "it does not say queryids, which needs PostgreSQL 14 and compute_query_id"
                return
            names.setdefault(queryid, statement.name)
            self._shared[statement.name] = names[queryid]
        before = snapshot(connection)
        if before is None:
            self._missing = "it does not load pg_stat_statements, or does not let us look"
            return
        self._servers.append(_Server(target, names, before, _evicted(connection)))


def differences(statements: Iterable[ServerStatement]) -> tuple[Reason, ...]:
    """A reason for the statements of which the server's count and the client's differ beyond what is explained."""
    found = [s for s in statements if not s.agrees]
    if not found:
        return ()
    most = max(found, key=lambda s: abs(s.calls - s.client_calls))
    others = f" ({len(found)} statements differ)" if len(found) > 1 else ""
    explained = f", of which {most.unaccounted} are explained by broken connections" if most.unaccounted else ""
    what = (
        f"the server counted {most.calls:,} calls of {most.name}, the client {most.client_calls:,}{explained}{others}"
    )
    do = "see whether others ran the same statements on this database meanwhile, or its statistics were reset"
    return (Reason("statements_differ", what, do),)


def _statement(name: str, use: StatementUse | None, calls: int, rows: int, unaccounted: int) -> ServerStatement:
    return ServerStatement(
        name=name,
        calls=use.calls if use else 0,
        client_calls=calls,
        rows=use.rows if use else 0,
        client_rows=rows,
        unaccounted=unaccounted,
        exec_ms=use.total_exec_ms if use else 0.0,
        blocks_hit=use.shared_blocks_hit if use else 0,
        blocks_read=use.shared_blocks_read if use else 0,
        blocks_dirtied=use.shared_blocks_dirtied if use else 0,
        wal_bytes=use.wal_bytes if use else 0,
    )


def _queryid(connection: Connection, statement: StatementDescription) -> int | None:
    """What the server will count it under; None if it does not say."""
    name = sql.Identifier(f"loadgen_{statement.name}")
    types = [sql.SQL(p.type) for p in statement.parameters]  # of the engine's list
    nulls = [sql.SQL("NULL")] * len(types)
    body = sql.SQL(statement.sql)  # a scenario's file is as trusted as its code
    prepare = sql.SQL(text("statement_prepare").decode())
    identify = sql.SQL(text("statement_identifier").decode())
    with connection.transaction():  # through a pooler each would else go to another session
        connection.execute(prepare.format(name=name, types=_listed(types), statement=body))
        row = connection.execute(identify.format(name=name, arguments=_listed(nulls))).fetchone()
        connection.execute(sql.SQL("DEALLOCATE {}").format(name))
    plan = row[0] if row else None
    found = plan[0].get("Query Identifier") if isinstance(plan, list) else None
    return None if found is None else int(found)


def _listed(items: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(", ").join(items)) if items else sql.SQL("")


def _evicted(connection: Connection) -> int:
    place = schema(connection)
    if place is None:
        return 0
    query = sql.SQL(text("statements_evicted").decode()).format(schema=sql.Identifier(place))
    row = connection.execute(query).fetchone()
    return int(str(row[0])) if row else 0


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
