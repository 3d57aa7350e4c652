"""How transactions get their connections, as it was asked for and as it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loadgen.runs.format.ranges import Amount, Count, Positive

PoolerMode = Literal["none", "session", "transaction"]
"""Whether a pooler gives a client a server connection for as long as it stays, or for each transaction."""
Pooler = Literal["auto", "none", "session", "transaction"]
ReadPolicy = Literal["primary", "replica", "round-robin", "least-busy"]
"""Where transactions that only read go: the primary; the replicas in turn; all servers in turn; the replica on which
the fewest transactions of this process are under way."""


@dataclass(frozen=True)
class DetectedPooler:
    """What stands between the load and the server, as it showed itself or was declared."""

    mode: PoolerMode
    prepared: bool
    """Whether statements are prepared by name; else each is parsed at every call, as the pooler cannot keep names."""
    software: str | None = None
    """As it calls itself, where it lets us ask."""


@dataclass(frozen=True)
class OwnWrites:
    """How a read sees what its user wrote before.

    ``none``: wherever the policy sends it. ``lsn``: from a replica once that has replayed the write, waited for up to
    ``seconds``, else from the primary. ``sticky``: from the primary for ``seconds`` after the write.
    """

    kind: Literal["none", "lsn", "sticky"] = "none"
    seconds: Amount = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "none" else f"{self.kind}:{self.seconds:g}s"


@dataclass(frozen=True)
class Access:
    """How transactions get their connections. Without anything: a session for each user, straight to the server."""

    pool: Positive | None = None
    """Connections that the users of a process share; None: each has its own."""
    reconnect_every: Positive | None = None
    """Transactions after which a connection is closed and the next opens another; None: they stay."""
    pooler: Pooler = "auto"
    """As asked for; ``found`` is what that came to."""
    found: DetectedPooler | None = None
    replicas: Count = 0
    read_policy: ReadPolicy = "primary"
    own_writes: OwnWrites = field(default_factory=OwnWrites)
