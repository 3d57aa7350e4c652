"""The spool: a line of JSON a second, which a child appends during a run for its parent.

A child that is killed leaves the seconds until then. The parent turns the lines into the record and deletes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen.runs.format.result import FirstError
from loadgen.runs.histogram import EMPTY, Histogram, compact, merge
from loadgen.runs.hlog import Measure

SERVICE: Final = "service"
LAG: Final = "lag"
RESPONSE: Final = "response"
CENSORED: Final = "censored"


@dataclass(frozen=True, slots=True)
class OpenTally:
    """Counts of an open load: ``ended`` and ``failed`` by second of the answer, the others by intended second."""

    ended: int = 0
    failed: int = 0
    late: int = 0
    """Arrivals sent late or never."""
    waited: int = 0
    """Arrivals sent after all connections had been busy."""
    dropped: int = 0
    """Arrivals past the late limit, never sent."""
    unsent: int = 0
    """Arrivals still waiting when the drain ended."""
    unfinished: int = 0
    """Arrivals sent and not answered when the drain ended."""

    def plus(self, other: OpenTally) -> OpenTally:
        """Sum of two tallies."""
        return OpenTally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and latencies of one transaction or statement in one second.

    ``calls`` include ``errors``, by SQLSTATE. ``histograms`` are by latency: service, lag and response of a
    transaction, service of a statement. A transaction belongs to the second of its answer in a closed load, to its
    intended second in an open one.
    """

    calls: int
    rows: int
    errors: dict[str, int]
    histograms: dict[Measure, Histogram]
    open: OpenTally | None = None

    @property
    def ended(self) -> int:
        """Transactions that were answered within this second."""
        return self.calls if self.open is None else self.open.ended

    @property
    def failed(self) -> int:
        """Transactions that were answered with an error within this second."""
        return sum(self.errors.values()) if self.open is None else self.open.failed

    def histogram(self, latency: Measure) -> Histogram:
        """Values of one latency; empty when none was recorded."""
        return self.histograms.get(latency, EMPTY)


@dataclass(frozen=True, slots=True)
class AccessTally:
    """Access of one second: connections opened, waits, and where read-only transactions (reads) went."""

    connect: Histogram = EMPTY
    pool_wait: Histogram = EMPTY
    replica_wait: Histogram = EMPTY
    reads: dict[int, int] = field(default_factory=dict)
    """Reads by server: -1 is the primary, others are places among the replicas."""
    fallbacks: int = 0
    unreachable: int = 0
    stale: int = 0
    killed: int = 0
    """Transactions that were under way when their user was ended."""

    def plus(self, other: AccessTally) -> AccessTally:
        """Sum of two tallies."""
        return AccessTally(
            connect=merge((self.connect, other.connect)),
            pool_wait=merge((self.pool_wait, other.pool_wait)),
            replica_wait=merge((self.replica_wait, other.replica_wait)),
            reads=dict(Counter(self.reads) + Counter(other.reads)),
            fallbacks=self.fallbacks + other.fallbacks,
            unreachable=self.unreachable + other.unreachable,
            stale=self.stale + other.stale,
            killed=self.killed + other.killed,
        )


@dataclass(frozen=True, slots=True)
class Second:
    """One second of one process; ``at`` is its start on the monotonic clock."""

    at: float
    users: int
    retries: int
    transactions: dict[str, Tally]
    statements: dict[str, Tally]
    hub_lag: Histogram
    error_examples: dict[str, str] = field(default_factory=dict)
    """Messages by SQLSTATE, of states that had not occurred before."""
    first_error: FirstError | None = None
    own_lag: Histogram = EMPTY
    """Lag of an open load's arrivals that were sent late although a connection was free: the generator's own."""
    backlog: int = 0
    """Most arrivals of an open load that waited for a connection; ``backlog_end``: at the end of the second."""
    backlog_end: int = 0
    access: AccessTally | None = None
    """Access; None if nothing was opened, waited for or routed."""


_SECOND: Final = TypeAdapter(Second)


def spool_name(process: int | str) -> str:
    """Name of one process's spool in a run's directory; "*" gives the pattern of all."""
    return f"seconds-{process}.jsonl"


class Line:
    """A line of the spool, encoded in pieces: a whole second at once would delay transactions."""

    def __init__(self, second: Second) -> None:
        self._second = second
        self._transactions: dict[str, orjson.Fragment] = {}
        self._statements: dict[str, orjson.Fragment] = {}

    def transaction(self, name: str, tally: Tally) -> None:
        """Add the tally of a transaction."""
        self._transactions[name] = _encoded(tally)

    def statement(self, name: str, tally: Tally) -> None:
        """Add the tally of a statement."""
        self._statements[name] = _encoded(tally)

    def encoded(self) -> bytes:
        """The encoded line, with its newline."""
        members = {f.name: getattr(self._second, f.name) for f in fields(self._second)}
        return _dumped(members | {"transactions": self._transactions, "statements": self._statements}) + b"\n"


def _encoded(tally: Tally) -> orjson.Fragment:
    return orjson.Fragment(_dumped(tally))


def _dumped(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def read(path: Path) -> Iterator[Second]:
    """Read the seconds of a spool in order; a last line cut off by a kill is left out.

    A second of an open load may have several lines, since arrivals meant for it may be answered later.
    """
    if not path.exists():
        return
    by_start: dict[float, Second] = {}
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                second = _compact_second(_SECOND.validate_json(line))
                earlier = by_start.get(second.at)
                by_start[second.at] = second if earlier is None else merge_parts(earlier, second)
    yield from (by_start[at] for at in sorted(by_start))


def _compact_second(second: Second) -> Second:
    """Copy a second into the least memory: a summary holds all seconds of a run."""
    return replace(
        second,
        transactions={name: _compact_tally(tally) for name, tally in second.transactions.items()},
        statements={name: _compact_tally(tally) for name, tally in second.statements.items()},
        hub_lag=compact(second.hub_lag),
        own_lag=compact(second.own_lag),
    )


def _compact_tally(tally: Tally) -> Tally:
    return replace(tally, histograms={measure: compact(histogram) for measure, histogram in tally.histograms.items()})


def merge_parts(one: Second, other: Second) -> Second:
    """Combine two parts of the same second of one process."""
    return Second(
        at=one.at,
        users=max(one.users, other.users),
        retries=one.retries + other.retries,
        transactions=_merged(one.transactions, other.transactions),
        statements=_merged(one.statements, other.statements),
        hub_lag=merge((one.hub_lag, other.hub_lag)),
        error_examples={**other.error_examples, **one.error_examples},
        first_error=earlier(one.first_error, other.first_error),
        own_lag=merge((one.own_lag, other.own_lag)),
        backlog=max(one.backlog, other.backlog),
        backlog_end=max(one.backlog_end, other.backlog_end),
        access=one.access.plus(other.access) if one.access and other.access else one.access or other.access,
    )


def earlier(one: FirstError | None, other: FirstError | None) -> FirstError | None:
    """The earlier of two errors."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda error: error.at_s)


def merge_processes(one: Second, other: Second) -> Second:
    """Combine the same second of two processes: users and backlogs add up."""
    return replace(
        merge_parts(one, other),
        users=one.users + other.users,
        backlog=one.backlog + other.backlog,  # an upper bound: the maxima may be at different moments
        backlog_end=one.backlog_end + other.backlog_end,
    )


def _merged(one: dict[str, Tally], other: dict[str, Tally]) -> dict[str, Tally]:
    merged = dict(one)
    for name, tally in other.items():
        merged[name] = _sum(one[name], tally) if name in one else tally
    return merged


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(
        calls=one.calls + other.calls,
        rows=one.rows + other.rows,
        errors=dict(Counter(one.errors) + Counter(other.errors)),
        histograms={
            measure: merge((one.histogram(measure), other.histogram(measure)))
            for measure in {**one.histograms, **other.histograms}
        },
        open=one.open.plus(other.open) if one.open and other.open else one.open or other.open,
    )
