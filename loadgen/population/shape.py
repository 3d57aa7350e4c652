"""Shape of a population: amounts and distributions that it can take over from a production database.

``DEFAULT_SHAPE`` is the model's own. None of its figures has a published source: every one is an assumption.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Final, Literal

import numpy as np
import orjson

from capacity.arrays import Floats, Ints

MOST_MONTHS: Final = 120
"""Most months of history; older rows count in the first month."""
MOST_ROWS_A_USER: Final = 1_000_000
LONGEST_NOTES_BYTES: Final = 1 << 18
"""Longest notes in bytes: a chunk's notes of one column are a matrix in memory of 500 rows, 1.5 times as wide."""
_CELLS: Final = 1 << 14
"""Cells of a fan-out's table, which keeps shares of users to 0.006 %."""


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(rule)


def _is_share(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1


@dataclass(frozen=True)
class Poisson:
    """Poisson rows around a mean that depends on activity, cut off at ``most``."""

    mean: float
    most: int
    kind: Literal["poisson"] = "poisson"


@dataclass(frozen=True)
class ByChild:
    """At most a row for each child below 18, each with the same chance."""

    chance: float
    kind: Literal["by_child"] = "by_child"


@dataclass(frozen=True)
class ByWill:
    """At most one row, with a chance that depends on the existence of a will."""

    with_will: float
    without_will: float
    kind: Literal["by_will"] = "by_will"


@dataclass(frozen=True)
class Bucket:
    """Share of users who have ``least`` to ``most`` rows, and their mean; ``most`` is None if it is unknown."""

    least: int
    most: int | None
    share: float
    mean: float


@dataclass(frozen=True)
class Measured:
    """Measured rows per user: buckets in ascending order, whose shares add up to 1."""

    buckets: tuple[Bucket, ...]
    kind: Literal["measured"] = "measured"

    def __post_init__(self) -> None:
        _require(bool(self.buckets), "a measured fan-out has at least one bucket")
        _require(abs(sum(b.share for b in self.buckets) - 1) < 0.01, "shares of a fan-out's buckets add up to 1")
        before = -1
        for b in self.buckets:
            top = MOST_ROWS_A_USER if b.most is None else b.most
            _require(before < b.least <= b.mean <= top <= MOST_ROWS_A_USER, "a fan-out's buckets ascend, means inside")
            _require(_is_share(b.share), "a bucket's share is between 0 and 1")
            before = top

    @property
    def mean(self) -> float:
        return sum(b.share * b.mean for b in self.buckets)

    @property
    def most(self) -> int:
        return int(_descending(self)[0])

    def rows_at(self, places: Floats) -> Ints:
        """Rows of users at these quantiles, 0 … 1, the users with the most rows first."""
        return np.asarray(_descending(self)[(places * _CELLS).astype(np.int64)])

    def share_with(self, rows: int) -> float:
        """Share of users with at least so many rows."""
        return float((_descending(self) >= rows).mean())


@dataclass(frozen=True)
class ChatShape:
    """Shape of chat: its amount, and its writers (Zipf over the activity ranks of those who ever write)."""

    messages_per_user: float = 4.0
    skew: float = 0.6
    """Zipf exponent, lower than that of requests: nobody writes a tenth of all messages."""
    silent: float = 0.0
    """Share of users, the least active, who never write."""
    unanswered: float = 0.01
    """Share of messages whose response is NULL."""

    def __post_init__(self) -> None:
        _require(0 <= self.messages_per_user <= MOST_ROWS_A_USER, "messages per user are between 0 and a million")
        _require(0 <= self.skew <= 3, "the skew of chat is between 0 and 3")
        _require(_is_share(self.silent) and self.silent < 1, "the silent share of users is at least 0 and below 1")
        _require(_is_share(self.unanswered), "the share of unanswered messages is between 0 and 1")

    def total_messages(self, users: int) -> int:
        """Number of messages of a population."""
        return round(self.messages_per_user * users)

    def writers(self, users: int) -> int:
        """Number of users who ever write, the most active; at least one."""
        return max(1, round((1 - self.silent) * users))


@dataclass(frozen=True)
class Notes:
    """Text added to a column's values: mean bytes in each that is not NULL."""

    table: str
    column: str
    mean_bytes: int

    def __post_init__(self) -> None:
        _require(0 < self.mean_bytes <= LONGEST_NOTES_BYTES, f"notes have 1 to {LONGEST_NOTES_BYTES} bytes")


@dataclass(frozen=True)
class DocumentShape:
    """Shape of the JSONB documents: shares of missing ones, and widths."""

    not_simulated: float = 0.35
    """Share of profiles without ``monte_carlo_results``."""
    summary: float = 0.40
    full: float = 0.20
    paths: float = 0.05
    """Shares of profiles whose simulation has this detail. They decide which rows pass the TOAST threshold of 2 KB: the
    other documents take 1.9 KB, so profiles without results stay whole in the heap, and results of nearly every detail
    and length move out of it."""
    optimised: float = 0.45
    """Share of the simulated profiles that have ``optimization_variables``; the others have none."""
    notes: tuple[Notes, ...] = ()

    def __post_init__(self) -> None:
        mix = (self.not_simulated, self.summary, self.full, self.paths)
        _require(all(map(_is_share, (*mix, self.optimised))), "shares of documents are between 0 and 1")
        _require(abs(sum(mix) - 1) < 1e-6, "shares of not_simulated, summary, full and paths add up to 1")

    def notes_bytes(self, table: str, column: str) -> int:
        """Mean bytes of notes in each value of this column; 0 for none."""
        return sum(n.mean_bytes for n in self.notes if (n.table, n.column) == (table, column))


@dataclass(frozen=True)
class Shape:
    """Shape of a population. Raises ValueError for figures that no population can have."""

    users: int | None = None
    """Number of users of the database that the shape was measured on; None for the built-in shape."""
    dormant: float = 0.30
    """Share of dormant users, the least active, who filled in their profile and left; they have no rows but chat."""
    activity_skew: float = 0.5
    """Exponent by which rows per user fall with rank, lower than that of requests: not every visit adds rows."""
    goals: Poisson | Measured = Poisson(2.2, 12)
    user_achievements: Poisson | Measured = Poisson(3.0, 24)
    user_progress: Poisson | Measured = Poisson(3.5, 10)
    education_goals: ByChild | Measured = ByChild(0.45)
    estate_plans: ByWill | Measured = ByWill(0.55, 0.06)
    chat: ChatShape = ChatShape()
    documents: DocumentShape = DocumentShape()
    sign_ups: tuple[float, ...] = ()
    """Share of all users by complete month, oldest first, up to the month before as-of; empty: the model's growth."""
    chat_by_month: tuple[float, ...] = ()
    """Share of all messages by the last of the same months; empty: as many as there are users, with the seasons."""

    def __post_init__(self) -> None:
        _require(self.users is None or self.users > 0, "there is at least one user")
        _require(_is_share(self.dormant) and self.dormant < 1, "the dormant share is at least 0 and below 1")
        _require(0 <= self.activity_skew < 1, "the skew of activity is at least 0 and below 1")
        for months in (self.sign_ups, self.chat_by_month):
            _require(len(months) <= MOST_MONTHS, f"there are at most {MOST_MONTHS} months")
            _require(all(map(_is_share, months)), "shares of months are between 0 and 1")
            _require(not months or abs(sum(months) - 1) < 0.01, "shares of months add up to 1")
        _require(len(self.chat_by_month) <= len(self.sign_ups), "chat has no more months than sign-ups")

    def to_json(self) -> str:
        """Canonical JSON of the shape: keys in order, no blanks, whole numbers without a fraction."""
        return orjson.dumps(_spelled(asdict(self)), option=orjson.OPT_SORT_KEYS).decode()

    @staticmethod
    def from_json(text: str | bytes, source: str = "the shape") -> Shape:
        """Inverse of :meth:`to_json`. Raises UsageError that names ``source`` and the first field that is wrong."""
        from loadgen.runs.documents import parse

        return parse(Shape, text, source)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON: equal shapes give equal rows."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _spelled(value: object) -> object:
    if isinstance(value, dict):
        return {key: _spelled(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _descending(fan_out: Measured) -> Ints:
    """Rows of users at the middles of equal cells of the population, the most rows first."""
    edges = np.rint(_CELLS * np.cumsum([0.0, *(b.share for b in fan_out.buckets)]) / _total(fan_out)).astype(np.int64)
    cells = [_spread(b, int(n)) for b, n in zip(fan_out.buckets, np.diff(edges), strict=True)]
    return np.concatenate(cells)[::-1].copy()


def _total(fan_out: Measured) -> float:
    return sum(b.share for b in fan_out.buckets)


def _spread(bucket: Bucket, cells: int) -> Ints:
    """Ascending rows of a bucket's users, whose mean is the bucket's.

    Between two bounds a power of the place has that mean; an open end falls off exponentially.
    """
    place = (np.arange(cells) + 0.5) / cells if cells else np.zeros(0)
    above = bucket.mean - bucket.least
    if above <= 0 or bucket.most == bucket.least:
        rows: Floats = np.full(cells, float(bucket.least))
    elif bucket.most is None:
        rows = bucket.least - above * np.log1p(-place)
    else:
        width = bucket.most - bucket.least
        rows = bucket.least + width * place ** ((width - above) / above)
    # Whole numbers that keep the sum: rounding errors are carried over to the next.
    whole = np.diff(np.floor(np.cumsum(np.concatenate([[0.5], rows]))))
    top = MOST_ROWS_A_USER if bucket.most is None else bucket.most
    return np.sort(np.clip(whole, bucket.least, top)).astype(np.int64)


def as_shares(counts: Iterable[float]) -> tuple[float, ...]:
    """Convert counts to shares of their sum, rounded to six digits."""
    values = list(counts)
    whole = sum(values)
    return tuple(float(f"{count / whole:.6g}") for count in values) if whole else ()


DEFAULT_SHAPE: Final = Shape()
