"""Laws of a sweep: throughput, latency against utilisation, service demand."""

from __future__ import annotations

from dataclasses import dataclass

from capacity.latency import CurvePoint, LatencyCurve, Target
from capacity.scalability import Model, Usl
from capacity.values import LEVEL, Interval, Refusal
from loadgen.errors import RefusalError
from loadgen.planning.demands import ScenarioDemand
from loadgen.planning.latencies import SweptLatency, swept_latency
from loadgen.planning.throughputs import of_sweep
from loadgen.runs.format.sweep import SweepRecord

SHAPES = {
    Model.LINEAR: "A straight line explains the levels as well: each connection brings as much as the first.",
    Model.AMDAHL: "Contention explains the levels; a cost of keeping copies in step cannot be distinguished from 0.",
    Model.USL: "Throughput bends down: keeping copies in step (coherency) costs more with each connection.",
}


@dataclass(frozen=True, slots=True)
class BoundedPoint:
    """A measured level of the latency curve, with the mean response if there were queues for CPU alone.

    The ends of ``cpu_alone_ms`` are those of any closed network with this demand, not of its estimate.
    """

    measured: CurvePoint
    cpu_alone_ms: Interval | None


@dataclass(frozen=True, slots=True)
class Laws:
    """Laws of a sweep, each a value or a refusal."""

    law: Usl | Refusal
    latency: SweptLatency
    percentile: float

    @property
    def curve(self) -> LatencyCurve | Refusal:
        """Latency curve of the objective's percentile."""
        return self.latency.curves[self.percentile]

    @property
    def points(self) -> tuple[BoundedPoint, ...]:
        if isinstance(self.curve, Refusal):
            return ()
        bounds = {n: Interval(b.low_ms, b.mean_ms, b.high_ms) for n, b in self.latency.bounds.items()}
        return tuple(BoundedPoint(point, bounds.get(point.level)) for point in self.curve.points)

    @property
    def refused(self) -> tuple[tuple[str, Refusal], ...]:
        """Refusals by name of the law."""
        parts = (
            ("the law of throughput", self.law),
            ("latency against utilisation", self.curve),
            ("how busy the server may be", self.latency.target if isinstance(self.curve, LatencyCurve) else None),
            ("the demand of a transaction", self.latency.demand),
        )
        return tuple((name, law) for name, law in parts if isinstance(law, Refusal))

    @property
    def fit(self) -> Usl | None:
        return None if isinstance(self.law, Refusal) else self.law

    @property
    def target(self) -> Target | None:
        return None if isinstance(self.latency.target, Refusal) else self.latency.target

    @property
    def demand(self) -> ScenarioDemand | None:
        return None if isinstance(self.latency.demand, Refusal) else self.latency.demand

    @property
    def shape(self) -> str:
        """Describe the law in a sentence."""
        return SHAPES[self.fit.model] if self.fit else ""

    @property
    def peak(self) -> tuple[Interval, Interval | None] | None:
        """Number of connections with the highest throughput, and the predicted throughput of a further run there."""
        if self.fit is None or self.fit.peak_interval is None:
            return None
        most = self.fit.predict(self.fit.peak_interval.value)
        return self.fit.peak_interval, None if isinstance(most, Refusal) else most


def laws_of(sweep: SweepRecord) -> Laws | None:
    """Fit the laws; None for a sweep with think time, whose levels are users and not busy connections."""
    if sweep.schedule.think:
        return None
    law: Usl | Refusal
    try:
        law = of_sweep(sweep).fit(LEVEL)
    except RefusalError as error:
        law = error.refusal
    return Laws(law, swept_latency(sweep, LEVEL), sweep.objective.percentile)
