"""What every plan keeps to, whatever it is of: more is never cheaper, units do not matter, and chance has no part."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.growth import Forecast
from capacity.measurements import MeasuredServer, SweptScenario
from capacity.planner import make_plan
from capacity.scalability import Capacity, capacity_at_objective
from capacity.sizing.choose import Choice, choose
from capacity.sizing.futures import Futures, simulate
from capacity.targets import Server, Target
from capacity.values import Interval, Refusal
from capacity.workload import Event, PeakLoad, Workload

pytestmark = pytest.mark.slow

MEASURED = MeasuredServer(2, 8 * samples.GIB, "test server")
TIMES = st.floats(1.0, 4.0)
FACTORS = ("sessions_per_active_day", "transactions_per_session", "peak_to_mean")


@cache
def swept(name: str, single_tps: float, read_share: float) -> SweptScenario:
    return samples.swept(name, single_tps, read_share)


def scaled(forecast: Forecast, times: float) -> Forecast:
    """Users times so much, yesterday, today and on every date to come."""
    return replace(
        forecast,
        history=tuple(replace(o, value=o.value * times) for o in forecast.history),
        forecast=tuple(
            replace(p, point=p.point * times, low=p.low * times, high=p.high * times) for p in forecast.forecast
        ),
    )


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """One to four sizes; a larger one may be cheaper, as catalogues have it."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 4, 8, 16, 32, 64]), min_size=1, max_size=4, unique=True))
    servers = tuple(
        Server(f"{cores} cores", cores, cores * 4.0 * samples.GIB, Interval.exact(draw(st.floats(20, 60)) * cores))
        for cores in sizes
    )
    return Target("catalogue", servers, draw(st.integers(0, 6)), shared_storage=draw(st.booleans()))


def futures(
    people: Forecast,
    workload: Workload,
    scenarios: tuple[SweptScenario, ...] | None = None,
    retention_months: float | None = None,
) -> Futures:
    tables = replace(samples.tables(), filled_by_time=("chat_messages",))
    scenarios = scenarios or (swept("dashboard", 300, 0.95), swept("montecarlo", 600, 0.3))
    made = simulate(scenarios, PeakLoad.of(people, workload), workload, samples.policy(), tables, retention_months)
    assert not isinstance(made, Refusal), made
    return made


def never_cheaper(less: Choice, more: Choice) -> None:
    """Who asks for more pays as much or more on every date; what cannot be had more of may be had less of."""
    for small, large in zip(less.sizing.by_date, more.sizing.by_date, strict=True):
        assert small.date == large.date
    if more.sizing.met:
        assert less.sizing.met
        for k in range(len(less.configurations)):
            assert monthly(less, k) <= monthly(more, k) * (1 + 1e-9)
        assert less.sizing.cost.value <= more.sizing.cost.value * (1 + 1e-9)
    assert less.sizing.need.value <= more.sizing.need.value * (1 + 1e-9)


def monthly(choice: Choice, row: int) -> float:
    """Price of the servers on that date, storage aside."""
    here = choice.configurations[row]
    return (here.server.price.value if here.server.price else 1.0) * (1 + here.replicas)


@settings(max_examples=15, derandomize=True)
@given(
    targets(),
    st.floats(0.1, 60),
    TIMES,
    st.sampled_from(("users", "event", *FACTORS)),
    st.sampled_from((0.5, 0.9, 0.95, 0.99)),
)
def test_more_load_never_costs_less(target: Target, scale: float, times: float, by: str, wanted: float) -> None:
    people, workload = scaled(samples.users(), scale), samples.workload(1.3)
    grown, heavier = people, workload
    if by == "users":
        grown = scaled(people, times)
    elif by == "event":
        factor = samples.given("event.launch", Interval.exact(times))
        heavier = replace(workload, events=(Event("launch", dt.date(2026, 6, 30), factor, "peak"),))
        # The same dates in both: an event of no effect.
        none = replace(heavier.events[0], factor=samples.given("event.launch", Interval.exact(1.0)))
        workload = replace(workload, events=(none,))
    else:
        given_ = getattr(workload, by)
        heavier = replace(workload, **{by: replace(given_, value=given_.value.scaled(times))})
    less = choose(futures(people, workload), target, MEASURED, wanted)
    never_cheaper(less, choose(futures(grown, heavier), target, MEASURED, wanted))


@settings(max_examples=15, derandomize=True)
@given(targets(), st.floats(0.1, 60), st.floats(5, 110), TIMES, st.sampled_from((0.5, 0.9, 0.95, 0.99)))
def test_a_tighter_objective_never_costs_less(
    target: Target, scale: float, tight_ms: float, looser: float, wanted: float
) -> None:
    people, workload = scaled(samples.users(), scale), samples.workload(1.3, montecarlo=0.0)
    made = swept("dashboard", 300, 0.95)
    answers = [capacity_at_objective(made.repeats, ms, 0.001) for ms in (tight_ms, tight_ms * looser)]
    tight, loose = answers
    if isinstance(tight, Refusal):
        return
    assert isinstance(loose, Capacity)
    choices = [
        choose(futures(people, workload, (replace(made, capacity=c),)), target, MEASURED, wanted) for c in answers
    ]
    never_cheaper(choices[1], choices[0])


@settings(max_examples=12, derandomize=True)
@given(targets(), st.floats(0.1, 60), st.floats(0.5, 0.999), st.floats(0.5, 0.999), st.integers(0, 2))
def test_more_certainty_and_more_spare_servers_never_cost_less(
    target: Target, scale: float, one: float, other: float, spare: int
) -> None:
    load = futures(scaled(samples.users(), scale), samples.workload(1.3))
    low, high = sorted((one, other))
    never_cheaper(choose(load, target, MEASURED, low), choose(load, target, MEASURED, high))
    spare = min(spare, target.most_replicas)
    never_cheaper(choose(load, target, MEASURED, low), choose(load, target, MEASURED, low, spare))


@settings(max_examples=15, derandomize=True)
@given(st.floats(1, 60), st.floats(1.0, 24), TIMES)
def test_keeping_rows_longer_never_stores_less(scale: float, months: float, longer: float) -> None:
    people, workload = scaled(samples.users(), scale), samples.workload(1.3)
    kept = [futures(people, workload, None, m).storage_bytes for m in (months, months * longer, None)]
    short, long, always = kept
    assert short is not None and long is not None and always is not None
    # Today's rows are what was measured, however long they are kept; from then on more is kept.
    assert (short <= long * (1 + 1e-9)).all()
    assert (long <= always * (1 + 1e-9)).all()


@settings(max_examples=12, derandomize=True)
@given(targets(), st.floats(0.1, 60), st.sampled_from((2.0**-10, 0.3, 3.0, 2.0**10)))
def test_load_and_capacity_in_another_unit_give_the_same_servers(target: Target, scale: float, unit: float) -> None:
    people, workload = scaled(samples.users(), scale), samples.workload(1.3)
    scenarios = (swept("dashboard", 300, 0.95), swept("montecarlo", 600, 0.3))
    faster = tuple(replace(s, capacity=in_unit(s.capacity, unit)) for s in scenarios)
    session = workload.transactions_per_session
    heavier = replace(workload, transactions_per_session=replace(session, value=session.value.scaled(unit)))
    plain = choose(futures(people, workload, scenarios), target, MEASURED)
    other = choose(futures(people, heavier, faster), target, MEASURED)
    assert [(d.server, d.replicas) for d in plain.sizing.by_date] == [
        (d.server, d.replicas) for d in other.sizing.by_date
    ]
    assert other.sizing.probability == pytest.approx(plain.sizing.probability, abs=1e-3)
    assert other.sizing.need.value == pytest.approx(plain.sizing.need.value)
    assert other.carried_tps == pytest.approx(plain.carried_tps * unit)


def in_unit(capacity: Capacity | Refusal, unit: float) -> Capacity:
    assert isinstance(capacity, Capacity)
    return replace(capacity, throughput_tps=capacity.throughput_tps.scaled(unit))


@settings(max_examples=15, derandomize=True)
@given(targets(), st.floats(0.1, 60), st.floats(0.5, 2.0))
def test_the_load_carried_is_what_the_servers_need(target: Target, scale: float, nearly: float) -> None:
    """A round trip: today's load, times so much of what is carried, meets the objective just where that is at most 1.

    Draws in which memory binds are left out: it is no matter of the load's own law.
    """
    load = futures(scaled(samples.users(), scale), samples.workload(1.3))
    choice = choose(replace(load, working_set_bytes=None, storage_bytes=None), target, MEASURED)
    factor = choice.carried_tps / load.tps[0] * nearly
    loads = tuple(
        replace(one, reads=one.reads[:1] * factor, writes=one.writes[:1] * factor, replay=one.replay[:1] * factor)
        for one in load.loads
    )
    again = replace(load, dates=load.dates[:1], loads=loads, reads=load.reads[:1], working_set_bytes=None)
    again = replace(again, writes=load.writes[:1], replay=load.replay[:1], storage_bytes=None)
    again = replace(again, replay_cores=load.replay_cores[:1])
    met = choose_fit(choice, again, target)
    if abs(nearly - 1) > 1e-6:  # not within rounding of the edge
        assert (met == (nearly < 1)).all()


def choose_fit(choice: Choice, load: Futures, target: Target) -> np.ndarray:
    from capacity.sizing.candidates import fits

    here = choice.configurations[0]
    fit = next(f for f in fits(load, target, MEASURED) if f.server.name == here.server.name)
    return np.asarray(fit.meets(here.replicas)[0])


# --- the same again -----------------------------------------------------------------------------------------------

DIGEST = """
import hashlib, plan_samples
from capacity.planner import make_plan
print(hashlib.sha256(repr(make_plan(plan_samples.inputs(20))).encode()).hexdigest())
"""


def test_another_process_with_other_hashes_makes_the_same_plan() -> None:
    here = hashlib.sha256(repr(make_plan(samples.inputs(20))).encode()).hexdigest()
    path = os.pathsep.join([str(Path(samples.__file__).parent), *filter(None, sys.path)])
    made = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env=os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert made.stdout.strip() == here
