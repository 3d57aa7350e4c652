"""State shared by all users of one process: connections, choice of users, recorder."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark, require_own_tables, require_synthetic
from loadgen.database.identity import query_on, read_identity
from loadgen.database.servers import Servers
from loadgen.engine.endpoints import Endpoints, Settings
from loadgen.engine.pacing.dispatch import Dispatcher
from loadgen.engine.recording.open_recorder import OpenRecorder
from loadgen.engine.recording.recorder import Recorder
from loadgen.errors import EnvironmentFault
from loadgen.population.activity import ActivityRanks
from loadgen.runs.format.access import Access
from loadgen.runs.shares import WHOLE, Share

_BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """Parts of an open load: dispatcher and recorder of arrivals, and the latest time to send one."""

    dispatcher: Dispatcher
    recorder: OpenRecorder
    late_limit_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """State of a load that its users share."""

    endpoints: Endpoints
    recorder: Recorder
    think: bool
    seed: int
    open: OpenLoad | None = None
    """Parts of an open load; None for a closed load."""
    share: Share = WHOLE
    """This process's share of the load."""
    refuse: Callable[[str], None] = lambda why: None
    """Called with the reason when the guard refuses a connection in the middle of the load."""


def open_load(
    servers: Servers,
    *,
    writes: bool,
    allow_unmarked: str | None,
    skew: float,
    recorder: Recorder,
    think: bool,
    seed: int,
    arrivals: OpenLoad | None = None,
    pipeline: bool = False,
    access: Access | None = None,
    share: Share = WHOLE,
    refuse: Callable[[str], None] = lambda why: None,
) -> Load:
    """Check that every path leads to one database, marked if the scenario writes, and open a load on it.

    Raises GuardRefusal, or EnvironmentFault for no server or no stored users.
    """
    target = servers.server
    with connect(target, autocommit=True) as connection, faults(target):
        identity = require_synthetic(connection, allow_unmarked) if writes else read_identity(query_on(connection))
        if writes:
            require_own_tables(connection, allow_unmarked)
        mark = read_mark(connection)
        users, data_seed = (mark.users, mark.seed) if mark else (None, None)
        if users is None:
            row = connection.execute("SELECT max(id) FROM users").fetchone()
            users = row[0] if row else None
        session = Settings.supported_by(connection)
    if not users:
        raise EnvironmentFault(f"database {target.database!r} has no users; fill it with: loadgen seed --users 5000")
    servers = servers.with_identity(identity)
    for path in {servers.load, *servers.replicas} - {servers.server}:
        with connect(path, autocommit=True) as connection, faults(path):
            if writes and path == servers.load:
                require_own_tables(connection, allow_unmarked)
    next_user = _users(users, data_seed or 0, skew, (seed, share.process))
    endpoints = Endpoints(
        servers.load, servers.replicas, access or Access(), session, recorder, next_user, pipeline=pipeline
    )
    return Load(endpoints, recorder, think, seed, arrivals, share, refuse)


def _users(users: int, data_seed: int, skew: float, seed: tuple[int, int]) -> Callable[[], int]:
    """Draw users in batches, by the activity ranks of the stored rows."""
    ranks = ActivityRanks(users, data_seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    batch: list[int] = []

    def next_user() -> int:
        nonlocal batch
        if not batch:
            batch = ranks.draw_users(rng, _BATCH, skew).tolist()
        return batch.pop()

    return next_user


def user_rng(load: Load, number: int) -> random.Random:
    """Random stream of this process's user ``number``, so that choices do not depend on how users interleave."""
    return random.Random(f"{load.seed}:{load.share.number(number)}")
