"""Find the target database of a command, and connect to it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.cluster import DATABASE, socket_dsn
from loadgen.database.embedded import Instance, say_on_stderr
from loadgen.database.faults import translate
from loadgen.database.identity import DatabaseIdentity, query_on, read_identity
from loadgen.database.target import EMBEDDED_VARIABLE, IDENTITY_VARIABLE, Target
from loadgen.errors import UsageError
from loadgen.settings import Settings

CONNECT_TIMEOUT_S = 10

# Each of these selects a server. PGUSER and PGSSLMODE do not, and people set them in their shell profile.
SERVER_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE")

OTHER_SECRETS = frozenset({"sslpassword", "oauth_client_secret"})


def resolve(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    notify: Callable[[str], None] = say_on_stderr,
) -> Target:
    """The target of an invocation: ``settings.dsn``, else ``PG*`` variables, else the embedded server, started.

    A named instance takes precedence over ``PG*`` variables.

    Raises UsageError for a DSN that cannot be read, EnvironmentFault if the embedded server cannot start.
    """
    if settings.dsn is not None:
        by_parent = settings.dsn == environ.get("LOADGEN_DSN")
        target = _from_dsn(settings.dsn, embedded=by_parent and bool(environ.get(EMBEDDED_VARIABLE)))
        identity = environ.get(IDENTITY_VARIABLE) if by_parent else None
        return replace(target, identity=DatabaseIdentity(**json.loads(identity))) if identity else target
    if settings.instance is None and any(environ.get(name) for name in SERVER_VARIABLES):
        return _from_dsn("", embedded=False)
    return embedded_target(Instance.from_settings(settings, notify=notify))


def embedded_target(instance: Instance) -> Target:
    """The default database of an instance, through its private socket; starts it if needed."""
    return Target(socket_dsn(instance.start()), password=None, embedded=True, database=DATABASE)


def connect(target: Target, *, autocommit: bool = False, application_name: str = "loadgen") -> psycopg.Connection:
    """Connect to the target, and to no other database where its identity is known.

    Raises LoadgenError with a line that says what failed and what to do, GuardRefusal for another database.
    """
    parts = conninfo_to_dict(target.conninfo)
    parts.setdefault("connect_timeout", CONNECT_TIMEOUT_S)
    parts["application_name"] = application_name
    parts["prepare_threshold"] = None  # a pooler in between may not keep the names of prepared statements
    if target.password is not None:
        parts["password"] = target.password
    try:
        conn = psycopg.connect(autocommit=autocommit, **parts)  # type: ignore[arg-type]  # keywords of libpq
    except psycopg.Error as error:
        raise translate(error, target) from error
    try:
        if target.identity is not None:
            target.require(read_identity(query_on(conn), with_mark=target.identity.marked_at_us is not None))
        return conn
    except BaseException as error:
        conn.close()
        if isinstance(error, psycopg.Error):
            raise translate(error, target) from error
        raise


def _from_dsn(dsn: str, *, embedded: bool) -> Target:
    """Split off the password, and fill in server and database from libpq's variables."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # Without the driver's message: it quotes what it could not read, which may be a password.
        raise UsageError(
            "LOADGEN_DSN cannot be read; write postgresql://user@host:5432/db, or host=… dbname=…"
        ) from error
    for name in OTHER_SECRETS.intersection(parts):
        raise UsageError(f"a DSN may not hold {name}; use a client key without a password, readable only by you")
    password = parts.pop("password", None)
    if "service" in parts and "dbname" not in parts:
        raise UsageError("a DSN with service= also needs dbname=; add it, or set PGSERVICE and give no DSN")
    defaults = {option.keyword.decode(): option.val for option in psycopg.pq.Conninfo.get_defaults()}
    for name in () if "service" in parts else ("host", "hostaddr", "port", "user", "dbname"):
        value = defaults.get(name)
        if value and name not in parts:
            parts[name] = value.decode()
    parts.setdefault("dbname", str(parts.get("user", "")))
    return Target(
        conninfo=make_conninfo("", **parts),
        password=None if password is None else str(password),
        embedded=embedded,
        database=str(parts["dbname"]),
    )
