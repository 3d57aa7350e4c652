"""Write a transaction as a pgbench script: choice of users, draws, and statements as the engine sends them.

pgbench cannot set a variable to a text, and a literal in a prepared statement would be parsed only once. So a
connection first reads a script's texts into variables by one SELECT, and sends each as a parameter. The script repeats
a statement for each of its variants, which differ in the variables that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Final

from loadgen.exporting.format import Mode
from loadgen.exporting.network import sorting_network
from loadgen.exporting.syntax import choose, constant, ended, with_parameters
from loadgen.exporting.users import UserDraw
from loadgen.runs.draws import CapturedParameter, StepDraws, Variant
from loadgen.runs.format.scenario import StatementDescription, TransactionDescription, begin_command

READY: Final = "ready"
"""Variable that the command line sets to 0. Bit n is set once the connection has prepared for script n."""

Lines = Iterable[str]
_TEXTS_READ_AT_ONCE: Final = 500
"""Texts in one SELECT, within PostgreSQL's limit of 1,664 columns."""


@dataclass(frozen=True)
class ScriptWriter:
    """A transaction with its draws. ``number`` keeps its variables apart: the scripts of a client share variables."""

    number: int
    transaction: TransactionDescription
    statements: Mapping[str, StatementDescription]
    draws: Mapping[int, StepDraws]
    """Draws by the number of the step."""
    user: UserDraw
    first: str
    """SQL that a connection runs once, to check that it is in the right database."""
    texts: dict[str, str] = field(default_factory=dict)

    def render(self, mode: Mode) -> str:
        """Text of the script."""
        t = self.transaction
        # The body first, since it collects the texts that the connection has to read before.
        body = list(self._pipelined() if mode == "pipeline" else self._sequential())
        lines = [
            f"-- {t.name}, {mode}: {', '.join(t.statements)}{f', for {t.repeat} users' if t.repeat > 1 else ''}",
            "",
            f"\\if (:{READY} & {1 << self.number}) = 0",
            self.first,
            *self._read_texts(),
            f"\\set {READY} :{READY} | {1 << self.number}",
            "\\endif",
            "",
            *self._users(),
            "",
            *body,
        ]
        return "\n".join(lines) + "\n"

    def _read_texts(self) -> Iterator[str]:
        texts = [f"    {text} AS {name}" for text, name in self.texts.items()]
        for first in range(0, len(texts), _TEXTS_READ_AT_ONCE):
            yield "SELECT\n" + ",\n".join(texts[first : first + _TEXTS_READ_AT_ONCE])
            yield "\\gset"

    def _users(self) -> Iterator[str]:
        """Draw one user, or those of a batch in order of id, as the engine locks them."""
        repeat = self.transaction.repeat
        if repeat == 1:
            yield from self.user.commands("user")
            return
        for n in range(1, repeat + 1):
            yield from self.user.commands(f"user_{n}", quick=False)
        for low, high in sorting_network(repeat):
            yield f"\\set least least(:user_{low}, :user_{high})"
            yield f"\\set user_{high} greatest(:user_{low}, :user_{high})"
            yield f"\\set user_{low} :least"

    @property
    def _begin(self) -> str:
        return begin_command(self.transaction.writes, self.transaction.isolation) + ";"

    def _sequential(self) -> Iterator[str]:
        yield self._begin
        for repetition in range(self.transaction.repeat):
            for step in range(len(self.transaction.statements)):
                yield from self._step(repetition, step)
        yield "COMMIT;"

    def _pipelined(self) -> Iterator[str]:
        """Pipelines with as few round trips as the engine's: one, and one more before each draw that needs a row."""
        yield "\\startpipeline"
        yield self._begin
        pending = True
        for repetition in range(self.transaction.repeat):
            answered: set[str] = set()
            sent: set[str] = set()
            for step, name in enumerate(self.transaction.statements):
                captured = self._captures(name)
                needs = self._needs(step) - answered
                if pending and (needs or captured):
                    yield "\\endpipeline"
                    pending = False
                if needs:
                    answered |= sent
                if not captured and not pending:
                    yield "\\startpipeline"
                    pending = True
                yield from self._step(repetition, step)
                sent.add(name)
                if captured:
                    answered.add(name)
        if not pending:
            yield "\\startpipeline"
        yield "COMMIT;"
        yield "\\endpipeline"

    def _needs(self, step: int) -> set[str]:
        """Names of statements whose rows the draws of a step depend on."""
        described = self.statements[self.transaction.statements[step]]
        return {p.draw.split("(")[1].rstrip(")") for p in described.parameters if "(" in p.draw}

    def _captures(self, name: str) -> tuple[CapturedParameter, ...]:
        """Columns of a statement that later steps use."""
        return tuple(c for draws in self.draws.values() for c in draws.captured if c.statement == name)

    def _step(self, repetition: int, step: int) -> Iterator[str]:
        statement = self.statements[self.transaction.statements[step]]
        draws = self.draws.get(step)
        user = f":user_{repetition + 1}" if self.transaction.repeat > 1 else ":user"
        values = dict.fromkeys(range(1, len(statement.parameters) + 1), user)
        captures = self._captures(statement.name)
        if not draws:
            yield from self._statement(statement, values, captures)
            return
        write: Callable[[Variant], Lines] = partial(self._variant, step, draws, statement, values, captures)
        variants = self._share(draws.variants, repetition)
        if len(variants) < 2:
            yield from write(variants[0] if variants else Variant((), 1))
            return
        yield f"\\set variant random(1, {sum(v.count for v in variants)})"
        yield from choose(list(zip(accumulate(v.count for v in variants), variants, strict=True)), write)

    def _share(self, variants: Sequence[Variant], repetition: int) -> Sequence[Variant]:
        """Variants of one repetition. A batch's repetitions share them out, since each is a prepared statement."""
        repeat = self.transaction.repeat
        return variants[repetition::repeat] if len(variants) >= repeat else variants

    def _variant(
        self, step: int, draws: StepDraws, statement: StatementDescription, values: Mapping[int, str],
        captures: Sequence[CapturedParameter], variant: Variant,
    ) -> Iterator[str]:  # fmt: skip
        filled = dict(values)
        for n, text in zip(draws.sampled, variant.values, strict=True):
            filled[n] = "NULL" if text is None else f":{self._text(text)}"
        filled |= {c.parameter: f":{_row_variable(c.statement, c.column)}" for c in draws.captured}
        absent = [c for c in draws.captured if c.may_be_absent]
        yield from self._null_where_absent(statement, filled, captures, absent)

    def _null_where_absent(
        self, statement: StatementDescription, values: Mapping[int, str], captures: Sequence[CapturedParameter],
        absent: Sequence[CapturedParameter],
    ) -> Iterator[str]:  # fmt: skip
        if not absent:
            yield from self._statement(statement, values, captures)
            return
        first, *rest = absent
        yield f"\\if {values[first.parameter]} IS NULL"
        yield from self._null_where_absent(statement, {**values, first.parameter: "NULL"}, captures, rest)
        yield "\\else"
        yield from self._null_where_absent(statement, values, captures, rest)
        yield "\\endif"

    def _statement(
        self, statement: StatementDescription, values: Mapping[int, str], captures: Sequence[CapturedParameter]
    ) -> Iterator[str]:
        sql = with_parameters(statement, values)
        if not captures:
            yield ended(sql)
            return
        absent = sorted({c.column for c in captures if c.may_be_absent})
        yield from (f"\\set {_row_variable(statement.name, column)} NULL" for column in absent)
        yield sql
        # Without a row \aset keeps the variables as they are, while \gset would end the client.
        yield f"\\{'aset' if absent else 'gset'} {_row_variable(statement.name, '')}"

    def _text(self, text: str) -> str:
        """Name of the variable that holds a text; equal texts share one."""
        return self.texts.setdefault(constant(text), f"text_{self.number}_{len(self.texts)}")


def _row_variable(statement: str, column: str) -> str:
    return f"row_{statement}_{column}"
