"""A scenario's draws as literal values: a sample of each, or the column that a draw returns unchanged."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadgen.engine.rows import Column, RowReader
from loadgen.engine.scenario_sql import Statement
from loadgen.engine.transactions import BoundParameter, Draw, Plan, Step
from loadgen.engine.wire import Value
from loadgen.errors import UsageError
from loadgen.runs.draws import CapturedParameter, NotExportable, SampleRequest, StepDraws, Variant

DRAWS_PER_VARIANT: Final = 16
"""Draws for each variant. Variants are chosen evenly by length, so that their mean length is that of all draws."""
_PROBES: Final = 16
_WHOLE_NUMBERS: Final = ("bigint", "integer")
_NUMBER_OIDS: Final = (20, 21, 23, 700, 701)
"""OIDs of columns that pgbench can compare with NULL; other columns it can only pass on as text."""

Values = tuple[str | None, ...]
Rows = Mapping[str, "tuple[Value, ...] | None"]


@dataclass(frozen=True)
class Sampler:
    """Samples the draws of transactions, with rows of a database where they need some."""

    request: SampleRequest
    reader: Callable[[], RowReader]
    """Function that opens the database, at the first draw that needs a row."""

    def plan(self, plan: Plan) -> Iterator[StepDraws | NotExportable]:
        """Sample every step of a transaction that has draws. Raises UsageError for a draw that fails."""
        for place, step in enumerate(plan.steps):
            if any(p.function for p in step.parameters):
                try:
                    yield self._step(plan, place, step)
                except _Inexpressible as reason:
                    yield NotExportable(plan.transaction.name, f"{step.statement.name}: {reason.draw}", reason.why)

    def _step(self, plan: Plan, place: int, step: Step) -> StepDraws:
        sampled: list[int] = []
        captured: list[CapturedParameter] = []
        for n, bound in enumerate(step.parameters, 1):
            if bound.function is None:
                continue
            column = self._passed_column(plan, bound.function, bound)
            if column is not None:
                columns = self.reader().columns(_statement(plan, str(bound.parameter.of)))
                captured.append(_capture(plan, n, bound, column, columns))
            elif bound.parameter.of and bound.parameter.type in _WHOLE_NUMBERS:
                raise _Inexpressible(
                    bound,
                    "an integer computed from a row may be a key of that row's user, and of no other; "
                    "compute it in the statement, or hand the column on as it is",
                )
            else:
                sampled.append(n)
        chosen = [step.parameters[n - 1] for n in sampled]
        needs_rows = any(bound.parameter.of for bound in chosen)
        draws = list(self._draws(plan, chosen, needs_rows)) if chosen else []
        variants = spread(draws, self.request.variants)
        return StepDraws(
            plan.transaction.name, place, tuple(sampled),
            tuple(Variant(values, count) for values, count in Counter(variants).items()),
            tuple(captured), len(draws), _mean_bytes(draws), _mean_bytes(variants), needs_rows,
        )  # fmt: skip

    def _draws(self, plan: Plan, chosen: Sequence[BoundParameter], needs_rows: bool) -> Iterator[Values]:
        size = self.request.variants * DRAWS_PER_VARIANT
        names = ",".join(bound.parameter.name for bound in chosen)
        rng = random.Random(f"{self.request.seed}:{plan.transaction.name}:{names}")
        sources: Iterable[Rows] = [{}] * size
        if needs_rows:
            of = {bound.parameter.of for bound in chosen if bound.parameter.of}
            sources = self.reader().rows(plan, _steps_for(plan, of, chosen), size, self.request.seed)
        any_row = False
        for rows in sources:
            if any(rows.get(bound.parameter.of) is None for bound in chosen if bound.parameter.of):
                continue  # a write without its row touches nothing, whatever its parameters
            any_row = True
            yield tuple(_draw_text(bound, rows, rng) for bound in chosen)
        if not any_row:
            of_names = ", ".join(sorted({str(bound.parameter.of) for bound in chosen if bound.parameter.of}))
            raise _Inexpressible(chosen[0], f"none of {size} users had a row of {of_names} to draw from")

    def _passed_column(self, plan: Plan, draw: Draw, bound: BoundParameter) -> Column | None:
        """Column that a draw returns unchanged for any row and random numbers; None if it computes something."""
        if not bound.parameter.of:
            return None
        columns = self.reader().columns(_statement(plan, bound.parameter.of))
        rng = random.Random(self.request.seed)
        rows = [tuple(column.probe(rng) for column in columns) for _ in range(_PROBES)]
        try:
            values = [draw(rng, row) for row in rows]
        except Exception:  # a draw that fails on probes computes with them
            return None
        same = (i for i in range(len(columns)) if all(v is row[i] for v, row in zip(values, rows, strict=True)))
        return next((columns[i] for i in same), None)


class _Inexpressible(Exception):
    def __init__(self, bound: BoundParameter, why: str) -> None:
        of = f"({bound.parameter.of})" if bound.parameter.of else ""
        self.draw = f"{bound.parameter.name} = {bound.parameter.draw}{of}"
        self.why = why
        super().__init__(why)


def spread(draws: Sequence[Values], size: int) -> list[Values]:
    """Choose at most ``size`` of the draws, evenly by length, so that short and long ones keep their shares."""
    if len(draws) <= size:
        return list(draws)
    ordered = sorted(draws, key=lambda values: (_bytes(values), tuple(value or "" for value in values)))
    return [ordered[(2 * i + 1) * len(ordered) // (2 * size)] for i in range(size)]


def _capture(plan: Plan, n: int, bound: BoundParameter, column: Column, columns: Sequence[Column]) -> CapturedParameter:
    statement = _statement(plan, str(bound.parameter.of))
    unnamed = [c.name for c in columns if not re.fullmatch(r"[A-Za-z_]\w*", c.name)]
    if unnamed:
        raise _Inexpressible(bound, f"pgbench cannot name a variable after column {unnamed[0]!r}; rename it with AS")
    if statement.most_rows != 1:
        why = f"{statement.name} may return several rows and its first is meant; LIMIT 1 and declare rows 0..1"
        raise _Inexpressible(bound, why)
    absent = statement.least_rows == 0
    if absent and column.oid not in _NUMBER_OIDS:
        why = f"{statement.name} may return no row, and pgbench can pass on NULL for a number only; declare rows 1"
        raise _Inexpressible(bound, why)
    if absent and not _is_null_without_row(bound):
        raise _Inexpressible(bound, f"{statement.name} may return no row, for which the draw must return None")
    return CapturedParameter(n, statement.name, column.name, absent)


def _is_null_without_row(bound: BoundParameter) -> bool:
    try:
        return bound.function is not None and bound.function(random.Random(0), None) is None
    except Exception:
        return False


def _steps_for(plan: Plan, of: set[str], chosen: Sequence[BoundParameter]) -> tuple[Step, ...]:
    """Steps to run for the rows of the statements ``of``, in order. Raises _Inexpressible if one writes."""
    names = set(of)
    for step in reversed(plan.steps):
        if step.statement.name in names:
            names |= {p.parameter.of for p in step.parameters if p.parameter.of}
    steps = tuple(step for step in plan.steps if step.statement.name in names)
    for step in steps:
        if step.statement.writes:
            raise _Inexpressible(chosen[0], f"{step.statement.name} writes, and an export only reads")
    return steps


def _statement(plan: Plan, name: str) -> Statement:
    return next(step.statement for step in plan.steps if step.statement.name == name)


def _draw_text(bound: BoundParameter, rows: Rows, rng: random.Random) -> str | None:
    """Draw a value as text for PostgreSQL, checked by encoding it as in a run."""
    parameter = bound.parameter
    assert bound.function is not None
    try:
        value = bound.function(rng, rows[parameter.of]) if parameter.of else bound.function(rng)
        if value is None:
            return None
        bound.encode(value)
        text = value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else _number(value)
    except Exception as error:
        raise UsageError(f"drawing {parameter.name} from {parameter.draw} failed: {error!r}; correct it") from error
    if "\0" in text:
        raise UsageError(f"{parameter.draw} drew a text with a null character, which PostgreSQL cannot store")
    return text


def _number(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _bytes(values: Values) -> int:
    return sum(len(value.encode()) for value in values if value is not None)


def _mean_bytes(draws: Sequence[Values]) -> float:
    return sum(map(_bytes, draws)) / len(draws) if draws else 0.0
