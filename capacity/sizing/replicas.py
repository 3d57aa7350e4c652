"""Read replicas as a recommendation, and the primary where its writes outgrow it.

The laws are those of :mod:`capacity.sizing.candidates`; the number is that of the chosen plan. The load that k replicas
carry is (1 + k)(R + W)/(R + W + kfW) times what the primary alone does, until writes and fresh reads bind it.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats
from capacity.due import Due, due, when
from capacity.formatting import counted, figure, span
from capacity.recommendation import Prediction, Recommendation, Rejected, Step
from capacity.sizing.choose import Choice
from capacity.sizing.futures import Futures
from capacity.sizing.results import Basis
from capacity.uncertainty import TINY, summary
from capacity.values import LEVEL, Input, Interval


def load_ratio(
    replicas: int, reads: Floats, writes: Floats, replay_cost: Floats, fresh: Floats | float = 0.0
) -> Floats:
    """Load carried with ``replicas`` over load carried by the primary alone, the mix unchanged; writes may bind."""
    total = np.maximum(reads + writes, TINY)
    shared = (1 + replicas) * total / (total + replicas * replay_cost * writes)
    return np.asarray(np.minimum(shared, total / np.maximum(writes + fresh * reads, TINY)), dtype=np.float64)


def replica_advice(choice: Choice) -> tuple[Recommendation, ...]:
    """The number of replicas, by date; and the primary's own need, when its writes may pass it within the horizon."""
    futures = choice.futures
    inputs = (*futures.inputs, *choice.sizing.inputs)
    primary = _primary(choice, inputs)
    return (_reads(choice, inputs, primary), *((primary,) if primary is not None else ()))


def _reads(choice: Choice, inputs: tuple[Input, ...], primary: Recommendation | None) -> Recommendation:
    futures = choice.futures
    first, last = choice.configurations[0], choice.last
    fit = choice.fit(last)
    # Where no number helps, a future keeps what was useful to it before.
    finite = np.where(np.isinf(fit.replicas), 0.0, fit.replicas)
    useful = np.maximum.accumulate(finite, axis=0)
    needed = np.where(np.isinf(fit.replicas), useful, fit.replicas)
    now, horizon = (_at_least(summary(needed[i], LEVEL), futures) for i in (0, -1))
    now, horizon = _holding(now, first.replicas), _holding(horizon, last.replicas)
    used = summary(futures.need[-1], LEVEL)
    total = np.maximum(futures.reads[-1] + futures.writes[-1], TINY)
    movable = summary(futures.reads[-1] * (1 - futures.fresh) / total, LEVEL)
    end = futures.dates[-1]
    reason = (
        f"At {end} the peak load is {span(used)} times what one measured server carries while the objective is met."
    )
    reason += "".join(f" {_planned_for(basis, futures)}" for basis in futures.bases)
    reason += "".join(f" {said}" for given in futures.inputs if (said := _replayed(given)))
    if used.value > 0:
        reason += (
            f" Of that work {figure(100 * movable.value)}% reads what may be a moment old and can move to replicas."
        )
    cores = summary(choice.last_work.at(-1).replay_cores, LEVEL)
    if cores.high > 1:
        reason += f" To replay the log takes {span(cores)} cores of a replica at {end}, and one process replays."
    if not futures.bracketed:
        reason += " A sweep did not reach its limit, so the capacity is at least that: fewer, or none, may do."
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


def _planned_for(basis: Basis, futures: Futures) -> str:
    """How busy a server may be with one scenario, and who says so."""
    if basis.target == "curve":
        busy = next(i for i in futures.inputs if i.name == f"utilisation.{basis.scenario}")
        return f"With {basis.scenario} it may be {span(busy.value)} of its greatest throughput busy (measured curve)."
    target = next(i for i in futures.inputs if i.name == "target_utilisation")
    return f"With {basis.scenario} it is kept to {span(target.value)} of its capacity ({target.origin})."


def _replayed(given: Input) -> str:
    """What replay takes of a replica, and who says so; nothing of another input."""
    kind, _, scenario = given.name.partition(".")
    if kind == "replay_s":
        return f"To replay a transaction of {scenario} costs a replica {span(given.value.scaled(1000))} ms (measured)."
    if kind == "replay_cost":
        share = span(given.value.scaled(100))
        return f"To replay a write is taken for {share} % of executing it ({given.origin}), where no run told it."
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
    """One a stage that has more replicas than any before it."""
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
        return "No read replica helps: the writes alone outgrow the primary"
    if _log_bound(choice):
        return "No read replica helps: one process replays the log, and it takes more than a core"
    if first.replicas == last.replicas == 0:
        return f"No read replica now or by {end}"
    return f"{first.replicas} read replicas now, {last.replicas} by {end}"


def _primary(choice: Choice, inputs: tuple[Input, ...]) -> Recommendation | None:
    """When a tenth of the futures or more has writes beyond one primary within the horizon.

    That is the measured server's, or that of the target's largest: below it the plan itself scales up.
    """
    futures, needed = choice.futures, choice.largest_writes
    bound = due(futures.dates, needed, np.nextafter(1.0, 2.0))
    if bound.earliest is None:
        return None
    now, horizon = (_at_least(summary(needed[i], LEVEL), futures) for i in (0, -1))
    start, end = futures.dates[0], futures.dates[-1]
    several = len(choice.fits) > 1
    who = f"primary of {choice.largest.name}, the largest" if several else "measured primary"
    unit = f"times {choice.largest.name}" if several else "times the measured primary"
    step = int(np.ceil(horizon.value - 1e-9))
    larger = "no larger server is to be had" if several else "scale it up"
    return Recommendation(
        kind="replicas",
        subject="primary",
        headline=(
            f"The writes alone outgrow the {who}: {when(bound, start)}"
            if bound.expected
            else f"The {who} carries the writes, but from {bound.earliest} on not in every future"
        ),
        now=now,
        at_horizon=horizon,
        unit=f"{unit}, for writes alone",
        steps=(Step(step, unit, due(futures.dates, needed, step), "the writes alone need it"),) if step > 1 else (),
        reason=(
            f"Write-bound: every write runs on the primary. At {end} they need {span(horizon)} times what it may "
            f"carry: {larger}, write in larger batches, split tables off to another server, or shard by user."
        ),
        rejected=(
            Rejected(
                "read replicas",
                "each replays the whole write stream, and none takes a write off the primary",
                "write_bound",
            ),
        ),
        prediction=None,
        inputs=inputs,
    )


def _at_least(needed: Interval, futures: Futures) -> Interval:
    """With a capacity that is only "at least", the need may be anything below: the low end says so."""
    return needed if futures.bracketed else Interval(0.0, needed.value, needed.high, needed.level)


def _holding(needed: Interval, chosen: int) -> Interval:
    """The interval of the need with the chosen number inside: it is the answer, whatever the middle is."""
    return Interval(min(needed.low, chosen), float(chosen), max(needed.high, chosen), needed.level)


def _write_bound(primary: Recommendation | None) -> bool:
    """Whether the middle of the writes passes the primary's target within the horizon."""
    return primary is not None and max(primary.now.value, primary.at_horizon.value) > 1


def _log_bound(choice: Choice) -> bool:
    """Whether most futures that are short of a server at the horizon have more to replay than one process can."""
    work = choice.last_work.at(-1)
    short = np.broadcast_to(work.whole > 1, np.broadcast_shapes(work.whole.shape, work.replay_cores.shape))
    return not choice.sizing.met and bool(short.any()) and float(np.mean((work.replay_cores > 1)[short])) > 0.5


def _rejected(choice: Choice, used: Interval, primary: Recommendation | None) -> tuple[Rejected, ...]:
    rejected = list(choice.sizing.rejected)
    if choice.last.replicas == 0:
        needed = f"the peak at the horizon needs {span(used)} times one server's target"
        code, why = "not_needed", "so it would stand idle"
        if _write_bound(primary):
            code, why = "write_bound", "and it takes no write off the primary"
        elif _log_bound(choice):
            code, why = (
                "write_bound",
                "and it would fall behind: one process replays, and the log takes more than a core",
            )
        rejected.insert(0, Rejected("one replica, for load", f"{needed}, {why}", code))
    if primary is not None:
        rejected.append(Rejected("replicas against the write load", primary.rejected[0].why, "write_bound"))
    return tuple(rejected)
