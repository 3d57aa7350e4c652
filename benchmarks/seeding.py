"""How fast seeding is, against named peers, in one run on one server of its own.

    python -m benchmarks.seeding floor      this project against the floor: the same bytes by plain COPY from files
    python -m benchmarks.seeding scale      1,000,000 users against 50,000: rate, memory, uniqueness
    python -m benchmarks.seeding peers      this project, the floor, Faker row by row, and pgbench -i
    python -m benchmarks.seeding accuracy   five seeds of 100,000 users: every published figure against the stored rows

Raw output goes to benchmarks/seeding/.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from psycopg import sql

from benchmarks import faker_rows
from benchmarks.bench import HERE, Timed, alternating, database, facts, keep, median, say, server, settle, timed
from loadgen.database.connect import connect
from loadgen.database.programs import client_program
from loadgen.database.target import Target
from loadgen.population.model import Population, chunk_users_of
from loadgen.seeding import ledger
from loadgen.seeding.binary_copy import copy_statement, encode
from loadgen.seeding.finish import build, drop_keys
from loadgen.seeding.scheduler import Scheduler
from loadgen.seeding.worker import rows_of

RAW: Final = HERE / "seeding"
AS_OF: Final = dt.date(2026, 6, 30)
SEED: Final = 1
JOBS: Final = 2
_TIMEOUT_S: Final = 3600.0
_FIGURE: Final = ("measure", "group", "published", "stored", "low", "high", "error", "allowed", "verdict")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Users = Annotated[int, typer.Option(min=1000, max=10_000_000)]


def seed(target: Target, users: int, *, seed: int = SEED) -> Timed:
    """The command as people type it, from the start of the process to its end."""
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(users), "--seed", str(seed), "--jobs", str(JOBS)]
    return timed([*command, "--as-of", AS_OF.isoformat(), "--json"], target, _TIMEOUT_S)


@app.command()
def floor(users: Users = 50_000, rounds: Annotated[int, typer.Option(min=3, max=50)] = 3) -> None:
    """Whole seeding against the replay of exactly its bytes, alternating; ratio of medians."""
    seconds: dict[str, list[float]] = {"loadgen": [], "floor": []}
    phases: list[object] = []
    population = Population(users, SEED, AS_OF, chunk_users_of(users))
    rows = planned_rows(population)
    with server() as of, recorded(population) as files:
        mb = sum(path.stat().st_size for _, path in files) / 1e6
        say(f"{users:,} users, {mb:,.0f} MB of COPY streams in {len(files):,} files, {JOBS} jobs")
        for number, name in alternating(tuple(seconds), rounds):
            with database(of) as target:
                settle(target)
                if name == "floor":
                    took, parts = replay(target, files, rows)
                else:
                    run = seed(target, users)
                    took, parts = run.seconds, orjson.loads(run.stdout).get("phases_s")
                seconds[name].append(round(took, 3))
                phases.append({"round": number, "name": name, "seconds": round(took, 3), "phases_s": parts})
                say(f"  round {number + 1}: {name:8} {took:6.2f} s  {users / took:7,.0f} users/s")
        ratio = median(seconds["loadgen"]) / median(seconds["floor"])
        say(f"whole seeding takes {ratio:.2f} times the floor (ratio of medians of {rounds})")
        keep(
            RAW / "floor.json",
            {"facts": facts(of), "users": users, "jobs": JOBS, "stream_mb": round(mb, 1), "seconds": seconds,
             "ratio_of_medians": round(ratio, 3), "runs": phases},
        )  # fmt: skip


def planned_rows(population: Population) -> Counter[str]:
    """Rows by table."""
    rows: Counter[str] = Counter()
    for entry in ledger.entries(population):
        rows.update(entry.rows)
    return rows


@contextmanager
def recorded(population: Population) -> Iterator[list[tuple[sql.Composed, Path]]]:
    """Every COPY stream of a population in a file of its own that the server can read, in the order of the ledger."""
    directory = Path(tempfile.mkdtemp(prefix="bench-copy-"))
    directory.chmod(0o755)
    try:
        files = []
        for entry in ledger.entries(population):
            for rows in rows_of(population, entry).tables:
                if len(rows):
                    path = directory / f"{entry.part}-{entry.chunk}-{rows.table}"
                    path.write_bytes(encode(rows))
                    path.chmod(0o644)
                    files.append((copy_statement(rows, sql.Literal(str(path))), path))
        yield files
    finally:
        shutil.rmtree(directory)


def replay(
    target: Target, files: list[tuple[sql.Composed, Path]], rows: dict[str, int]
) -> tuple[float, dict[str, float]]:
    """The floor: the server reads the files itself, a connection a job; then the same keys, indexes and vacuum."""
    began = time.perf_counter()
    with connect(target) as conn:
        drop_keys(conn)

    def load(job: int) -> None:
        with connect(target) as conn:  # one transaction: one wait for the disk
            for statement, _ in files[job::JOBS]:
                conn.execute(statement)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(load, range(JOBS)))
    loaded = time.perf_counter()
    with connect(target, autocommit=True) as conn, Scheduler(target, JOBS) as scheduler:
        build(conn, scheduler, rows, lambda running, done, total: None)
    ended = time.perf_counter()
    return ended - began, {"load": round(loaded - began, 3), "finish": round(ended - loaded, 3)}


@app.command()
def scale(small: Users = 50_000, large: Users = 1_000_000) -> None:
    """Rate and memory at two sizes, and uniqueness at the larger. The smaller is run before and after."""
    runs: list[dict[str, object]] = []
    rates: dict[int, list[float]] = {small: [], large: []}
    with server() as of:
        for users in (small, large, small, small):
            with database(of) as target:
                settle(target)
                run = seed(target, users)
                rates[users].append(users / run.seconds)
                unique = distinct(target)
                runs.append(
                    {"users": users, "seconds": round(run.seconds, 2), "users_per_s": round(users / run.seconds, 1),
                     "largest_pss_mb": round(run.largest_pss_mb, 1), "seed": orjson.loads(run.stdout), **unique}
                )  # fmt: skip
                say(
                    f"  {users:9,} users in {run.seconds:7.1f} s, {users / run.seconds:6,.0f} users/s, "
                    f"largest process {run.largest_pss_mb:.0f} MB PSS, {unique['distinct_emails']:,} distinct e-mails"
                )
        ratio = median(rates[large]) / median(rates[small])
        say(f"the rate at {large:,} users is {ratio:.2f} of that at {small:,}")
        keep(RAW / "scale.json", {"facts": facts(of), "jobs": JOBS, "ratio_of_rates": round(ratio, 3), "runs": runs})


def distinct(target: Target) -> dict[str, int]:
    """E-mails and keys, counted and not believed."""
    with connect(target) as conn:
        row = conn.execute("SELECT count(*), count(DISTINCT email), count(DISTINCT id) FROM users").fetchone()
    assert row is not None
    return {"rows_of_users": row[0], "distinct_emails": row[1], "distinct_ids": row[2]}


@dataclass(frozen=True, slots=True)
class Filled:
    """What one side did: seconds, and the users and rows of this application that it made (pgbench's are its own)."""

    seconds: float
    users: int = 0
    rows: int = 0


@app.command()
def peers(
    users: Users = 50_000,
    faker_users: Annotated[int, typer.Option(min=100, max=100_000)] = 2_000,
    pgbench_scale: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    rounds: Annotated[int, typer.Option(min=3, max=20)] = 3,
) -> None:
    """Users and rows a second beside those of the floor and of Faker row by row; megabytes beside ``pgbench -i``.

    The floor says how far from Faker a load of these bytes can be at all on this server.
    """
    runs: list[dict[str, object]] = []
    population = Population(users, SEED, AS_OF, chunk_users_of(users))
    rows = planned_rows(population)
    with server() as of, recorded(population) as files:
        sides: dict[str, Callable[[Target], Filled]] = {
            "loadgen": lambda target: Filled(seed(target, users).seconds, users, rows.total()),
            "floor": lambda target: Filled(replay(target, files, rows)[0], users, rows.total()),
            "faker": lambda target: Filled(*faker_rows.load(target, faker_users, tuned=False)),
            "faker tuned": lambda target: Filled(*faker_rows.load(target, faker_users, tuned=True)),
            "pgbench": lambda target: Filled(pgbench_seconds(target, pgbench_scale)),
        }
        rates: dict[str, dict[str, list[float]]] = {name: {} for name in sides}
        for number, name in alternating(tuple(sides), rounds):
            with database(of) as target:
                settle(target)
                done = sides[name](target)
                mb = stored_mb(target)
            found = {"users/s": done.users, "rows/s": done.rows, "MB/s": mb}
            found = {unit: round(amount / done.seconds, 1) for unit, amount in found.items() if amount}
            for unit, rate in found.items():
                rates[name].setdefault(unit, []).append(rate)
            runs.append({"round": number, "name": name, "seconds": round(done.seconds, 2), "rates": found})
            shown = "  ".join(f"{rate:9,.1f} {unit}" for unit, rate in found.items())
            say(f"  round {number + 1}: {name:11} {done.seconds:6.1f} s  {shown}")
        keep(RAW / "peers.json", {"facts": facts(of), "jobs": JOBS, **_ratios(rates), "rates": rates, "runs": runs})


def _ratios(rates: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    """Users a second of this project and of the floor over those of each Faker; says them, and rows a second."""
    middle = {name: {unit: median(found) for unit, found in of.items()} for name, of in rates.items()}
    ratios = {}
    for peer in ("faker", "faker tuned"):
        for ours, key in (("loadgen", "ratio_to_"), ("floor", "ratio_floor_to_")):
            ratio = middle[ours]["users/s"] / middle[peer]["users/s"]
            ratios[key + peer.replace(" ", "_")] = round(ratio, 1)
            say(
                f"{ours} makes {ratio:.1f} times the users a second of {peer}: {middle[ours]['rows/s']:,.0f} rows/s "
                f"beside {middle[peer]['rows/s']:,.0f}"
            )
    return ratios


def pgbench_seconds(target: Target, scale: int) -> float:
    """Seconds of ``pgbench -i``, in its usual way."""
    command = [str(client_program("pgbench", None)), "-i", "-q", "-s", str(scale), "-d", target.conninfo]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    return time.perf_counter() - began


def stored_mb(target: Target) -> float:
    """Tables, TOAST and indexes of the public schema, 10^6 bytes."""
    with connect(target) as conn:
        row = conn.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchone()
    return float(row[0]) / 1e6 if row and row[0] else 0.0


@app.command()
def accuracy(users: Users = 100_000, seeds: Annotated[int, typer.Option(min=1, max=20)] = 5) -> None:
    """``loadgen fidelity`` of several seeds: how far the stored rows are from every published figure."""
    found: list[object] = []
    failed = 0
    with server() as of:
        for number in range(1, seeds + 1):
            with database(of) as target:
                seed(target, users, seed=number)
                command = [sys.executable, "-m", "loadgen", "fidelity", "--json"]
                run = subprocess.run(
                    command, env=os.environ | target.environment(), capture_output=True, text=True,
                    timeout=_TIMEOUT_S, check=False,
                )  # fmt: skip
                document = orjson.loads(run.stdout)
                failed += run.returncode != 0
                figures = [{name: figure[name] for name in _FIGURE} for figure in document["figures"]]
                found.append({"seed": number, "exit": run.returncode, "figures": figures})
                say(f"  seed {number}: exit {run.returncode}")
        say(f"{seeds - failed} of {seeds} seeds within every tolerance")
        keep(RAW / "accuracy.json", {"facts": facts(of), "users": users, "seeds": found})


if __name__ == "__main__":
    app()
