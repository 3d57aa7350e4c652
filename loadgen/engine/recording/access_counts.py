"""Counts of connections, waits and routing in the current second, which the recorder writes beside the latencies."""

from __future__ import annotations

from collections import Counter

from loadgen.runs import histogram, spool


class AccessCounts:
    """Counts of one process; :meth:`take` empties it."""

    def __init__(self) -> None:
        self._connect = histogram.Recorder()
        self._pool_wait = histogram.Recorder()
        self._replica_wait = histogram.Recorder()
        self._begin()

    def connected(self, seconds: float) -> None:
        """Count a connection that was opened."""
        self._connect.record_us(round(seconds * 1e6))
        self._any = True

    def pool_waited(self, seconds: float) -> None:
        """Count a transaction that got a connection of a pool, with its wait."""
        self._pool_wait.record_us(round(seconds * 1e6))
        self._any = True

    def read_at(self, server: int) -> None:
        """Count a read-only transaction by server: -1 for the primary, else the replica's place."""
        self._reads[server] += 1
        self._any = True

    def replica_waited(self, seconds: float) -> None:
        """Count a read's wait for a replica to replay its user's last write."""
        self._replica_wait.record_us(round(seconds * 1e6))
        self._any = True

    def fell_back(self) -> None:
        """Count a read that went to the primary because of its user's last write."""
        self._fallbacks += 1
        self._any = True

    def not_reached(self) -> None:
        """Count a read that went to the primary because its replica could not be reached."""
        self._unreachable += 1
        self._any = True

    def stale(self) -> None:
        """Count a read that missed its user's last write."""
        self._stale += 1
        self._any = True

    def killed(self) -> None:
        """Count a transaction that was under way when its user was killed."""
        self._killed += 1
        self._any = True

    def take(self) -> spool.AccessTally | None:
        """Return the counts since the last call, None if there are none, and start again."""
        if not self._any:
            return None
        tally = spool.AccessTally(
            connect=self._connect.take(),
            pool_wait=self._pool_wait.take(),
            replica_wait=self._replica_wait.take(),
            reads=dict(self._reads),
            fallbacks=self._fallbacks,
            unreachable=self._unreachable,
            stale=self._stale,
            killed=self._killed,
        )
        self._begin()
        return tally

    def _begin(self) -> None:
        self._reads = Counter[int]()
        self._fallbacks = self._unreachable = self._stale = self._killed = 0
        self._any = False
