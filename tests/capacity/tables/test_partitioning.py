"""Partitions and the sizes behind them."""

from __future__ import annotations

import plan_samples as samples
import pytest

from capacity.measurements import MeasuredServer, MeasuredTables
from capacity.recommendation import Recommendation, RefusedRecommendation, Rejected
from capacity.tables import PartitionKey, recommend_partitions
from capacity.tables.storage import bytes_by_date, bytes_per_user, drawn_growth
from capacity.uncertainty import summary
from capacity.values import Interval, TableSize
from capacity.workload import PeakLoad

KEYS = (
    PartitionKey("chat_messages", "timestamp", True, "In order of time.", (Rejected("hash", "no"),), True),
    PartitionKey("financial_profiles", "user_id", False, "By user.", (), True),
)
SERVER = MeasuredServer(2, 8 * samples.GIB, "test server")


def advise(scale: float, server: MeasuredServer = SERVER) -> tuple[Recommendation | RefusedRecommendation, ...]:
    peak = PeakLoad.of(samples.users(scale), samples.workload())
    return recommend_partitions(samples.tables(), server, peak, KEYS)


def largest(scale: float, server: MeasuredServer = SERVER) -> Recommendation:
    """The advice about the largest table."""
    found = advise(scale, server)[0]
    assert isinstance(found, Recommendation)
    return found


def test_nothing_is_partitioned_while_all_fits_in_memory() -> None:
    found = largest(1)
    assert found.headline.startswith("No table needs partitions")
    assert found.subject == "chat_messages"
    assert found.steps == ()
    assert {r.option for r in found.rejected} == {
        "chat_messages by ranges of timestamp",
        "financial_profiles by hash of user_id",
    }


def test_a_table_that_outgrows_memory_within_the_horizon_is_dated() -> None:
    found = largest(20)
    assert found.headline.startswith("Partition chat_messages by RANGE (timestamp), one ")
    (step,) = found.steps
    assert step.due.earliest is not None
    assert step.due.expected is not None
    assert step.due.earliest <= step.due.expected
    assert found.now == Interval.exact(0)
    assert found.at_horizon.value >= 5
    assert [r.option for r in found.rejected] == ["no partitions", "hash"]


def test_the_interval_shortens_as_growth_speeds_up() -> None:
    names = ["year", "quarter", "month", "week", "day"]
    found = [largest(scale).headline.split("one ")[1].split(" each")[0] for scale in (20, 100)]
    assert names.index(found[0]) < names.index(found[1])


def test_only_the_upper_edge_is_no_reason_yet() -> None:
    found = largest(15)
    assert found.headline.startswith("Do not partition yet, but prepare for chat_messages")
    assert found.steps[0].due.expected is None
    assert found.at_horizon.value == 0 < found.at_horizon.high


def test_more_memory_never_partitions_sooner() -> None:
    small, large = (largest(20, MeasuredServer(2, ram * samples.GIB, "")) for ram in (4, 8))
    assert small.steps[0].due.earliest <= large.steps[0].due.earliest  # type: ignore[operator]  # both come due


def test_tables_without_a_key_of_their_own_go_by_user() -> None:
    peak = PeakLoad.of(samples.users(100), samples.workload())
    found = recommend_partitions(samples.tables(), MeasuredServer(2, samples.GIB, ""), peak, ())
    assert all(isinstance(f, Recommendation) and "HASH (user_id)" in f.headline for f in found)


def test_unknown_memory_and_empty_tables_are_refused() -> None:
    (refused,) = advise(1, MeasuredServer(2, None, ""))
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "ram_unknown"
    peak = PeakLoad.of(samples.users(), samples.workload())
    (refused,) = recommend_partitions(MeasuredTables(0, samples.tables().tables, ""), SERVER, peak, KEYS)
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "sizes_unknown"


def test_bytes_per_user_count_toast_and_indexes() -> None:
    table = TableSize("t", 10, 600, 300, 100)
    assert bytes_per_user(table, 5) == 200


def test_growth_of_tables_is_sorted_and_follows_the_users() -> None:
    tables, peak = samples.tables(), PeakLoad.of(samples.users(), samples.workload())
    grown = drawn_growth(tables, bytes_by_date(tables, peak), 0.9)
    assert [g.table for g in grown] == ["chat_messages", "financial_profiles", "users"]
    now, horizon = (summary(peak.users[row], 0.9) for row in (0, -1))
    for table, one in zip(tables.tables, grown, strict=True):
        assert one.now_bytes.value == pytest.approx(now.value * bytes_per_user(table, tables.users))
        assert one.horizon_bytes.high == pytest.approx(horizon.high * bytes_per_user(table, tables.users))
