"""Families of users: age, marriage, children, wills. Cheap to draw, because planning a load draws them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household import reference
from loadgen.population.streams import ALL_CHUNKS, Part, Stream, choose, stratified

MOST_CHILDREN = 4
ADULT_AGE = 18

# By age group. Assumptions, chosen so that 47 % of all households are married couples (US Census 2025) and 37 % of
# married couples have a child under 18.
_MARRIED = np.array([0.30, 0.54, 0.56, 0.53, 0.52, 0.39])
_WIDOWED_SHARE_OF_UNMARRIED = np.array([0.005, 0.02, 0.04, 0.11, 0.30, 0.60])
_DIVORCED_SHARE_OF_UNMARRIED = np.array([0.08, 0.30, 0.46, 0.52, 0.48, 0.28])

# Assumptions: share of parents, number of children, age of the parent at the first, years between two.
_EVER_PARENT = (0.45, 0.95)  # unmarried, married
_CHILDREN_WEIGHTS = np.array([0.26, 0.44, 0.20, 0.10])
_FIRST_BIRTH_MEAN, _FIRST_BIRTH_SD = 32.0, 5.5
_FIRST_BIRTH_AGES = (18, 44)
_LEAST_GAP, _MORE_GAP = 1.5, 3.5

# Assumptions, chosen so that 29 % of all households are of one person and the mean size is 2.5 (US Census 2025): the
# share of the unmarried without minors who still live with others, and the number of others (grown children, partners,
# parents, lodgers) in a shared household.
_SHARED_UNMARRIED = 0.355
_MORE_OTHERS = 0.30
_OTHERS_OF_FAMILIES = 0.42
_MOST_OTHERS = 4

MARITAL_STATUSES = ("single", "divorced", "widowed", "married")
MARRIED = 3


@dataclass(frozen=True)
class Families:
    """Columns of a chunk's families, an entry a user; ``children_ages`` is (users, 4), −1 for no child."""

    age: Ints
    age_group: Ints
    marital_status: Ints
    spouse_age: Ints
    children_ages: Ints
    has_will: Bools
    has_trust: Bools
    household_size: Ints
    """Persons in the household: the user, a spouse, own minors and others."""

    @cached_property
    def married(self) -> Bools:
        return np.asarray(self.marital_status == MARRIED)

    @cached_property
    def children(self) -> Ints:
        return np.asarray((self.children_ages >= 0).sum(axis=1))

    @cached_property
    def minors(self) -> Ints:
        return np.asarray(((self.children_ages >= 0) & (self.children_ages < ADULT_AGE)).sum(axis=1))


def draw_families(seed: int, chunk: int, users: int) -> Families:
    """Draw the families of a chunk, stratified by age group and marriage."""
    stream = Stream(seed, Part.FAMILIES, chunk)
    sizes = group_sizes(seed, chunk, users)
    group = np.repeat(np.arange(len(sizes)), sizes)[np.argsort(stream.random(users))]
    last = np.array(reference.OLDEST_IN_GROUP)
    first = np.concatenate([[reference.YOUNGEST], last[:-1] + 1])
    within = stratified(stream.random(users), stream.random(users), group)
    # The open group thins out with age: assumption.
    within = np.where(group == len(last) - 1, within**1.6, within)
    age = first[group] + (within * (last - first + 1)[group]).astype(np.int64)

    married = stratified(stream.random(users), stream.random(users), group) < _MARRIED[group]
    status = _unmarried_status(stream.random(users), group)
    status[married] = MARRIED
    # Assumption: ages of couples differ with a standard deviation of four years.
    spouse_age = np.clip(age + np.rint(4 * stream.normals(users) - 0.5).astype(np.int64), 20, 95)
    children_ages = _children(stream, age, married)

    wills = np.array([reference.fact("estate", f"has a will: age {ages}") for ages in ("18-29", "30-49", "50-64")])
    wills = np.append(wills, reference.fact("estate", "has a will: age 65 and over")) / 100
    # Age groups of Gallup's survey, which are rows of the facts file.
    will_group = np.searchsorted([30, 50, 65], age, side="right")
    has_will = stratified(stream.random(users), stream.random(users), will_group) < wills[will_group]
    trusts = reference.fact("estate", "has a living trust") / 100
    # Nearly everybody with a living trust also has a (pour-over) will: assumption.
    share_of_wills = trusts / max(float(wills[will_group].mean()), trusts)
    has_trust = has_will & (stream.random(users) < share_of_wills)
    minors = ((children_ages >= 0) & (children_ages < ADULT_AGE)).sum(axis=1)
    size = 1 + married + minors
    size += _others(stream, size == 1)
    return Families(age, group, status, np.where(married, spouse_age, 0), children_ages, has_will, has_trust, size)


def group_sizes(seed: int, chunk: int, users: int) -> Ints:
    """Households of each age group in a chunk of ``users``; rounding errors are carried over to the next chunk."""
    before = households_before(seed, np.array([chunk, chunk + 1]), users)
    below = np.maximum.accumulate(np.diff(before, axis=0)[0].cumsum())
    return np.asarray(np.diff(below, prepend=0))


def households_before(seed: int, chunk: Ints, users: int) -> Ints:
    """Households of each age group in all chunks before each of ``chunk``, (chunks, groups)."""
    edges = np.cumsum(reference.by_age("weight_pct"))
    start = Stream(seed, Part.FAMILIES, ALL_CHUNKS).random(1)
    below = np.floor(chunk[:, None] * users * edges / edges[-1] + start).astype(np.int64)
    below[:, -1] = chunk * users
    return np.asarray(np.diff(below, axis=1, prepend=0))


def _others(stream: Stream, alone: Bools) -> Ints:
    """Number of other persons in a household; ``alone`` marks users with neither spouse nor minors."""
    users = len(alone)
    chance = np.where(alone, _SHARED_UNMARRIED, _OTHERS_OF_FAMILIES)
    shared = stratified(stream.random(users), stream.random(users), alone) < chance
    more = np.floor(np.log(stream.random(users)) / np.log(_MORE_OTHERS)).astype(np.int64)
    return np.asarray(shared * np.minimum(1 + more, _MOST_OTHERS))


def _unmarried_status(u: Floats, group: Ints) -> Ints:
    divorced = _DIVORCED_SHARE_OF_UNMARRIED[group]
    widowed = _WIDOWED_SHARE_OF_UNMARRIED[group]
    return np.where(u < divorced, 1, np.where(u < divorced + widowed, 2, 0)).astype(np.int64)


def _children(stream: Stream, age: Ints, married: Bools) -> Ints:
    """Ages of children, oldest first, −1 for none: of the planned births, those that lie in the past."""
    users = len(age)
    parent = stream.random(users) < np.array(_EVER_PARENT)[married.astype(int)]
    planned = choose(stream.random(users), _CHILDREN_WEIGHTS) + 1
    first_birth = np.clip(_FIRST_BIRTH_MEAN + _FIRST_BIRTH_SD * stream.normals(users), *_FIRST_BIRTH_AGES)
    gaps = _LEAST_GAP + _MORE_GAP * stream.table(users, MOST_CHILDREN - 1)
    births = np.column_stack([first_birth, first_birth[:, None] + np.cumsum(gaps, axis=1)])
    ages = np.floor(age[:, None] - births).astype(np.int64)
    born = (np.arange(MOST_CHILDREN) < planned[:, None]) & parent[:, None] & (ages >= 0)
    return np.where(born, ages, -1)
