"""Forecasts by table, from a history's columns, a profile, sweeps, or the database itself."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from capacity.growth import Duplicates, Forecast, Scenarios, forecast
from capacity.measurements import MeasuredTables
from capacity.tables import Quantity, Series, TableForecast, WalRate, by_users, from_history, in_order, wal_per_user_day
from capacity.values import Origin, Refusal, TableSize
from capacity.workload import Workload
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, RefusalError
from loadgen.planning.history import History
from loadgen.planning.partitions.partition_keys import FILLED_BY_TIME
from loadgen.planning.sweeps import measured_tables
from loadgen.planning.wal_written import wal_by_scenario, wal_of_profile
from loadgen.profiling.format import Growth, Profile
from loadgen.profiling.profile import make_profile
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord

LEAST_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Tables:
    """Forecasts by table, and refusals of missing ones."""

    tables: tuple[TableForecast, ...] = ()
    missing: tuple[Refusal, ...] = ()

    def over(self, other: Tables) -> Tables:
        """Merge with another set; this one's series take precedence."""
        series: dict[str, Mapping[Quantity, Series]] = {
            table_forecast.table: table_forecast.series for table_forecast in other.tables
        }
        for table_forecast in self.tables:
            series[table_forecast.table] = {**series.get(table_forecast.table, {}), **table_forecast.series}
        return Tables(in_order(TableForecast(*item) for item in series.items()), self.missing + other.missing)


def of_columns(history: History, horizon: int, level: float, duplicates: Duplicates) -> Tables:
    """Forecast the columns ``TABLE.rows``, ``TABLE.bytes`` and ``TABLE.wal_bytes_per_day`` of a history, each alone."""
    found: dict[str, dict[Quantity, Series]] = {}
    missing = []
    for name, values in history.columns.items():
        table, _, quantity = name.rpartition(".")
        answer = _carried_on(replace(history, values=values), name, horizon, level, duplicates)
        if isinstance(answer, Refusal):
            missing.append(answer)
            continue
        series = from_history(answer, None, history.origin, f"column {name} of {history.source}")["rows"]
        found.setdefault(table, {})[_QUANTITIES[quantity]] = series
    return Tables(in_order(TableForecast(*item) for item in found.items()), tuple(missing))


_QUANTITIES: Mapping[str, Quantity] = {name: name for name in get_args(Quantity)}


def of_profile(profile: Profile, source: str, users: Forecast, workload: Workload) -> Tables:
    """Forecast a profile's tables, by their own months if it has them, else by rows per user; WAL by statements."""
    origin = Origin.SYNTHETIC if profile.server.synthetic else Origin.MEASURED
    source = f"{source} of {profile.profiled_on}"
    wal = wal_of_profile(profile, source)
    missing = [wal] if isinstance(wal, Refusal) else []
    sizes = tuple(
        TableSize(t.name, t.rows, t.heap_bytes, t.toast_bytes, t.index_bytes) for t in profile.tables if t.rows
    )
    measured = None
    if profile.users:
        measured = MeasuredTables(profile.users, sizes, source, (), FILLED_BY_TIME)
    else:
        missing.append(Refusal("no_users", f"{source}: users in the database", "profile a database with users"))
    all_of_them = _by_users(users, workload, measured, origin, wal if isinstance(wal, WalRate) else None)
    own: list[TableForecast] = []
    per_row = {size.name: size.total_bytes / size.rows for size in sizes}
    for growth in profile.growth:
        months = months_of(growth, profile.profiled_on, origin, source)
        if growth.table == "users" or months is None:
            continue
        answer = _carried_on(months, growth.table, len(users.forecast), users.level, "last")
        if isinstance(answer, Refusal):
            missing.append(answer)
        else:
            own.append(
                TableForecast(growth.table, from_history(answer, per_row.get(growth.table), origin, months.source))
            )
    return Tables(tuple(own), tuple(missing)).over(all_of_them)


def users_of(profile: Profile, source: str) -> History:
    """Return a profile's users by month as a history. Raises RefusalError without three whole months."""
    origin = Origin.SYNTHETIC if profile.server.synthetic else Origin.MEASURED
    found = next((g for g in profile.growth if g.table == "users"), None)
    history = months_of(found, profile.profiled_on, origin, source) if found is not None else None
    if history is None:
        missing = f"{source}: users by month for at least {LEAST_MONTHS} whole months"
        raise RefusalError(Refusal("no_history", missing, "give a history: date,value in a CSV file"))
    return history


def months_of(growth: Growth, profiled_on: str, origin: Origin, source: str) -> History | None:
    """Return rows at the end of each whole month from the first listed one; None with fewer than three months.

    Rows of months that are not listed (fewer than ten rows each) are counted from the start.
    """
    by_month = {month.month: month.rows for month in growth.months if month.month < profiled_on[:7]}
    if not by_month:
        return None
    total, dates, values = float(growth.in_small_months + growth.without_month), [], []
    year, number = int(min(by_month)[:4]), int(min(by_month)[5:7])
    while (name := f"{year:04d}-{number:02d}") <= max(by_month):
        total += by_month.get(name, 0)
        dates.append(dt.date(year, number, calendar.monthrange(year, number)[1]))
        values.append(total)
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)
    if len(dates) < LEAST_MONTHS:
        return None
    return History(tuple(values), tuple(dates), None, origin, f"{source}: {growth.table} by month")


def of_sweeps(
    sweeps: Sequence[SweepRecord], runs: Mapping[str, Sequence[RunRecord]], users: Forecast, workload: Workload
) -> Tables:
    """Forecast the tables that sweeps measured, by rows per user, and WAL by the workload's transactions."""
    newest = max(sweeps, key=lambda sweep: sweep.started_at)
    tables = measured_tables(newest)
    origin = Origin.SYNTHETIC if newest.database.fingerprint.users is not None else Origin.MEASURED
    wal, missing = wal_of_sweeps(sweeps, runs, workload), []
    if isinstance(wal, Refusal):
        missing.append(wal)
    if not tables.users:
        missing.append(Refusal("no_users", f"{tables.source}: users in the database", "sweep a database with users"))
    measured = tables if tables.users else None
    found = _by_users(users, workload, measured, origin, wal if isinstance(wal, WalRate) else None)
    return Tables((), tuple(missing)).over(found)


def wal_of_sweeps(
    sweeps: Sequence[SweepRecord], runs: Mapping[str, Sequence[RunRecord]], workload: Workload
) -> WalRate | Refusal:
    """Return WAL per user and day: measured WAL of a transaction times the workload's transactions."""
    rate = wal_per_user_day(workload, wal_by_scenario(sweeps, runs))
    if isinstance(rate, Refusal):
        return rate
    stated = {i.origin for i in (*workload.factors, *(m.share for m in workload.mix))}
    origin = Origin.ASSUMPTION if Origin.ASSUMPTION in stated else Origin.DERIVED
    names = ", ".join(sweep.id for sweep in sweeps)
    return WalRate(rate, origin, f"WAL of a transaction of {names}, times transactions of the workload block")


def of_target(target: Target, users: Forecast, workload: Workload) -> Tables:
    """Forecast the tables of a database from its profile; refuse those that cannot be read."""
    try:
        profile = make_profile(target, lambda _: None)
    except EnvironmentFault as fault:
        return Tables((), (Refusal("not_profiled", f"the tables of {target}: {fault}", "see loadgen profile"),))
    return of_profile(profile, f"profile of {target}", users, workload)


def _by_users(
    users: Forecast, workload: Workload, tables: MeasuredTables | None, origin: Origin, wal: WalRate | None
) -> Tables:
    if users.history[-1].date is None:
        missing = "a history with dates, for users by month"
        return Tables((), (Refusal("no_dates", missing, "give the history as date,value"),))
    return Tables(by_users(users, workload, tables, origin, wal))


def _carried_on(history: History, name: str, horizon: int, level: float, duplicates: Duplicates) -> Forecast | Refusal:
    answer = forecast(
        history.values, horizon, level, periods=history.periods, dates=history.dates, duplicates=duplicates
    )
    if isinstance(answer, Scenarios):
        missing = f"{name}: a history that supports an interval: {answer.why}"
        return Refusal(answer.code, missing, "collect more periods")
    if isinstance(answer, Refusal):
        return Refusal(answer.code, f"{name}: {answer.missing}", answer.do)
    return answer
