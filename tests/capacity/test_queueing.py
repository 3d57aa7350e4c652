"""Erlang's C formula, mean-value analysis and the operational bounds; against textbooks and a simulation of our own."""

from __future__ import annotations

import csv
import heapq
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.queueing import Bounds, ClosedNetwork, Queue, Station, asymptotic_bounds, erlang_c, mean_value_analysis
from capacity.values import Refusal

ROWS = list(
    csv.DictReader(
        line
        for line in (Path(__file__).parent / "data" / "erlang_c.csv").read_text().splitlines()
        if not line.startswith("#")
    )
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['offered_load']} on {row['servers']}")
def test_textbook_values(row: dict[str, str]) -> None:
    queue = erlang_c(float(row["offered_load"]), int(row["servers"]))
    assert isinstance(queue, Queue)
    assert round(queue.probability_of_waiting, 6) == float(row["probability_of_waiting"])
    assert round(queue.mean_queue_length, 6) == float(row["mean_queue_length"])


@given(st.floats(0, 0.999))
def test_one_server_waits_with_its_utilisation(load: float) -> None:
    queue = erlang_c(load, 1)
    assert isinstance(queue, Queue)
    assert queue.probability_of_waiting == pytest.approx(load)


@given(st.floats(0, 0.99), st.integers(1, 300))
def test_more_servers_never_wait_more(utilisation: float, servers: int) -> None:
    load = utilisation * servers
    fewer, more = erlang_c(load, servers), erlang_c(load, servers + 1)
    assert isinstance(fewer, Queue) and isinstance(more, Queue)
    assert 0 <= more.probability_of_waiting <= fewer.probability_of_waiting <= 1


@pytest.mark.parametrize(("load", "servers"), [(2, 2), (3, 2), (-1, 2), (math.nan, 2), (1, 0)])
def test_no_steady_state_is_refused(load: float, servers: int) -> None:
    assert isinstance(erlang_c(load, servers), Refusal)


def test_one_servers_response_is_the_textbooks() -> None:
    """M/M/1: R = S/(1 − ρ), and waiting is exponential with the share ρ that waits at all."""
    queue = erlang_c(0.8, 1)
    assert isinstance(queue, Queue)
    assert queue.mean_response_s(0.01) == pytest.approx(0.05)
    assert queue.waiting_percentile_s(0.95, 0.01) == pytest.approx(0.01 * math.log(0.8 / 0.05) / 0.2)
    assert queue.waiting_percentile_s(0.1, 0.01) == 0
    with pytest.raises(ValueError, match="share of arrivals"):
        queue.waiting_percentile_s(1.0, 0.01)


def test_littles_law_joins_queue_and_response() -> None:
    for row in ROWS:
        queue = erlang_c(float(row["offered_load"]), int(row["servers"]))
        assert isinstance(queue, Queue)
        waiting_s = queue.mean_response_s(1.0) - 1.0
        assert waiting_s * queue.offered_load == pytest.approx(queue.mean_queue_length)


# --- closed networks ----------------------------------------------------------------------------------------------


def analysed(stations: list[Station], customers: int, think_s: float = 0.0) -> tuple[ClosedNetwork, ...]:
    answer = mean_value_analysis(stations, customers, think_s)
    assert not isinstance(answer, Refusal), answer
    return answer


def test_jains_timesharing_system() -> None:
    """R. Jain, The Art of Computer Systems Performance Analysis, 1991, example 34.2: 20 users who think for 4 s."""
    steps = analysed([Station("cpu", 16 * 0.125), Station("disk a", 10 * 0.3), Station("disk b", 5 * 0.2)], 20, 4.0)
    assert [round(s.mean_customers, 3) for s in steps[-1].stations] == [1.991, 16.177, 0.500]
    assert [round(s.residence_s / v, 3) for s, v in zip(steps[-1].stations, (16, 10, 5), strict=True)] == [
        0.373, 4.854, 0.300,
    ]  # fmt: skip


def test_bolchs_network_with_two_servers() -> None:
    """G. Bolch et al., Queueing Networks and Markov Chains, 2006, example 8.4: two servers, one, one, a delay."""
    steps = analysed([Station("two", 0.5, servers=2), Station("a", 0.3), Station("b", 0.4)], 3, think_s=1.0)
    assert [round(s.mean_customers, 3) for s in steps[-1].stations] == [0.624, 0.473, 0.686]
    assert round(steps[-1].throughput_tps * 1.0, 3) == 1.217, "as many are in the delay of 1 s"


def test_only_servers_and_no_thought_is_counted_by_hand() -> None:
    assert [s.throughput_tps for s in analysed([Station("cores", 1.0, 4)], 6)] == pytest.approx([1, 2, 3, 4, 4, 4])


def test_the_machine_repairman_is_the_birth_and_death_chain() -> None:
    """N machines, c repairmen, up for Z, repaired in S: probabilities from the chain's own balance, no recursion."""
    machines, repairmen, up_s, repair_s = 60, 7, 10.0, 2.0
    logs = np.zeros(machines + 1)
    for broken in range(1, machines + 1):
        logs[broken] = logs[broken - 1] + math.log((machines - broken + 1) / up_s)
        logs[broken] -= math.log(min(broken, repairmen) / repair_s)
    p = np.exp(logs - logs.max())
    p /= p.sum()
    rate = float(p @ np.minimum(np.arange(machines + 1), repairmen)) / repair_s
    last = analysed([Station("repairmen", repair_s, repairmen)], machines, up_s)[-1]
    assert last.throughput_tps == pytest.approx(rate, rel=1e-12)
    assert last.stations[0].mean_customers == pytest.approx(float(p @ np.arange(machines + 1)), rel=1e-10)


def simulated(
    stations: list[Station], customers: int, think_s: float, seed: int, done: int = 4000
) -> tuple[float, float]:
    """Throughput and mean response of one simulated run: first come, first served, all times exponential."""
    rng = np.random.default_rng(seed)
    free = [s.servers for s in stations]
    waiting: list[list[int]] = [[] for _ in stations]
    began = [0.0] * customers
    events = [(float(rng.exponential(think_s)), customer, -1) for customer in range(customers)]
    heapq.heapify(events)
    warm, finished, total_s, since_s, now = done // 5, 0, 0.0, 0.0, 0.0

    def arrive(customer: int, place: int) -> None:
        if free[place]:
            free[place] -= 1
            heapq.heappush(events, (now + float(rng.exponential(stations[place].demand_s)), customer, place))
        else:
            waiting[place].append(customer)

    while finished < done:
        now, customer, place = heapq.heappop(events)
        if place == -1:
            began[customer] = now
        else:
            free[place] += 1
            if waiting[place]:
                arrive(waiting[place].pop(0), place)
        if place + 1 < len(stations):
            arrive(customer, place + 1)
            continue
        finished += 1
        if finished == warm:
            since_s, total_s = now, 0.0
        total_s += now - began[customer]
        heapq.heappush(events, (now + float(rng.exponential(think_s)), customer, -1))
    return (done - warm) / (now - since_s), total_s / (done - warm)


@pytest.mark.parametrize("customers", [3, 12, 40])
def test_a_simulation_agrees_within_its_interval(customers: int) -> None:
    """Twelve runs each; 99.9 % intervals, so that one of these six fails by chance in 170."""
    network = [Station("cores", 0.05, servers=4), Station("log", 0.008)]
    exact = analysed(network, customers, 0.1)[-1]
    runs = np.array([simulated(network, customers, 0.1, seed) for seed in range(12)])
    half = 4.437 * runs.std(axis=0, ddof=1) / math.sqrt(12)
    assert abs(runs[:, 0].mean() - exact.throughput_tps) <= half[0]
    assert abs(runs[:, 1].mean() - exact.response_s) <= half[1]
    assert half[0] < 0.05 * exact.throughput_tps
    assert half[1] < 0.05 * exact.response_s


NETWORKS = st.lists(
    st.builds(Station, st.just("s"), st.floats(1e-4, 10), st.one_of(st.just(1), st.integers(2, 12))),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(NETWORKS, st.integers(1, 60), st.one_of(st.just(0.0), st.floats(1e-3, 100)))
def test_every_network_keeps_to_the_laws(stations: list[Station], customers: int, think_s: float) -> None:
    """Bounds, Little's law for the whole and each part, more customers never carry less, utilisation at most 1."""
    steps = analysed(stations, customers, think_s)
    for step in steps:
        bounds = asymptotic_bounds(stations, step.customers, think_s)
        assert isinstance(bounds, Bounds)
        assert bounds.throughput_low_tps * (1 - 1e-9) <= step.throughput_tps <= bounds.throughput_high_tps * (1 + 1e-9)
        assert bounds.response_low_s * (1 - 1e-9) <= step.response_s <= bounds.response_high_s * (1 + 1e-9)
        here = sum(s.mean_customers for s in step.stations)
        assert here + step.throughput_tps * think_s == pytest.approx(step.customers)
        assert all(s.utilisation <= 1 + 1e-9 for s in step.stations)
    rates = [step.throughput_tps for step in steps]
    assert all(later >= earlier * (1 - 1e-9) for earlier, later in itertools.pairwise(rates))


@settings(max_examples=30, deadline=None)
@given(NETWORKS, st.integers(1, 30), st.floats(0, 10), st.floats(1e-6, 1e6))
def test_times_in_another_unit_scale_the_answer(
    stations: list[Station], customers: int, think_s: float, unit: float
) -> None:
    plain = analysed(stations, customers, think_s)[-1]
    scaled = analysed([Station(s.name, s.demand_s * unit, s.servers) for s in stations], customers, think_s * unit)[-1]
    assert scaled.response_s == pytest.approx(plain.response_s * unit)
    assert scaled.throughput_tps == pytest.approx(plain.throughput_tps / unit)


def test_deep_saturation_stays_exact() -> None:
    """Where the textbook's p(0) = 1 − Σp loses every digit: throughput must stand at the bottleneck's rate."""
    last = analysed([Station("cores", 1.0, 64), Station("log", 0.4, 16)], 3000, 5.0)[-1]
    assert last.throughput_tps == pytest.approx(40.0, rel=1e-9)
    assert last.stations[1].utilisation == pytest.approx(1.0)


def test_the_knee_is_where_the_asymptotes_cross() -> None:
    bounds = asymptotic_bounds([Station("cores", 0.2, 4), Station("log", 0.01)], 10, think_s=1.0)
    assert isinstance(bounds, Bounds)
    assert bounds.knee_customers == pytest.approx(1.21 / 0.05)


@pytest.mark.parametrize(
    ("stations", "customers", "think_s"),
    [
        ([], 5, 1.0),
        ([Station("s", 0.0)], 5, 1.0),
        ([Station("s", -1.0)], 5, 1.0),
        ([Station("s", math.nan)], 5, 1.0),
        ([Station("s", math.inf)], 5, 1.0),
        ([Station("s", 1.0, servers=0)], 5, 1.0),
        ([Station("s", 1.0)], 0, 1.0),
        ([Station("s", 1.0)], 10**9, 1.0),
        ([Station("s", 1.0)], 5, -1.0),
        ([Station("s", 1.0)], 5, math.nan),
        ([Station("s", 1.0, servers=2)] * 9, 5, 1.0),
    ],
)
def test_no_network_is_refused(stations: list[Station], customers: int, think_s: float) -> None:
    for answer in (mean_value_analysis(stations, customers, think_s), asymptotic_bounds(stations, customers, think_s)):
        assert isinstance(answer, Refusal)
        assert answer.missing and answer.do
