"""Terminal output of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadgen.cli.output import console

if TYPE_CHECKING:
    import datetime as dt

    from rich.console import Console

    from capacity.recommendation import Recommendation
    from capacity.sizing import Basis, Sizing
    from loadgen.runs.format.plan import PlanRecord

MATTERS_SHOWN = 3
"""Number of inputs shown, by effect of their uncertainty; the page has all."""
ABOVE = ("users", "cpu_s", "wal_bytes", "block_reads", "connection_hold_s")
"""Prefixes of inputs that have lines of their own: the history, and costs per transaction."""
BAR = 10
"""Width of the bar of a share in characters."""


def show(record: PlanRecord) -> None:
    """Show a plan in about ten lines, on stderr."""
    from capacity.formatting import interval, number, seconds
    from capacity.values import Origin
    from loadgen.planning.what_if import ASKED

    out = console()
    plan = record.plan
    end, last = plan.users.forecast[-1], plan.users.history[-1]
    _line(
        out,
        f"Plan to {plan.horizon}",
        f": from {number(last.value)} users to {number(end.point)} ({number(end.low)}–{number(end.high)}), "
        f"peak {interval(plan.demand_tps[-1][1])} transactions/s",
    )
    _sizing(out, record)
    for advice in plan.recommendations:
        _line(out, f"{_label(advice):<11} {advice.headline}")
        _line(out, "", f"{'':<11} {_first_step(advice, plan.start)}")
    for refused in plan.refused:
        _line(out, f"{refused.kind:<11} refused", f" ({refused.refusal.code}): needs {refused.refusal.missing}")
        _line(out, "", f"{'':<11} {refused.refusal.do}")
    for basis in plan.bases:
        _basis(out, basis, plan.sizing)
    if (refusal := plan.calibration_refused) is not None:
        _line(out, "", f"{'calibrated':<11} refused ({refusal.code}): needs {refusal.missing}; {refusal.do}")
    for n, matter in enumerate(plan.sensitivity[:MATTERS_SHOWN]):
        bar = "█" * max(round(BAR * matter.share), 1)
        of = "" if n else "of the uncertainty is "
        label = "" if n else "matters"
        _line(out, "", f"{label:<11} {bar:<{BAR}} {matter.share:>4.0%} {of}{matter.name}: {matter.measure}")
    if plan.triggers:
        rule = plan.triggers[0]
        limit = f"{rule.metric.value} above {rule.threshold_text} for {seconds(rule.for_s)}"
        count = f"{len(plan.triggers)} alert rule{'s'[: len(plan.triggers) != 1]} in alerts.yml"
        _line(out, "", f"{'watch':<11} {count}; the first: {limit}, {rule.then}")
    for note in plan.notes:
        label, text = ("what if", note.removeprefix(ASKED)) if note.startswith(ASKED) else ("note", note)
        _line(out, "", f"{label:<11} {text}")
    _line(out, "", f"{'growth':<11} {record.growth_origin}: {record.growth_source}")
    for word, origin in (
        ("measured", Origin.MEASURED),
        ("synthetic", Origin.SYNTHETIC),
        ("assumed", Origin.ASSUMPTION),
    ):
        if names := [i.name for i in plan.inputs if i.origin is origin and i.name.split(".")[0] not in ABOVE]:
            _line(out, "", f"{word:<11} {', '.join(names)}")
    if record.short:
        _line(out, "made from short runs: for seeing, not for deciding")


def _sizing(out: Console, record: PlanRecord) -> None:
    """Show the cheapest servers by stage, with their probability to meet the objective."""
    from rich.padding import Padding
    from rich.table import Table

    from capacity.formatting import chance, interval

    sizing = record.plan.sizing
    if sizing is None:
        return
    as_of = f", as of {sizing.as_of}" if sizing.as_of else ""
    cost = f"{interval(sizing.cost)} {sizing.cost_unit}"
    met = "" if sizing.met else f", short of the {sizing.wanted:.0%} wanted: no configuration of it does better"
    _line(out, f"{'servers':<11} {sizing.target}{as_of}: {cost} up to the horizon")
    sure = f"{chance(sizing.probability)} or more on each date, and {chance(sizing.throughout)} on all of them"
    _line(out, "", f"{'':<11} meets the objective with a probability of {sure}{met}")
    month = "a month" if sizing.cost_unit == "server-months" else f"{sizing.cost_unit} a month"
    table = Table("from", "servers", "carries/s", "P(met)", month, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, stage in enumerate(sizing.stages):
        replicas = f" with {stage.replicas} replica{'s'[: stage.replicas != 1]}" if stage.replicas else ""
        table.add_row(
            "now" if n == 0 else str(stage.from_date),
            f"{stage.server}{replicas}",
            interval(stage.carries_tps),
            chance(stage.probability),
            interval(stage.cost_per_month),
        )
    out.print(Padding(table, (0, 0, 0, 12)))
    for stage in sizing.stages[1:2]:
        _line(out, "", f"{'':<11} {stage.why}")


def _basis(out: Console, basis: Basis, sizing: Sizing | None) -> None:
    """Show the measurements of a scenario that the plan is based on, and refusals of others."""
    from loadgen.report.bases import basis_text, relevant_refusals

    line = f"{basis.scenario}: {basis_text(basis)}"
    _line(out, "", f"{'measured':<11} {line}")
    for refused in relevant_refusals(basis, sizing):
        _line(out, "", f"{'':<11} not told ({refused.code}): needs {refused.missing}; {refused.do}")


def _label(advice: Recommendation) -> str:
    return "writes" if (advice.kind, advice.subject) == ("replicas", "primary") else advice.kind


def _first_step(advice: Recommendation, start: dt.date) -> str:
    """Describe the first step and its date; without steps, the first sentence of the reason."""
    from capacity.due import when

    if not advice.steps:
        return advice.reason.split(". ", maxsplit=1)[0].removesuffix(".")
    step = advice.steps[0]
    return f"first: {step.amount} {step.what}, {when(step.due, start)}"


def _line(out: Console, bold: str, plain: str = "") -> None:
    from rich.text import Text

    out.print(Text.assemble((bold, "bold"), plain), soft_wrap=True)
