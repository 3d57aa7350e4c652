"""Restarts of a server during a run, their kind, and servers that are gone (pure).

The postmaster's start time changes with every restart, but not when a backend's crash makes it restart its children.
Both kinds of crash, and an immediate shutdown, reset the cumulative statistics, which an orderly shutdown keeps. True
of PostgreSQL 14 to 18, primaries and standbys.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from loadgen.runs.format.verdict import Reason

INTENDED: Final = "if intended: loadgen run --faults-expected"


@dataclass(frozen=True, slots=True)
class Start:
    """Times of a server's start and of its last reset of statistics, in seconds since 1970 by its clock."""

    started_s: float
    statistics_since_s: float | None


@dataclass(frozen=True, slots=True)
class Presence:
    """A stretch of the monotonic clock over which the same start of a server answered."""

    start: Start
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Loss:
    """A session that ended or was refused at a time on the monotonic clock, with the first line of its error.

    ``answered``: the server itself refused it, so the server is up.
    """

    at: float
    error: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """Presences and losses of one server, in order."""

    presences: Sequence[Presence]
    losses: Sequence[Loss]

    def faults(self, begin: float, end: float, *, server: str = "server") -> tuple[Reason, ...]:
        """Reasons for restarts between two instants, and for a server that went away by the second and stayed away.

        ``server``: its name in messages, "server" or "replica 1".
        """
        kind = server.split(maxsplit=1)[0]
        restarts = [restart for before, after in pairwise(self.presences) if before.until < end and after.since > begin
                    and (restart := self._restart(before, after)) is not None]  # fmt: skip
        reasons = []
        if restarts:
            more = f", and {len(restarts) - 1} times more" if len(restarts) > 1 else ""
            do = f"see the {kind}'s log, and run it again; {INTENDED}"
            reasons.append(Reason(f"{kind}_restarted", f"{server} restarted at {restarts[0]}{more}", do))
        last_seen = self.presences[-1].until if self.presences else math.inf
        gone = [loss for loss in self.losses if loss.at > last_seen]
        if gone and gone[0].at <= end and not any(loss.answered for loss in gone):
            what = f"{server} gone since {clock(gone[0].at)}: {gone[0].error}"
            reasons.append(
                Reason(f"{kind}_gone", what, f"start the {kind} again, see its log, and repeat the run; {INTENDED}")
            )
        return tuple(reasons)

    def _restart(self, before: Presence, after: Presence) -> str | None:
        """Describe the restart between two presences; None if only the statistics were reset."""
        kept = before.start.statistics_since_s == after.start.statistics_since_s
        if before.start.started_s != after.start.started_s:
            how = "shut down in order" if kept else "after a crash or an immediate shutdown"
            return f"{_utc(after.start.started_s)} ({how})"
        if any(before.until < loss.at < after.since for loss in self.losses):
            return f"{_utc(after.start.statistics_since_s or after.start.started_s)} (crash of a backend)"
        return None


def clock(at: float) -> str:
    """Time of day of an instant of the monotonic clock."""
    return _utc(time.time() - (time.monotonic() - at))


def _utc(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%H:%M:%S} UTC"
