"""One chunk of users: everything about them that their rows are made from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.population.columns import Column, Kind
from loadgen.population.documents import People
from loadgen.population.fanouts import FanOuts
from loadgen.population.finances import Finances
from loadgen.population.household.families import Families
from loadgen.population.household.households import Households


@dataclass(frozen=True)
class Chunk:
    """All that is known of a chunk's users when their rows are made; arrays have an entry a user."""

    seed: int
    number: int
    user_ids: Ints
    first_ids: dict[str, int]
    """Where each table's ids begin in this chunk."""
    created_us: Ints
    seen_us: Ints
    """When the user was last here."""
    as_of: dt.date
    families: Families
    households: Households
    finances: Finances
    people: People
    fanouts: FanOuts

    @property
    def today(self) -> int:
        """As-of, days of the Unix epoch."""
        return (self.as_of - dt.date(1970, 1, 1)).days

    def owners(self, table: str) -> Ints:
        """Places in the chunk of the users who own the table's rows, in order."""
        return np.repeat(np.arange(len(self.user_ids)), getattr(self.fanouts, table))

    def keys(self, table: str, owners: Ints) -> tuple[Column, Column]:
        """The two columns that every table begins with."""
        ids = self.first_ids[table] + np.arange(len(owners))
        return Column("id", Kind.BIGINT, ids), Column("user_id", Kind.BIGINT, self.user_ids[owners])

    def moments_us(self, owners: Ints, u: Floats) -> Ints:
        """Moments between sign-up and last visit, at the shares ``u`` of the way."""
        return self.created_us[owners] + (u * (self.seen_us - self.created_us)[owners]).astype(np.int64)


def place_within(counts: Ints) -> Ints:
    """For rows grouped by owner, each row's place among its owner's: counts 2, 0, 3 give 0, 1, 0, 1, 2."""
    return np.asarray(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))
