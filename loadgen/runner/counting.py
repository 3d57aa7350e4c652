"""The client's count of each statement in a whole run, to be compared with the server's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from loadgen.observe.statement_counts import ClientCount
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Mode
from loadgen.runs.spool import Second, Tally

_BROKEN: Final = ("08", "57P")
"""Prefixes of the SQLSTATEs of a broken connection: connection exceptions, operator intervention."""
LOST: Final = frozenset({"08003", "08006", "08P01", "25P03", "57P01", "57P02", "57P04", "57P05"})
"""SQLSTATEs of an open connection that ended under a transaction: it broke, or the server or a pooler ended it.
A failure to open one has other states."""


def client_counts(seconds: Sequence[Second]) -> dict[str, ClientCount]:
    """Count calls answered without an error, and their rows, by statement."""
    calls, rows = Counter[str](), Counter[str]()
    for second in seconds:
        for name, tally in second.statements.items():
            calls[name] += tally.calls - sum(tally.errors.values())
            rows[name] += tally.rows
    return {name: ClientCount(calls[name], rows[name]) for name in calls}


def broken(tally: Tally) -> int:
    """Transactions that failed because their connection broke or could not be opened."""
    return sum(n for state, n in tally.errors.items() if state.startswith(_BROKEN))


def unaccounted(seconds: Sequence[Second], scenario: ScenarioDescription, mode: Mode) -> int:
    """Upper bound of the statements under way on connections that broke, or were closed at the run's end."""
    unknown = 0
    for second in seconds:
        unknown += second.access.killed if second.access else 0
        for tally in second.transactions.values():
            unknown += broken(tally)
            unknown += tally.open.unfinished if tally.open else 0
    # Sequential mode has one statement under way; a pipeline, as many as a batch sends together.
    return unknown * (1 if mode == "sequential" else max(t.repeat for t in scenario.transactions))
