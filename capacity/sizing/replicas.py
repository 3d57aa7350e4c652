"""Recommendation of read replicas, and of a larger primary where the writes exceed it.

The laws are those of :mod:`capacity.sizing.candidates`, the number that of the chosen plan. A primary with k replicas
carries (1 + k)(R + W)/(R + W + kfW) times the load of the primary alone, until writes and fresh reads are the limit.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats
from capacity.due import Due, due, when
from capacity.formatting import counted, interval, share, share_interval
from capacity.recommendation import Prediction, Recommendation, Rejected, Step
from capacity.sizing.choose import Choice
from capacity.sizing.futures import Futures
from capacity.sizing.results import Basis
from capacity.uncertainty import TINY, summary
from capacity.values import LEVEL, Input, Interval


def load_ratio(
    replicas: int, reads: Floats, writes: Floats, replay_cost: Floats, fresh: Floats | float = 0.0
) -> Floats:
    """Return the capacity with ``replicas`` over that of the primary alone, for an unchanged mix."""
    total = np.maximum(reads + writes, TINY)
    shared = (1 + replicas) * total / (total + replicas * replay_cost * writes)
    return np.asarray(np.minimum(shared, total / np.maximum(writes + fresh * reads, TINY)), dtype=np.float64)


def replica_advice(choice: Choice) -> tuple[Recommendation, ...]:
    """Recommend a number of replicas by date, and a larger primary if the writes may exceed it within the horizon."""
    futures = choice.futures
    inputs = (*futures.inputs, *choice.sizing.inputs)
    primary = _primary(choice, inputs)
    return (_reads(choice, inputs, primary), *((primary,) if primary is not None else ()))


def _reads(choice: Choice, inputs: tuple[Input, ...], primary: Recommendation | None) -> Recommendation:
    futures = choice.futures
    first, last = choice.configurations[0], choice.last
    fit = choice.fit(last)
    # Where no number of replicas helps, a future keeps those that helped before.
    finite = np.where(np.isinf(fit.replicas), 0.0, fit.replicas)
    useful = np.maximum.accumulate(finite, axis=0)
    needed = np.where(np.isinf(fit.replicas), useful, fit.replicas)
    now, horizon = (_at_least(summary(needed[i], LEVEL), futures) for i in (0, -1))
    now, horizon = _holding(now, first.replicas), _holding(horizon, last.replicas)
    used = summary(futures.need[-1], LEVEL)
    total = np.maximum(futures.reads[-1] + futures.writes[-1], TINY)
    movable = summary(futures.reads[-1] * (1 - futures.fresh) / total, LEVEL)
    end = futures.dates[-1]
    reason = f"On {end} the peak load is {interval(used)} times the capacity of one measured server at the objective."
    reason += "".join(f" {_utilisation_reason(basis, futures)}" for basis in futures.bases)
    reason += "".join(f" {text}" for item in futures.inputs if (text := _replay_reason(item)))
    if used.value > 0:
        reason += (
            f" {share(movable.value)} of the load is reads that tolerate replication lag and can move to replicas."
        )
    cores = summary(choice.last_work.at(-1).replay_cores, LEVEL)
    if cores.high > 1:
        reason += f" WAL replay needs {interval(cores)} cores of a replica on {end}, but it is a single process."
    if not futures.bracketed:
        reason += (
            " A sweep did not reach the objective's limit, so capacity may be higher: fewer replicas, or none, may do."
        )
    if primary is not None:
        reason += f" {primary.headline}; replicas do not help there."
    return Recommendation(
        kind="replicas",
        subject="reads",
        headline=_headline(choice, primary),
        now=now,
        at_horizon=horizon,
        unit="read replicas",
        steps=_steps(choice),
        reason=reason,
        rejected=_rejected(choice, used, primary),
        prediction=_prediction(choice),
        inputs=inputs,
    )


def _utilisation_reason(basis: Basis, futures: Futures) -> str:
    """Sentence on a scenario's target utilisation and its origin."""
    if basis.target == "curve":
        busy = next(i for i in futures.inputs if i.name == f"utilisation.{basis.scenario}")
        return f"Under {basis.scenario} a server may run at {share_interval(busy.value)} of its limit (measured)."
    target = next(i for i in futures.inputs if i.name == "target_utilisation")
    return (
        f"Under {basis.scenario} a server may run at {share_interval(target.value)} of its capacity ({target.origin})."
    )


def _replay_reason(item: Input) -> str:
    """Sentence on the cost of replay and its origin; empty for other inputs."""
    kind, _, scenario = item.name.partition(".")
    if kind == "replay_s":
        cost = interval(item.value.scaled(1000), "ms")
        return f"Replaying a transaction of {scenario} costs a replica {cost} (measured)."
    if kind == "replay_cost":
        cost = share_interval(item.value)
        return f"Where not measured, replaying a write costs {cost} of executing it ({item.origin})."
    return ""


def _prediction(choice: Choice) -> Prediction | None:
    count, futures = choice.last.replicas, choice.futures
    if not count:
        return None
    work = choice.last_work.at(-1)
    ratio = load_ratio(count, work.reads, work.writes, work.replay_cost, futures.fresh)
    together = f"primary and {counted(count, 'replica')}"
    return Prediction("load carried at the objective", "primary alone", together, summary(ratio, LEVEL))


def _steps(choice: Choice) -> tuple[Step, ...]:
    """A step for each stage with more replicas than all before it."""
    steps, most = [], 0
    for stage in choice.sizing.stages:
        if stage.replicas > most:
            most = stage.replicas
            at = stage.due if choice.futures.bracketed else Due(stage.due.earliest, stage.due.expected, None)
            steps.append(Step(most, "read replica" if most == 1 else "read replicas", at, stage.why))
    return tuple(steps)


def _headline(choice: Choice, primary: Recommendation | None) -> str:
    first, last, end = choice.configurations[0], choice.last, choice.futures.dates[-1]
    if not choice.sizing.met and _write_bound(primary):
        return "Read replicas do not help: the writes alone exceed the primary"
    if _log_bound(choice):
        return "Read replicas do not help: WAL replay is one process and needs more than one core"
    if first.replicas == last.replicas == 0:
        return f"No read replica now or by {end}"
    return f"{counted(first.replicas, 'read replica')} now, {last.replicas} by {end}"


def _primary(choice: Choice, inputs: tuple[Input, ...]) -> Recommendation | None:
    """Advice on the primary, if its writes exceed it in a tenth of the futures or more within the horizon.

    The primary is the measured server, or the target's largest server: below that, the plan itself scales up.
    """
    futures, needed = choice.futures, choice.largest_writes
    exceeded = due(futures.dates, needed, np.nextafter(1.0, 2.0))
    if exceeded.earliest is None:
        return None
    now, horizon = (_at_least(summary(needed[i], LEVEL), futures) for i in (0, -1))
    start, end = futures.dates[0], futures.dates[-1]
    several = len(choice.fits) > 1
    primary = f"primary of {choice.largest.name} (the largest)" if several else "measured primary"
    unit = f"times {choice.largest.name}" if several else "times the measured primary"
    step = int(np.ceil(horizon.value - 1e-9))
    larger = "No larger server is available, so" if several else "Scale it up,"
    return Recommendation(
        kind="replicas",
        subject="primary",
        headline=(
            f"The writes alone exceed the {primary} {when(exceeded, start)}"
            if exceeded.expected
            else f"The {primary} is likely to carry the writes, but may be too small from {exceeded.earliest} on"
        ),
        now=now,
        at_horizon=horizon,
        unit=f"{unit}, for writes alone",
        steps=(Step(step, unit, due(futures.dates, needed, step), "the writes alone need it"),) if step > 1 else (),
        reason=(
            f"Write-bound: every write runs on the primary. On {end} the writes need {interval(horizon)} times its "
            f"capacity. {larger} write in larger batches, move tables to another server, or shard by user."
        ),
        rejected=(
            Rejected(
                "read replicas",
                "each replays all writes, and none takes a write off the primary",
                "write_bound",
            ),
        ),
        prediction=None,
        inputs=inputs,
    )


def _at_least(needed: Interval, futures: Futures) -> Interval:
    """The need, with a low end of 0 where a capacity is only a lower bound: any smaller number may do."""
    return needed if futures.bracketed else Interval(0.0, needed.value, needed.high, needed.level)


def _holding(needed: Interval, chosen: int) -> Interval:
    """The interval of the need, with the chosen number as its value and widened to hold it."""
    return Interval(min(needed.low, chosen), float(chosen), max(needed.high, chosen), needed.level)


def _write_bound(primary: Recommendation | None) -> bool:
    """True if the median of the writes exceeds the primary's capacity within the horizon."""
    return primary is not None and max(primary.now.value, primary.at_horizon.value) > 1


def _log_bound(choice: Choice) -> bool:
    """True if replay exceeds one process in most futures that need more than one server at the horizon."""
    work = choice.last_work.at(-1)
    short = np.broadcast_to(work.whole > 1, np.broadcast_shapes(work.whole.shape, work.replay_cores.shape))
    return not choice.sizing.met and bool(short.any()) and float(np.mean((work.replay_cores > 1)[short])) > 0.5


def _rejected(choice: Choice, used: Interval, primary: Recommendation | None) -> tuple[Rejected, ...]:
    rejected = list(choice.sizing.rejected)
    if choice.last.replicas == 0:
        needed = f"the peak load at the horizon is {interval(used)} times one server's capacity"
        code, why = "not_needed", "so it would be idle"
        if _write_bound(primary):
            code, why = "write_bound", "and it takes no write off the primary"
        elif _log_bound(choice):
            code, why = (
                "write_bound",
                "and it would fall behind: WAL replay is one process and needs more than one core",
            )
        rejected.insert(0, Rejected("one replica for load", f"{needed}, {why}", code))
    if primary is not None:
        rejected.append(Rejected("replicas for the write load", primary.rejected[0].why, "write_bound"))
    return tuple(rejected)
