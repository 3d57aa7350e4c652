"""The sections of a plan's page, each a function of the plan's record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from capacity.plan import Plan
from capacity.recommendation import Kind, Recommendation, RefusedRecommendation
from capacity.values import Input, Interval
from loadgen.planning.what_if import ASKED
from loadgen.report import commands, numbers
from loadgen.report.bases import basis_text, not_told
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
    """One headline card: everything the plan says of one kind."""

    kind: Kind
    title: str
    hint: str
    advice: tuple[Recommendation, ...]
    refused: tuple[RefusedRecommendation, ...]


def verdict(record: PlanRecord) -> Section:
    """What to build, now and at the horizon, and what cannot be said yet."""
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
    """What to do and when, in order of the expected date."""
    found = steps_of(record.plan)
    return section(
        "steps",
        "Steps",
        "What to do, and when",
        "plan/steps",
        steps=found,
        plan=record.plan,
        figure=growth_charts.due_steps(record.plan, (*found.expected, *found.possible)),
    )


def load(record: PlanRecord) -> Section:
    """Throughput and latency against load, for each scenario that was swept."""
    loads: list[Load] = [load_of(sweep) for sweep in record.sweeps]
    plan = record.plan
    bases = {basis.scenario: (basis_text(basis), not_told(basis, plan.sizing)) for basis in plan.bases}
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
    """The forecast with its evidence, and the peak demand that follows from it."""
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
    """Drawn once: beside what the planned servers carry, where there are some."""
    if not plan.demand_tps or demand_is_shown(plan):
        return None
    return growth_charts.demand(plan, one_server(plan))


def storage(record: PlanRecord) -> Section | None:
    """Bytes on disk by table."""
    return storage_section(record.tables, record.database, record.plan.storage, numbers.month(record.plan.horizon))


def alternatives(record: PlanRecord) -> Section:
    """Why each recommendation, what was rejected, and what would prove it wrong."""
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
    """Every number that went in, and where it comes from."""
    return section(
        "origins", "Origins", "Where every number comes from", "plan/origins", inputs=all_inputs(record.plan)
    )


def facts(record: PlanRecord) -> Section:
    """The server, the data and the machine that made the load."""
    client = record.sweeps[0].client if record.sweeps else None
    return facts_section(record.database, client)


def reproduce(record: PlanRecord) -> Section:
    """The commands that make this plan again."""
    return reproduce_section(commands.for_plan(record))


def one_server(plan: Plan) -> Interval | None:
    """What one measured server carries of the plan's mix at the objective: 1 ÷ Σ shareᵢ/capacityᵢ.

    Shares are taken at their middle. None unless every scenario of the mix has a capacity.
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
    """The plan's inputs and those of its recommendations, each once, in order of first use."""
    every = (*plan.inputs, *(item for advice in plan.recommendations for item in advice.inputs))
    return tuple(dict.fromkeys(every))
