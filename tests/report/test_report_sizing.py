"""What a page says of servers, of what matters most, of when to act, and of a sweep's laws."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import samples
from pages import text_of

from capacity.recommendation import RefusedRecommendation
from capacity.values import Refusal
from loadgen.report.charts import sizing as sizing_charts
from loadgen.report.page import page, sections

pytestmark = pytest.mark.slow


def test_plan_says_which_servers_what_matters_and_what_to_watch() -> None:
    text = text_of(page(samples.plan())).replace("\u00a0", " ")
    assert "4 CU now, 5 CU with 1 replica by Mar 2027, for 2,200 (1,100–3,600) USD in all" in text
    assert "What if: users grow 2 times as much as forecast." in text
    assert "Limits and prices: Neon documentation, 2026 snapshot." in text
    assert "half of the futures need it by Jan 2028" in text
    assert "working set data that the peak hour uses, which should fit in memory on every server" in text
    assert "410 (100–1,020) MB 12 GB" in text
    assert "8 (4–12) 1,678 8 (4–12) 2,098" in text
    assert "Most of that width comes from peak to mean : 52% of it." in text
    assert "LoadNearsStep transactions a second 880/s 15 min" in text
    assert "size of chat_messages 12.8 GB 1 h" in text
    assert "alerts.yml" in text
    assert "--horizon 18 --target neon --growth 2" in text
    assert "utilisation by the measured latency curve; transferred by CPU demand; a transaction costs CPU 1.2" in text
    assert "In this plan: utilisation assumed; transferred by number of cores." in text
    assert "Not available. Missing: the server&#39;s CPU in each run." in text
    assert "only 91.8%, not 95%" in text


def test_servers_that_cannot_be_planned_are_said_on_the_page() -> None:
    record = samples.plan()
    assert record.plan.sizing is not None
    refusal = Refusal("objective_out_of_reach", "a configuration that meets it", "allow larger servers")
    sizing = replace(record.plan.sizing, met=False, probability=0.41)
    plan = replace(record.plan, sizing=sizing, refused=(RefusedRecommendation("servers", "Neon", refusal),))
    text = text_of(page(replace(record, plan=plan))).replace("\u00a0", " ")
    assert "Not achievable." in text
    assert "it is met with a probability of only 41%" in text
    assert "Missing: a configuration that meets it." in text


def test_an_input_that_lowers_the_load_has_its_upper_end_on_the_left() -> None:
    drawn = sizing_charts.tornado(samples.plan().plan.sensitivity)
    assert drawn is not None
    labels = re.findall(r"<title>([^<]+)</title>", drawn.wide)
    assert "capacity: dashboard at its upper end: 0.98 servers" in labels
    assert "peak to mean at its upper end: 2 servers" in labels
    assert sizing_charts.tornado(()) is None


def test_a_sweep_says_its_law_its_target_and_its_demand() -> None:
    text = text_of(page(samples.sweep())).replace("\u00a0", " ")
    assert "Universal Scalability Law contention α is 0.17" in text
    assert re.search(r"p95 is within 30 ms up to \S* ?\d+% of the greatest throughput", text)
    assert "Latency against utilisation" in text
    assert "Service demand: what one transaction of the mix costs the server" in text
    few = replace(samples.sweep(), points=samples.points(1.6, levels=(1, 2)))
    assert "Not available: the law of throughput." in text_of(page(few))
    thinking = replace(samples.sweep(), schedule=replace(samples.sweep().schedule, think=True))
    assert "laws" not in [part.anchor for part in sections(thinking)]
