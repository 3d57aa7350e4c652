"""How a load got its connections, in words."""

from __future__ import annotations

from capacity.formatting import counted
from loadgen.runs.format.access import Access, DetectedPooler


def through(found: DetectedPooler) -> str:
    """What stood between the load and the server."""
    if found.mode == "none":
        return "straight to the server"
    how = "statements prepared by name" if found.prepared else "statements unnamed, parsed at every call"
    return f"through {found.software or 'a pooler'}, a server connection for each {found.mode}, {how}"


def described(access: Access) -> str:
    """All of it in one line."""
    words = ["a session for each user" if access.pool is None else f"{access.pool} connections shared in each process"]
    if access.reconnect_every is not None:
        every = access.reconnect_every
        words.append("a fresh one for every transaction" if every == 1 else f"a fresh one every {every} transactions")
    if access.found is not None:
        words.append(through(access.found))
    if access.replicas:
        count = counted(access.replicas, "replica")
        words.append(f"reads by {access.read_policy} over {count}, read your writes: {access.own_writes}")
    return "; ".join(words)
