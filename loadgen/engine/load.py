"""What all users of one process share: where to connect, whom to be, where to count."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from psycopg.conninfo import make_conninfo

from loadgen.database.connect import Target, connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark, require_synthetic
from loadgen.engine.dispatch import Dispatcher
from loadgen.engine.open_recorder import OpenRecorder
from loadgen.engine.recorder import Recorder
from loadgen.errors import EnvironmentFault
from loadgen.population.activity import ActivityRanks
from loadgen.runs.shares import WHOLE, Share

STATEMENT_TIMEOUT_MS: Final = 30_000
_BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """What makes a load open: who hands out the arrivals, what counts them, and how late is too late to send one."""

    dispatcher: Dispatcher
    recorder: OpenRecorder
    late_limit_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """The shared side of a load. ``conninfo`` may hold a password and stays in this process."""

    conninfo: str
    next_user: Callable[[], int]
    recorder: Recorder
    think: bool
    seed: int
    open: OpenLoad | None = None
    """None: closed, a user sends when it has thought."""
    pipeline: bool = False
    """Whether a transaction's statements share a round trip."""
    share: Share = WHOLE
    """Which part of the load this process makes."""


def open_load(
    target: Target,
    *,
    writes: bool,
    allow_unmarked: str | None,
    skew: float,
    recorder: Recorder,
    think: bool,
    seed: int,
    arrivals: OpenLoad | None = None,
    pipeline: bool = False,
    share: Share = WHOLE,
) -> Load:
    """Check the guard if the scenario writes, and learn how many users there are to be.

    Raises GuardRefusal, or EnvironmentFault where there is no server or nobody to be.
    """
    with connect(target, autocommit=True) as connection, faults(target):
        if writes:
            require_synthetic(connection, allow_unmarked)
        mark = read_mark(connection)
        users, data_seed = (mark.users, mark.seed) if mark else (None, None)
        if users is None:
            row = connection.execute("SELECT max(id) FROM users").fetchone()
            users = row[0] if row else None
    if not users:
        raise EnvironmentFault(f"database {target.database!r} has no users; fill it with: loadgen seed --users 5000")
    conninfo = make_conninfo(target.conninfo, application_name="loadgen")
    if target.password is not None:
        conninfo = make_conninfo(conninfo, password=target.password)
    drawn = _users(users, data_seed or 0, skew, (seed, share.process))
    return Load(conninfo, drawn, recorder, think, seed, arrivals, pipeline, share)


def _users(users: int, data_seed: int, skew: float, seed: tuple[int, int]) -> Callable[[], int]:
    """Draw users by the activity rank that the stored rows were made with, a batch at a time."""
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
    """The random stream of this process's n-th user: its choices do not depend on how users interleave."""
    return random.Random(f"{load.seed}:{load.share.number(number)}")
