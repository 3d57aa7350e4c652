"""``loadgen seed``: synthetic users in the database."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen import interrupts
from loadgen.cli import options, quantities
from loadgen.cli.output import console, emit_values, progress, say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadgen.database.target import Target
    from loadgen.population.shape import Shape
    from loadgen.seeding.load import SeedResult

MOST_USERS: Final = 100_000_000
MOST_JOBS: Final = 64
MOST_MONTHS: Final = 24
FIRST_AS_OF, LAST_AS_OF = dt.date(2010, 1, 1), dt.date(2100, 1, 1)
_THOUSANDS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_LINE_EVERY_S: Final = 5.0


Users = Annotated[
    str | None,
    typer.Option("--users", "-u", metavar="N", help="How many: 5000, 50k, 1M. Default with --like: as many as there."),
]
Seed = Annotated[
    str, typer.Option("--seed", metavar="S", help="Same seed, users and as-of: same rows, on any machine.")
]
Jobs = Annotated[
    str | None, typer.Option("--jobs", "-j", metavar="J", help="Processes that load. Default: one a core.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="Day on which the history of 36 months ends. Default: today, or that of the load being resumed.",
    ),
]
Age = Annotated[
    str,
    typer.Option(
        "--age",
        metavar="MONTHS",
        help="Play so many months of use over the rows: dead versions, split pages, same values. Default: 0.",
    ),
]
Like = Annotated[
    Path | None,
    typer.Option("--like", metavar="PROFILE", help="Follow the shape of a database, from a file of loadgen profile."),
]


def seed(
    users: Users = None,
    seed: Seed = "1",
    jobs: Jobs = None,
    as_of: AsOf = None,
    age: Age = "0",
    like: Like = None,
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Fill an empty or marked database with synthetic users.

    Run it again after an interruption: it goes on where it stopped. A second call while the first is at work, from
    here or from another host, joins it.

    Example: loadgen seed --users 50k

    ``loadgen.seed/1``: database, users, seed, as_of, model_version, ageing_months, shape_sha256 (null: the model's
    own), not_followed (of the profile, a sentence each), rows (by table), below_water
    (households whose true net worth is below zero, stored as 0), users_loaded (by this call), users_loaded_by_others
    (during it), seconds, users_per_s (of all), phases_s (seconds by phase).
    """
    users_n = _users(users) if users is not None else None
    if users_n is None and like is None:
        raise UsageError("seed needs --users, or --like with the profile of a database; write --users 50k")
    seed_n = quantities.whole(seed, "--seed", least=0, most=2**63 - 1)
    jobs_n = quantities.whole(jobs, "--jobs", most=MOST_JOBS) if jobs else _cores()
    day = _date(as_of) if as_of is not None else None
    months = quantities.whole(age, "--age", least=0, most=MOST_MONTHS)

    from loadgen.seeding.forking import get_ready

    get_ready()  # before the imports below, unless done at the process's start
    from loadgen import settings
    from loadgen.database.connect import resolve
    from loadgen.observe.pooler import require_sessions
    from loadgen.population.model import Population, chunk_users_of
    from loadgen.population.shape import DEFAULT_SHAPE
    from loadgen.seeding import load

    shape, not_followed = _followed(like) if like is not None else (DEFAULT_SHAPE, ())
    users_n = users_n or shape.users
    if users_n is None:
        raise UsageError(f"{like} does not say how many users there are; say how many are wanted: --users 50k")
    for sentence in not_followed:
        say(f"not as in {like}: {sentence}")
    target = resolve(settings.load(dsn=dsn, instance=instance))
    require_sessions(target)
    wanted = Population(users_n, seed_n, day or dt.datetime.now(dt.UTC).date(), chunk_users_of(users_n), shape)
    interrupts.note("loaded rows are kept; run the same command to resume")
    with _Shown() as shown:
        done = load.seed(
            target,
            wanted,
            jobs_n,
            shown.phase,
            ageing_months=months,
            as_of_is_given=day is not None,
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
        say(f"{target}: {what} were there already")
        return
    say(f"{target}: {what} in {done.seconds:.1f} s, {done.users_per_s:,.0f} users/s with keys, indexes and statistics")
    if done.users_loaded_by_others:
        say(f"  {done.users_loaded:,} of them loaded by this call, {done.users_loaded_by_others:,} by others meanwhile")
    say(f"  time  {', '.join(f'{phase} {seconds:.1f} s' for phase, seconds in done.phases_s.items())}")
    say(f"  rows  {', '.join(f'{table} {rows:,}' for table, rows in done.rows.items())}")
    say(f"  {done.below_water:,} households under water: they keep their true balances and store a net worth of 0")


def _cores() -> int:
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_JOBS)


def _users(text: str) -> int:
    """Parse ``5000``, ``50k``, ``1.5M``. Raises UsageError."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?([km]?)", text.strip().lower())
    factor: int = _THOUSANDS[match[3]] if match else 1
    if not match or int(match[2] or 0) * factor % 10 ** len(match[2] or ""):
        raise UsageError(f"--users {text!r} is not a number of users; write it like 5000, 50k or 1M")
    number = int(match[1]) * factor + int(match[2] or 0) * factor // int(10 ** len(match[2] or ""))
    if not 1 <= number <= MOST_USERS:
        raise UsageError(f"--users {text} is out of range; give 1 to {MOST_USERS // 1_000_000}M")
    return number


def _date(text: str) -> dt.date:
    """Parse a date. Raises UsageError."""
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"--as-of {text!r} is not a date; write it like 2026-01-31") from error
    if not FIRST_AS_OF <= day <= LAST_AS_OF:
        raise UsageError(f"--as-of {text} is out of range; give a day from {FIRST_AS_OF} to {LAST_AS_OF}")
    return day


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
