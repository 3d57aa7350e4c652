"""Terminal output of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadgen.cli.output import console, say_labelled

if TYPE_CHECKING:
    import datetime as dt

    from capacity.recommendation import Recommendation
    from capacity.sizing import Basis, Sizing
    from loadgen.runs.format.plan import PlanRecord

MATTERS_SHOWN = 3
"""Number of inputs shown, by effect of their uncertainty; the page has all."""
ABOVE = ("users", "cpu_s", "wal_bytes", "block_reads", "connection_hold_s")
"""Prefixes of inputs that have lines of their own: the history, and costs per transaction."""
LABEL = 12
"""Width of the labels of lines in characters, with a blank."""
BAR = 10
"""Width of the bar of a share in characters."""


def show(record: PlanRecord) -> None:
    """Show a plan in about ten lines, on stderr."""
    from capacity.formatting import counted, interval, number, seconds
    from capacity.values import Origin
    from loadgen.planning.what_if import ASKED

    plan = record.plan
    end, last = plan.users.forecast[-1], plan.users.history[-1]
    _line(
        f"Plan to {plan.horizon}",
        f": from {number(last.value)} users to {number(end.point)} ({number(end.low)}–{number(end.high)}), "
        f"peak {interval(plan.demand_tps[-1][1])} transactions/s",
    )
    _sizing(record)
    for advice in plan.recommendations:
        _line(f"{_label(advice):<11} {advice.headline}")
        _line("", f"{'':<11} {_first_step(advice, plan.start)}")
    for refused in plan.refused:
        _line(f"{refused.kind:<11} refused", f": missing {refused.refusal.missing} ({refused.refusal.code})")
        _line("", f"{'':<11} {refused.refusal.do}")
    for basis in plan.bases:
        _basis(basis, plan.sizing)
    if (refusal := plan.calibration_refused) is not None:
        _line("", f"{'calibrated':<11} refused: missing {refusal.missing} ({refusal.code}); {refusal.do}")
    for n, matter in enumerate(plan.sensitivity[:MATTERS_SHOWN]):
        bar = "█" * max(round(BAR * matter.share), 1)
        of = "" if n else "of the uncertainty is "
        label = "" if n else "matters"
        _line("", f"{label:<11} {bar:<{BAR}} {matter.share:>4.0%} {of}{matter.name}: {matter.measure}")
    if plan.triggers:
        rule = plan.triggers[0]
        limit = f"{rule.metric.value} above {rule.threshold_text} for {seconds(rule.for_s)}"
        count = f"{counted(len(plan.triggers), 'alert rule')} in alerts.yml"
        _line("", f"{'watch':<11} {count}; the first: {limit}, {rule.then}")
    for note in plan.notes:
        label, text = ("what if", note.removeprefix(ASKED)) if note.startswith(ASKED) else ("note", note)
        _line("", f"{label:<11} {text}")
    _line("", f"{'growth':<11} {record.growth_origin}: {record.growth_source}")
    for word, origin in (
        ("measured", Origin.MEASURED),
        ("synthetic", Origin.SYNTHETIC),
        ("assumed", Origin.ASSUMPTION),
    ):
        if names := [i.name for i in plan.inputs if i.origin is origin and i.name.split(".")[0] not in ABOVE]:
            _line("", f"{word:<11} {', '.join(names)}")
    if record.short:
        _line("made from runs that are too short for a decision")


def _sizing(record: PlanRecord) -> None:
    """Show the cheapest servers by stage, with their probability to meet the objective."""
    from rich.padding import Padding
    from rich.table import Table

    from capacity.formatting import chance, counted, interval

    sizing = record.plan.sizing
    if sizing is None:
        return
    as_of = f", as of {sizing.as_of}" if sizing.as_of else ""
    cost = f"{interval(sizing.cost)} {sizing.cost_unit}"
    met = "" if sizing.met else f", below the {sizing.wanted:.0%} asked for: no configuration does better"
    _line(f"{'servers':<11} {sizing.target}{as_of}: {cost} up to the horizon")
    sure = f"{chance(sizing.probability)} or more on each date and {chance(sizing.throughout)} on all of them"
    _line("", f"{'':<11} meets the objective with a probability of {sure}{met}")
    month = "per month" if sizing.cost_unit == "server-months" else f"{sizing.cost_unit} per month"
    heads = ("from", "servers", "capacity/s", "P(objective)", month)
    table = Table(*heads, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, stage in enumerate(sizing.stages):
        replicas = f" with {counted(stage.replicas, 'read replica')}" if stage.replicas else ""
        table.add_row(
            "now" if n == 0 else str(stage.from_date),
            f"{stage.server}{replicas}",
            interval(stage.carries_tps),
            chance(stage.probability),
            interval(stage.cost_per_month),
        )
    console().print(Padding(table, (0, 0, 0, 12)))
    for stage in sizing.stages[1:2]:
        _line("", f"{'':<11} {stage.why}")


def _basis(basis: Basis, sizing: Sizing | None) -> None:
    """Show the measurements of a scenario that the plan is based on, and refusals of others."""
    from loadgen.report.bases import basis_text, relevant_refusals

    line = f"{basis.scenario}: {basis_text(basis)}"
    _line("", f"{'measured':<11} {line}")
    for refused in relevant_refusals(basis, sizing):
        _line("", f"{'':<11} not available: missing {refused.missing} ({refused.code}); {refused.do}")


def _label(advice: Recommendation) -> str:
    return "writes" if (advice.kind, advice.subject) == ("replicas", "primary") else advice.kind


def _first_step(advice: Recommendation, start: dt.date) -> str:
    """Describe the first step and its date; without steps, the first sentence of the reason."""
    from capacity.due import when

    if not advice.steps:
        return advice.reason.split(". ", maxsplit=1)[0].removesuffix(".")
    step = advice.steps[0]
    return f"first: {step.amount} {step.what}, {when(step.due, start)}"


def _line(bold: str, plain: str = "") -> None:
    from rich.text import Text

    say_labelled(Text.assemble((bold, "bold"), plain), LABEL)
