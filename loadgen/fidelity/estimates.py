"""The planner's row estimates for the scenarios' statements, compared with the actual rows.

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
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/session.sql")

DRAWS: Final = 25
"""Users drawn for each statement. The most active are drawn several times, as under load."""
TIMEOUT_S: Final = 5.0
ACTIVE_USER: Final = "active_user"
IDENTIFY: Final = "identify"
"""Name of the statement that begins every transaction and reads no table."""
_SEED: Final = 1

_ANALYZE: Final = b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
_PLAN_ONLY: Final = b"EXPLAIN (FORMAT JSON) "


@dataclass(frozen=True)
class _ScenarioStatement:
    """A statement with the scenarios that send it; ``skew`` is the user skew of the first."""

    statement: StatementDescription
    scenarios: tuple[str, ...]
    skew: float

    @property
    def own_draws(self) -> tuple[str, ...]:
        """Parameters that only the scenario's own process can draw."""
        return tuple(p.draw for p in self.statement.parameters if p.draw != ACTIVE_USER)


def measure(snapshot: Snapshot, scenarios: Iterable[ScenarioDescription]) -> Iterator[StatementEstimate]:
    """Explain each distinct statement. Reads run as the application's role and user, and are rolled back."""
    sources = _distinct(scenarios)
    ranks = ActivityRanks(snapshot.mark.users or 1, snapshot.mark.seed or 0)
    for source in sources:
        snapshot.say(f"planner: {source.statement.name} of {', '.join(source.scenarios)}")
        yield _of_statement(snapshot, source, ranks)


def _distinct(scenarios: Iterable[ScenarioDescription]) -> list[_ScenarioStatement]:
    by_sql: dict[str, _ScenarioStatement] = {}
    for scenario in scenarios:
        for statement in (s for s in scenario.statements if s.name != IDENTIFY):
            known = by_sql.get(statement.sql)
            names = (*known.scenarios, scenario.name) if known else (scenario.name,)
            by_sql[statement.sql] = _ScenarioStatement(
                known.statement if known else statement, names, known.skew if known else scenario.user_skew
            )
    return list(by_sql.values())


def _of_statement(snapshot: Snapshot, source: _ScenarioStatement, ranks: ActivityRanks) -> StatementEstimate:
    statement = source.statement
    runs = not statement.writes and not source.own_draws
    users = ranks.draw_users(np.random.default_rng(_SEED), DRAWS if runs else 1, source.skew)
    user_plans: list[plans.Plan] = []
    note = ""
    for user in users.tolist():
        try:
            user_plans.append(_explain(snapshot, statement, user, runs=runs))
        except psycopg.errors.QueryCanceled:
            note = f"took longer than {TIMEOUT_S:g} s for a user and was stopped"
        except psycopg.Error as error:
            note = f"could not be planned: {error.diag.message_primary or error}".strip()
            break
    if statement.writes:
        note = note or "writes: planned, not run"
    elif source.own_draws:
        note = note or f"planned, not run: only the scenario draws {', '.join(source.own_draws)}"
    return _summary(source, user_plans, note)


def _summary(source: _ScenarioStatement, user_plans: list[plans.Plan], note: str) -> StatementEstimate:
    worst = [node for node in map(plans.worst, user_plans) if node is not None and node.q_error is not None]
    errors = [_q_error(node) for node in worst]
    furthest = max(range(len(worst)), key=errors.__getitem__, default=None)
    return StatementEstimate(
        scenarios=source.scenarios,
        statement=source.statement.name,
        draws=len(user_plans),
        top=plans.top(user_plans[furthest or 0]) if user_plans else None,
        worst=None if furthest is None else worst[furthest],
        median_worst_q_error=statistics.median(errors) if errors else None,
        jsonb_condition=next(filter(None, map(plans.jsonb_condition, user_plans)), None),
        note=note,
    )


def _q_error(node: NodeEstimate) -> float:
    return node.q_error or 1.0


def _explain(snapshot: Snapshot, statement: StatementDescription, user: int, *, runs: bool) -> plans.Plan:
    """Explain a statement for one user. Other parameters are null: a write's conditions do not depend on them."""
    parameters = [Int8(user) if p.draw == ACTIVE_USER else None for p in statement.parameters]
    explain = (_ANALYZE if runs else _PLAN_ONLY) + statement.sql.encode()
    with snapshot.conn.transaction(force_rollback=True):
        timeout_ms = str(round(1000 * TIMEOUT_S))
        snapshot.rows(_SQL["identify"], {"timeout_ms": timeout_ms, "user_id": str(user)})
        with RawCursor(snapshot.conn) as cursor:
            ((output,),) = cursor.execute(explain, parameters).fetchall()
    plan: plans.Plan = output[0]["Plan"]
    return plan
