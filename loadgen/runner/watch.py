"""Observation of the servers during a run: samples, forced checkpoints, counts of statements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from loadgen.database.servers import Servers
from loadgen.observe.replay import ReplaySampler
from loadgen.observe.sampler import Sampler
from loadgen.observe.statement_counts import StatementCounter, differences
from loadgen.runner.checkpoints import ForcedCheckpoints
from loadgen.runner.counting import client_counts, unaccounted
from loadgen.runner.parts import ProcessResult
from loadgen.runner.silence import Evidence
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import ReplayUse, ServerStatement, ServerUse
from loadgen.runs.format.verdict import Reason
from loadgen.runs.spool import Second


class Watch:
    """Samples of the server and its replicas, forced checkpoints, and the count of statements. A context manager.

    Samples go to ``output``. A window is its ``begin`` and ``end`` on the monotonic clock.
    """

    def __init__(self, servers: Servers, scenario: ScenarioDescription, output: Path) -> None:
        self._pooler = servers.pooler
        self._scenario = scenario
        self._counter = StatementCounter([servers.server, *servers.replicas], scenario)
        self._sampler = Sampler(servers.server, output)
        self._replays = [ReplaySampler(replica) for replica in servers.replicas]
        self._checkpoints = ForcedCheckpoints(servers.server)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._running.enter_context(self._sampler)
        for replay in self._replays:
            self._running.enter_context(replay)
        self._running.enter_context(self._checkpoints)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._running.close()

    def window_began(self, schedule: Schedule) -> None:
        """Spread checkpoints over the window, if the scenario writes."""
        if self._scenario.writes:
            self._checkpoints.spread_over(schedule.measure_s)

    def use(self, begin: float, end: float, *, transactions: int) -> ServerUse:
        """The server's use in a window; see ``samples.server_use``."""
        forced = self._checkpoints.forced
        return self._sampler.use(begin, end, transactions=transactions, checkpoints_forced=forced)

    def replay(self, begin: float, end: float) -> tuple[ReplayUse, ...]:
        """Each replica's replay in a window."""
        return tuple(sampler.use(begin, end) for sampler in self._replays)

    def faults(self, begin: float = -math.inf, end: float = math.inf) -> tuple[Reason, ...]:
        """Servers that restarted or went away in a window; without one, in the whole run."""
        replicas = [
            fault
            for number, sampler in enumerate(self._replays, 1)
            for fault in sampler.history.faults(begin, end, server=f"replica {number}")
        ]
        return (*self._sampler.history.faults(begin, end), *replicas)

    def notes(self, begin: float, end: float) -> tuple[Reason, ...]:
        """Limits of the figures of a window; see ``Sampler.notes``."""
        return self._sampler.notes(begin, end)

    @property
    def evidence(self) -> Evidence:
        """Evidence of who was away while nothing was answered."""
        return Evidence(self._sampler.samples, None if self._pooler is None else str(self._pooler))

    def count(
        self, seconds: Sequence[Second], schedule: Schedule, results: Sequence[ProcessResult]
    ) -> tuple[tuple[ServerStatement, ...], tuple[Reason, ...], tuple[Reason, ...]]:
        """Count the statements on the server; returns counts, differences from the client's, and notes."""
        client, unaccounted_calls = client_counts(seconds), unaccounted(seconds, self._scenario, schedule.mode)
        statements = self._counter.end(client, unaccounted_calls)
        # Up to a second of a dead process's counts is lost, and the verdict says that it died.
        count_differences = () if any(part.done is None for part in results) else differences(statements)
        if self.faults():  # a crash resets the server's counts, which explains differences
            return statements, (), (*self._counter.notes, *count_differences)
        return statements, count_differences, self._counter.notes
