"""What the planner expects of the scenarios' statements, and what they find.

No pass or fail: documents have no statistics inside, and production's estimates are as far off. A copy that behaves
like production keeps them so; extended statistics or expression indexes belong there first.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from psycopg import RawCursor
from psycopg.types.numeric import Int8

from loadgen.fidelity import plans
from loadgen.fidelity.format import NodeEstimate, StatementEstimate
from loadgen.fidelity.reading import Snapshot
from loadgen.population.activity import ActivityRanks
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription

DRAWS: Final = 25
"""Users drawn for each statement: the most active come up several times, as they do under load."""
TIMEOUT_S: Final = 5.0
ACTIVE_USER: Final = "active_user"
IDENTIFY: Final = "identify"
"""Begins every transaction and reads no table."""
_SEED: Final = 1

_ANALYZE: Final = b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
_PLAN_ONLY: Final = b"EXPLAIN (FORMAT JSON) "


@dataclass(frozen=True)
class _Asked:
    """A statement with the scenarios that send it; ``skew`` is that of the first one's choice of users."""

    statement: StatementDescription
    scenarios: tuple[str, ...]
    skew: float

    @property
    def own_draws(self) -> tuple[str, ...]:
        """Draws that only the scenario's own process can make."""
        return tuple(p.draw for p in self.statement.parameters if p.draw != ACTIVE_USER)


def measure(snapshot: Snapshot, scenarios: Iterable[ScenarioDescription]) -> Iterator[StatementEstimate]:
    """Each distinct statement once. Reads run, as the application's role and user, and are rolled back."""
    asked = _distinct(scenarios)
    ranks = ActivityRanks(snapshot.mark.users or 1, snapshot.mark.seed or 0)
    for one in asked:
        snapshot.say(f"planner: {one.statement.name} of {', '.join(one.scenarios)}")
        yield _of_statement(snapshot, one, ranks)


def _distinct(scenarios: Iterable[ScenarioDescription]) -> list[_Asked]:
    found: dict[str, _Asked] = {}
    for scenario in scenarios:
        for statement in (s for s in scenario.statements if s.name != IDENTIFY):
            before = found.get(statement.sql)
            names = (*before.scenarios, scenario.name) if before else (scenario.name,)
            found[statement.sql] = _Asked(
                before.statement if before else statement, names, before.skew if before else scenario.user_skew
            )
    return list(found.values())


def _of_statement(snapshot: Snapshot, asked: _Asked, ranks: ActivityRanks) -> StatementEstimate:
    statement = asked.statement
    runs = not statement.writes and not asked.own_draws
    users = ranks.draw_users(np.random.default_rng(_SEED), DRAWS if runs else 1, asked.skew)
    found: list[plans.Plan] = []
    note = ""
    for user in users.tolist():
        try:
            found.append(_explain(snapshot, statement, user, runs=runs))
        except psycopg.errors.QueryCanceled:
            note = f"took longer than {TIMEOUT_S:g} s for a user and was stopped"
        except psycopg.Error as error:
            note = f"could not be planned: {error.diag.message_primary or error}".strip()
            break
    if statement.writes:
        note = note or "writes: planned, not run"
    elif asked.own_draws:
        note = note or f"planned, not run: only the scenario draws {', '.join(asked.own_draws)}"
    return _summary(asked, found, note)


def _summary(asked: _Asked, found: list[plans.Plan], note: str) -> StatementEstimate:
    worst = [node for node in map(plans.worst, found) if node is not None and node.q_error is not None]
    errors = [_q_error(node) for node in worst]
    furthest = max(range(len(worst)), key=errors.__getitem__, default=None)
    return StatementEstimate(
        scenarios=asked.scenarios,
        statement=asked.statement.name,
        draws=len(found),
        top=plans.top(found[furthest or 0]) if found else None,
        worst=None if furthest is None else worst[furthest],
        median_worst_q_error=statistics.median(errors) if errors else None,
        jsonb_condition=next(filter(None, map(plans.jsonb_condition, found)), None),
        note=note,
    )


def _q_error(node: NodeEstimate) -> float:
    return node.q_error or 1.0


def _explain(snapshot: Snapshot, statement: StatementDescription, user: int, *, runs: bool) -> plans.Plan:
    """The plan for one user. Parameters of other draws are null: a write's conditions do not hang on them."""
    parameters = [Int8(user) if p.draw == ACTIVE_USER else None for p in statement.parameters]
    explain = (_ANALYZE if runs else _PLAN_ONLY) + statement.sql.encode()
    with snapshot.conn.transaction(force_rollback=True):
        timeout_ms = str(round(1000 * TIMEOUT_S))
        snapshot.rows("identify", {"timeout_ms": timeout_ms, "user_id": str(user)})
        with RawCursor(snapshot.conn) as cursor:
            ((found,),) = cursor.execute(explain, parameters).fetchall()
    plan: plans.Plan = found[0]["Plan"]
    return plan
