"""Sections of a plan's page, each a function of the plan's record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from capacity.plan import Plan
from capacity.recommendation import Kind, Recommendation, RefusedRecommendation
from capacity.values import Input, Interval
from loadgen.planning.what_if import ASKED
from loadgen.report import commands, dates
from loadgen.report.bases import basis_text, relevant_refusals
from loadgen.report.charts import growth as growth_charts
from loadgen.report.charts.drawing import Figure
from loadgen.report.section import Section, section
from loadgen.report.shared import Load, facts_section, load_of, reproduce_section, storage_section
from loadgen.report.sizing_sections import demand_is_shown
from loadgen.report.steps import steps_of
from loadgen.runs.format.plan import PlanRecord

KINDS: Final[tuple[tuple[Kind, str, str], ...]] = (
    ("replicas", "Read replicas", "copies of the database that answer reads"),
    ("pool", "Connection pool", "server connections kept open at once"),
    ("partitions", "Partitioning", "splitting a large table into pieces"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """One headline card: all of the plan's advice of one kind."""

    kind: Kind
    title: str
    hint: str
    advice: tuple[Recommendation, ...]
    refused: tuple[RefusedRecommendation, ...]


def verdict(record: PlanRecord) -> Section:
    """Servers to build, now and at the horizon, and open questions."""
    plan = record.plan
    cards = [
        Card(
            kind,
            title,
            hint,
            tuple(a for a in plan.recommendations if a.kind == kind),
            tuple(r for r in plan.refused if r.kind == kind),
        )
        for kind, title, hint in KINDS
    ]
    users = plan.users
    end = users.forecast[-1] if users.forecast else None
    return section(
        "verdict",
        "Verdict",
        "What the application needs",
        "plan/verdict",
        record=record,
        cards=cards,
        sizing=plan.sizing,
        asked=[note.removeprefix(ASKED) for note in plan.notes if note.startswith(ASKED)],
        refused_servers=[r for r in plan.refused if r.kind == "servers"],
        users_now=users.history[-1].value if users.history else None,
        users_then=Interval(end.low, end.point, end.high, users.level) if end else None,
        demand_now=plan.demand_tps[0][1] if plan.demand_tps else None,
        demand_then=plan.demand_tps[-1][1] if plan.demand_tps else None,
    )


def steps(record: PlanRecord) -> Section:
    """Steps of the plan by expected date."""
    dated_steps = steps_of(record.plan)
    return section(
        "steps",
        "Steps",
        "What to do, and when",
        "plan/steps",
        steps=dated_steps,
        plan=record.plan,
        figure=growth_charts.due_steps(record.plan, (*dated_steps.expected, *dated_steps.possible)),
    )


def load(record: PlanRecord) -> Section:
    """Throughput and latency against load, for each scenario with a sweep."""
    loads: list[Load] = [load_of(sweep) for sweep in record.sweeps]
    plan = record.plan
    bases = {basis.scenario: (basis_text(basis), relevant_refusals(basis, plan.sizing)) for basis in plan.bases}
    return section(
        "load",
        "Load",
        "What one server holds",
        "plan/load",
        loads=loads,
        bases=bases,
        calibration_refused=plan.calibration_refused,
    )


def growth(record: PlanRecord) -> Section:
    """Forecast with its evidence, and the resulting peak demand."""
    return section(
        "growth",
        "Growth",
        "Growth and peak demand",
        "plan/growth",
        record=record,
        forecast=record.plan.users,
        users=growth_charts.users(record.plan.users),
        demand=_demand(record.plan),
        one_server=one_server(record.plan),
    )


def _demand(plan: Plan) -> Figure | None:
    """Chart of peak demand, unless the planned servers' own chart has it."""
    if not plan.demand_tps or demand_is_shown(plan):
        return None
    return growth_charts.demand(plan, one_server(plan))


def storage(record: PlanRecord) -> Section | None:
    """Bytes on disk by table."""
    return storage_section(record.tables, record.database, record.plan.storage, dates.month(record.plan.horizon))


def alternatives(record: PlanRecord) -> Section:
    """Reasons of each recommendation, rejected alternatives, and evidence that would refute it."""
    plan = record.plan
    return section(
        "why",
        "Why",
        "Why, and what was rejected",
        "plan/alternatives",
        advice=plan.recommendations,
        sizing=plan.sizing,
        plan=plan,
    )


def origins(record: PlanRecord) -> Section:
    """Every input with its origin."""
    return section(
        "origins", "Origins", "Where every number comes from", "plan/origins", inputs=all_inputs(record.plan)
    )


def facts(record: PlanRecord) -> Section:
    """Server, data and client machine."""
    client = record.sweeps[0].client if record.sweeps else None
    return facts_section(record.database, client)


def reproduce(record: PlanRecord) -> Section:
    """Commands that reproduce this plan."""
    return reproduce_section(commands.for_plan(record))


def one_server(plan: Plan) -> Interval | None:
    """Throughput of one measured server under the plan's mix at the objective: 1 ÷ Σ shareᵢ/capacityᵢ.

    Uses the middle of each share. None unless every scenario of the mix has a capacity.
    """
    named = {item.name: item.value for item in all_inputs(plan)}
    shares = {name.removeprefix("mix."): value.value for name, value in named.items() if name.startswith("mix.")}
    pairs = [(share, named.get(f"capacity.{scenario}")) for scenario, share in shares.items() if share > 0]
    capacities = [(share, capacity) for share, capacity in pairs if capacity is not None and capacity.low > 0]
    if not pairs or len(capacities) != len(pairs):
        return None
    low = 1 / sum(share / capacity.low for share, capacity in capacities)
    value = 1 / sum(share / capacity.value for share, capacity in capacities)
    slowest = sum(share / capacity.high for share, capacity in capacities)
    return Interval(low, max(low, value), 1 / slowest if slowest else math.inf)


def all_inputs(plan: Plan) -> tuple[Input, ...]:
    """Inputs of the plan and its recommendations, each once, in order of first use."""
    every = (*plan.inputs, *(item for advice in plan.recommendations for item in advice.inputs))
    return tuple(dict.fromkeys(every))
