"""Verdict on a finished run: valid, partial or invalid, with reasons (pure).

Reasons stand in this order, and the first is what people read first: a signal that ended the run; faults of the world
(a server that restarted or is gone, then time in which nothing was answered); too many errors; the load generator; a
count that differs from the server's; steadiness. What a fault or the errors explain is not judged: neither steadiness
nor too few transactions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from capacity.formatting import counted, milliseconds, number, share
from capacity.values import Refusal
from loadgen.runner.counting import LOST
from loadgen.runner.silence import GENERATOR_LATE, Evidence, silence
from loadgen.runner.steady import unsteady
from loadgen.runs.estimate import BEYOND, MIN_SECONDS
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.result import OpenResult, RunResult
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import GeneratorPart, GeneratorUse, ServerUse
from loadgen.runs.format.verdict import INTERRUPTED, MAX_ERROR_SHARE, TOO_MANY_ERRORS, Reason, RunStatus, Verdict
from loadgen.runs.spool import Second

GENERATOR_CPU_CORES: Final = 0.9
"""Use of its one core from which a process of the generator, and not the server, is the limit."""
HUB_LAG_SHARE: Final = 0.5
"""Largest valid lag (p99) of the hub, as a share of the p95 response; assumption, no published threshold."""
HUB_LAG_MS: Final = 5.0
"""Lag (p99) of the hub that is always valid, since it matters beside fast answers alone; assumption."""
BEHIND_SHARE: Final = 0.01
"""Share of arrivals waiting at the end, dropped or unfinished, beyond which the load was not carried; assumption."""
POOL_WAIT_SHARE: Final = 0.1
"""Mean wait for a connection of the pool, as a share of the response, beyond which a note says so; assumption."""
DECISION_S: Final = 60.0
"""Shortest window to decide from; assumption."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations of a run beside its seconds."""

    interrupted: bool = False
    """True if a signal to this process ended the run early."""
    lost: Sequence[GeneratorPart] = ()
    """Processes of the generator that did not last to the end."""
    died: bool = False
    """True if no process of the generator lasted to the end."""
    faults: Sequence[Reason] = ()
    """Servers that restarted or went away in the window."""
    differences: Sequence[Reason] = ()
    """Statements that the server counted differently from the generator."""
    evidence: Evidence = field(default_factory=Evidence)
    writes: bool = False
    shared_machine: bool = False
    """True if generator and server ran on the same cores."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Errors and faults that leave a run valid."""

    error_share: float = MAX_ERROR_SHARE
    """Share of the transactions that may fail."""
    faults: bool = False
    """True if servers are stopped on purpose: restarts, and time without an answer, are then notes."""


STRICT: Final = Allowed()
"""The default of every run."""


def judge(
    window: Sequence[Second],
    result: RunResult | None,
    schedule: Schedule,
    observed: Observed,
    allowed: Allowed,
    warmup: Sequence[Second] = (),
) -> Verdict:
    """Judge a run by its seconds and observations. ``warmup``: the seconds before the window.

    A run that ended early, or went on without a part of its load, is ``partial``, with reasons.
    """
    silent = silence(window, warmup, schedule, observed.evidence)
    own = [silent] if silent and silent.code == GENERATOR_LATE else []
    world = [*observed.faults, *([silent] if silent and not own else [])]
    errors = _errors(result, allowed.error_share)
    reasons = [*_interrupted(window, observed), *([] if allowed.faults else world), *errors]
    reasons += [*_gone(observed, schedule), *own, *_overloaded(result), *observed.differences]
    explained = bool(errors or observed.died or own or (world and not allowed.faults))
    if not explained:
        reasons += _unmeasured(result) or ([] if world else _unsteady(window, warmup, schedule))
    partial = observed.interrupted or observed.lost
    status: RunStatus = "partial" if partial else "invalid" if reasons else "valid"
    lost = [] if world or errors else _connections_lost(window, result)
    notes = [*(world if allowed.faults else []), *lost, *_limits(result, schedule, observed, explained=explained)]
    return Verdict(status, tuple(reasons), tuple(notes))


def _interrupted(window: Sequence[Second], observed: Observed) -> list[Reason]:
    if not observed.interrupted:
        return []
    when = f"{len(window)} s into the window" if window else "before the window"
    return [Reason(INTERRUPTED, f"a signal ended the run {when}", "run it again for the whole window")]


def _errors(result: RunResult | None, allowed_share: float) -> list[Reason]:
    if result is None or result.error_share <= allowed_share:
        return []
    shares = f"{share(result.error_share)}, at most {share(allowed_share)} allowed"
    what = f"{result.errors:,} of {result.count:,} transactions failed ({shares}); first: {result.first_error}"
    return [Reason(TOO_MANY_ERRORS, what, "correct what fails, or allow more with --max-errors")]


def _connections_lost(window: Sequence[Second], result: RunResult | None) -> list[Reason]:
    """Note on connections that ended under a transaction although no server did; too few to invalidate the run."""
    lost = [
        (second.at, state, count)
        for second in window
        for tally in second.transactions.values()
        for state, count in tally.errors.items()
        if state in LOST
    ]
    if not lost or result is None:
        return []
    at, state, _ = lost[0]
    words = result.error_examples.get(state, state)
    number = counted(sum(count for _, _, count in lost), "connection")
    what = (
        f"{number} {'was' if number.startswith('1 ') else 'were'} lost in the window "
        f"(first {at - window[0].at:g} s into it: {words})"
    )
    return [Reason("connections_lost", what, "check the logs of the server and the pooler for what closed them")]


def _gone(observed: Observed, schedule: Schedule) -> list[Reason]:
    if not observed.died:
        return [_lost(part, schedule) for part in observed.lost]
    ending = next((part.ending for part in observed.lost if part.ending), "exited before its schedule ended")
    return [
        Reason("generator_died", f"the load generator {ending}", "check its last output and dmesg, then run it again")
    ]


def _overloaded(result: RunResult | None) -> list[Reason]:
    return [] if result is None else [*_saturated(result.generator), *_own_lag(result)]


def _unmeasured(result: RunResult | None) -> list[Reason]:
    if result is not None and result.response.p50_ms is not None:
        return []
    count, window_s = (result.count, result.window_s) if result else (0, 0.0)
    what = (
        f"{count:,} transactions in {window_s:g} s: too few for a median with its interval, "
        f"at least {2 * BEYOND} in {MIN_SECONDS} s"
    )
    return [Reason("too_few_transactions", what, "measure for longer, or with more users")]


def _unsteady(window: Sequence[Second], warmup: Sequence[Second], schedule: Schedule) -> list[Reason]:
    # The throughput of a rate that changes is not meant to be steady.
    return unsteady(window, warmup, schedule) if schedule.rate is None or schedule.rate.constant else []


def _saturated(generator: GeneratorUse) -> list[Reason]:
    """Check the CPU of the generator's busiest process, which has one core."""
    used = max([part.cpu_cores or 0.0 for part in generator.parts] or [generator.cpu_cores])
    if used < GENERATOR_CPU_CORES:
        return []
    subject, do = (
        ("the generator", "lower the load, or raise --processes if the machine has idle cores")
        if len(generator.parts) < 2
        else (f"one of the generator's {len(generator.parts)} processes", "lower the load, or use more processes")
    )
    return [Reason("generator_saturated", f"{subject} used {number(used)} of its one core", do)]


def _lost(part: GeneratorPart, schedule: Schedule) -> Reason:
    """Reason for a lost process: its share of the load, and until when it reported how much."""
    assert part.lost_after_s is not None
    part_of_load = f"{part.users} of {schedule.users} {'users' if schedule.rate is None else 'connections'}"
    if part.arrivals_meant is not None:
        part_of_load += f" and {part.arrivals_meant:,} arrivals"
    when = f"{part.lost_after_s:g} s into the window" if part.lost_after_s > 0 else "before the window"
    ending = f"{part.ending}; it " if part.ending else ""
    what = (
        f"{part.name}, which had {part_of_load}, {ending}reported for the last time {when}, "
        f"{part.count:,} transactions in all"
    )
    return Reason("generator_lost", what, "check its log and network, then run it again")


def _own_lag(result: RunResult) -> list[Reason]:
    """Check the generator's own lag: of its timers, and of arrivals sent late although a connection was free."""
    # An open load's response includes the wait for the server and would excuse any lag: compare with the service time.
    measure, latency = ("service", result.service) if result.arrivals else ("response", result.response)
    p95 = latency.p95_ms or latency.p50_ms
    lags = [("the generator's own timers were", result.generator.hub_lag_p99_ms)]
    if result.arrivals:
        lags.append(("arrivals with a free connection were sent", result.arrivals.own_lag_p99_ms))
    for what, lag_ms in lags:
        if p95 is not None and lag_ms > max(HUB_LAG_MS, HUB_LAG_SHARE * p95.value):
            message = f"{what} {milliseconds(lag_ms)} late (p99) beside a p95 {measure} of {milliseconds(p95.value)}"
            return [Reason(GENERATOR_LATE, message, "lower the load, or give the generator cores of its own")]
    return []


def _limits(result: RunResult | None, schedule: Schedule, observed: Observed, *, explained: bool) -> list[Reason]:
    """Notes on the use of a run; ``explained``: it failed for a reason that measuring differently does not mend."""
    limits = []
    if schedule.measure_s < DECISION_S and not explained:
        what = f"{schedule.measure_s:g} s were measured"
        limits.append(Reason("short", what, f"too short for a decision: measure {DECISION_S:g} s or more"))
    if result is not None and not explained:
        if result.arrivals is not None:
            limits += _not_carried(result, result.arrivals, schedule)
        limits += _pooled(result, schedule.access)
    if observed.shared_machine:
        what = "generator and server shared the cores of one machine"
        limits.append(Reason("shared_machine", what, "capacities are those of the cores that the generator left free"))
    if result is not None and observed.writes and not explained:
        limits += _checkpoints(result.server)
    return limits


def _checkpoints(server: ServerUse) -> list[Reason]:
    spanned, forced = server.checkpoints, server.checkpoints_forced
    if forced:
        counted = "" if spanned is None else f", in which the server counted {spanned}"
        what = f"{forced} checkpoints were forced in the short window{counted}"
        return [Reason("checkpoints_forced", what, "measure longer than 2 × checkpoint_timeout instead")]
    if spanned is not None and spanned < 2:
        what = f"the window spans {spanned} checkpoints"
        return [Reason("few_checkpoints", what, "measure longer than 2 × checkpoint_timeout")]
    return []


def _not_carried(result: RunResult, arrivals: OpenResult, schedule: Schedule) -> list[Reason]:
    """Note on a server that did not keep up: the run is valid, its response times are those of a growing queue."""
    behind = arrivals.backlog_end + arrivals.dropped + arrivals.unfinished
    if behind <= BEHIND_SHARE * arrivals.offered + 3 * math.sqrt(arrivals.offered):
        return []
    offered_tps = arrivals.offered / result.window_s
    what = (
        f"the server answered {result.throughput_tps.value:,.0f} of {offered_tps:,.0f} offered transactions per second "
        f"on {schedule.users} connections: {arrivals.backlog_end:,} were waiting at the end of the window, "
        f"{arrivals.dropped:,} were dropped, {arrivals.unfinished:,} unfinished"
    )
    do = "lower --rate, or raise --users if the server has idle cores"
    return [Reason("not_carried", what, do)]


def _pooled(result: RunResult, access: Access) -> list[Reason]:
    """Note on transactions that mostly wait for the pool: the run is valid, for a pool of that size."""
    wait = result.access.pool_wait if result.access else None
    if wait is None or wait.mean_ms <= POOL_WAIT_SHARE * result.response.mean_ms:
        return []
    what = (
        f"transactions waited {milliseconds(wait.mean_ms)} for one of {access.pool} connections in each process, of a "
        f"response time of {milliseconds(result.response.mean_ms)} (means)"
    )
    return [Reason("pool_wait", what, "raise --pool if the server has idle cores, or lower the load")]


def refusal_of(verdict: Verdict) -> Refusal | None:
    """The verdict's first reason as a refusal; None for a valid run, and for one ended by a signal to this process."""
    if not verdict.reasons or verdict.reasons[0].code == INTERRUPTED:
        return None
    reason = verdict.reasons[0]
    return Refusal(reason.code, reason.what, reason.do)


def undecided(result: RunResult, objective: Objective) -> Refusal:
    """Refusal for a run of which :func:`objective_met` is None."""
    if result.response.percentile_ms(objective.percentile) is None:
        missing = f"{result.count} transactions are too few to check {objective} by"
        return Refusal("objective_undecided", missing, "measure for longer, or at a higher load")
    missing = (
        f"{result.response.censored} transactions were dropped or unfinished: p{objective.percentile:g} is unknown"
    )
    return Refusal("objective_undecided", missing, "raise --late-limit above the objective")


def objective_met(result: RunResult, objective: Objective) -> bool | None:
    """True if this one run met the objective; None when it holds too few transactions to say.

    Also None when too many were dropped: the percentile is then a lower bound that lies below the objective.
    """
    response_ms = result.response.percentile_ms(objective.percentile)
    if response_ms is None:
        return None
    if result.response.is_bound(response_ms.value) and response_ms.value <= objective.response_ms:
        return None  # a lower bound: the percentile may exceed the objective
    return response_ms.value <= objective.response_ms
