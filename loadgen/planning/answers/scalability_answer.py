"""Document of ``scalability --json``, a contract that other tools rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from capacity.latency import CurvePoint, LatencyCurve, Target
from capacity.scalability import Usl
from capacity.values import Interval, Refusal
from loadgen.planning.answers.ends import Ends
from loadgen.planning.latencies import SweptLatency
from loadgen.planning.throughputs import Throughputs

SCALABILITY_FORMAT: Final = "loadgen.scalability/1"


@dataclass(frozen=True)
class Prediction:
    """Prediction at a requested concurrency; if not ``identified``, numbers are null and ``refusal`` says why."""

    concurrency: float
    identified: bool
    value: float | None
    low: float | None
    high: float | None
    response_s: float | None = None
    refusal: Refusal | None = None

    @staticmethod
    def of(concurrency: float, found: Interval | Refusal) -> Prediction:
        """Convert a prediction, with its response time by Little's law, or a refusal."""
        if isinstance(found, Refusal):
            return Prediction(concurrency, False, None, None, None, refusal=found)
        return Prediction(concurrency, True, found.value, found.low, found.high, concurrency / found.value)


@dataclass(frozen=True)
class PredictedLatency:
    """Prediction of a percentile in a further run at a requested concurrency."""

    concurrency: float
    percentile: float
    response_ms: Ends | None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class MeasuredCurve:
    """A percentile of response time by level; a refusal if there are too few runs for it."""

    percentile: float
    points: tuple[CurvePoint, ...]
    refusal: Refusal | None = None


@dataclass(frozen=True)
class CpuBound:
    """Mean response time at a level with queueing for CPU only: low bound, mean-value analysis, high bound."""

    level: int
    low_ms: float
    mean_ms: float
    high_ms: float


@dataclass(frozen=True)
class LatencyAnswer:
    """Latency by load of a sweep, and the target utilisation for its objective."""

    objective_percentile: float
    objective_ms: float
    target: Target | None
    refusal: Refusal | None
    """Why there is no target; null if there is one."""
    curves: tuple[MeasuredCurve, ...]
    predictions: tuple[PredictedLatency, ...]
    cpu_bounds: tuple[CpuBound, ...]


@dataclass(frozen=True)
class ScalabilityAnswer:
    """Fitted scalability law. ``peak`` is null if there is none."""

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
    """Latency by load; null for a CSV file, which has only throughput."""
    format: Literal["loadgen.scalability/1"] = SCALABILITY_FORMAT


def scalability_answer(
    measured: Throughputs, fit: Usl, at: tuple[float, ...], latency: SweptLatency | None
) -> ScalabilityAnswer:
    """Make the document of a fit, with predictions at the concurrencies ``at``."""
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
