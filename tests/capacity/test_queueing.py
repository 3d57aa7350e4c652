"""Erlang's C formula."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.queueing import Queue, erlang_c
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
