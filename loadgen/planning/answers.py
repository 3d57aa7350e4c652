"""What ``forecast`` and ``scalability`` print under ``--json``: contracts that other tools rely on.

Points of a history with dates carry a date, points of numbered periods do not; hence a class for each.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final, Literal

from capacity.growth import Adjustment, Finding, Forecast, ForecastPoint, ScenarioPoint, Scenarios, Season
from capacity.latency import CurvePoint, LatencyCurve, Target
from capacity.scalability import Usl
from capacity.tables import WHOLE, Law, Quantity, Series, TableForecast
from capacity.values import Interval, Origin, Refusal
from loadgen.planning.history import History
from loadgen.planning.latencies import SweptLatency
from loadgen.planning.table_forecasts import Tables
from loadgen.planning.throughputs import Throughputs

FORECAST_FORMAT: Final = "loadgen.forecast/1"
SCALABILITY_FORMAT: Final = "loadgen.scalability/1"


@dataclass(frozen=True)
class Ends:
    """A value with its interval; ``high`` null: "at least"."""

    value: float
    low: float
    high: float | None

    @staticmethod
    def of(interval: Interval) -> Ends:
        return Ends(interval.value, interval.low, interval.high if math.isfinite(interval.high) else None)


# --- forecast -----------------------------------------------------------------------------------------------------


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
    """One figure of a table: by its own history, or by the users to come; ``origin`` of what that was made from."""

    law: Law
    now: Ends
    forecast: tuple[DatedAhead, ...] | tuple[Ahead, ...]
    origin: Origin
    source: str


@dataclass(frozen=True)
class TableAnswer:
    """A table's figures, null where nothing tells them; ``table`` null: WAL of no one table, as of commits."""

    table: str | None
    rows: TableFigure | None
    bytes: TableFigure | None
    wal_bytes_per_day: TableFigure | None


@dataclass(frozen=True)
class ForecastAnswer:
    """A forecast: ``coverage`` is what intervals of ``level``, made at ``origins`` past origins, held of what came."""

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
    """The 90 % interval of ``coverage``."""
    tables: tuple[TableAnswer, ...] = ()
    """Largest at the horizon first; empty where nothing was given that tells them."""
    tables_missing: tuple[Refusal, ...] = ()
    """Why a figure of a table is null."""
    format: Literal["loadgen.forecast/1"] = FORECAST_FORMAT


@dataclass(frozen=True)
class ScenariosAnswer:
    """Ways to go on, none more likely, where an interval would be a pretence: ``why`` it would be."""

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
    """The document of a forecast."""
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


# --- scalability --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prediction:
    """The law at a concurrency that was asked for; with ``identified`` false the figures are null, and say why."""

    concurrency: float
    identified: bool
    value: float | None
    low: float | None
    high: float | None
    response_s: float | None = None
    refusal: Refusal | None = None

    @staticmethod
    def of(concurrency: float, found: Interval | Refusal) -> Prediction:
        if isinstance(found, Refusal):
            return Prediction(concurrency, False, None, None, None, refusal=found)
        return Prediction(concurrency, True, found.value, found.low, found.high, concurrency / found.value)


@dataclass(frozen=True)
class PredictedLatency:
    """A percentile of one further run at a concurrency within those measured."""

    concurrency: float
    percentile: float
    response_ms: Ends | None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class MeasuredCurve:
    """One percentile of response by level; a refusal where the runs are too few for it."""

    percentile: float
    points: tuple[CurvePoint, ...]
    refusal: Refusal | None = None


@dataclass(frozen=True)
class CpuBound:
    """Mean response at a level if nothing but CPU were queued for: the least, mean-value analysis, the most."""

    level: int
    low_ms: float
    mean_ms: float
    high_ms: float


@dataclass(frozen=True)
class LatencyAnswer:
    """Of a sweep: latency against load, and how busy the server may be for the sweep's objective."""

    objective_percentile: float
    objective_ms: float
    target: Target | None
    refusal: Refusal | None
    """Why there is no target."""
    curves: tuple[MeasuredCurve, ...]
    predictions: tuple[PredictedLatency, ...]
    cpu_bounds: tuple[CpuBound, ...]


@dataclass(frozen=True)
class ScalabilityAnswer:
    """The law that throughput follows. ``peak`` is null where there is none."""

    alpha: Ends
    beta: Ends
    gamma: Ends
    peak: float | None
    peak_interval: Ends | None
    identified: bool
    predictions: tuple[Prediction, ...]
    level: float
    model: Literal["linear", "amdahl", "usl"]
    standard_errors: dict[str, float]
    residual_standard_error: float
    degrees_of_freedom: int
    largest_measured: float
    reach: float
    points: int
    left_out: int
    source: str
    latency: LatencyAnswer | None = None
    """Null of a CSV file, which holds throughput alone."""
    format: Literal["loadgen.scalability/1"] = SCALABILITY_FORMAT


def scalability_answer(
    measured: Throughputs, fit: Usl, at: tuple[float, ...], latency: SweptLatency | None
) -> ScalabilityAnswer:
    """The document of a fit, with predictions at the concurrencies ``at``."""
    return ScalabilityAnswer(
        alpha=Ends.of(fit.alpha),
        beta=Ends.of(fit.beta),
        gamma=Ends.of(fit.gamma),
        peak=fit.peak,
        peak_interval=Ends.of(fit.peak_interval) if fit.peak_interval else None,
        identified=fit.identified,
        predictions=tuple(Prediction.of(n, fit.predict(n)) for n in at),
        level=fit.alpha.level,
        model=fit.model.value,
        standard_errors=dict(zip(("alpha", "beta", "gamma"), fit.standard_errors, strict=True)),
        residual_standard_error=fit.residual_standard_error,
        degrees_of_freedom=fit.degrees_of_freedom,
        largest_measured=fit.largest_measured,
        reach=fit.law.reach,
        points=len(measured.throughput),
        left_out=measured.left_out,
        source=measured.source,
        latency=_latency(latency, at) if latency is not None else None,
    )


def _latency(found: SweptLatency, at: tuple[float, ...]) -> LatencyAnswer:
    return LatencyAnswer(
        objective_percentile=found.percentile,
        objective_ms=found.objective_ms,
        target=None if isinstance(found.target, Refusal) else found.target,
        refusal=found.target if isinstance(found.target, Refusal) else None,
        curves=tuple(_curve(p, curve) for p, curve in found.curves.items()),
        predictions=tuple(_predicted(n, p, curve) for n in at for p, curve in found.curves.items()),
        cpu_bounds=tuple(CpuBound(n, b.low_ms, b.mean_ms, b.high_ms) for n, b in found.bounds.items()),
    )


def _curve(percentile: float, curve: LatencyCurve | Refusal) -> MeasuredCurve:
    if isinstance(curve, Refusal):
        return MeasuredCurve(percentile, (), curve)
    return MeasuredCurve(percentile, curve.points)


def _predicted(concurrency: float, percentile: float, curve: LatencyCurve | Refusal) -> PredictedLatency:
    found = curve if isinstance(curve, Refusal) else curve.predict_ms(concurrency)
    if isinstance(found, Refusal):
        return PredictedLatency(concurrency, percentile, None, found)
    return PredictedLatency(concurrency, percentile, Ends.of(found))
