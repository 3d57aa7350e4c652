"""A chunk of users: the data that their rows are generated from."""

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
    """Data of a chunk's users; arrays have an entry a user."""

    seed: int
    number: int
    user_ids: Ints
    first_ids: dict[str, int]
    """First id of each table in this chunk."""
    created_us: Ints
    last_visit_us: Ints
    """Time of the user's last visit."""
    as_of: dt.date
    families: Families
    households: Households
    finances: Finances
    people: People
    fanouts: FanOuts

    @property
    def today(self) -> int:
        """Day of as-of in days of the Unix epoch."""
        return (self.as_of - dt.date(1970, 1, 1)).days

    def owners(self, table: str) -> Ints:
        """Index in the chunk of each row's owner, in the order of the table's rows."""
        return np.repeat(np.arange(len(self.user_ids)), getattr(self.fanouts, table))

    def keys(self, table: str, owners: Ints) -> tuple[Column, Column]:
        """Columns id and user_id, with which every table begins."""
        ids = self.first_ids[table] + np.arange(len(owners))
        return Column("id", Kind.BIGINT, ids), Column("user_id", Kind.BIGINT, self.user_ids[owners])

    def moments_us(self, owners: Ints, u: Floats) -> Ints:
        """Times at the shares ``u`` of the way from sign-up to last visit."""
        return self.created_us[owners] + (u * (self.last_visit_us - self.created_us)[owners]).astype(np.int64)


def place_within(counts: Ints) -> Ints:
    """Index of each row among those of its owner, for grouped rows: counts 2, 0, 3 give 0, 1, 0, 1, 2."""
    return np.asarray(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))
