"""Sections of a plan's page on servers, uncertainty and triggers for review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity import formatting
from capacity.plan import Metric, Plan, Resource, Trigger
from capacity.sizing import Stage
from loadgen.planning.what_if import ASKED
from loadgen.report.charts import sizing as charts
from loadgen.report.section import Section, section
from loadgen.runs.format.plan import PlanRecord

MEANING: Final = {"plan": "order the next step", "act": "the objective is at stake"}


@dataclass(frozen=True, slots=True)
class Held:
    """A resource, with its amount in one server of the first and last stage; None for no known limit."""

    needs: Resource
    limit_now: float | None
    limit_then: float | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A trigger as text."""

    trigger: Trigger
    what: str
    threshold: str
    for_text: str


def servers(record: PlanRecord) -> Section | None:
    """Servers by stage with dates, prices and resources; None without a sizing."""
    plan = record.plan
    sizing = plan.sizing
    if sizing is None:
        return None
    return section(
        "servers",
        "Servers",
        "Which servers, from when, at what price",
        "plan/servers",
        plan=plan,
        sizing=sizing,
        priced=sizing.cost_unit != "server-months",
        unit="compute units" if all(s.server.endswith(" CU") for s in sizing.stages) else "cores",
        held=tuple(_held(one, sizing.stages, sizing.usable_ram) for one in plan.resources),
        figure=charts.carried(plan, sizing),
        notes=[note for note in plan.notes if not note.startswith(ASKED)],
    )


def uncertainty(record: PlanRecord) -> Section | None:
    """Inputs by their effect on the load at the horizon, and what to measure next; None without uncertainty."""
    plan = record.plan
    if not plan.sensitivity:
        return None
    return section(
        "uncertainty",
        "Uncertainty",
        "What matters most, and what to measure next",
        "plan/uncertainty",
        matters=plan.sensitivity,
        need=plan.sizing.need if plan.sizing else None,
        horizon=plan.horizon,
        figure=charts.tornado(plan.sensitivity),
    )


def watch(record: PlanRecord) -> Section | None:
    """Triggers of the plan, with the files of their alert rules; None without any."""
    plan = record.plan
    if not plan.triggers:
        return None
    watched = [Watched(t, _what(t), t.threshold_text, formatting.seconds(t.for_s)) for t in plan.triggers]
    return section(
        "watch", "Watch", "When to act before the plan says so", "plan/watch", watched=watched, record=record,
        meaning=MEANING,
    )  # fmt: skip


def demand_is_shown(plan: Plan) -> bool:
    """True if the servers' section draws peak demand, so that no other section has to."""
    return plan.sizing is not None and charts.carried(plan, plan.sizing) is not None


def _held(needs: Resource, stages: tuple[Stage, ...], usable: float | None) -> Held:
    def limit(stage: Stage) -> float | None:
        if needs.name == "working set" and stage.ram_bytes is not None and usable is not None:
            return stage.ram_bytes * usable
        return stage.max_connections if needs.name == "connections" else None

    return Held(needs, limit(stages[0]), limit(stages[-1]))


def _what(trigger: Trigger) -> str:
    if trigger.metric is Metric.TABLE_BYTES:
        return f"size of {trigger.subject}"
    return str(trigger.metric.value)
