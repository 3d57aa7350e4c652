"""A population, of which any part can be generated alone: chunks of users, then slices of chat.

A part's rows depend only on the population's keys (users, seed, as-of, chunk size, shape) and on the part's number, not
on the process, the time or the order of generation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.population import estates, plans, vocabulary
from loadgen.population.activity import ActivityRanks
from loadgen.population.calendar import Calendar, make_calendar
from loadgen.population.chat import ChatSlice, chat_messages
from loadgen.population.chunk import Chunk
from loadgen.population.columns import Column, Kind, Rows
from loadgen.population.documents import People, profile_documents
from loadgen.population.fanouts import FanOuts, activity_quantile, draw_fanouts
from loadgen.population.finances import NO_INCOME_TAX, derive_finances
from loadgen.population.household.families import MOST_CHILDREN, Families, draw_families
from loadgen.population.household.households import draw_households
from loadgen.population.notes import with_notes
from loadgen.population.shape import DEFAULT_SHAPE, Shape
from loadgen.population.streams import Part, Stream
from loadgen.population.vocabulary import STATES, pools

MODEL_VERSION: Final = "2"
"""Version of the rows, which changes with any of them. Data of two versions are not compared, nor a load resumed."""

CHUNK_USERS: Final = 1_000
_CHUNK_SIZES: Final = (4_000, 2_000)
"""Users of a chunk in larger loads. More would save little, and cost memory and work when a participant dies."""
_CHUNKS: Final = 12
"""Least number of such chunks, so that a few jobs end at nearly the same time."""
SLICE_MESSAGES: Final = 10_000

CHUNK_TABLES: Final = (
    "users", "financial_profiles", "goals", "education_goals", "estate_plans", "user_achievements", "user_progress",
)  # fmt: skip
"""Tables filled by chunks of users, in this order; ``chat_messages`` is filled by slices of time."""

_TAXED: Final = np.array([state not in NO_INCOME_TAX for state in STATES])


def chunk_users_of(users: int) -> int:
    """Chunk size of a load of so many users. Larger chunks take less work a user, smaller ones spread it better."""
    return next((size for size in _CHUNK_SIZES if users >= _CHUNKS * size), CHUNK_USERS)


@dataclass(frozen=True)
class ChunkRows:
    """Rows of a chunk, and the number of its households with a true net worth below zero (stored as 0)."""

    tables: tuple[Rows, ...]
    below_water: int


@dataclass(frozen=True)
class Population:
    """Households of ``users`` users at the beginning of the day ``as_of`` (UTC)."""

    users: int
    seed: int
    as_of: dt.date
    chunk_users: int = CHUNK_USERS
    shape: Shape = DEFAULT_SHAPE

    @property
    def chunks(self) -> int:
        return -(-self.users // self.chunk_users)

    @cached_property
    def ranks(self) -> ActivityRanks:
        return ActivityRanks(self.users, self.seed)

    @cached_property
    def calendar(self) -> Calendar:
        return make_calendar(self.seed, self.as_of, self.shape)

    def chat_slice(self, number: int) -> ChatSlice:
        """Slice of this number, from 0, in the order of time."""
        total = self.shape.chat.total_messages(self.users)
        slices = max(1, -(-total // SLICE_MESSAGES))
        first, beyond = (total * edge // slices for edge in (number, number + 1))
        return ChatSlice(number, slices, 1 + first, beyond - first)

    def chat_slices(self) -> Iterator[ChatSlice]:
        """All slices of chat, in the order of time."""
        return map(self.chat_slice, range(self.chat_slice(0).slices))

    def chat_rows(self, part: ChatSlice) -> Rows:
        """Generate the messages of one slice."""
        rows = chat_messages(self.seed, self.calendar, self.ranks, part, self.shape.chat)
        return with_notes(rows, self.shape.documents, self.seed, Part.CHAT, part.number)

    def user_ids(self, chunk: int) -> Ints:
        """Ids of a chunk's users; they follow the order of sign-up."""
        return np.arange(chunk * self.chunk_users, min((chunk + 1) * self.chunk_users, self.users)) + 1

    def chunk_counts(self, chunk: int) -> dict[str, int]:
        """Number of rows of a chunk by table, without generating them: a hundredth of the work."""
        ids = self.user_ids(chunk)
        _, fanouts, _ = self._outline(chunk, ids)
        return {"users": len(ids), "financial_profiles": len(ids), **fanouts.totals()}

    def chunk_rows(self, chunk: int, first_ids: dict[str, int]) -> ChunkRows:
        """Generate all rows of a chunk's users but their chat; ``first_ids`` are each table's first ids."""
        ids = self.user_ids(chunk)
        families, fanouts, activity = self._outline(chunk, ids)
        created_us, last_visit_us = self._visits(chunk, ids, activity)
        # Assumption: the last simulation ran late between the sign-up and the last visit.
        simulated_us = created_us + (0.9 * (last_visit_us - created_us)).astype(np.int64)
        stream = Stream(self.seed, Part.USERS, chunk)
        people = self._people(stream, families, last_visit_us, simulated_us)
        households = draw_households(self.seed, chunk, families)
        taxed = _TAXED[people.state]
        finances = derive_finances(self.seed, chunk, families, households, taxed)
        data = Chunk(
            self.seed, chunk, ids, first_ids, created_us, last_visit_us, self.as_of, families, households, finances,
            people, fanouts,
        )  # fmt: skip
        documents = profile_documents(
            self.seed, chunk, activity, families, households, finances, people, self.shape.documents
        )
        tables = (
            Rows(
                "users",
                (
                    Column("id", Kind.BIGINT, ids),
                    Column("email", Kind.TEXT, vocabulary.emails(people.first_name, people.last_name, ids)),
                    Column("password_hash", Kind.TEXT, vocabulary.password_hashes(stream, len(ids))),
                    Column("created_at", Kind.TIMESTAMPTZ, created_us),
                    Column("updated_at", Kind.TIMESTAMPTZ, last_visit_us),
                ),
            ),
            Rows(
                "financial_profiles",
                (Column("id", Kind.BIGINT, ids), Column("user_id", Kind.BIGINT, ids), *documents),
            ),
            plans.goals(data),
            plans.education_goals(data),
            estates.estate_plans(data),
            plans.achievements(data),
            plans.progress(data),
        )
        filled = tuple(with_notes(rows, self.shape.documents, self.seed, Part.DOCUMENTS, chunk) for rows in tables)
        return ChunkRows(filled, int((households.net_worth < 0).sum()))

    def _outline(self, chunk: int, ids: Ints) -> tuple[Families, FanOuts, Floats]:
        """Draw what planning and generation must agree on."""
        families = draw_families(self.seed, chunk, len(ids))
        activity = activity_quantile(self.ranks, ids)
        return families, draw_fanouts(self.seed, chunk, families, activity, self.shape), activity

    def _visits(self, chunk: int, ids: Ints, activity: Floats) -> tuple[Ints, Ints]:
        """Times of sign-up and last visit: recent for active users, the sign-up itself for dormant ones."""
        u = Stream(self.seed, Part.VISITS, chunk).table(2, len(ids))
        created_us = self.calendar.signup_us((ids - u[0]) / self.users)
        # How far their last visit is from the sign-up: assumption.
        stayed = np.where(u[1] < activity, 0.3 * u[1] ** 3, 1 - activity * u[1] ** 2)
        return created_us, created_us + ((self.calendar.end_us - created_us) * stayed).astype(np.int64)

    def _people(self, stream: Stream, families: Families, calculated_us: Ints, simulated_us: Ints) -> People:
        users, texts = len(families.age), pools()
        today = (self.as_of - dt.date(1970, 1, 1)).days
        return People(
            first_name=stream.integers(len(texts.first_names), users),
            last_name=stream.integers(len(texts.last_names), users),
            spouse_name=stream.integers(len(texts.first_names), users),
            children_names=stream.integers(len(texts.first_names), users * MOST_CHILDREN).reshape(users, MOST_CHILDREN),
            birth_days=today - (365.25 * (families.age + stream.random(users)) + 1).astype(np.int64),
            state=stream.integers(len(STATES), users),
            occupation=stream.integers(len(texts.quoted_occupations), users),
            calculated_us=calculated_us,
            simulated_us=simulated_us,
        )
