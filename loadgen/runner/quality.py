"""May this run be believed? Pure judgements on a finished run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from capacity.values import Refusal
from loadgen.runner.steady import unsteady
from loadgen.runs.estimate import BEYOND, MIN_SECONDS
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.result import OpenResult, RunResult
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import GeneratorPart, GeneratorUse
from loadgen.runs.format.verdict import Reason, RunStatus, Verdict
from loadgen.runs.spool import Second

GENERATOR_CPU_CORES: Final = 0.9
"""A child is one process, hence one core: from here on the generator is the limit, not the server."""
HUB_LAG_SHARE: Final = 0.5
"""The hub's own lag (p99) may be this share of the p95 response at most; assumption, no published threshold."""
HUB_LAG_MS: Final = 5.0
"""… unless it is under this, which only fast answers would notice; assumption."""
BEHIND_SHARE: Final = 0.01
"""Arrivals waiting at the end, dropped or unfinished beyond this share and chance: not carried; assumption."""
POOL_WAIT_SHARE: Final = 0.1
"""Waiting for a connection of the pool, on average, beyond this share of the response: worth knowing; assumption."""
DECISION_S: Final = 60.0
"""Shorter windows are for seeing, not for deciding; assumption."""


def judge(
    window: Sequence[Second],
    result: RunResult | None,
    schedule: Schedule,
    *,
    interrupted: bool,
    died: bool,
    writes: bool,
    shared_machine: bool,
    lost: Sequence[GeneratorPart] = (),
    warmup: Sequence[Second] = (),
) -> Verdict:
    """The verdict on a run: invalid if the generator was the limit, it was not steady, or there is too little of it.

    ``shared_machine``: generator and server ran on the same cores; ``lost``: processes that did not last to the end;
    ``warmup``: the seconds before the window.
    A run that ended early, or went on without a part of its load, is ``partial``, with reasons.
    """
    gone = [_lost(part, schedule) for part in lost] if not died else []
    reasons = (*gone, *_faults(window, result, schedule, warmup, died=died))
    status: RunStatus = "partial" if interrupted or died or lost else "invalid" if reasons else "valid"
    return Verdict(status, reasons, tuple(_limits(result, schedule, writes=writes, shared_machine=shared_machine)))


def _faults(
    window: Sequence[Second], result: RunResult | None, schedule: Schedule, warmup: Sequence[Second], *, died: bool
) -> list[Reason]:
    if died:
        return [
            Reason(
                "generator_died", "the load generator ended before its schedule did", "see its last words, run it again"
            )
        ]
    if result is None or result.response.p50_ms is None:
        count, window_s = (result.count, result.window_s) if result else (0, 0.0)
        what = (
            f"{count:,} transactions in {window_s:g} s are too few for a median with its interval, "
            f"which takes {2 * BEYOND} and {MIN_SECONDS} s"
        )
        return [Reason("too_few_transactions", what, "measure for longer, or with more users")]
    faults = []
    faults += _saturated(result.generator)
    faults += _own_lag(result)
    # What a rate that changes by itself carries is not meant to be the same throughout.
    if schedule.rate is None or schedule.rate.constant:
        faults += unsteady(window, warmup, schedule)
    return faults


def _saturated(generator: GeneratorUse) -> list[Reason]:
    """The busiest process against its one core."""
    used = max([part.cpu_cores or 0.0 for part in generator.parts] or [generator.cpu_cores])
    if used < GENERATOR_CPU_CORES:
        return []
    one, do = (
        ("the generator", "lower the load, or raise --processes if the machine has cores to spare")
        if len(generator.parts) < 2
        else (f"one of the generator's {len(generator.parts)} processes", "lower the load, or use more processes")
    )
    return [Reason("generator_saturated", f"{one} used {used:.2f} of its one core", do)]


def _lost(part: GeneratorPart, schedule: Schedule) -> Reason:
    """A process that did not last: what it was to make, and what came from it until when."""
    assert part.lost_after_s is not None
    meant = f"{part.users} of {schedule.users} {'users' if schedule.rate is None else 'connections'}"
    if part.arrivals_meant is not None:
        meant += f" and {part.arrivals_meant:,} arrivals"
    when = f"{part.lost_after_s:g} s into the window" if part.lost_after_s > 0 else "before the window"
    what = f"{part.name}, which had {meant}, reported for the last time {when}, {part.count:,} transactions in all"
    return Reason("generator_lost", what, "see why it ended or was cut off, and run it again")


def _own_lag(result: RunResult) -> list[Reason]:
    """The generator's own lateness: its timers', and that of arrivals sent late although a connection was free."""
    # Under an open load a wait for the server is in the response, and would excuse any lateness: service is not.
    measure, found = ("service", result.service) if result.arrivals else ("response", result.response)
    p95 = found.p95_ms or found.p50_ms
    seen = [("the generator's own timers were", result.generator.hub_lag_p99_ms)]
    if result.arrivals:
        seen.append(("arrivals that no connection had to wait for were sent", result.arrivals.own_lag_p99_ms))
    for what, lag_ms in seen:
        if p95 is not None and lag_ms > max(HUB_LAG_MS, HUB_LAG_SHARE * p95.value):
            whole = f"{what} {lag_ms:.1f} ms late (p99) beside a p95 {measure} of {p95.value:.1f} ms"
            return [Reason("generator_late", whole, "lower the load, or give the generator cores of its own")]
    return []


def _limits(result: RunResult | None, schedule: Schedule, *, writes: bool, shared_machine: bool) -> list[Reason]:
    limits = []
    if schedule.measure_s < DECISION_S:
        what = f"{schedule.measure_s:g} s were measured"
        limits.append(Reason("short", what, f"for seeing, not for deciding: measure {DECISION_S:g} s or more"))
    if result is not None and result.arrivals is not None:
        limits += _not_carried(result, result.arrivals, schedule)
    if result is not None:
        limits += _pooled(result, schedule.access)
    if shared_machine:
        what = "generator and server shared the cores of one machine"
        limits.append(Reason("shared_machine", what, "capacities are those of what the generator left"))
    if result is not None and writes:
        spanned, forced = result.server.checkpoints, result.server.checkpoints_forced
        if forced:
            counted = "" if spanned is None else f", in which the server counted {spanned}"
            what = f"{forced} checkpoints were forced in the short window{counted}"
            limits.append(Reason("checkpoints_forced", what, "measure for more than two checkpoint_timeout instead"))
        elif spanned is not None and spanned < 2:
            what = f"the window spans {spanned} checkpoints"
            limits.append(Reason("few_checkpoints", what, "measure for more than two checkpoint_timeout"))
    return limits


def _not_carried(result: RunResult, arrivals: OpenResult, schedule: Schedule) -> list[Reason]:
    """The server did not keep up: the run is valid, and its response times are those of a growing queue."""
    behind = arrivals.backlog_end + arrivals.dropped + arrivals.unfinished
    if behind <= BEHIND_SHARE * arrivals.offered + 3 * math.sqrt(arrivals.offered):
        return []
    offered_tps = arrivals.offered / result.window_s
    what = (
        f"the server answered {result.throughput_tps.value:,.0f} of {offered_tps:,.0f} offered transactions a second "
        f"on {schedule.users} connections: {arrivals.backlog_end:,} were waiting at the end of the window, "
        f"{arrivals.dropped:,} were dropped, {arrivals.unfinished:,} unfinished"
    )
    do = "lower --rate; or raise --users, if the server has cores to spare"
    return [Reason("not_carried", what, do)]


def _pooled(result: RunResult, access: Access) -> list[Reason]:
    """The pool, whose size was asked for, is what transactions wait for: the run is valid, and one of that pool."""
    wait = result.access.pool_wait if result.access else None
    if wait is None or wait.mean_ms <= POOL_WAIT_SHARE * result.response.mean_ms:
        return []
    what = (
        f"transactions waited {wait.mean_ms:.1f} ms for one of {access.pool} connections in each process, of a "
        f"response of {result.response.mean_ms:.1f} ms (means)"
    )
    return [Reason("pool_wait", what, "raise --pool, if the server has cores to spare, or lower the load")]


def refusal_of(verdict: Verdict) -> Refusal | None:
    """What an invalid run could not measure; None for any other."""
    if verdict.status != "invalid":
        return None
    reason = verdict.reasons[0]
    return Refusal(reason.code, f"a valid run: {reason.what}", reason.do)


def undecided(result: RunResult, objective: Objective) -> Refusal:
    """Why :func:`objective_met` has no answer."""
    if result.response.percentile_ms(objective.percentile) is None:
        missing = f"{result.count} transactions are too few to judge {objective} by"
        return Refusal("objective_undecided", missing, "measure for longer, or at a higher load")
    missing = (
        f"{result.response.censored} transactions were dropped or unfinished: p{objective.percentile:g} is unknown"
    )
    return Refusal("objective_undecided", missing, "raise --late-limit above the objective")


def objective_met(result: RunResult, objective: Objective) -> bool | None:
    """Whether this one run met the objective; None when it holds too few transactions to say.

    Also None when too many were dropped: the percentile is then only known to be longer than a value that would do.
    """
    response_ms = result.response.percentile_ms(objective.percentile)
    if response_ms is None:
        return None
    if result.response.is_bound(response_ms.value) and response_ms.value <= objective.response_ms:
        return None  # longer than this: by how much is not known
    return response_ms.value <= objective.response_ms and result.errors <= objective.error_share * result.count
