"""Whether a server stayed up while it was watched: restarts and their kind, and a server that is gone (pure).

The postmaster's start time changes with every restart, but not when it only starts its processes anew because one of
them crashed. Both kinds of crash, and an immediate shutdown, throw the cumulative statistics away, which an orderly
shutdown keeps. True of PostgreSQL 14 to 18, primaries and standbys.
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
    """One start of a server, in seconds since 1970 by the server's clock."""

    started_s: float
    statistics_since_s: float | None


@dataclass(frozen=True, slots=True)
class Presence:
    """A time on the monotonic clock over which the same start of a server answered."""

    start: Start
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Loss:
    """A session that ended, or could not be had, at a time on the monotonic clock; ``words`` are the last heard.

    ``answered``: the server itself refused, so that it is there.
    """

    at: float
    words: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What was seen of one server, in order."""

    presences: Sequence[Presence]
    losses: Sequence[Loss]

    def faults(self, begin: float, end: float, *, server: str = "server") -> tuple[Reason, ...]:
        """Restarts between two instants, and a server that was away at the end of them and did not come back.

        ``server``: "server" or "replica 1", as messages call it.
        """
        kind = server.split(maxsplit=1)[0]
        restarts = [how for one, two in pairwise(self.presences) if one.until < end and two.since > begin
                    and (how := self._restart(one, two)) is not None]  # fmt: skip
        found = []
        if restarts:
            more = f", and {len(restarts) - 1} times more" if len(restarts) > 1 else ""
            do = f"see the {kind}'s log, and run it again; {INTENDED}"
            found.append(Reason(f"{kind}_restarted", f"{server} restarted at {restarts[0]}{more}", do))
        seen_until = self.presences[-1].until if self.presences else math.inf
        gone = [loss for loss in self.losses if loss.at > seen_until]
        if gone and gone[0].at <= end and not any(loss.answered for loss in gone):
            what = f"{server} gone since {clock(gone[0].at)}: {gone[0].words}"
            found.append(
                Reason(f"{kind}_gone", what, f"start the {kind} again, see its log, and repeat the run; {INTENDED}")
            )
        return tuple(found)

    def _restart(self, one: Presence, two: Presence) -> str | None:
        """When and how the server restarted between two presences; None: only its statistics were reset."""
        kept = one.start.statistics_since_s == two.start.statistics_since_s
        if one.start.started_s != two.start.started_s:
            how = "shut down in order" if kept else "after a crash or an immediate shutdown"
            return f"{_utc(two.start.started_s)} ({how})"
        if any(one.until < loss.at < two.since for loss in self.losses):
            return f"{_utc(two.start.statistics_since_s or two.start.started_s)} (crash of a backend)"
        return None


def clock(at: float) -> str:
    """The time of day of an instant of the monotonic clock."""
    return _utc(time.time() - (time.monotonic() - at))


def _utc(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%H:%M:%S} UTC"
