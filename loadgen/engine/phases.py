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
"""How long an open load waits for its connections before it begins without those that are missing."""

_YOUNG_OBJECTS: Final = 20_000
"""Allocated before the collector looks at them: what a transaction makes is freed with it, and needs no collector."""
_RAMP_STEP_S: Final = 0.05
_LOOK_S: Final = 0.002

Say = Callable[[PhaseBegan | Ramped], None]


class Phases:
    """Carries out schedules, one after another, with the users of one Locust runner."""

    def __init__(self, user: type[PostgresUser], runner: Runner, say: Say, *, shown: bool) -> None:
        """``shown``: somebody looks at the statistics that Locust keeps of the runner, its page or a master."""
        self._user = user
        self._shown = shown
        self._runner = runner
        self._say = say
        self._stop = Event()
        self._begin_at: float | None = None
        self._refusal: str | None = None

    def begin(self, at: float) -> None:
        """Begin the warm-up of the present run at ``at`` on the monotonic clock."""
        self._begin_at = at

    def stop(self) -> None:
        """End the present run early."""
        self._stop.set()

    def run(self, schedule: Schedule, share: Share, output: Output, ahead_s: float = 0.0) -> Done:
        """Ramp, wait for the word to begin, warm up, measure, drain; the share's seconds go to ``output``.

        ``ahead_s``: how far this clock is ahead of the one that all share; seconds and the window are of the latter.
        """
        self._stop.clear()
        self._begin_at = self._refusal = None
        self._user.prepare()
        opened = None if schedule.rate is None else _open(schedule, output, ahead_s)
        recorder = opened.recorder if opened else Recorder(output, ahead_s)
        if not self._shown:
            recorder.on_tally = locust_figures.unseen
        found = settings.load()
        load = self._user.load = open_load(
            servers_of(found, resolve(found)),
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
        # What is here by now stays: looking through all of it in mid-run would stall every user for milliseconds.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        watch = gevent.spawn(self._watch, recorder, opened)
        try:
            return self._phases(schedule, share, opened, ahead_s)
        finally:
            watch.kill()
            load.reach.end()
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
            self._until_connected(users, opened.dispatcher)
        self._say(Ramped())
        warm = self._until_told()
        # Seconds of the spool begin at whole seconds of the clock that is shared: so does the window.
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
        """Users one after the other, evenly over the time."""
        begin = time.monotonic()
        here = 0
        while here < users and not self._stop.is_set():
            passed_s = time.monotonic() - begin
            due = users if passed_s >= ramp_s else int(users * passed_s / ramp_s) + 1
            if due > here:
                self._runner.spawn_users({self._user.__name__: due - here})
                here = due
            self._stop.wait(timeout=min(_RAMP_STEP_S, ramp_s / users))
        self._wait_until(begin + ramp_s)

    def _until_connected(self, users: int, dispatcher: Dispatcher) -> None:
        """An open load begins when its connections are there: else the first arrivals would wait for them."""
        deadline = time.monotonic() + CONNECTED_S
        while dispatcher.idle < users and time.monotonic() < deadline and not self._stop.wait(timeout=0.01):
            pass

    def _until_told(self) -> float:
        """When the warm-up begins; now, where the run was stopped instead."""
        while self._begin_at is None:
            if self._stop.wait(timeout=_LOOK_S):
                return time.monotonic()
        return self._begin_at

    def _drain(self, drain_s: float, end: float, opened: OpenLoad) -> None:
        """Send and finish what was meant for the window, within a bound; account for what that leaves."""
        opened.dispatcher.end(end)
        self._runner.user_greenlets.join(timeout=drain_s)
        now = time.monotonic()
        names = [t.name for t in self._user.transactions]
        weights = [t.weight for t in self._user.transactions]
        for intended in opened.dispatcher.rest():
            # No user has chosen what it would have been.
            opened.recorder.unsent(random.choices(names, weights)[0], intended, now)
        self._runner.environment.stop_timeout = 0.0  # what is still under way has had its time

    def _watch(self, recorder: Recorder, opened: OpenLoad | None) -> None:
        """Keep the recorder going; how late its timer is, is what the generator itself adds to latencies."""
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
