"""Whether two programs, on two machines perhaps, are on the same database, and reach it in the same way."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from loadgen.database.connect import Target, connect
from loadgen.database.servers import Servers
from loadgen.database.statements import statement


@dataclass(frozen=True, slots=True)
class Identity:
    """What all processes of one load must have in common."""

    database: str | None
    """See :func:`database_identity`."""
    pooler: bool
    """Whether the load goes through a pooler with a DSN of its own."""
    replicas: int

    @staticmethod
    def of(servers: Servers) -> Identity:
        """Asks the server which it is. Raises LoadgenError where there is no connection."""
        return Identity(database_identity(servers.server), servers.pooler is not None, len(servers.replicas))


def database_identity(target: Target) -> str | None:
    """The same text wherever it is asked for: of the cluster, its replicas included, and the database in it.

    None where the server does not tell. Raises LoadgenError where there is no connection.
    """
    with connect(target, autocommit=True) as connection:
        try:
            row = connection.execute(statement("identity")).fetchone()
        except psycopg.Error:  # not every server has the function, nor lets everybody call it
            return None
    return str(row[0]) if row else None
