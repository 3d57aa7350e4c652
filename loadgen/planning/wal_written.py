"""WAL by table: per transaction from a sweep's runs, per user and day from a profile's statements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from capacity.tables import WHOLE, WalRate
from capacity.uncertainty import DRAWS, median_interval
from capacity.values import Interval, Origin, Refusal
from loadgen.planning.workload.production_mix import LEAST_DAYS
from loadgen.profiling.format import Profile
from loadgen.profiling.names import COLUMNS
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.sweep import SweepRecord

_TARGET: Final = re.compile(
    r"\b(?:INSERT\s+INTO|MERGE\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?:public\.)?([a-z_]+)", re.IGNORECASE
)


def written_table(sql: str) -> str:
    """Return the application's table that a statement changes; WHOLE for one that only reads."""
    found = _TARGET.search(sql)
    return found[1].lower() if found and found[1].lower() in COLUMNS else WHOLE


def wal_of_transaction(sweep: SweepRecord, runs: Sequence[RunRecord]) -> dict[str, Interval] | None:
    """Return WAL bytes of an average transaction of a sweep's scenario by table; WHOLE is WAL of no statement.

    Values are medians over valid runs with their intervals. Without ``runs`` that counted statements all WAL is WHOLE;
    None where WAL was not measured.
    """
    valid = {p.run_id: p.wal_bytes_per_txn for p in sweep.points if p.verdict.status == "valid"}
    totals = {name: total for name, total in valid.items() if total is not None}
    if not totals:
        return None
    counted = [run for run in runs if run.id in totals and run.server_statements]
    if not counted:
        return {WHOLE: median_interval(list(totals.values()))}
    by_table: dict[str, list[float]] = {}
    for run in counted:
        each = _by_table(run)
        each[WHOLE] = max(totals[run.id] - sum(each.values()), 0.0)
        for table, wal_bytes in each.items():
            by_table.setdefault(table, []).append(wal_bytes)
    return {table: median_interval(found) for table, found in by_table.items()}


def wal_by_scenario(
    sweeps: Sequence[SweepRecord], runs: Mapping[str, Sequence[RunRecord]]
) -> dict[str, dict[str, Interval]]:
    """Return :func:`wal_of_transaction` of each sweep that measured WAL; ``runs`` are by scenario."""
    found = {}
    for sweep in sweeps:
        written = wal_of_transaction(sweep, runs.get(sweep.scenario.name, ()))
        if written is not None:
            found[sweep.scenario.name] = written
    return found


def told_by_table(written: Mapping[str, Mapping[str, Interval]]) -> bool:
    """Return whether all scenarios have WAL by table, so that a table without any has 0 and is not unknown."""
    return bool(written) and all(set(by_table) != {WHOLE} for by_table in written.values())


def _by_table(run: RunRecord) -> dict[str, float]:
    calls = _calls_per_transaction(run.scenario)
    texts = {s.name: s.sql for s in run.scenario.statements}
    found: dict[str, float] = {}
    for counted in run.server_statements:
        table = written_table(texts.get(counted.name, ""))
        if table != WHOLE and counted.calls > 0:
            wal_bytes = counted.wal_bytes / counted.calls * calls.get(counted.name, 0.0)
            found[table] = found.get(table, 0.0) + wal_bytes
    return found


def _calls_per_transaction(scenario: ScenarioDescription) -> dict[str, float]:
    total = sum(t.weight for t in scenario.transactions)
    found: dict[str, float] = {}
    for transaction in scenario.transactions:
        for name in transaction.statements:
            found[name] = found.get(name, 0.0) + transaction.weight / total * transaction.repeat
    return found


def wal_of_profile(profile: Profile, source: str) -> WalRate | Refusal:
    """Return WAL per user and day from a profile's statements. Refuses one without statements, days or users."""
    mix, users = profile.statements, profile.users
    if mix is None or not mix.statements or mix.days is None or mix.days < LEAST_DAYS or not users:
        missing = f"{source}: the WAL of statements that were counted for {LEAST_DAYS:g} days or more, and users"
        return Refusal("no_statements", missing, "enable pg_stat_statements there, then run loadgen profile again")
    found: dict[str, float] = {}
    for one in mix.statements:
        table = written_table(one.text)
        found[table] = found.get(table, 0.0) + one.calls * one.wal_bytes_per_call / mix.days / users
    return WalRate(
        {table: np.full(DRAWS, wal_bytes) for table, wal_bytes in found.items() if wal_bytes > 0},
        Origin.SYNTHETIC if profile.server.synthetic else Origin.MEASURED,
        f"{source}: statements of {mix.days:g} days, without commits and vacuum",
    )
