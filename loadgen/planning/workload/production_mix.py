"""Load, mix and read shares of production, from the statements of a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.formatting import share
from capacity.values import LEVEL, Interval, Origin, Refusal
from capacity.workload import Transactions, transactions
from loadgen.errors import RefusalError, UsageError
from loadgen.profiling.format import Profile
from loadgen.profiling.lexer import normalise
from loadgen.profiling.names import COLUMNS
from loadgen.runs.format.scenario import ScenarioDescription, TransactionDescription

_TABLES: Final = frozenset(COLUMNS)
LEAST_DAYS: Final = 7.0
"""Least days of counting: a week, which has every weekday."""


@dataclass(frozen=True, slots=True)
class ScenarioUse:
    """Production's use of one scenario; ``read_share`` is None if it has none of its transactions."""

    share: Interval
    read_share: Interval | None
    described_read_share: float
    """Share of reading transactions by the scenario's own weights."""


@dataclass(frozen=True, slots=True)
class ProductionMix:
    """Mix of production's transactions, estimated from a profile's statements."""

    per_user_day: Interval
    scenarios: dict[str, ScenarioUse]
    by_transaction: dict[str, Interval]
    """Number by ``scenario.transaction``; names of transactions with the same statements are joined by ``+``."""
    explained: float
    """Share of the application's statement calls that the scenarios' transactions explain."""
    users: int
    days: float
    origin: Origin
    source: str

    @property
    def in_words(self) -> str:
        """Source and period of the counts, as text."""
        return f"{self.source}: pg_stat_statements over {self.days:g} days, {share(self.explained)} of calls explained"


def production_mix(
    profile: Profile, descriptions: Sequence[ScenarioDescription], source: str, level: float = LEVEL
) -> ProductionMix:
    """Estimate the mix of the scenarios ``descriptions`` from the profile's statements.

    Raises RefusalError for a profile without statements, users or a week of counting, or with statements that do not
    identify the mix; UsageError without scenarios.
    """
    if not descriptions:
        raise UsageError("no scenario describes the statements; give runs or sweeps of the application's scenarios")
    mix, users = profile.statements, profile.users
    do = "enable pg_stat_statements there for a week or more, then run loadgen profile again"
    if mix is None or not mix.statements:
        raise RefusalError(Refusal("no_statements", f"{source}: statements counted by pg_stat_statements", do))
    if mix.days is None:
        raise RefusalError(Refusal("statements_window", f"{source}: the time since which statements are counted", do))
    if mix.days < LEAST_DAYS:
        missing = f"{source}: at least {LEAST_DAYS:g} days of counted statements; {mix.days:g} given"
        raise RefusalError(Refusal("too_few_days", missing, do))
    if not users:
        raise RefusalError(Refusal("no_users", f"{source}: users in the database", "profile a database with users"))
    calls = {s.text: float(s.calls) for s in mix.statements}
    groups, found = _identified(calls, descriptions, source, level)
    return ProductionMix(
        per_user_day=found.total.scaled(1 / (mix.days * users)),
        scenarios=_by_scenario(descriptions, groups, found),
        by_transaction=found.count,
        explained=found.explained,
        users=users,
        days=mix.days,
        origin=Origin.SYNTHETIC if profile.server.synthetic else Origin.MEASURED,
        source=f"{source} of {profile.profiled_on}",
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Transactions of one scenario that are counted as one. ``reads`` is their reading share by weight."""

    scenario: str
    reads: float
    makes: Mapping[str, float]
    weight: float


def _identified(
    calls: Mapping[str, float], descriptions: Sequence[ScenarioDescription], source: str, level: float
) -> tuple[dict[str, _Group], Transactions]:
    """Transactions by kind where their statements differ enough, else by scenario with its own weights."""
    refusal: Refusal | None = None
    for by_transaction in (True, False):
        groups = _groups(descriptions, by_transaction)
        found = transactions(calls, {name: group.makes for name, group in groups.items()}, level)
        if isinstance(found, Transactions):
            return groups, found
        refusal = refusal or found
    assert refusal is not None
    raise RefusalError(Refusal(refusal.code, f"{source}: {refusal.missing}", refusal.do))


def _groups(descriptions: Sequence[ScenarioDescription], by_transaction: bool) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    for description in descriptions:
        texts = {
            s.name: known.text for s in description.statements if (known := normalise(s.sql)) and known.names & _TABLES
        }
        alike: dict[object, list[TransactionDescription]] = {}
        for transaction in description.transactions:
            alike.setdefault(_direction(_makes(transaction, texts)) if by_transaction else None, []).append(transaction)
        for members in alike.values():
            weight = sum(t.weight for t in members)
            makes: dict[str, float] = {}
            for t in members:
                for text, often in _makes(t, texts).items():
                    makes[text] = makes.get(text, 0.0) + often * (t.weight / weight if weight else 1 / len(members))
            if makes:
                name = (
                    f"{description.name}." + "+".join(t.name for t in members) if by_transaction else description.name
                )
                reads = sum(t.weight for t in members if not t.writes) / weight if weight else 1.0
                groups[name] = _Group(description.name, reads, makes, weight)
    return groups


def _makes(transaction: TransactionDescription, texts: Mapping[str, str]) -> dict[str, float]:
    """Calls of each normalised statement in one transaction."""
    calls: dict[str, float] = {}
    for name in transaction.statements:
        if (text := texts.get(name)) is not None:
            calls[text] = calls.get(text, 0.0) + transaction.repeat
    return calls


def _direction(makes: Mapping[str, float]) -> object:
    """Key that is equal for transactions with the same statements in the same proportions."""
    most = max(makes.values(), default=1.0)
    return frozenset((text, round(often / most, 9)) for text, often in makes.items())


def _by_scenario(
    descriptions: Sequence[ScenarioDescription], groups: Mapping[str, _Group], found: Transactions
) -> dict[str, ScenarioUse]:
    used = {}
    for description in descriptions:
        own = [name for name, group in groups.items() if group.scenario == description.name]
        of_all = found.share(own)
        assert of_all is not None  # some calls are explained
        used[description.name] = ScenarioUse(of_all, _reads(own, groups, found), description.read_share)
    return used


def _reads(own: Sequence[str], groups: Mapping[str, _Group], found: Transactions) -> Interval | None:
    """Share of a scenario's transactions that only read; a mixed group counts by its scenario's weights."""
    pure = [name for name in own if groups[name].reads == 1.0]
    read = found.share(pure, own)
    if read is None:
        return None
    low, value, high = read.low, read.value, read.high
    for name in own:
        if 0 < groups[name].reads < 1 and (part := found.share([name], own)) is not None:
            low, value, high = (
                end + groups[name].reads * extra
                for end, extra in ((low, part.low), (value, part.value), (high, part.high))
            )
    return Interval(min(low, 1.0), min(value, 1.0), min(high, 1.0), read.level)
