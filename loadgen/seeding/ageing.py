"""Months of use before as-of: who does what in which of them. Every rate here is an assumption.

A fresh load is too perfect: rows in order, pages full, no dead versions. Ageing plays what the application does to
rows that are there, and leaves every value as it was: a change is followed by its reverse. So two writes of the
application are one pair here. What visitors do follows the activity rank that also picks users for requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.population.activity import YCSB_SKEW
from loadgen.population.model import Population
from loadgen.population.streams import Part, Stream, poisson_quantile
from loadgen.seeding import ledger
from loadgen.seeding.ledger import Entry

MOST_MONTHS: Final = 24

STEPS_A_MONTH: Final = 4
VISITS_A_MONTH: Final = 1.0
"""Of the mean user; Zipf over activity ranks, so that most have none."""
_MOST_VISITS: Final = 16  # of one user and step that count: the first ranks' would all fall on the same few rows
RECALCULATES, SIMULATES, CHANGES_GOAL, SAVES_PROGRESS = 0.3, 0.1, 0.1, 0.3
"""Chance that a visit writes calculations, simulation results and calculations, some goals' status, some progress."""
_MOST_PAIRS: Final = 3  # of a user, kind and step

VACUUM_SHARE: Final = 0.2
VACUUM_ROWS: Final = 50
"""Dead rows, as a share of the table and on top of it, at which autovacuum comes by default (PostgreSQL manual)."""

_USERS_A_PART: Final = 10_000
_MESSAGES_A_PART: Final = 10_000
_STRIDE: Final = 1_000_000
_US_A_STEP: Final = 365.25 / 12 * 86_400_000_000 / STEPS_A_MONTH


@dataclass(frozen=True, slots=True)
class Step:
    """A quarter of a month of use: its parts in the ledger, then its closing part, when autovacuum has been by."""

    number: int

    @property
    def first(self) -> int:
        return self.number * _STRIDE

    @property
    def last(self) -> int:
        return self.closing - 1

    @property
    def closing(self) -> int:
        return (self.number + 1) * _STRIDE - 1

    @staticmethod
    def of(entry: Entry) -> Step:
        """The step that a chunk of the ledger belongs to."""
        return Step(entry.chunk // _STRIDE)

    def bounds_us(self, population: Population, months: int) -> tuple[int, int]:
        """The first step of ``months`` begins so long before as-of, and the last ends there."""
        left = months * STEPS_A_MONTH - self.number
        end = population.calendar.end_us
        return end - round(left * _US_A_STEP), end - round((left - 1) * _US_A_STEP)


def steps(months: int) -> list[Step]:
    """Of so many months, in order."""
    return [Step(number) for number in range(months * STEPS_A_MONTH)]


@dataclass(frozen=True, slots=True)
class Use:
    """What the users of one part do in its step: ids, those who do it twice twice in rounds of their own."""

    visitors: Ints
    recalculate: tuple[Ints, ...]
    simulate: tuple[Ints, ...]
    change_goal: tuple[Ints, ...]
    save_progress: tuple[Ints, ...]


def entries(population: Population, months: int, messages: int) -> Iterator[Entry]:
    """The ledger's parts of ``months`` of use; ``messages`` in all."""
    for step in steps(months):
        chunk = step.first
        for first in range(1, population.users + 1, _USERS_A_PART):
            users = min(_USERS_A_PART, population.users + 1 - first)
            yield Entry(ledger.Part.AGEING, chunk, {"users": first}, {"users": users})
            chunk += 1
        # Ids of messages follow their time.
        begin, end = (_messages_before(population, us, messages) for us in step.bounds_us(population, months))
        for first in range(begin + 1, end + 1, _MESSAGES_A_PART):
            count = min(_MESSAGES_A_PART, end + 1 - first)
            yield Entry(ledger.Part.AGEING, chunk, {"chat_messages": first}, {"chat_messages": count})
            chunk += 1
        assert chunk <= step.closing
        yield Entry(ledger.Part.AGEING, step.closing, {}, {})


def use(population: Population, entry: Entry, months: int) -> Use:
    """What the users of a part do: the same whoever asks."""
    begin_us, _ = Step.of(entry).bounds_us(population, months)
    stream = Stream(population.seed, Part.AGEING, entry.chunk)
    ids = entry.first_ids["users"] + np.arange(entry.rows["users"])
    # Ids follow the order of sign-up: who comes later does nothing yet.
    there = ids <= population.calendar.share_signed_up(np.array([begin_us]))[0] * population.users
    mean = np.minimum(visits_a_month(population, ids) / STEPS_A_MONTH, _MOST_VISITS / 2)
    visits = poisson_quantile(stream.random(len(ids)), mean, _MOST_VISITS) * there

    def pairs(chance: float) -> tuple[Ints, ...]:
        times = (visits * chance / 2 + stream.random(len(ids))).astype(np.int64) * (visits > 0)
        rounds = (ids[times > done] for done in range(_MOST_PAIRS))
        return tuple(who for who in rounds if len(who))

    return Use(ids[visits > 0], pairs(RECALCULATES), pairs(SIMULATES), pairs(CHANGES_GOAL), pairs(SAVES_PROGRESS))


def visits_a_month(population: Population, ids: Ints) -> Floats:
    """Expected visits: Zipf over ranks, its normalising sum by the integral from 1/2 to users + 1/2."""
    rest = 1 - YCSB_SKEW
    total = ((population.users + 0.5) ** rest - 0.5**rest) / rest
    ranks = population.ranks.rank_of(ids).astype(np.float64)
    return np.asarray(VISITS_A_MONTH * population.users * ranks**-YCSB_SKEW / total)


def _messages_before(population: Population, moment_us: int, messages: int) -> int:
    calendar = population.calendar
    hours = (moment_us - calendar.start_us) / 3_600_000_000
    return int(messages * np.interp(hours, np.arange(len(calendar.chatted)), calendar.chatted))
