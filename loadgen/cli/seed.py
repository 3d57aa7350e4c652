"""``loadgen seed``: synthetic users in the database."""

from __future__ import annotations

import datetime as dt
import os
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Final

from loadgen import interrupts
from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, integer, option
from loadgen.cli.output import console, emit_values, progress, say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadgen.database.target import Target
    from loadgen.population.shape import Shape
    from loadgen.seeding.load import SeedResult

MOST_JOBS: Final = 64
MOST_MONTHS: Final = 24
DATA: Final = "Data"
_LINE_EVERY_S: Final = 5.0


Users = Annotated[
    int | None,
    option(
        "--users", "-u", of=options.USERS, group=DATA,
        help="Number of users: 5000, 50k, 1M. Default with --like: as many as in the profile.",
    ),
]  # fmt: skip
SeedOption = Annotated[
    int,
    option(
        "--seed", of=integer(0, 2**63 - 1), group=DATA,
        help="Seed of the random draws. The same seed, users and date give the same rows on any machine.",
    ),
]  # fmt: skip
AsOf = Annotated[
    dt.date | None,
    option(
        "--as-of", of=ParameterType("DATE", quantities.date), group=DATA,
        help="Last day of the 36 months of history. Default: today, or that of the seed being resumed.",
    ),
]  # fmt: skip
Age = Annotated[
    int,
    option(
        "--age", of=integer(0, MOST_MONTHS, "MONTHS"), group=DATA,
        help="Months of use to simulate, which leave dead rows and split pages and change no value.",
    ),
]  # fmt: skip
Like = Annotated[
    Path | None,
    option("--like", of="PROFILE", group=DATA, help="Follow the shape of a database, from a file of loadgen profile."),
]
Jobs = Annotated[
    int | None,
    option(
        "--jobs", "-j", of=integer(1, MOST_JOBS), group=DATA,
        help="Processes that load rows. Default: one per core.",
    ),
]  # fmt: skip


@options.expanded
def seed(
    *,
    users: Users = None,
    seed: SeedOption = 1,
    as_of: AsOf = None,
    age: Age = 0,
    like: Like = None,
    jobs: Jobs = None,
    database: options.Database,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Fill an empty or marked database with synthetic users.

    Run the same command again after an interruption to continue. A second command at the same time, on this host or
    another, joins the first.

    Example: loadgen seed --users 50k
    """
    if users is None and like is None:
        raise UsageError("seed needs --users, or --like with the profile of a database; add --users 50k")

    from loadgen.seeding.forking import get_ready

    get_ready()  # before the imports below, unless done at the process's start
    from loadgen.database.connect import resolve
    from loadgen.observe.pooler import require_sessions
    from loadgen.population.model import Population, chunk_users_of
    from loadgen.population.shape import DEFAULT_SHAPE
    from loadgen.seeding import load

    shape, not_followed = _followed(like) if like is not None else (DEFAULT_SHAPE, ())
    users = users or shape.users
    if users is None:
        raise UsageError(f"{like} does not have the number of users; add --users 50k")
    for sentence in not_followed:
        say(f"different from {like}: {sentence}")
    target = resolve(database.settings())
    require_sessions(target)
    wanted = Population(users, seed, as_of or dt.datetime.now(dt.UTC).date(), chunk_users_of(users), shape)
    interrupts.note("loaded rows are kept; run the same command to resume")
    with _Shown() as shown:
        done = load.seed(
            target,
            wanted,
            jobs or _cores(),
            shown.phase,
            ageing_months=age,
            as_of_is_given=as_of is not None,
            allow_unmarked=allow_unmarked,
        )
    interrupts.note("")
    if json:
        _emit(target, done, shape, not_followed)
    _say(str(target), done)


def _emit(target: Target, done: SeedResult, shape: Shape, not_followed: Sequence[str]) -> None:
    from loadgen.population.model import MODEL_VERSION
    from loadgen.population.shape import DEFAULT_SHAPE

    emit_values(
        "loadgen.seed/1",
        database=target.database,
        users=done.population.users,
        seed=done.population.seed,
        as_of=done.population.as_of.isoformat(),
        model_version=MODEL_VERSION,
        ageing_months=done.ageing_months,
        shape_sha256=None if shape == DEFAULT_SHAPE else shape.sha256,
        not_followed=list(not_followed),
        rows=done.rows,
        below_water=done.below_water,
        users_loaded=done.users_loaded,
        users_loaded_by_others=done.users_loaded_by_others,
        seconds=round(done.seconds, 2),
        users_per_s=None if done.users_per_s is None else round(done.users_per_s, 1),
        phases_s={phase: round(seconds, 2) for phase, seconds in done.phases_s.items()},
    )


def _followed(path: Path) -> tuple[Shape, tuple[str, ...]]:
    """Read a profile's shape, and the parts that a population cannot follow. Raises UsageError for another file."""
    from loadgen.profiling.following import shape_of
    from loadgen.profiling.profile import read_profile

    return shape_of(read_profile(path))


def _say(target: str, done: SeedResult) -> None:
    from capacity.formatting import counted

    population = done.population
    aged = f", {counted(done.ageing_months, 'month')} of use" if done.ageing_months else ""
    what = f"{population.users:,} users (seed {population.seed}, as of {population.as_of}{aged})"
    if done.users_per_s is None:
        say(f"{target}: {what} were already there")
        return
    say(f"{target}: {what} in {done.seconds:.1f} s, {done.users_per_s:,.0f} users/s with keys, indexes and statistics")
    if done.users_loaded_by_others:
        say(f"  {done.users_loaded:,} of them by this call, {done.users_loaded_by_others:,} by others at the same time")
    say(f"  time  {', '.join(f'{phase} {seconds:.1f} s' for phase, seconds in done.phases_s.items())}")
    say(f"  rows  {', '.join(f'{table} {rows:,}' for table, rows in done.rows.items())}")
    say(
        f"  {counted(done.below_water, 'household')} with a negative net worth, which is stored as 0; balances are kept"
    )


def _cores() -> int:
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_JOBS)


class _Shown:
    """Progress of a seed: bars on a terminal, occasional lines elsewhere. A context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._phase = ""
        self._began = self._said = time.monotonic()
        self._done_before = 0

    def __enter__(self) -> _Shown:
        self._bar = self._stack.enter_context(progress()) if console().is_terminal else None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def phase(self, phase: str, done: int, total: int, detail: str) -> None:
        """Show the progress of ``phase``; ``total`` is 0 where it is unknown, ``detail`` the current item."""
        now = time.monotonic()
        is_new = phase != self._phase
        if is_new:
            self._phase, self._began, self._done_before = phase, now, done
        elapsed_s = now - self._began
        per_s = (done - self._done_before) / elapsed_s if elapsed_s > 0.5 else 0.0
        rate = detail or (f"{per_s:,.0f}/s" if per_s else "")
        if self._bar is not None:
            if is_new:
                self._task = self._bar.add_task(phase, total=total or None, rate="")
            self._bar.update(self._task, completed=done, rate=rate)
        elif is_new or now - self._said >= _LINE_EVERY_S:
            self._said = now
            left = f", {(total - done) / per_s:,.0f} s left" if per_s and not detail else ""
            say(f"{phase}: {done:,} of {total:,} {rate}{left}".rstrip() if total else phase)
