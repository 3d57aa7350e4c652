"""How many read replicas, and when the writes alone outgrow the primary.

The laws, with load in units of what one measured server carries at the objective:

- scenarios add up: load = Σ demandᵢ/capacityᵢ. An assumption, since each was swept alone, none mixed.
- R of it reads, W writes. Reads go anywhere; writes run on the primary, and each replica replays them at a fraction f
  of their cost. No server is to exceed the target u. With k replicas R ≤ (u − W) + k(u − fW), hence
  k = ⌈(R + W − u) / (u − fW)⌉.
- where W > u no number of replicas helps: the primary is write-bound.
- the load that k replicas carry is (1 + k)(R + W)/(R + W + kfW) times what the primary alone does, until W binds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.measured import SweptScenario
from capacity.peak import LEVEL, PeakLoad, due
from capacity.plan import Due, Input, Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.prose import figure, span, when
from capacity.uncertainty import Floats, draws, summary
from capacity.values import Interval, Refusal
from capacity.workload import Workload

TINY = 1e-12
"""A load so small that it stands for none where a load divides."""

MOST_EXTRA_STEPS = 6
"""Amounts that only the upper edge needs are listed one by one up to this many, else the last alone."""

POLICY_UNITS = {
    "target_utilisation": "share of a server's capacity at the objective",
    "replay_cost": "cost of replaying a write over executing it",
    "write_cost": "work of a writing transaction over a reading one",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the rules for replicas assume. Raises ValueError for what no server can do."""

    target_utilisation: Input
    replay_cost: Input
    write_cost: Input

    def __post_init__(self) -> None:
        if not 0 < self.target_utilisation.value.low <= self.target_utilisation.value.high <= 1:
            raise ValueError("target_utilisation must lie above 0, and not above 1")
        if not 0 <= self.replay_cost.value.low <= self.replay_cost.value.high <= 1:
            raise ValueError("replay_cost must lie from 0 to 1")
        if self.write_cost.value.low <= 0 or not np.isfinite(self.write_cost.value.high):
            raise ValueError("write_cost must be above 0, and finite")

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.target_utilisation, self.replay_cost, self.write_cost


def replicas_needed(reads: Floats, writes: Floats, replay_cost: Floats, target: Floats) -> Floats:
    """k by the law above, elementwise; +inf where the writes alone exceed the target."""
    excess = np.maximum(reads + writes - target, 0.0)
    room = target - replay_cost * writes
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(excess > 0, np.ceil(excess / room - 1e-9), 0.0)
    return np.where((excess > 0) & ((writes > target) | (room <= 0)), np.inf, needed)


def load_ratio(replicas: int, reads: Floats, writes: Floats, replay_cost: Floats) -> Floats:
    """Load carried with ``replicas`` over load carried by the primary alone, the mix unchanged; writes may bind."""
    total = np.maximum(reads + writes, TINY)
    shared = (1 + replicas) * total / (total + replicas * replay_cost * writes)
    return np.asarray(np.minimum(shared, total / np.maximum(writes, TINY)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Load:
    """Draws: a row per date for ``reads`` and ``writes``, one row for the rest."""

    reads: Floats
    writes: Floats
    replay_cost: Floats
    target: Floats
    inputs: tuple[Input, ...]
    bracketed: bool


def recommend_replicas(
    scenarios: Sequence[SweptScenario], peak: PeakLoad, workload: Workload, policy: Policy
) -> tuple[Recommendation | RefusedRecommendation, ...]:
    """Replicas for the reads and, where the writes may outgrow it within the horizon, the primary."""
    load = _load(scenarios, peak, workload, policy)
    if isinstance(load, Refusal):
        return (RefusedRecommendation("replicas", "reads", load),)
    primary = _primary(peak, load)
    return (_reads(peak, load, primary), *((primary,) if primary is not None else ()))


def _load(scenarios: Sequence[SweptScenario], peak: PeakLoad, workload: Workload, policy: Policy) -> _Load | Refusal:
    swept = {s.name: s for s in scenarios}
    reads, writes = np.zeros_like(peak.tps), np.zeros_like(peak.tps)
    write_cost = draws("write_cost", policy.write_cost.value)
    inputs: list[Input] = [*workload.inputs, *policy.inputs]
    bracketed = True
    for name, share in workload.shares().items():
        if not share.any():
            continue
        if (scenario := swept.get(name)) is None:
            return Refusal("scenario_not_swept", f"the capacity for {name!r}", f"run `loadgen sweep {name}`")
        capacity = scenario.capacity
        if isinstance(capacity, Refusal):
            return Refusal(capacity.code, f"the capacity for {name!r}: {capacity.missing}", capacity.do)
        measured = scenario.capacity_input(capacity)
        inputs.append(measured)
        bracketed = bracketed and capacity.bracketed
        load = peak.tps * share / draws(measured.name, capacity.throughput_tps)
        r = scenario.read_share
        read_work = r / (r + write_cost * (1 - r))
        reads, writes = reads + load * read_work, writes + load * (1 - read_work)
    replay_cost = draws("replay_cost", policy.replay_cost.value).clip(0, 1)
    target = draws("target_utilisation", policy.target_utilisation.value).clip(0.01, 1)
    return _Load(reads, writes, replay_cost, target, tuple(inputs), bracketed)


def _reads(peak: PeakLoad, load: _Load, primary: Recommendation | None) -> Recommendation:
    needed = replicas_needed(load.reads, load.writes, load.replay_cost, load.target)
    # Past the write-bound date a draw keeps the replicas it had: more would not help it.
    useful = np.maximum.accumulate(np.where(np.isinf(needed), 0.0, needed), axis=0)
    enough = needed[-1]
    needed = np.where(np.isinf(needed), useful, needed)
    now, horizon = (_at_least(summary(needed[i], LEVEL), load) for i in (0, -1))
    count = int(horizon.value)
    used = summary((load.reads[-1] + load.writes[-1]) / load.target, LEVEL)
    read_share = summary(load.reads[-1] / np.maximum(load.reads[-1] + load.writes[-1], TINY), LEVEL)
    end = peak.dates[-1]
    reason = (
        f"At {end} the peak load is {span(used)} times what one measured server carries at its objective, kept to "
        f"{figure(float(np.median(load.target)))} of its capacity."
    )
    if used.value > 0:
        reason += f" Of that work {figure(100 * read_share.value)} % only reads and can move to replicas."
    if not load.bracketed:
        reason += " A sweep did not reach its limit, so the capacity is at least that: fewer, or none, may do."
    if primary is not None:
        reason += f" {primary.headline}; replicas do not help there."
    prediction = None
    if count:
        ratio = summary(load_ratio(count, load.reads[-1], load.writes[-1], load.replay_cost), LEVEL)
        prediction = Prediction(
            "load carried at the objective",
            "primary alone",
            f"primary and {count} {'replica' if count == 1 else 'replicas'}",
            ratio,
        )
    return Recommendation(
        kind="replicas",
        subject="reads",
        headline=_headline(now, horizon, peak, primary),
        now=now,
        at_horizon=horizon,
        unit="read replicas",
        steps=_steps(peak, needed, load, ("read replica", "read replicas"), above=0),
        reason=reason,
        rejected=_rejected(count, enough, used, primary),
        prediction=prediction,
        inputs=load.inputs,
    )


def _primary(peak: PeakLoad, load: _Load) -> Recommendation | None:
    """The primary's own need, when at least the upper edge of its writes passes the target within the horizon."""
    needed = load.writes / load.target
    bound = due(peak.dates, needed, np.nextafter(1.0, 2.0))
    if bound.earliest is None:
        return None
    now, horizon = (_at_least(summary(needed[i], LEVEL), load) for i in (0, -1))
    return Recommendation(
        kind="replicas",
        subject="primary",
        headline=(
            f"The writes alone outgrow the measured primary: {when(bound, peak.dates[0])}"
            if bound.expected
            else f"The measured primary carries the writes, but from {bound.earliest} on not at the load's upper edge"
        ),
        now=now,
        at_horizon=horizon,
        unit="times the measured primary, for writes alone",
        steps=_steps(peak, np.ceil(needed - 1e-9), load, ("times the measured primary",) * 2, above=1),
        reason=(
            f"Every write runs on the primary. At {peak.dates[-1]} they need {span(horizon)} times what it may carry: "
            "scale it up, write in larger batches, split tables off to another server, or shard by user."
        ),
        rejected=(
            Rejected("read replicas", "each replays the whole write stream, and none takes a write off the primary"),
        ),
        prediction=None,
        inputs=load.inputs,
    )


def _at_least(needed: Interval, load: _Load) -> Interval:
    """With a capacity that is only "at least", the need may be anything below: the low end says so."""
    return needed if load.bracketed else Interval(0.0, needed.value, needed.high, needed.level)


def _headline(now: Interval, horizon: Interval, peak: PeakLoad, primary: Recommendation | None) -> str:
    end = peak.dates[-1]
    if horizon.value == 0 and _write_bound(primary):
        return "No read replica helps: the writes alone outgrow the measured primary"
    if now.high == horizon.high == 0:
        return f"No read replica now or by {end}"
    return f"{span(now)} read replicas now, {span(horizon)} by {end}"


def _write_bound(primary: Recommendation | None) -> bool:
    """Whether the middle of the writes passes the primary's target within the horizon."""
    return primary is not None and max(primary.now.value, primary.at_horizon.value) > 1


def _steps(peak: PeakLoad, needed: Floats, load: _Load, unit: tuple[str, str], *, above: int) -> tuple[Step, ...]:
    """The amounts that the middle of ``needed`` passes through, then what its upper edge needs at the horizon.

    Only those ``above`` what is there already; ``unit`` is in the singular and in the plural.
    """
    middle = {int(summary(row, LEVEL).value) for row in needed}
    upper = int(summary(needed[-1], LEVEL).high)
    beyond = set(range(max(middle) + 1, upper)) if upper - max(middle) <= MOST_EXTRA_STEPS else set()
    steps = []
    for amount in sorted(a for a in {*middle, *beyond, upper} if a > above):
        at = due(peak.dates, needed, amount)
        why = "the middle of the peak load" if at.expected else "only the upper edge of the peak load"
        if not load.bracketed:
            at = Due(at.earliest, at.expected, None)
        steps.append(Step(amount, unit[amount > 1], at, f"{why} needs it"))
    return tuple(steps)


def _rejected(
    count: int, needed_at_horizon: Floats, used: Interval, primary: Recommendation | None
) -> tuple[Rejected, ...]:
    rejected = []
    if count == 0:
        needed = f"the peak at the horizon needs {span(used)} times one server's target"
        why = "and it takes no write off the primary" if _write_bound(primary) else "so it would stand idle"
        rejected.append(Rejected("one replica, for load", f"{needed}, {why}"))
    else:
        enough = float(np.mean(needed_at_horizon <= count - 1))
        fewer = f"{count - 1} replicas" if count > 1 else "no replica"
        rejected.append(Rejected(fewer, f"would suffice at the horizon with a probability of only {enough:.0%}"))
        rejected.append(
            Rejected("a larger server instead", "no larger one was measured; sweep the scenarios there to compare")
        )
    rejected.append(
        Rejected(
            "one more, so that a server may fail (N+1)", "not needed for load; add 1 to each step if that is asked"
        )
    )
    if primary is not None:
        rejected.append(Rejected("replicas against the write load", primary.rejected[0].why))
    return tuple(rejected)
