"""The page as a document: well formed, self-contained, in order, and safe with whatever a record holds."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
import samples
from pages import text_of

from capacity.values import Interval, Refusal
from loadgen.report import plan_sections, run_sections, sweep_sections
from loadgen.report.charts import load
from loadgen.report.page import RunPage, Subject, page, sections
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.verdict import Verdict

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert('x')</script>\"&{{ 7 * 7 }}"
VOID = {"meta", "link", "br", "img", "hr", "input"}

SUBJECTS: dict[str, Subject] = {
    "plan": samples.plan(),
    "sweep": samples.sweep(),
    "refused sweep": samples.refused_sweep(),
    "run": RunPage(samples.run(), samples.timeline()),
    "invalid run": RunPage(samples.invalid_run()),
    "fidelity": samples.fidelity(),
}


@cache
def rendered(name: str) -> str:
    return page(SUBJECTS[name])


class Checker(HTMLParser):
    """Fails on a tag that is closed wrongly; collects anchors, and whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}:
                self.fetched.append(value or "")
            assert not name.startswith("on"), f"{tag} has a handler {name}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]} at {self.getpos()}"
        self.open.pop()


@pytest.mark.parametrize("name", SUBJECTS)
def test_well_formed_and_self_contained(name: str) -> None:
    html = rendered(name)
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    assert len(checker.ids) == len(set(checker.ids))
    assert all(link[1:] in checker.ids for link in checker.links), checker.links
    assert all(address.startswith("data:") for address in checker.fetched), checker.fetched
    assert "script" not in checker.tags
    assert "@import" not in html
    assert not re.search(r"url\((?!data:)", html)
    assert len(html) < 1_500_000


@pytest.mark.parametrize(
    ("name", "anchors"),
    [
        ("plan", "verdict steps servers load growth storage why uncertainty watch origins facts reproduce"),
        ("sweep", "verdict load laws storage scenario facts reproduce"),
        ("run", "verdict latency timeline statements server generator scenario facts reproduce"),
        ("invalid run", "verdict scenario facts reproduce"),
        ("fidelity", "verdict age figures rules shape storage planner facts reproduce"),
    ],
)
def test_sections_in_order(name: str, anchors: str) -> None:
    assert re.findall(r'<section id="(\w+)"', rendered(name)) == anchors.split()


def test_same_record_same_page() -> None:
    assert page(samples.refused_sweep()) == rendered("refused sweep")


def test_plan_says_what_when_and_how_sure() -> None:
    text = text_of(rendered("plan"))
    assert "Too short for a decision" in text
    assert "Due Apr 2027 (Jan 2027 to Nov 2027)" in text
    assert "held the truth 71% of the time (52% to 85%" in text
    assert "less often than it claims" in text
    assert re.search(r"At least [\d,]+ transactions a second", text)
    assert "1 run shown but not used" in text
    assert "throughput drifted by 31 %" in text
    assert "5 of 10 numbers are assumptions" in text
    assert "loadgen plan --sweep" in text


def test_a_refusal_names_the_missing_measurement_and_how_to_get_it() -> None:
    refusal = samples.plan().plan.refused[0].refusal
    text = text_of(rendered("plan"))
    assert "No answer yet." in text
    assert refusal.missing in text
    assert refusal.do in text
    assert refusal.code in text
    refused = samples.refused_sweep().refusal
    assert refused is not None
    assert refused.missing in text_of(rendered("refused sweep"))


def test_fidelity_says_what_is_off_and_by_how_much() -> None:
    record = samples.fidelity()
    text = text_of(rendered("fidelity"))
    assert f"{record.count('outside')} outside" in text
    assert record.outside[0] == "net_worth_mean <35"
    assert "net worth, mean &lt;35 $209,920 $524,799 +150.0%" in text
    assert "an education goal is for a child of the family below 18 children 0 3 of 700" in text
    assert "421 households have a negative net worth" in text
    assert "not stored" in text
    assert "Index Scan goals_open_idx 2 42 21 ×" in text.replace("\u00a0", " ")
    assert "looks into a document" in text
    few = replace(record, refusal=Refusal("too_few_households", "12 households decide nothing", "seed more"))
    assert "12 households decide nothing" in text_of(page(few))
    bare = replace(record, figures=(), checks=(), fan_outs=(), tables=(), documents=(), estimates=(), users=0)
    assert [part.anchor for part in sections(bare)] == ["verdict", "figures", "rules", "shape", "facts", "reproduce"]


def test_a_hostile_plan_and_source_stay_text() -> None:
    record = samples.fidelity()
    figure = replace(record.figures[3], group=HOSTILE, source=HOSTILE)
    estimate = replace(record.estimates[1], statement=HOSTILE, jsonb_condition=HOSTILE, note=HOSTILE)
    html = page(replace(record, figures=(*record.figures[:3], figure), estimates=(estimate,)))
    checker = Checker()
    checker.feed(html)
    assert "script" not in checker.tags
    assert "{{ 7 * 7 }}" in html


def test_no_banner_when_the_runs_were_long_enough() -> None:
    assert "Too short" not in str(plan_sections.verdict(replace(samples.plan(), short=False)).html)


def test_run_says_whether_the_objective_was_met() -> None:
    assert "met ✓" in text_of(rendered("run"))
    invalid = text_of(rendered("invalid run"))
    assert "do not use these numbers" in invalid
    assert "Nothing was measured" in invalid


def test_text_of_a_record_is_escaped_everywhere() -> None:
    """A hostile name reaches headings, tables, charts' labels and commands, and never becomes markup."""
    plan = samples.plan()
    sweep = replace(plan.sweeps[0], scenario=replace(plan.sweeps[0].scenario, name=HOSTILE, summary=HOSTILE))
    tables = (replace(plan.tables[0], name=HOSTILE), *plan.tables[1:])
    html = page(replace(plan, id=HOSTILE, sweeps=(sweep,), tables=tables, growth_source=HOSTILE))
    checker = Checker()
    checker.feed(html)
    assert "script" not in checker.tags
    assert "<script" not in html
    assert "{{ 7 * 7 }}" in html
    assert html.count("&lt;script&gt;") > 5


BARE = replace(
    samples.plan(),
    sweeps=(),
    tables=(),
    plan=replace(
        samples.plan().plan,
        demand_tps=(),
        recommendations=(),
        refused=(),
        inputs=(),
        storage=(),
        sizing=None,
        sensitivity=(),
        triggers=(),
        resources=(),
    ),
)
UNKNOWN = replace(
    samples.DATABASE,
    cores=None,
    ram_bytes=None,
    settings={},
    fingerprint=replace(samples.DATABASE.fingerprint, users=None, seed=None, as_of=None, model_version=None, drift={}),
)


def plan_with(low: float, high: float) -> PlanRecord:
    """A plan whose first recommendation reaches from ``low`` to ``high`` at the horizon."""
    record = samples.plan()
    advice = replace(samples.replicas(), at_horizon=Interval(low, max(low, 1), high))
    return replace(record, plan=replace(record.plan, recommendations=(advice, advice)))


@pytest.mark.parametrize(
    "subject",
    [
        BARE,
        plan_with(0, math.inf),
        replace(samples.sweep(), points=(), capacity=None, refusal=None, partial=True),
        replace(samples.sweep(), database=UNKNOWN, tables=()),
        replace(
            samples.sweep(),
            points=tuple(
                replace(
                    p, throughput_tps=None, response=None, service=None, error_share=None, verdict=Verdict("partial")
                )
                for p in samples.points(1.6)
            ),
        ),
        RunPage(replace(samples.run(), database=UNKNOWN), samples.timeline()[:1]),
    ],
    ids=["bare plan", "unbounded", "no points", "unknown server", "partial points", "one second"],
)
def test_what_is_missing_leaves_the_page_whole(subject: Subject) -> None:
    html = page(subject)
    checker = Checker()
    checker.feed(html)
    assert not checker.open
    text = text_of(html)
    assert not re.search(r"\bNone\b|\bnan\b|\binf\b|undefined", text), text
    assert sections(subject)[0].anchor == "verdict"


def test_an_interval_that_reaches_zero_is_drawn_on_the_logarithmic_axis() -> None:
    """Short runs give such intervals; their points must not vanish from the chart."""
    sweep = samples.sweep()
    point = sweep.points[0]
    assert point.response is not None
    reaching = replace(point, response=replace(point.response, p95_ms=Interval(0, 3.6, 20)))
    before, after = (
        load.response(replace(sweep, points=points)) for points in (sweep.points, (reaching, *sweep.points[1:]))
    )
    assert before is not None
    assert after is not None
    assert after.wide.count("<title>") == before.wide.count("<title>")
    assert "NaN" not in after.wide


def test_a_sweep_of_short_runs_says_so() -> None:
    text = text_of(rendered("sweep"))
    assert "Too short for a decision" in text
    assert text.count("measure 60 s or more a run before deciding") == 1
    quiet = tuple(replace(p, verdict=replace(p.verdict, notes=())) for p in samples.sweep().points)
    assert "Too short" not in sweep_sections.verdict(replace(samples.sweep(), points=quiet)).html


def test_think_time_is_said_to_be_left_out() -> None:
    assert "left out here" in text_of(rendered("sweep"))
    thinking = replace(samples.run(), schedule=replace(samples.run().schedule, think=True))
    assert "left out here" not in run_sections.scenario(thinking).html


def test_one_server_of_the_mix_is_the_weighted_harmonic_mean() -> None:
    found = plan_sections.one_server(samples.plan().plan)
    assert found is not None
    assert found.value == pytest.approx(1 / (0.9 / 1_650 + 0.1 / 183))
    assert found.low < found.value < found.high
    missing = replace(
        samples.plan().plan,
        inputs=tuple(i for i in samples.inputs() if i.name != "capacity.montecarlo"),
        recommendations=(),
    )
    assert plan_sections.one_server(missing) is None


def test_an_interval_that_reaches_below_nothing_is_drawn_down_to_the_axis() -> None:
    sweep = samples.sweep()
    first, *others = sweep.points
    assert first.response is not None
    assert first.response.p95_ms is not None
    wide = replace(first.response, p95_ms=replace(first.response.p95_ms, low=-1.0))
    assert load.response(replace(sweep, points=(replace(first, response=wide), *others))) is not None
