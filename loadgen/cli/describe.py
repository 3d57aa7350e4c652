"""``loadgen describe``: transactions and statements of a scenario."""

from __future__ import annotations

from loadgen.cli import options
from loadgen.cli.output import console, emit


def describe(scenario: options.Scenario, json: options.Json = False) -> None:
    """Print a scenario's transactions, statements and parameters.

    Example: loadgen describe dashboard
    """
    from rich.table import Table

    from loadgen.runner.generator import ScenarioChild
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runs import documents

    with ScenarioChild(find_scenario(scenario), {}) as child:
        description = child.description
    if json:
        emit(documents.dump(description))
        return
    out = console()
    out.print(f"[bold]{description.name}[/bold]  {description.summary}")
    out.print(
        f"think time {description.think_time_s}; users drawn by Zipf's law, exponent {description.user_skew:g}; "
        f"{description.read_share:.0%} of transactions are read-only"
    )
    total = sum(t.weight for t in description.transactions)
    table = Table("transaction", "share", "writes", "statements", box=None, pad_edge=False)
    for t in description.transactions:
        repeat = f" × {t.repeat} users" if t.repeat > 1 else ""
        table.add_row(t.name, f"{t.weight / total:.0%}", "yes" if t.writes else "", ", ".join(t.statements) + repeat)
    out.print(table)
