"""What advice on partitions and pools keeps to: more never needs less, and units do not matter."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.pool import Deployment, PoolSetting, recommend_pool
from capacity.recommendation import Recommendation
from capacity.scalability import Repeat
from capacity.tables import PartitionKey, recommend_partitions
from capacity.targets import Server, Target
from capacity.values import Input, Interval
from capacity.workload import PeakLoad

pytestmark = pytest.mark.slow

KEYS = (
    PartitionKey("chat_messages", "timestamp", True, "In order of time.", (), True, expires=True),
    PartitionKey("financial_profiles", "user_id", False, "By user.", (), True),
)
SCALES = st.floats(0.1, 100)
TIMES = st.floats(1.0, 5.0)
EXAMPLES = settings(max_examples=25, derandomize=True, deadline=None)


def peak(scale: float) -> PeakLoad:
    people = samples.users()
    grown = tuple(replace(p, point=p.point * scale, low=p.low * scale, high=p.high * scale) for p in people.forecast)
    history = tuple(replace(o, value=o.value * scale) for o in people.history)
    return PeakLoad.of(replace(people, history=history, forecast=grown), samples.workload())


def partitions(
    scale: float, ram_gib: float = 8.0, months: float | None = None, tables: MeasuredTables | None = None
) -> dict[str, Recommendation]:
    """By table, those that are to be partitioned or prepared for it."""
    kept = replace(tables or samples.tables(), filled_by_time=("chat_messages",))
    server = MeasuredServer(2, round(ram_gib * samples.GIB), "test server")
    found = recommend_partitions(kept, server, peak(scale), KEYS, months)
    assert all(isinstance(one, Recommendation) for one in found)
    return {one.subject: one for one in found if isinstance(one, Recommendation) and one.design is not None}


def never_less(less: dict[str, Recommendation], more: dict[str, Recommendation]) -> None:
    """Every table that is partitioned for less is for more, into as many parts at least, and no later."""
    assert set(less) <= set(more)
    for table, one in less.items():
        other = more[table]
        for before, after in ((one.now, other.now), (one.at_horizon, other.at_horizon)):
            assert (before.low, before.value, before.high) <= (after.low, after.value, after.high)
        (soon,), (sooner,) = one.steps, other.steps
        for late, early in (
            (soon.due.earliest, sooner.due.earliest),
            (soon.due.expected, sooner.due.expected),
            (soon.due.latest, sooner.due.latest),
        ):
            assert late is None or (early is not None and early <= late)


@EXAMPLES
@given(SCALES, TIMES)
def test_more_users_never_partition_less_or_later(scale: float, times: float) -> None:
    never_less(partitions(scale), partitions(scale * times))


@EXAMPLES
@given(SCALES, st.floats(0.5, 64), TIMES)
def test_more_memory_never_partitions_more_or_sooner(scale: float, ram_gib: float, times: float) -> None:
    never_less(partitions(scale, ram_gib * times), partitions(scale, ram_gib))


@EXAMPLES
@given(SCALES, st.floats(1.0, 24), TIMES)
def test_keeping_rows_longer_never_partitions_less_or_later(scale: float, months: float, times: float) -> None:
    never_less(partitions(scale, months=months), partitions(scale, months=months * times))
    never_less(partitions(scale, months=months), partitions(scale))


@EXAMPLES
@given(SCALES, st.sampled_from((2, 8, 1024)))
def test_larger_rows_in_as_much_larger_memory_are_divided_alike(scale: float, unit: int) -> None:
    plain = samples.tables()
    larger = replace(
        plain,
        tables=tuple(
            replace(
                t,
                heap_bytes=t.heap_bytes * unit,
                toast_bytes=t.toast_bytes * unit,
                index_bytes=t.index_bytes * unit,
            )
            for t in plain.tables
        ),
    )
    one, other = partitions(scale), partitions(scale, 8.0 * unit, tables=larger)
    assert set(one) == set(other)
    for table, found in one.items():
        again = other[table]
        assert (found.now, found.at_horizon, found.steps) == (again.now, again.at_horizon, again.steps)
        assert found.design == again.design


# --- pools --------------------------------------------------------------------------------------------------------

LEVELS = (1, 2, 4, 8, 16, 32)


@st.composite
def scenarios(draw: st.DrawFn, name: str = "dashboard") -> SweptScenario:
    """A sweep whose throughput rises, and falls or stays after its best level, by the universal law."""
    alpha, beta = draw(st.floats(0.02, 0.6)), draw(st.floats(0.002, 0.05))
    n = np.array(LEVELS, dtype=np.float64)
    tps = 300 * n / (1 + alpha * (n - 1) + beta * n * (n - 1))
    repeats = tuple(
        Repeat(level, x * (1 + 0.01 * i), 1000 * level / x, 0)
        for level, x in zip(LEVELS, tps.tolist(), strict=True)
        for i in (-1, 0, 1)
    )
    return replace(samples.swept(name, 300, 0.9), repeats=repeats, round_trips=draw(st.floats(1, 12)))


def trip(value: float) -> Input:
    return samples.given("round_trip_ms", Interval(0.8 * value, value, 1.5 * value))


SETTING = PoolSetting(dt.date(2026, 1, 31), trip(0.5))


def pool(made: tuple[SweptScenario, ...], setting: PoolSetting = SETTING) -> Recommendation | None:
    found = recommend_pool(made, MeasuredServer(2, 2**33, "test"), setting)
    return found if isinstance(found, Recommendation) else None


def never_smaller(less: Recommendation | None, more: Recommendation | None) -> None:
    if less is None or more is None:
        return
    assert less.now.low <= more.now.low
    assert less.now.value <= more.now.value
    assert less.now.high <= more.now.high


@EXAMPLES
@given(scenarios(), st.floats(0, 20), TIMES)
def test_a_longer_way_to_the_server_never_needs_a_smaller_pool(
    made: SweptScenario, trip_ms: float, times: float
) -> None:
    never_smaller(*(pool((made,), replace(SETTING, round_trip_ms=trip(ms))) for ms in (trip_ms, trip_ms * times)))


@EXAMPLES
@given(scenarios(), scenarios("montecarlo"))
def test_a_pool_for_two_scenarios_is_never_smaller_than_for_either(one: SweptScenario, other: SweptScenario) -> None:
    both = pool((one, other))
    for alone in (one, other):
        never_smaller(pool((alone,)), both)


@EXAMPLES
@given(scenarios(), st.sampled_from((1, 2, 4, 8)), st.sampled_from((1, 2, 4)))
def test_more_cores_never_need_a_smaller_pool(made: SweptScenario, cores: int, times: int) -> None:
    def on(count: int) -> Recommendation | None:
        server = Server(f"{count} cores", count, 2.0**34)
        return pool((made,), replace(SETTING, target=Target("sizes", (server,), 0), server=server))

    never_smaller(on(cores), on(cores * times))


@EXAMPLES
@given(scenarios(), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4))
def test_shares_of_a_pool_never_make_more_than_the_pool(
    made: SweptScenario, instances: int, pools: int, times: int
) -> None:
    few, many = (pool((made,), replace(SETTING, deployment=Deployment(instances * k, pools))) for k in (1, times))
    for found, count in ((few, instances * pools), (many, instances * pools * times)):
        if found is not None and found.division is not None:
            assert found.division.each * count <= found.division.total == found.now.value
    if few is not None and many is not None and few.division is not None and many.division is not None:
        assert many.division.each <= few.division.each
        assert many.now == few.now


@EXAMPLES
@given(scenarios(), st.sampled_from((2.0**-8, 2.0**8)))
def test_time_in_another_unit_gives_the_same_pool(made: SweptScenario, unit: float) -> None:
    """Throughput times so much, responses and round trips as much less."""
    faster = replace(
        made,
        repeats=tuple(
            replace(r, throughput_tps=r.throughput_tps * unit, response_ms=r.response_ms / unit) for r in made.repeats
        ),
    )
    one = pool((made,), replace(SETTING, round_trip_ms=trip(2.0)))
    other = pool((faster,), replace(SETTING, round_trip_ms=trip(2.0 / unit)))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.now, one.most) == (other.now, other.most)
