"""Everything that looks at the servers while a run goes on, and what it saw."""

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
from loadgen.runner.parts import Made
from loadgen.runner.silence import Seen
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
        """What the server spent in a window; see ``samples.server_use``."""
        forced = self._checkpoints.forced
        return self._sampler.use(begin, end, transactions=transactions, checkpoints_forced=forced)

    def replay(self, begin: float, end: float) -> tuple[ReplayUse, ...]:
        """What each replica replayed in a window."""
        return tuple(each.use(begin, end) for each in self._replays)

    def faults(self, begin: float = -math.inf, end: float = math.inf) -> tuple[Reason, ...]:
        """Servers that restarted or went away in a window; without one, in the whole run."""
        replicas = [
            fault
            for number, each in enumerate(self._replays, 1)
            for fault in each.history.faults(begin, end, server=f"replica {number}")
        ]
        return (*self._sampler.history.faults(begin, end), *replicas)

    def notes(self, begin: float, end: float) -> tuple[Reason, ...]:
        """What limits the figures of a window; see ``Sampler.notes``."""
        return self._sampler.notes(begin, end)

    @property
    def seen(self) -> Seen:
        """What tells who was away while nothing was answered."""
        return Seen(self._sampler.samples, None if self._pooler is None else str(self._pooler))

    def count(
        self, seconds: Sequence[Second], schedule: Schedule, made: Sequence[Made]
    ) -> tuple[tuple[ServerStatement, ...], tuple[Reason, ...], tuple[Reason, ...]]:
        """The statements as the server counted them, how that differs from the client's count, and notes on both."""
        client, unknown = client_counts(seconds), unaccounted(seconds, self._scenario, schedule.mode)
        statements = self._counter.end(client, unknown)
        # A process that died took up to a second of its counts with it, and the verdict says that it died.
        differ = () if any(part.done is None for part in made) else differences(statements)
        if self.faults():  # a crash throws the server's counts away: no wonder that they differ
            return statements, (), (*self._counter.notes, *differ)
        return statements, differ, self._counter.notes
