"""Access of transactions to connections: options and the detected pooler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loadgen.runs.format.ranges import Amount, Count, Positive

PoolerMode = Literal["none", "session", "transaction"]
"""Pooling of server connections: no pooler, one connection a client session, or one a transaction."""
Pooler = Literal["auto", "none", "session", "transaction"]
ReadPolicy = Literal["primary", "replica", "round-robin", "least-busy"]
"""Servers of read-only transactions: the primary; the replicas in turn; all servers in turn; the replica on which the
fewest transactions of this process are under way."""


@dataclass(frozen=True)
class DetectedPooler:
    """The pooler between load and server, as detected or declared."""

    mode: PoolerMode
    prepared: bool
    """True if statements are prepared by name; else each is parsed at every call, as the pooler cannot keep names."""
    software: str | None = None
    """Name and version, where its admin console gives them."""


@dataclass(frozen=True)
class OwnWrites:
    """Guarantee that a read sees its user's own writes.

    ``none``: no guarantee. ``lsn``: a replica that has replayed the write, after a wait of up to ``seconds``, else the
    primary. ``sticky``: the primary for ``seconds`` after the write.
    """

    kind: Literal["none", "lsn", "sticky"] = "none"
    seconds: Amount = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "none" else f"{self.kind}:{self.seconds:g}s"


@dataclass(frozen=True)
class Access:
    """How transactions get their connections; by default in a session for each user, direct to the server."""

    pool: Positive | None = None
    """Connections that the users of a process share; None if each has its own."""
    reconnect_every: Positive | None = None
    """Transactions after which a connection is replaced by a new one; None for never."""
    pooler: Pooler = "auto"
    """Mode as given in the options; ``found`` is the detected pooler."""
    found: DetectedPooler | None = None
    replicas: Count = 0
    read_policy: ReadPolicy = "primary"
    own_writes: OwnWrites = field(default_factory=OwnWrites)
