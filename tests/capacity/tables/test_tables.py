"""Rows, bytes and WAL by table: the laws, their intervals, and that more users never need less."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from plan_samples import inputs, tables, users, workload

from capacity.growth import Forecast, forecast
from capacity.planner import make_plan
from capacity.tables import WHOLE, Series, TableForecast, WalRate, by_users, from_history, in_order, wal_per_user_day
from capacity.uncertainty import DRAWS
from capacity.values import Interval, Origin, Refusal

WAL = WalRate({"goals": np.full(DRAWS, 500.0), WHOLE: np.full(DRAWS, 50.0)}, Origin.DERIVED, "test")
WRITTEN = {"dashboard": {"goals": Interval(90, 100, 120)}, "montecarlo": {"financial_profiles": Interval.exact(8000)}}


def by_name(found: tuple[TableForecast, ...]) -> dict[str, TableForecast]:
    return {one.table: one for one in found}


def test_tables_hold_what_users_hold() -> None:
    grown = users()
    found = by_name(by_users(grown, workload(), tables()))
    sizes = {size.name: size for size in tables().tables}
    for name in ("users", "financial_profiles"):
        rows, stored = found[name].series["rows"], found[name].series["bytes"]
        assert rows.law == "users" and rows.origin is Origin.MEASURED
        for point, of in zip(rows.points, grown.forecast, strict=True):
            assert (point.period, point.date) == (of.period, of.date)
            assert point.point == pytest.approx(of.point * sizes[name].rows / 5_000, rel=1e-6)
            assert (point.low, point.high) == pytest.approx((of.low, of.high), rel=0.02)
        ratio = sizes[name].total_bytes / sizes[name].rows
        assert stored.points[-1].high == pytest.approx(rows.points[-1].high * ratio)
        assert rows.now.value == pytest.approx(grown.history[-1].value)


def test_a_table_that_accounts_go_on_filling_outgrows_them() -> None:
    measured = dataclasses.replace(tables(), filled_by_time=("chat_messages",))
    plain, filled = (by_name(by_users(users(), workload(), t))["chat_messages"] for t in (tables(), measured))
    assert filled.series["rows"].law == "user-months"
    assert filled.series["rows"].points[-1].point > plain.series["rows"].points[-1].point
    kept = by_name(by_users(users(), workload(), measured, retention_months=6))["chat_messages"]
    assert kept.series["bytes"].points[-1].point < filled.series["bytes"].points[-1].point


def test_wal_is_users_times_what_theirs_write() -> None:
    grown = users()
    found = by_name(by_users(grown, workload(), None, wal=WAL))
    wal = found["goals"].series["wal_bytes_per_day"]
    assert wal.points[-1].point == pytest.approx(grown.forecast[-1].point * 500, rel=1e-6)
    assert (wal.origin, wal.source) == (Origin.DERIVED, "test")
    assert set(found["goals"].series) == {"wal_bytes_per_day"}


def test_wal_of_a_user_is_the_workloads_law() -> None:
    exact = workload(spread=1, montecarlo=0.25)
    found = wal_per_user_day(exact, WRITTEN)
    assert isinstance(found, dict)
    each = 0.1 * 1.3 * 12
    assert np.median(found["goals"]) == pytest.approx(each * 0.75 * 100, rel=0.01)
    assert found["financial_profiles"] == pytest.approx(np.full(DRAWS, each * 0.25 * 8000))


def test_wal_of_a_scenario_that_was_not_measured_is_refused() -> None:
    found = wal_per_user_day(workload(), {"dashboard": WRITTEN["dashboard"]})
    assert isinstance(found, Refusal) and found.code == "wal_not_measured"
    assert isinstance(wal_per_user_day(workload(montecarlo=0), {"dashboard": WRITTEN["dashboard"]}), dict)


def test_the_uncertain_workload_widens_wal() -> None:
    def width(spread: float) -> float:
        found = wal_per_user_day(workload(spread=spread), WRITTEN)
        assert isinstance(found, dict)
        rate = WalRate(found, Origin.ASSUMPTION, "test")
        end = by_name(by_users(users(), workload(), None, wal=rate))["goals"].series["wal_bytes_per_day"].points[-1]
        assert end.low <= end.point <= end.high
        return end.high / end.low

    assert width(1) < width(1.5) < width(3)


def test_more_users_never_need_less() -> None:
    small, large = (by_name(by_users(users(scale), workload(), tables(), wal=WAL)) for scale in (1.0, 1.3))
    for name, one in small.items():
        for quantity, series in one.series.items():
            for a, b in zip(series.points, large[name].series[quantity].points, strict=True):
                assert a.low < b.low and a.point < b.point and a.high < b.high


def test_a_table_with_a_history_follows_it() -> None:
    answer = forecast(1000 + 50.0 * np.arange(30) + np.random.default_rng(1).normal(0, 5, 30), 12)
    assert isinstance(answer, Forecast)
    found = from_history(answer, 200.0, Origin.MEASURED, "test")
    assert found["rows"].points == answer.forecast
    assert found["rows"].law == "history"
    assert [p.high for p in found["bytes"].points] == pytest.approx([200 * p.high for p in answer.forecast])
    assert "bytes" not in from_history(answer, None, Origin.MEASURED, "test")


def test_the_largest_comes_first_and_wal_of_no_table_last() -> None:
    found = by_users(users(), workload(), tables(), wal=WAL)
    assert [one.table for one in found] == ["chat_messages", "financial_profiles", "users", "goals", WHOLE]
    assert in_order(reversed(found)) == found


def test_without_dates_or_users_there_is_no_law() -> None:
    numbered = forecast(100 + 10.0 * np.arange(24) + np.arange(24) % 3, 6)
    assert isinstance(numbered, Forecast)
    with pytest.raises(ValueError, match="dates"):
        by_users(numbered, workload(), tables())
    with pytest.raises(ValueError, match="users in the measured"):
        by_users(users(), workload(), dataclasses.replace(tables(), users=0))


def test_a_plan_has_rows_and_wal_by_table() -> None:
    for written in (None, WRITTEN):
        plan = make_plan(inputs(wal_by_table=written))
        for grown in plan.storage:
            assert grown.now_rows is not None and grown.horizon_rows is not None
            assert grown.now_rows.value < grown.horizon_rows.value <= grown.horizon_rows.high
            assert (grown.horizon_wal_bytes_per_day is None) == (written is None)
    by_table = {grown.table: grown for grown in plan.storage}
    wal = by_table["financial_profiles"].horizon_wal_bytes_per_day
    assert wal is not None and 0 < wal.low < wal.value < wal.high
    assert by_table["users"].horizon_wal_bytes_per_day == Interval.exact(0.0)


def test_a_partial_measurement_of_wal_is_none() -> None:
    plan = make_plan(inputs(wal_by_table={"dashboard": {"goals": Interval.exact(5)}}))
    assert all(grown.horizon_wal_bytes_per_day is None for grown in plan.storage)


def test_a_series_says_where_it_comes_from() -> None:
    for one in by_users(users(), workload(), tables(), Origin.SYNTHETIC, WAL):
        for series in one.series.values():
            assert isinstance(series, Series) and series.source and series.origin
