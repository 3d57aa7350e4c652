"""Routing of read-only transactions to servers, and whether they see their user's own writes.

A replica shows a write once it has replayed WAL up to the write's end. After each write its WAL position is queried, on
the same connection and outside of the transaction's latency, and kept by user; a read is stale when the replica had
not replayed that far. Positions are those of one process, without other processes' writes for the same user.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import gevent

from loadgen.engine.client import Connection
from loadgen.engine.recording.access_counts import AccessCounts
from loadgen.engine.scenario_sql import own_statements
from loadgen.runs.format.access import OwnWrites, ReadPolicy

PRIMARY: Final = -1
POLL_S: Final = 0.002
"""Interval between queries whether a replica has replayed a write."""
RETRY_S: Final = 1.0
"""Time for which a replica that could not be reached is left out."""
_FORGET_ABOVE: Final = 100_000


def position(connection: Connection, name: str) -> int:
    """Query ``written_lsn`` or ``replayed_lsn`` of the server, in bytes of WAL. Raises DatabaseError."""
    value = connection.execute(own_statements()[name], ()).get_value(0, 0)
    return int.from_bytes(value or b"", "big")


@dataclass
class Routing:
    """Routing of one process, by its users' last writes and the position of each replica."""

    policy: ReadPolicy
    own_writes: OwnWrites
    replicas: int
    counts: AccessCounts
    _written: dict[int, int] = field(default_factory=dict)
    _wrote_at: dict[int, float] = field(default_factory=dict)
    _turn: int = 0

    def __post_init__(self) -> None:
        self._replayed = [0] * self.replicas
        self._under_way = [0] * self.replicas
        self._absent_until = [0.0] * self.replicas

    def choose(self, users: Sequence[int]) -> int:
        """Choose the server of a read by these users, by policy and stickiness: PRIMARY or a replica's place."""
        if self.policy == "primary":
            return PRIMARY
        if self.own_writes.kind == "sticky" and any(map(self._sticks, users)):
            self.counts.fell_back()
            return PRIMARY
        now = time.monotonic()
        available = [n for n in range(self.replicas) if self._absent_until[n] <= now]
        if not available:
            self.counts.not_reached()
            return PRIMARY
        if self.policy == "least-busy":
            return min(available, key=lambda n: (self._under_way[n], (n - self._turn) % self.replicas))
        servers = available if self.policy == "replica" else [PRIMARY, *available]
        self._turn += 1
        return servers[self._turn % len(servers)]

    def written(self, users: Sequence[int]) -> int:
        """WAL position of the last write of these users in this process."""
        return max(self._written.get(user, 0) for user in users)

    def has_replayed(self, replica: int, lsn: int, connection: Connection) -> bool:
        """True if a replica has replayed WAL up to ``lsn``, after a wait where the policy allows one."""
        if lsn <= self._replayed[replica]:
            return True
        began = time.monotonic()
        while True:
            self._replayed[replica] = max(self._replayed[replica], position(connection, "replayed_lsn"))
            waited_s = time.monotonic() - began
            if lsn <= self._replayed[replica]:
                self.counts.replica_waited(waited_s)
                return True
            if waited_s >= self.own_writes.seconds:
                self.counts.fell_back()
                return False
            gevent.sleep(min(POLL_S, self.own_writes.seconds - waited_s))

    def wrote(self, users: Sequence[int], connection: Connection) -> None:
        """Remember the position and time of a write of these users."""
        written = position(connection, "written_lsn")
        for user in users:
            self._written[user] = written
        if self.own_writes.kind == "sticky":
            self._wrote_at |= dict.fromkeys(users, time.monotonic())
        if len(self._written) > _FORGET_ABOVE:
            self._forget()

    def read(self, replica: int, lsn: int, connection: Connection) -> None:
        """Count a read from a replica as stale if the replica has not replayed WAL up to ``lsn`` even now."""
        if lsn <= self._replayed[replica]:
            return
        self._replayed[replica] = max(self._replayed[replica], position(connection, "replayed_lsn"))
        if lsn > self._replayed[replica]:
            self.counts.stale()

    def begins(self, server: int) -> None:
        """Count a read that is sent to a server."""
        self.counts.read_at(server)
        if server != PRIMARY:
            self._under_way[server] += 1

    def ends(self, server: int) -> None:
        """Count the end of a read on a server."""
        if server != PRIMARY:
            self._under_way[server] -= 1

    def not_reached(self, replica: int) -> None:
        """Leave a replica out for a while."""
        self._absent_until[replica] = time.monotonic() + RETRY_S
        self.counts.not_reached()

    def _sticks(self, user: int) -> bool:
        wrote_at = self._wrote_at.get(user)
        return wrote_at is not None and time.monotonic() - wrote_at < self.own_writes.seconds

    def _forget(self) -> None:
        everywhere = min(self._replayed)
        self._written = {user: lsn for user, lsn in self._written.items() if lsn > everywhere}
        self._wrote_at = {user: at for user, at in self._wrote_at.items() if self._sticks(user)}
