"""One process's part in a run: its users arrive, warm up, are measured and drain, on the schedule that all share.

The same for a child that a parent drives over pipes and for a worker that a master drives over the network.
"""

from __future__ import annotations

import gc
import math
import os
import random
import resource
import time
from collections.abc import Callable
from typing import Final, Literal

import gevent
from gevent.event import Event
from locust.runners import Runner

from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.database.servers import servers_of
from loadgen.engine.load import OpenLoad, open_load
from loadgen.engine.pacing.dispatch import Dispatcher
from loadgen.engine.recording import locust_figures
from loadgen.engine.recording.open_recorder import OpenRecorder
from loadgen.engine.recording.recorder import TICK_S, Output, Recorder
from loadgen.engine.users import PostgresUser
from loadgen.runs.control import Done, PhaseBegan, Ramped
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.shares import Share, arrival_times

CONNECTED_S: Final = 10.0
"""Longest wait of an open load for its connections before it begins without the missing ones."""

_YOUNG_OBJECTS: Final = 20_000
"""Objects allocated between collections: those of a transaction are freed with it, without the collector."""
_RAMP_STEP_S: Final = 0.05
_LOOK_S: Final = 0.002

Say = Callable[[PhaseBegan | Ramped], None]


class Phases:
    """Carries out schedules, one after another, with the users of one Locust runner."""

    def __init__(self, user: type[PostgresUser], runner: Runner, say: Say, *, has_viewers: bool) -> None:
        """``has_viewers``: Locust's own statistics of the runner are shown, on its page or by a master."""
        self._user = user
        self._has_viewers = has_viewers
        self._runner = runner
        self._say = say
        self._stop = Event()
        self._begin_at: float | None = None
        self._refusal: str | None = None

    def begin(self, at: float) -> None:
        """Begin the warm-up of the current run at ``at`` on the monotonic clock."""
        self._begin_at = at

    def stop(self) -> None:
        """End the current run early."""
        self._stop.set()

    def run(self, schedule: Schedule, share: Share, output: Output, ahead_s: float = 0.0) -> Done:
        """Ramp, wait for the command to begin, warm up, measure, drain; the share's seconds go to ``output``.

        ``ahead_s``: how far this clock is ahead of the shared one, which defines seconds and the window.
        """
        self._stop.clear()
        self._begin_at = self._refusal = None
        self._user.prepare()
        opened = None if schedule.rate is None else _open(schedule, output, ahead_s)
        recorder = opened.recorder if opened else Recorder(output, ahead_s)
        if not self._has_viewers:
            recorder.on_tally = locust_figures.ignore
        config = settings.load()
        load = self._user.load = open_load(
            servers_of(config, resolve(config)),
            writes=self._user.describe().writes,
            allow_unmarked=os.environ.get("LOADGEN_ALLOW_UNMARKED"),
            skew=self._user.user_skew,
            recorder=recorder,
            think=schedule.think,
            seed=schedule.seed,
            arrivals=opened,
            pipeline=schedule.mode == "pipeline",
            access=schedule.access,
            share=share,
            refuse=self._refuse,
        )
        # Objects allocated by now stay: collecting them in mid-run would stall every user for milliseconds.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        watch = gevent.spawn(self._watch, recorder, opened)
        try:
            return self._phases(schedule, share, opened, ahead_s)
        finally:
            watch.kill()
            load.endpoints.end()
            recorder.close()
            if opened:
                opened.dispatcher.close()

    def _refuse(self, why: str) -> None:
        """End the run: a connection led to another database, so every later one may."""
        self._refusal = self._refusal or why
        self._stop.set()

    def _phases(self, schedule: Schedule, share: Share, opened: OpenLoad | None, ahead_s: float) -> Done:
        self._runner.environment.stop_timeout = schedule.drain_s
        self._phase("ramp")
        users = share.users(schedule.users)
        self._ramp(users, schedule.ramp_s)
        if opened:
            self._wait_for_connections(users, opened.dispatcher)
        self._say(Ramped())
        warm = self._wait_for_begin()
        # The spool's seconds, and so the window, begin at whole seconds of the shared clock.
        window = math.ceil(warm - ahead_s + schedule.warmup_s) + ahead_s
        if opened:
            opened.dispatcher.begin(arrival_times(schedule, share, warm, window))
        self._wait_until(warm)
        self._phase("warmup")
        self._wait_until(window)
        cpu = _cpu_seconds()
        start = self._phase("measure")
        self._wait_until(window + schedule.measure_s)
        end = self._phase("drain")
        used = (_cpu_seconds() - cpu) / max(end - start, 1e-9)
        if opened:
            self._drain(schedule.drain_s, end, opened)
        self._runner.stop()
        return Done(
            ended=time.monotonic(),
            cpu_cores=used,
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            interrupted=self._stop.is_set() and self._refusal is None,
            refusal=self._refusal,
        )

    def _phase(self, phase: Literal["ramp", "warmup", "measure", "drain"]) -> float:
        at = time.monotonic()
        self._say(PhaseBegan(phase=phase, at=at))
        return at

    def _wait_until(self, at: float) -> None:
        self._stop.wait(timeout=max(at - time.monotonic(), 0.0))

    def _ramp(self, users: int, ramp_s: float) -> None:
        """Start users one after the other, evenly over the ramp."""
        begin = time.monotonic()
        started = 0
        while started < users and not self._stop.is_set():
            passed_s = time.monotonic() - begin
            due = users if passed_s >= ramp_s else int(users * passed_s / ramp_s) + 1
            if due > started:
                self._runner.spawn_users({self._user.__name__: due - started})
                started = due
            self._stop.wait(timeout=min(_RAMP_STEP_S, ramp_s / users))
        self._wait_until(begin + ramp_s)

    def _wait_for_connections(self, users: int, dispatcher: Dispatcher) -> None:
        """Wait for an open load's connections: the first arrivals would otherwise wait for them."""
        deadline = time.monotonic() + CONNECTED_S
        while dispatcher.idle < users and time.monotonic() < deadline and not self._stop.wait(timeout=0.01):
            pass

    def _wait_for_begin(self) -> float:
        """Wait for the command to begin; returns the warm-up's beginning, or now if the run was stopped."""
        while self._begin_at is None:
            if self._stop.wait(timeout=_LOOK_S):
                return time.monotonic()
        return self._begin_at

    def _drain(self, drain_s: float, end: float, opened: OpenLoad) -> None:
        """Send and finish the window's arrivals within ``drain_s``, and record those that are left."""
        opened.dispatcher.end(end)
        self._runner.user_greenlets.join(timeout=drain_s)
        now = time.monotonic()
        names = [t.name for t in self._user.transactions]
        weights = [t.weight for t in self._user.transactions]
        for intended in opened.dispatcher.rest():
            # No user has chosen a transaction for it.
            opened.recorder.unsent(random.choices(names, weights)[0], intended, now)
        self._runner.environment.stop_timeout = 0.0  # the time to finish is over

    def _watch(self, recorder: Recorder, opened: OpenLoad | None) -> None:
        """Drive the recorder; the lag of its timer is what the generator adds to latencies."""
        while True:
            due = time.monotonic() + TICK_S
            gevent.sleep(TICK_S)
            now = time.monotonic()
            recorder.tick(now, self._runner.user_count)
            if opened:
                opened.recorder.backlog(opened.dispatcher.backlog(now))
            recorder.hub_lag(now - due)


def _open(schedule: Schedule, output: Output, ahead_s: float) -> OpenLoad:
    limit_s = math.inf if schedule.late_limit_s is None else schedule.late_limit_s
    return OpenLoad(Dispatcher(), OpenRecorder(output, ahead_s), limit_s)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
