"""A scenario's draws as literal values: a sample of each, or the column that a draw merely hands on."""

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
from loadgen.runs.draws import Captured, Refused, SampleRequest, StepDraws, Variant

DRAWS_PER_VARIANT: Final = 16
"""Variants are chosen evenly by length from so many times as many draws: their mean length is then that of all."""
_PROBES: Final = 16
_WHOLE_NUMBERS: Final = ("bigint", "integer")
_NUMBER_OIDS: Final = (20, 21, 23, 700, 701)
"""Columns that pgbench can compare with NULL: of the others it can only pass the text on."""

Values = tuple[str | None, ...]
Rows = Mapping[str, "tuple[Value, ...] | None"]


@dataclass(frozen=True)
class Sampler:
    """Samples the draws of transactions, with rows of a database where they need some."""

    request: SampleRequest
    reader: Callable[[], RowReader]
    """Opens the database, at the first draw that needs a row."""

    def plan(self, plan: Plan) -> Iterator[StepDraws | Refused]:
        """Every step of a transaction that has draws. Raises UsageError for a draw that fails."""
        for place, step in enumerate(plan.steps):
            if any(p.function for p in step.parameters):
                try:
                    yield self._step(plan, place, step)
                except _Inexpressible as reason:
                    yield Refused(plan.transaction.name, f"{step.statement.name}: {reason.draw}", reason.why)

    def _step(self, plan: Plan, place: int, step: Step) -> StepDraws:
        sampled: list[int] = []
        captured: list[Captured] = []
        for n, bound in enumerate(step.parameters, 1):
            if bound.function is None:
                continue
            column = self._handed_on(plan, bound.function, bound)
            if column is not None:
                columns = self.reader().columns(_statement(plan, str(bound.parameter.of)))
                captured.append(_capture(plan, n, bound, column, columns))
            elif bound.parameter.of and bound.parameter.type in _WHOLE_NUMBERS:
                raise _Inexpressible(
                    bound,
                    "a whole number computed from a row may be a key of that row's user, and of no other; "
                    "compute it in the statement, or hand the column on as it is",
                )
            else:
                sampled.append(n)
        chosen = [step.parameters[n - 1] for n in sampled]
        needs_rows = any(bound.parameter.of for bound in chosen)
        drawn = list(self._draws(plan, chosen, needs_rows)) if chosen else []
        kept = spread(drawn, self.request.variants)
        return StepDraws(
            plan.transaction.name, place, tuple(sampled),
            tuple(Variant(values, count) for values, count in Counter(kept).items()),
            tuple(captured), len(drawn), _mean_bytes(drawn), _mean_bytes(kept), needs_rows,
        )  # fmt: skip

    def _draws(self, plan: Plan, chosen: Sequence[BoundParameter], needs_rows: bool) -> Iterator[Values]:
        size = self.request.variants * DRAWS_PER_VARIANT
        names = ",".join(bound.parameter.name for bound in chosen)
        rng = random.Random(f"{self.request.seed}:{plan.transaction.name}:{names}")
        sources: Iterable[Rows] = [{}] * size
        if needs_rows:
            of = {bound.parameter.of for bound in chosen if bound.parameter.of}
            sources = self.reader().rows(plan, _needed(plan, of, chosen), size, self.request.seed)
        found = False
        for rows in sources:
            if any(rows.get(bound.parameter.of) is None for bound in chosen if bound.parameter.of):
                continue  # without its row a write touches nothing: what it is given does not matter
            found = True
            yield tuple(_drawn(bound, rows, rng) for bound in chosen)
        if not found:
            of_names = ", ".join(sorted({str(bound.parameter.of) for bound in chosen if bound.parameter.of}))
            raise _Inexpressible(chosen[0], f"none of {size} users had a row of {of_names} to draw from")

    def _handed_on(self, plan: Plan, draw: Draw, bound: BoundParameter) -> Column | None:
        """The column that a draw returns whatever the row and the random numbers; None if it does anything else."""
        if not bound.parameter.of:
            return None
        columns = self.reader().columns(_statement(plan, bound.parameter.of))
        rng = random.Random(self.request.seed)
        rows = [tuple(column.probe(rng) for column in columns) for _ in range(_PROBES)]
        try:
            values = [draw(rng, row) for row in rows]
        except Exception:  # made-up values do not suit it: then it looks into them
            return None
        same = (i for i in range(len(columns)) if all(v is row[i] for v, row in zip(values, rows, strict=True)))
        return next((columns[i] for i in same), None)


class _Inexpressible(Exception):
    def __init__(self, bound: BoundParameter, why: str) -> None:
        of = f"({bound.parameter.of})" if bound.parameter.of else ""
        self.draw = f"{bound.parameter.name} = {bound.parameter.draw}{of}"
        self.why = why
        super().__init__(why)


def spread(drawn: Sequence[Values], size: int) -> list[Values]:
    """At most ``size`` of the draws, evenly by length: as many short and long ones as there are among all."""
    if len(drawn) <= size:
        return list(drawn)
    ordered = sorted(drawn, key=lambda values: (_bytes(values), tuple(value or "" for value in values)))
    return [ordered[(2 * i + 1) * len(ordered) // (2 * size)] for i in range(size)]


def _capture(plan: Plan, n: int, bound: BoundParameter, column: Column, columns: Sequence[Column]) -> Captured:
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
    return Captured(n, statement.name, column.name, absent)


def _is_null_without_row(bound: BoundParameter) -> bool:
    try:
        return bound.function is not None and bound.function(random.Random(0), None) is None
    except Exception:
        return False


def _needed(plan: Plan, of: set[str], chosen: Sequence[BoundParameter]) -> tuple[Step, ...]:
    """The steps that must be run to have the rows of ``of``, in order. Raises _Inexpressible if one writes."""
    wanted = set(of)
    for step in reversed(plan.steps):
        if step.statement.name in wanted:
            wanted |= {p.parameter.of for p in step.parameters if p.parameter.of}
    steps = tuple(step for step in plan.steps if step.statement.name in wanted)
    for step in steps:
        if step.statement.writes:
            raise _Inexpressible(chosen[0], f"{step.statement.name} writes, and an export only reads")
    return steps


def _statement(plan: Plan, name: str) -> Statement:
    return next(step.statement for step in plan.steps if step.statement.name == name)


def _drawn(bound: BoundParameter, rows: Rows, rng: random.Random) -> str | None:
    """A draw's value as the text that PostgreSQL reads; checked by encoding it as a run would."""
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


def _mean_bytes(drawn: Sequence[Values]) -> float:
    return sum(map(_bytes, drawn)) / len(drawn) if drawn else 0.0
