"""A load's access to connections, as text."""

from __future__ import annotations

from capacity.formatting import counted
from loadgen.runs.format.access import Access, DetectedPooler


def through(pooler: DetectedPooler) -> str:
    """Describe the pooler between load and server."""
    if pooler.mode == "none":
        return "straight to the server"
    statements = "statements prepared by name" if pooler.prepared else "statements unnamed, parsed at every call"
    return f"through {pooler.software or 'a pooler'}, a server connection for each {pooler.mode}, {statements}"


def described(access: Access) -> str:
    """Describe an access in one line."""
    parts = ["a session for each user" if access.pool is None else f"{access.pool} connections shared in each process"]
    if access.reconnect_every is not None:
        every = access.reconnect_every
        parts.append("a fresh one for every transaction" if every == 1 else f"a fresh one every {every} transactions")
    if access.found is not None:
        parts.append(through(access.found))
    if access.replicas:
        count = counted(access.replicas, "replica")
        parts.append(f"reads by {access.read_policy} over {count}, read your writes: {access.own_writes}")
    return "; ".join(parts)
