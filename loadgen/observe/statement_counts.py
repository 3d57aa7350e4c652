"""The server's count of a run's statements beside the client's, by name.

pg_stat_statements counts a statement when its execution ends without an error, on whatever connection. Over the whole
run, ramp and drain included, that must equal the client's count of answers; otherwise one of them is wrong, or another
client ran the same statement. Each statement under way on a connection that broke may make a difference of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import LoadgenError
from loadgen.observe.pg_stat_statements import Snapshot, StatementUse, between, schema, snapshot
from loadgen.observe.queries import Connection
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription
from loadgen.runs.format.use import ServerStatement
from loadgen.runs.format.verdict import Reason
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/statements.sql")


@dataclass(frozen=True, slots=True)
class ClientCount:
    """The client's count of one statement in a whole run; ``calls`` without those that failed."""

    calls: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Server:
    target: Target
    names: Mapping[int, str]
    """Statement names by queryid. Statements that differ in constants alone share one, and the first's name."""
    before: Snapshot
    evicted: int


class StatementCounter:
    """Snapshots of pg_stat_statements around a run, on every server that the run uses.

    A server that does not count them makes a reason in :attr:`notes`, no error: a run is useful without the counts.
    """

    def __init__(self, targets: Sequence[Target], scenario: ScenarioDescription) -> None:
        self._statements = scenario.statements
        self._servers: list[_Server] = []
        self._shared: dict[str, str] = {}
        self._missing: str | None = None
        self._failed = False
        """True if a server could not be queried."""
        for target in targets:
            try:
                with connect(target, autocommit=True) as connection:
                    self._begin(target, connection)
            except (LoadgenError, psycopg.Error) as error:
                self._missing, self._failed = self._missing or _first_line(error), True

    def end(self, client: Mapping[str, ClientCount], unaccounted: int) -> tuple[ServerStatement, ...]:
        """Statements that the server has counted since, in the scenario's order; empty if it did not.

        ``unaccounted``: by how many calls a count may differ, because connections broke or were killed.
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
                self._missing = self._missing or "it no longer shows its statement counts"
            elif evicted != server.evicted:
                self._missing = "pg_stat_statements.max was reached, so statements were evicted"
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
        """Reason why the server's count is missing, if it is."""
        if self._missing is None:
            return ()
        do = (
            "see the server's log; statements are read at the beginning and at the end of a run"
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
                self._missing = "it shows no query identifiers, which need PostgreSQL 14 and compute_query_id"
                return
            names.setdefault(queryid, statement.name)
            self._shared[statement.name] = names[queryid]
        before = snapshot(connection)
        if before is None:
            self._missing = "pg_stat_statements is not loaded, or this user may not read it"
            return
        self._servers.append(_Server(target, names, before, _evicted(connection)))


def differences(statements: Iterable[ServerStatement]) -> tuple[Reason, ...]:
    """Reason for statements whose counts by server and client differ by more than is explained, if any."""
    differing = [s for s in statements if not s.agrees]
    if not differing:
        return ()
    most = max(differing, key=lambda s: abs(s.calls - s.client_calls))
    others = f" ({len(differing)} statements differ)" if len(differing) > 1 else ""
    explained = f", of which {most.unaccounted} are explained by broken connections" if most.unaccounted else ""
    what = (
        f"the server counted {most.calls:,} calls of {most.name}, the client {most.client_calls:,}{explained}{others}"
    )
    do = "check whether others ran the same statements on this database at the same time, or its statistics were reset"
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
    """Look up the queryid of a statement; None if the server does not give one."""
    name = sql.Identifier(f"loadgen_{statement.name}")
    types = [sql.SQL(p.type) for p in statement.parameters]  # from the engine's list
    nulls = [sql.SQL("NULL")] * len(types)
    body = sql.SQL(statement.sql)  # a scenario's file is as trusted as its code
    prepare = sql.SQL(_SQL["statement_prepare"])
    identify = sql.SQL(_SQL["statement_identifier"])
    with connection.transaction():  # a pooler could otherwise give each another session
        connection.execute(prepare.format(name=name, types=_listed(types), statement=body))
        row = connection.execute(identify.format(name=name, arguments=_listed(nulls))).fetchone()
        connection.execute(sql.SQL("DEALLOCATE {}").format(name))
    plan = row[0] if row else None
    queryid = plan[0].get("Query Identifier") if isinstance(plan, list) else None
    return None if queryid is None else int(queryid)


def _listed(items: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(", ").join(items)) if items else sql.SQL("")


def _evicted(connection: Connection) -> int:
    place = schema(connection)
    if place is None:
        return 0
    query = sql.SQL(_SQL["statements_evicted"]).format(schema=sql.Identifier(place))
    row = connection.execute(query).fetchone()
    return int(str(row[0])) if row else 0


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
