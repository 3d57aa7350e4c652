"""Page of a record: its sections in order, and the HTML document around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadgen.fidelity.format import FidelityRecord
from loadgen.report import fidelity_sections, plan_sections, run_sections, sizing_sections, sweep_sections
from loadgen.report.section import Section, render
from loadgen.report.terms import used
from loadgen.report.timeline import Second
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord


@dataclass(frozen=True, slots=True)
class RunPage:
    """A run with its timeline, empty when there is none."""

    record: RunRecord
    timeline: tuple[Second, ...] = ()


Subject = RunPage | SweepRecord | PlanRecord | FidelityRecord

PLAN: tuple[Callable[[PlanRecord], Section | None], ...] = (
    plan_sections.verdict,
    plan_sections.steps,
    sizing_sections.servers,
    plan_sections.load,
    plan_sections.growth,
    plan_sections.storage,
    plan_sections.alternatives,
    sizing_sections.uncertainty,
    sizing_sections.watch,
    plan_sections.origins,
    plan_sections.facts,
    plan_sections.reproduce,
)
SWEEP: tuple[Callable[[SweepRecord], Section | None], ...] = (
    sweep_sections.verdict,
    sweep_sections.load,
    sweep_sections.laws,
    sweep_sections.storage,
    sweep_sections.scenario,
    sweep_sections.facts,
    sweep_sections.reproduce,
)

FIDELITY: tuple[Callable[[FidelityRecord], Section | None], ...] = (
    fidelity_sections.verdict,
    fidelity_sections.by_age,
    fidelity_sections.figures,
    fidelity_sections.rules,
    fidelity_sections.shape,
    fidelity_sections.storage,
    fidelity_sections.estimates,
    fidelity_sections.facts,
    fidelity_sections.reproduce,
)


def sections(subject: Subject) -> tuple[Section, ...]:
    """Sections of a page in order, without empty ones."""
    candidates: list[Section | None]
    if isinstance(subject, PlanRecord):
        candidates = [make(subject) for make in PLAN]
    elif isinstance(subject, SweepRecord):
        candidates = [make(subject) for make in SWEEP]
    elif isinstance(subject, FidelityRecord):
        candidates = [make(subject) for make in FIDELITY]
    else:
        record, timeline = subject.record, subject.timeline
        candidates = [
            run_sections.verdict(record),
            run_sections.latencies(record),
            run_sections.over_time(record, timeline),
            run_sections.statements(record),
            run_sections.server(record),
            run_sections.generator(record),
            run_sections.scenario(record),
            run_sections.facts(record),
            run_sections.reproduce(record),
        ]
    return tuple(part for part in candidates if part is not None)


def page(subject: Subject) -> str:
    """Render one self-contained HTML document: no script, nothing fetched, the same for the same record."""
    if isinstance(subject, PlanRecord):
        kind, title, when = "capacity plan", "Capacity plan", subject.made_at
        record_id, of = subject.id, f"{subject.database.name}, until {subject.plan.horizon:%B %Y}"
    elif isinstance(subject, SweepRecord):
        kind, title, when = "sweep", f"Load sweep: {subject.scenario.name}", subject.started_at
        record_id, of = subject.id, subject.scenario.summary
    elif isinstance(subject, FidelityRecord):
        kind, title, when = "fidelity", f"Fidelity of {subject.database.name}", subject.measured_at
        record_id, of = subject.id, f"{subject.users:,} users against published statistics"
    else:
        run = subject.record
        kind, title, when = "run", f"Run: {run.scenario.name}", run.started_at
        record_id, of = run.id, run.scenario.summary
    parts = sections(subject)
    terms = used("".join(part.html for part in parts))
    document = render(
        "page", kind=kind, title=title, subtitle=of, when=when, record_id=record_id, sections=parts, terms=terms
    )
    return str(document)
