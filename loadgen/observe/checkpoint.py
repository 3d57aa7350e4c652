"""Checkpoints on demand, so that a short write run spans some."""

from __future__ import annotations

import psycopg

from loadgen.observe.queries import Connection


def force_checkpoint(connection: Connection) -> bool:
    """Write everything dirty to disk now; waits until it is done. False: this role may not (see pg_checkpoint)."""
    try:
        with connection.transaction():
            connection.execute("CHECKPOINT")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
