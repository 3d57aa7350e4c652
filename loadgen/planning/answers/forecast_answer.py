"""Document of ``forecast --json``, a contract that other tools rely on.

Points of a history with dates have a date, points of numbered periods have none; hence a class for each.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from capacity.growth import Adjustment, Finding, Forecast, ForecastPoint, ScenarioPoint, Scenarios, Season
from capacity.tables import WHOLE, Law, Quantity, Series, TableForecast
from capacity.values import Origin, Refusal
from loadgen.planning.answers.ends import Ends
from loadgen.planning.history import History
from loadgen.planning.table_forecasts import Tables

FORECAST_FORMAT: Final = "loadgen.forecast/1"


@dataclass(frozen=True)
class Ahead:
    period: int
    point: float
    low: float
    high: float


@dataclass(frozen=True)
class DatedAhead:
    period: int
    date: dt.date
    point: float
    low: float
    high: float


@dataclass(frozen=True)
class Supposed:
    period: int
    point: float


@dataclass(frozen=True)
class DatedSupposed:
    period: int
    date: dt.date
    point: float


@dataclass(frozen=True)
class TableFigure:
    """Forecast of one quantity of a table, from its own history or from the users; ``origin`` is that of its data."""

    law: Law
    now: Ends
    forecast: tuple[DatedAhead, ...] | tuple[Ahead, ...]
    origin: Origin
    source: str


@dataclass(frozen=True)
class TableAnswer:
    """Forecasts of a table, null where not available; ``table`` is null for WAL of no table, such as of commits."""

    table: str | None
    rows: TableFigure | None
    bytes: TableFigure | None
    wal_bytes_per_day: TableFigure | None


@dataclass(frozen=True)
class ForecastAnswer:
    """A forecast. ``coverage`` is the share of later values inside the intervals made at ``origins`` past origins."""

    forecast: tuple[DatedAhead, ...] | tuple[Ahead, ...]
    level: float
    coverage: float
    origins: int
    tested_horizon: int | None
    model: str
    weights: dict[str, float]
    season: Season | None
    ceiling: Ends | None
    findings: tuple[Finding, ...]
    history: int
    origin: Origin
    source: str
    adjustments: tuple[Adjustment, ...]
    coverage_range: Ends | None = None
    """90 % interval of ``coverage``."""
    tables: tuple[TableAnswer, ...] = ()
    """Tables, largest at the horizon first; empty without measurements of tables."""
    tables_missing: tuple[Refusal, ...] = ()
    """Refusals of the quantities that are null."""
    format: Literal["loadgen.forecast/1"] = FORECAST_FORMAT


@dataclass(frozen=True)
class ScenariosAnswer:
    """Equally likely scenarios, where no honest interval exists, and the reason ``why``."""

    scenarios: dict[str, tuple[DatedSupposed, ...] | tuple[Supposed, ...]]
    code: Literal["short_history", "ceiling_not_identified"]
    why: str
    history: int
    origin: Origin
    source: str
    adjustments: tuple[Adjustment, ...]
    format: Literal["loadgen.forecast/1"] = FORECAST_FORMAT


def forecast_answer(
    history: History,
    answer: Forecast | Scenarios,
    by_table: Tables = Tables(),  # noqa: B008  # frozen
) -> ForecastAnswer | ScenariosAnswer:
    """Make the document of a forecast."""
    if isinstance(answer, Scenarios):
        return ScenariosAnswer(
            scenarios={s.name: _supposed(s.points) for s in answer.scenarios},
            code=answer.code,
            why=answer.why,
            history=len(answer.history),
            origin=history.origin,
            source=history.source,
            adjustments=answer.adjustments,
        )
    return ForecastAnswer(
        forecast=_ahead(answer.forecast),
        level=answer.level,
        coverage=answer.coverage,
        coverage_range=Ends.of(answer.coverage_range) if answer.coverage_range else None,
        origins=answer.origins,
        tested_horizon=answer.tested_horizon,
        model=answer.model,
        weights={w.model: w.weight for w in answer.weights},
        season=answer.season,
        ceiling=Ends.of(answer.ceiling) if answer.ceiling else None,
        findings=answer.findings,
        history=len(answer.history),
        origin=history.origin,
        source=history.source,
        adjustments=answer.adjustments,
        tables=tuple(_table(one) for one in by_table.tables),
        tables_missing=by_table.missing,
    )


def _table(one: TableForecast) -> TableAnswer:
    def figure(name: Quantity) -> TableFigure | None:
        series: Series | None = one.series.get(name)
        if series is None:
            return None
        return TableFigure(series.law, Ends.of(series.now), _ahead(series.points), series.origin, series.source)

    name = None if one.table == WHOLE else one.table
    return TableAnswer(name, figure("rows"), figure("bytes"), figure("wal_bytes_per_day"))


def _ahead(points: tuple[ForecastPoint, ...]) -> tuple[DatedAhead, ...] | tuple[Ahead, ...]:
    dated = tuple(DatedAhead(p.period, p.date, p.point, p.low, p.high) for p in points if p.date is not None)
    return dated or tuple(Ahead(p.period, p.point, p.low, p.high) for p in points)


def _supposed(points: tuple[ScenarioPoint, ...]) -> tuple[DatedSupposed, ...] | tuple[Supposed, ...]:
    dated = tuple(DatedSupposed(p.period, p.date, p.point) for p in points if p.date is not None)
    return dated or tuple(Supposed(p.period, p.point) for p in points)
