"""Options of the verbs: how one is declared, and those that several verbs share, each a named type.

Typer reads the parameters of a verb as its options. :func:`option` declares one, whose value a :class:`ParameterType`
parses; :func:`expanded` lets a verb take a dataclass of options in place of a parameter for each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

from loadgen.cli import quantities

if TYPE_CHECKING:
    from loadgen.settings import Settings

    Names = tuple[str, ...]
    Integers = tuple[int, ...]
    Numbers = tuple[float, ...]
else:  # Of a tuple typer would read as many values as it has parts; here one value is parsed into all of them.
    Names = Integers = Numbers = object

LOAD: Final = "Load"
LENGTH: Final = "Length"
GENERATOR: Final = "Load generator"
CONNECTIONS: Final = "Connections and read replicas"
OBJECTIVES: Final = "Objectives and validity"
DATABASE: Final = "Database"
INPUT: Final = "Input"
SERVER: Final = "Embedded server"
OUTPUT: Final = "Output"
"""Groups of options in the help; a verb may have others."""


class BadValue(typer.BadParameter):
    """A value that no option of its type takes; the message begins with the value."""


class Seconds(float):
    """Default of a duration, which the help shows as it is typed. A verb gets a plain float."""

    def __str__(self) -> str:
        return quantities.duration_text(self)


@dataclass(frozen=True, slots=True)
class ParameterType:
    """How the help calls a value, and its parser, which raises ValueError with what it expected."""

    metavar: str
    parse: Callable[[str], Any]

    @property
    def __name__(self) -> str:
        """Name of the type, by which typer on click knows it."""
        return self.metavar

    def __call__(self, value: Any) -> Any:
        """Convert a value as it was typed; a default is one already. Raises BadValue."""
        if not isinstance(value, str):
            return float(value) if isinstance(value, Seconds) else value
        try:
            return self.parse(value)
        except ValueError as error:
            raise BadValue(f"{value}: {error}") from error


FLAG: Final = ""
"""Metavar of an option that takes no value."""
DURATION: Final = ParameterType("DURATION", quantities.duration())
WINDOW: Final = ParameterType("DURATION", quantities.duration(least_s=1.0))
OBJECTIVE: Final = ParameterType("pNN=DURATION", quantities.objective)
USERS: Final = ParameterType("N", quantities.users)
PROBABILITY: Final = ParameterType("PROBABILITY", quantities.number(0.5, 0.99))


def integer(least: int, most: int, metavar: str = "N") -> ParameterType:
    """Type of an integer within bounds."""
    return ParameterType(metavar, quantities.integer(least, most))


def option(*names: str, of: ParameterType | str, group: str, help: str) -> Any:
    """Declare an option: its names, its type (a metavar where typer parses it), its group in the help, and its text."""
    kind = ParameterType(of, str) if isinstance(of, str) else of
    parser = None if isinstance(of, str) else of
    return typer.Option(*names, metavar=kind.metavar, parser=parser, rich_help_panel=group, help=help)


def horizon(most: int) -> Any:
    """Declare --horizon, up to ``most`` periods."""
    about = "Periods to forecast: months, for a monthly history."
    return option("--horizon", of=integer(1, most), group=INPUT, help=about)


def expanded(verb: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameters of a verb that are dataclasses by their fields, for typer, which knows parameters only.

    The verb is called with instances. Dataclasses may be nested; names of fields must differ.
    """
    hints = get_type_hints(verb, include_extras=True)
    hints.pop("return")
    defaults = {name: parameter.default for name, parameter in inspect.signature(verb).parameters.items()}

    @wraps(verb)
    def called_with_fields(**values: Any) -> None:
        _construct(verb, hints, values)

    parameters = list(_flattened(hints, defaults))
    called_with_fields.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    called_with_fields.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called_with_fields


def _flattened(hints: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    for name, kind in hints.items():
        if is_dataclass(kind):
            yield from _flattened(get_type_hints(kind, include_extras=True), {f.name: f.default for f in fields(kind)})
        else:
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind)


def _construct(make: Callable[..., Any], hints: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Call ``make`` with its parameters among ``values``, those that are dataclasses constructed first."""
    given = {name: values[name] for name in hints if name in values}
    blocks: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    given |= {
        name: _construct(kind, get_type_hints(kind, include_extras=True), values) for name, kind in blocks.items()
    }
    return make(**given)


Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="Name of a scenario (dashboard, montecarlo), or path of a locustfile.")
]
Dsn = Annotated[
    str | None,
    option(
        "--dsn", of="DSN", group=DATABASE,
        help="Connection string of the server, without a password: that goes into PGPASSWORD, a password file or "
        "LOADGEN_DSN. Default: LOADGEN_DSN, then the PG* variables, then the embedded server.",
    ),
]  # fmt: skip
Instance = Annotated[str | None, option("--instance", of="NAME", group=DATABASE, help="Name of an embedded server.")]
AllowUnmarked = Annotated[
    str | None,
    option(
        "--allow-unmarked", of="DATABASE", group=DATABASE,
        help="Accept the database of this name although it is not marked as synthetic, or has rules or triggers of "
        "others.",
    ),
]  # fmt: skip
Json = Annotated[bool, option("--json", of=FLAG, group=OUTPUT, help="Print one JSON document to stdout.")]
ResultsDir = Annotated[
    Path | None, option("--results-dir", of="DIR", group=OUTPUT, help="Directory of the records. Default: results.")
]
Duration = Annotated[
    float, option("--duration", "-t", of=WINDOW, group=LENGTH, help="Length of the measured window of each run.")
]
Warmup = Annotated[float, option("--warmup", of=DURATION, group=LENGTH, help="Load before the measured window.")]
Ramp = Annotated[float, option("--ramp", of=DURATION, group=LENGTH, help="Time over which the users start.")]
LoadSeed = Annotated[int, option("--seed", of=integer(0, 2**31 - 1), group=LOAD, help="Seed of the random draws.")]
Level = Annotated[float, option("--level", of=PROBABILITY, group=OUTPUT, help="Probability of the intervals.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Options of the server that a verb uses."""

    dsn: Dsn = None
    instance: Instance = None

    def settings(self, results_dir: Path | None = None) -> Settings:
        """Settings of the invocation. Raises UsageError."""
        from loadgen import settings

        return settings.load(dsn=self.dsn, instance=self.instance, results_dir=results_dir)
