"""Which server is meant, and connections to it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.cluster import DATABASE, socket_dsn
from loadgen.database.embedded import Instance, say_on_stderr
from loadgen.database.faults import translate
from loadgen.database.identity import DatabaseIdentity, query_on, read_identity
from loadgen.errors import GuardRefusal, UsageError
from loadgen.settings import Settings

CONNECT_TIMEOUT_S = 10

# Each of these names a server. PGUSER and PGSSLMODE say how to use one, and people keep them in their profile.
SERVER_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE")

OTHER_SECRETS = frozenset({"sslpassword", "oauth_client_secret"})

EMBEDDED_VARIABLE = "LOADGEN_DSN_IS_EMBEDDED"
"""Tells a child that the server in LOADGEN_DSN is the embedded one of its parent."""

IDENTITY_VARIABLE = "LOADGEN_DSN_IDENTITY"
"""Tells a child which database its parent found at LOADGEN_DSN."""


@dataclass(frozen=True, slots=True)
class Target:
    """One database on one server. ``conninfo`` holds no password; ``password`` None leaves it to libpq to find one."""

    conninfo: str
    password: str | None = field(repr=False)
    embedded: bool
    database: str
    identity: DatabaseIdentity | None = None
    """What every connection must lead to, however the target is reached. None: not yet known."""

    def __str__(self) -> str:
        """For people: which database, where."""
        if self.embedded or self.address is None or self.address.startswith("/"):
            return f"database {self.database}"
        return f"database {self.database} at {self.address}"

    @property
    def address(self) -> str | None:
        """Host, or directory of a socket, and port; None: libpq's own default."""
        parts = conninfo_to_dict(self.conninfo)
        host = parts.get("host") or parts.get("hostaddr")
        return f"{host}:{parts.get('port') or 5432}" if host else None

    def with_database(self, name: str) -> Target:
        """Another database of the same server."""
        identity = self.identity and self.identity.with_database(name)
        return replace(self, conninfo=make_conninfo(self.conninfo, dbname=name), database=name, identity=identity)

    def environment(self) -> dict[str, str]:
        """Variables which, added to this process's own, make :func:`resolve` in a child find this target."""
        variables = {
            "LOADGEN_DSN": self.conninfo,
            EMBEDDED_VARIABLE: "1" if self.embedded else "",
            IDENTITY_VARIABLE: json.dumps(asdict(self.identity)) if self.identity else "",
        }
        if self.password is not None:
            variables["PGPASSWORD"] = self.password
        return variables

    def require(self, identity: DatabaseIdentity) -> None:
        """Raise GuardRefusal unless a connection of this target that leads to ``identity`` leads where it must."""
        difference = self.identity.difference(identity) if self.identity else None
        if difference is not None:
            at = f" at {self.address}" if self.address else ""
            raise GuardRefusal(
                f"database {self.database}{at} leads to the wrong database, expected {self.identity}: {difference}; "
                "nothing was written there; correct the DSN, the pooler's entry or the host name"
            )


def resolve(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    notify: Callable[[str], None] = say_on_stderr,
) -> Target:
    """The target of an invocation: ``settings.dsn``, else ``PG*`` variables, else the embedded server, started.

    ``PG*`` variables give way to an instance that was named.

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
    """The default database of an instance, through its private socket; starts it if need be."""
    return Target(socket_dsn(instance.start()), password=None, embedded=True, database=DATABASE)


def connect(target: Target, *, autocommit: bool = False, application_name: str = "loadgen") -> psycopg.Connection:
    """A connection to the target, and to no other database where its identity is known.

    Raises LoadgenError with one line that says why there is none and what to do, GuardRefusal for another database.
    """
    parts = conninfo_to_dict(target.conninfo)
    parts.setdefault("connect_timeout", CONNECT_TIMEOUT_S)
    parts["application_name"] = application_name
    parts["prepare_threshold"] = None  # a pooler in between may not keep the names of prepared statements
    if target.password is not None:
        parts["password"] = target.password
    try:
        conn = psycopg.connect(autocommit=autocommit, **parts)  # type: ignore[arg-type]  # libpq's own words
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
    """Take the password out, and the server and database in where libpq's variables supply them."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # Without the driver's message: it quotes what it could not read, which may be a password.
        raise UsageError(
            "LOADGEN_DSN cannot be read; write postgresql://user@host:5432/db, or host=… dbname=…"
        ) from error
    for name in OTHER_SECRETS.intersection(parts):
        raise UsageError(f"a DSN may not hold {name}; use a client key without one, readable only by you")
    password = parts.pop("password", None)
    if "service" in parts and "dbname" not in parts:
        raise UsageError("a DSN with service= needs dbname= too; or set PGSERVICE and give no DSN")
    found = {option.keyword.decode(): option.val for option in psycopg.pq.Conninfo.get_defaults()}
    for name in () if "service" in parts else ("host", "hostaddr", "port", "user", "dbname"):
        value = found.get(name)
        if value and name not in parts:
            parts[name] = value.decode()
    parts.setdefault("dbname", str(parts.get("user", "")))
    return Target(
        conninfo=make_conninfo("", **parts),
        password=None if password is None else str(password),
        embedded=embedded,
        database=str(parts["dbname"]),
    )
