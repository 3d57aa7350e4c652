"""A load's access to connections, as text."""

from __future__ import annotations

from capacity.formatting import counted
from loadgen.runs.format.access import Access, DetectedPooler


def through(pooler: DetectedPooler) -> str:
    """Describe the pooler between load and server."""
    if pooler.mode == "none":
        return "directly to the server"
    statements = "named prepared statements" if pooler.prepared else "unnamed statements, parsed at every call"
    return f"through {pooler.software or 'a pooler'}, one server connection per {pooler.mode}, {statements}"


def described(access: Access) -> str:
    """Describe an access in one line."""
    shared = None if access.pool is None else f"{counted(access.pool, 'connection')} shared in each process"
    parts = [shared or "one session per user"]
    if access.reconnect_every is not None:
        every = access.reconnect_every
        parts.append(f"a new connection every {'transaction' if every == 1 else f'{every} transactions'}")
    if access.found is not None:
        parts.append(through(access.found))
    if access.replicas:
        count = counted(access.replicas, "read replica")
        parts.append(f"read policy {access.read_policy} over {count}, read your writes: {access.own_writes}")
    return "; ".join(parts)
