"""Which database is meant, and how a child process learns of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.identity import DatabaseIdentity
from loadgen.errors import GuardRefusal

EMBEDDED_VARIABLE = "LOADGEN_DSN_IS_EMBEDDED"
"""Tells a child that the server in LOADGEN_DSN is the embedded one of its parent."""

IDENTITY_VARIABLE = "LOADGEN_DSN_IDENTITY"
"""Tells a child the identity of the database that its parent reached through LOADGEN_DSN."""


@dataclass(frozen=True, slots=True)
class Target:
    """One database on one server. ``conninfo`` holds no password; ``password`` None leaves it to libpq to find one."""

    conninfo: str
    password: str | None = field(repr=False)
    embedded: bool
    database: str
    identity: DatabaseIdentity | None = None
    """The database that every connection must lead to, whatever its path; None if not yet known."""

    def __str__(self) -> str:
        """Name and address of the database, for people."""
        if self.embedded or self.address is None or self.address.startswith("/"):
            return f"database {self.database}"
        return f"database {self.database} at {self.address}"

    @property
    def address(self) -> str | None:
        """Host, or directory of a socket, and port; None for libpq's own default."""
        parts = conninfo_to_dict(self.conninfo)
        host = parts.get("host") or parts.get("hostaddr")
        return f"{host}:{parts.get('port') or 5432}" if host else None

    def with_database(self, name: str) -> Target:
        """The target for another database of the same server."""
        identity = self.identity and self.identity.with_database(name)
        return replace(self, conninfo=make_conninfo(self.conninfo, dbname=name), database=name, identity=identity)

    def environment(self) -> dict[str, str]:
        """Environment variables from which :func:`resolve` in a child process finds this target."""
        variables = {
            "LOADGEN_DSN": self.conninfo,
            EMBEDDED_VARIABLE: "1" if self.embedded else "",
            IDENTITY_VARIABLE: json.dumps(asdict(self.identity)) if self.identity else "",
        }
        if self.password is not None:
            variables["PGPASSWORD"] = self.password
        return variables

    def require(self, identity: DatabaseIdentity) -> None:
        """Raise GuardRefusal if ``identity``, which a connection of this target leads to, is of another database."""
        difference = self.identity.difference(identity) if self.identity else None
        if difference is not None:
            at = f" at {self.address}" if self.address else ""
            raise GuardRefusal(
                f"database {self.database}{at} leads to the wrong database, expected {self.identity}: {difference}; "
                "nothing was written there; correct the DSN, the pooler's entry or the host name"
            )
