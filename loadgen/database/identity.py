"""Whether two programs, on two machines perhaps, are on the same database."""

from __future__ import annotations

import psycopg

from loadgen.database.connect import Target, connect
from loadgen.database.statements import statement


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
