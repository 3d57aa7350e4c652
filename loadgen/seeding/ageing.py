"""Simulated months of use before as-of, by step and user. Every rate here is an assumption.

A fresh load is too perfect: rows in order, pages full, no dead rows. Ageing applies the application's updates to the
stored rows and leaves every value as it was, because each change is followed by its reverse. So two writes of the
application are one pair here. Visits follow the activity rank that also picks users for requests.
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
"""Visits of the mean user; Zipf over activity ranks, so that most users have none."""
_MOST_VISITS: Final = 16  # of one user in a step; more would all update the same few rows
RECALCULATES, SIMULATES, CHANGES_GOAL, SAVES_PROGRESS = 0.3, 0.1, 0.1, 0.3
"""Chance of a visit to write calculations, simulation results and calculations, some goals' status, some progress."""
_MOST_PAIRS: Final = 3  # of a user, kind and step

VACUUM_SHARE: Final = 0.2
VACUUM_ROWS: Final = 50
"""Dead rows that trigger autovacuum by default: a share of the table plus a constant (PostgreSQL manual)."""

_USERS_A_PART: Final = 10_000
_MESSAGES_A_PART: Final = 10_000
_STRIDE: Final = 1_000_000
_US_A_STEP: Final = 365.25 / 12 * 86_400_000_000 / STEPS_A_MONTH


@dataclass(frozen=True, slots=True)
class Step:
    """A quarter of a month of use: its parts in the ledger, then its closing part, after the vacuum."""

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
        """Begin and end of the step in microseconds; the last of ``months`` ends at as-of."""
        steps_left = months * STEPS_A_MONTH - self.number
        end = population.calendar.end_us
        return end - round(steps_left * _US_A_STEP), end - round((steps_left - 1) * _US_A_STEP)


def steps(months: int) -> list[Step]:
    """All steps of so many months, in order."""
    return [Step(number) for number in range(months * STEPS_A_MONTH)]


@dataclass(frozen=True, slots=True)
class Use:
    """Ids of the users of one part by what they do in its step; repeated actions are in rounds of their own."""

    visitors: Ints
    recalculate: tuple[Ints, ...]
    simulate: tuple[Ints, ...]
    change_goal: tuple[Ints, ...]
    save_progress: tuple[Ints, ...]


def entries(population: Population, months: int, messages: int) -> Iterator[Entry]:
    """The ledger's parts of ``months`` of use, of a load with so many ``messages``."""
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
    """Draw what the users of a part do; the same for every participant."""
    begin_us, _ = Step.of(entry).bounds_us(population, months)
    stream = Stream(population.seed, Part.AGEING, entry.chunk)
    ids = entry.first_ids["users"] + np.arange(entry.rows["users"])
    # Ids follow the order of sign-up; users who sign up later do nothing yet.
    signed_up = ids <= population.calendar.share_signed_up(np.array([begin_us]))[0] * population.users
    mean = np.minimum(visits_a_month(population, ids) / STEPS_A_MONTH, _MOST_VISITS / 2)
    visits = poisson_quantile(stream.random(len(ids)), mean, _MOST_VISITS) * signed_up

    def pairs(chance: float) -> tuple[Ints, ...]:
        times = (visits * chance / 2 + stream.random(len(ids))).astype(np.int64) * (visits > 0)
        rounds = (ids[times > number] for number in range(_MOST_PAIRS))
        return tuple(users for users in rounds if len(users))

    return Use(ids[visits > 0], pairs(RECALCULATES), pairs(SIMULATES), pairs(CHANGES_GOAL), pairs(SAVES_PROGRESS))


def visits_a_month(population: Population, ids: Ints) -> Floats:
    """Expected visits: Zipf over ranks, with the integral from 1/2 to users + 1/2 as its normalising sum."""
    exponent = 1 - YCSB_SKEW
    total = ((population.users + 0.5) ** exponent - 0.5**exponent) / exponent
    ranks = population.ranks.rank_of(ids).astype(np.float64)
    return np.asarray(VISITS_A_MONTH * population.users * ranks**-YCSB_SKEW / total)


def _messages_before(population: Population, moment_us: int, messages: int) -> int:
    calendar = population.calendar
    hours = (moment_us - calendar.start_us) / 3_600_000_000
    return int(messages * np.interp(hours, np.arange(len(calendar.chatted)), calendar.chatted))
