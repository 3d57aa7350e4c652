"""What the child leaves for its parent while a run goes on: a line of JSON per second, appended as it happens.

A child that is killed leaves every second up to then. The parent turns the lines into the record and deletes them.
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
from loadgen.runs.histogram import EMPTY, Histogram, kept, merge
from loadgen.runs.hlog import Measure

SERVICE: Final = "service"
LAG: Final = "lag"
RESPONSE: Final = "response"
CENSORED: Final = "censored"


@dataclass(frozen=True, slots=True)
class OpenTally:
    """What only an open load has. ``ended`` and ``failed`` by the second of the answer, all else by that meant."""

    ended: int = 0
    failed: int = 0
    late: int = 0
    """Sent late, or not at all."""
    waited: int = 0
    """Sent, after all connections had been busy."""
    dropped: int = 0
    """Past the late limit, never sent."""
    unsent: int = 0
    """Still waiting when the drain ended."""
    unfinished: int = 0
    """Sent, and not answered when the drain ended."""

    def plus(self, other: OpenTally) -> OpenTally:
        """Both together."""
        return OpenTally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Tally:
    """One second of one transaction or statement.

    ``errors`` by SQLSTATE are among ``calls``. ``histograms`` by latency: service, lag and response of a transaction,
    service of a statement. A closed load's transactions belong to the second of their answer, an open load's to that
    in which they were meant to be sent.
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
        """Of those, the ones that failed."""
        return sum(self.errors.values()) if self.open is None else self.open.failed

    def histogram(self, latency: Measure) -> Histogram:
        """That latency's values; empty when none was recorded."""
        return self.histograms.get(latency, EMPTY)


@dataclass(frozen=True, slots=True)
class AccessTally:
    """How transactions got their connections within one second; reads are transactions that only read."""

    connect: Histogram = EMPTY
    pool_wait: Histogram = EMPTY
    replica_wait: Histogram = EMPTY
    reads: dict[int, int] = field(default_factory=dict)
    """By server: -1 the primary, others by their place among the replicas."""
    fallbacks: int = 0
    unreachable: int = 0
    stale: int = 0
    killed: int = 0
    """Transactions that were under way when their user was ended."""

    def plus(self, other: AccessTally) -> AccessTally:
        """Both together."""
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
    """Everything that ended within one second; ``at`` is its start on the monotonic clock."""

    at: float
    users: int
    retries: int
    transactions: dict[str, Tally]
    statements: dict[str, Tally]
    hub_lag: Histogram
    error_examples: dict[str, str] = field(default_factory=dict)
    """By SQLSTATE that was seen for the first time: the message."""
    first_error: FirstError | None = None
    own_lag: Histogram = EMPTY
    """Of an open load, by how much arrivals were sent late although a connection was free: the generator's doing."""
    backlog: int = 0
    """Of an open load, the most arrivals that were due and waited for a connection; ``backlog_end``: at its end."""
    backlog_end: int = 0
    access: AccessTally | None = None
    """None: nothing of it happened."""


_SECOND: Final = TypeAdapter(Second)


def spool_name(process: int | str) -> str:
    """The file of one process's seconds, in a run's directory; of "*" a pattern of all of them."""
    return f"seconds-{process}.jsonl"


class Line:
    """A line of the spool that is encoded in pieces: a whole second at once takes longer than a transaction."""

    def __init__(self, second: Second) -> None:
        self._second = second
        self._transactions: dict[str, orjson.Fragment] = {}
        self._statements: dict[str, orjson.Fragment] = {}

    def transaction(self, name: str, tally: Tally) -> None:
        """Add a transaction to those of the second."""
        self._transactions[name] = _encoded(tally)

    def statement(self, name: str, tally: Tally) -> None:
        """Add a statement."""
        self._statements[name] = _encoded(tally)

    def encoded(self) -> bytes:
        """The line, with its end."""
        whole = {f.name: getattr(self._second, f.name) for f in fields(self._second)}
        return _dumped(whole | {"transactions": self._transactions, "statements": self._statements}) + b"\n"


def _encoded(tally: Tally) -> orjson.Fragment:
    return orjson.Fragment(_dumped(tally))


def _dumped(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def read(path: Path) -> Iterator[Second]:
    """The seconds of a spool in order; a last line cut off by a kill is left out.

    Of an open load a second may have several lines: what was meant for it and is answered later comes later.
    """
    if not path.exists():
        return
    by_start: dict[float, Second] = {}
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                second = _kept(_SECOND.validate_json(line))
                earlier = by_start.get(second.at)
                by_start[second.at] = second if earlier is None else together(earlier, second)
    yield from (by_start[at] for at in sorted(by_start))


def _kept(second: Second) -> Second:
    """The same in the least memory: all seconds of a run are held together while it is summed up."""
    return replace(
        second,
        transactions={name: _tally_kept(tally) for name, tally in second.transactions.items()},
        statements={name: _tally_kept(tally) for name, tally in second.statements.items()},
        hub_lag=kept(second.hub_lag),
        own_lag=kept(second.own_lag),
    )


def _tally_kept(tally: Tally) -> Tally:
    return replace(tally, histograms={of: kept(one) for of, one in tally.histograms.items()})


def together(one: Second, other: Second) -> Second:
    """Two parts of the same second of one process as one."""
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
    """The one that came first."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda error: error.at_s)


def beside(one: Second, other: Second) -> Second:
    """The same second of two processes: what they had at the same time adds up."""
    return replace(
        together(one, other),
        users=one.users + other.users,
        backlog=one.backlog + other.backlog,  # at most: they need not have had it at the same moment
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
