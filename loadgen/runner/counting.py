"""What the client counted of each statement in a whole run, to be held against the server's own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from loadgen.observe.statement_counts import ClientCount
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Mode
from loadgen.runs.spool import Second, Tally

_BROKEN: Final = ("08", "57P")
"""SQLSTATEs of a connection that ended under a transaction begin so: connection exceptions, operator intervention."""
LOST: Final = frozenset({"08003", "08006", "08P01", "25P03", "57P01", "57P02", "57P04", "57P05"})
"""SQLSTATEs of a connection that was there and ended under a transaction: it broke, or the server or a pooler ended it.
Opening another fails with others."""


def client_counts(seconds: Sequence[Second]) -> dict[str, ClientCount]:
    """By statement, what was answered without an error."""
    calls, rows = Counter[str](), Counter[str]()
    for second in seconds:
        for name, tally in second.statements.items():
            calls[name] += tally.calls - sum(tally.errors.values())
            rows[name] += tally.rows
    return {name: ClientCount(calls[name], rows[name]) for name in calls}


def broken(tally: Tally) -> int:
    """Transactions that failed because their connection broke, or could not be had."""
    return sum(n for state, n in tally.errors.items() if state.startswith(_BROKEN))


def unaccounted(seconds: Sequence[Second], scenario: ScenarioDescription, mode: Mode) -> int:
    """How often a statement may have been under way on a connection that broke, or was closed at the run's end."""
    unknown = 0
    for second in seconds:
        unknown += second.access.killed if second.access else 0
        for tally in second.transactions.values():
            unknown += broken(tally)
            unknown += tally.open.unfinished if tally.open else 0
    # One at a time when sequential; of a pipeline, all that a batch sent together.
    return unknown * (1 if mode == "sequential" else max(t.repeat for t in scenario.transactions))
