"""Forced checkpoints, so that a short write run spans some."""

from __future__ import annotations

import psycopg

from loadgen.observe.queries import Connection


def force_checkpoint(connection: Connection) -> bool:
    """Write all dirty pages to disk and wait for it; False if the role lacks the right (pg_checkpoint)."""
    try:
        with connection.transaction():
            connection.execute("CHECKPOINT")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
