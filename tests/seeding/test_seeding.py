"""Seeding a real database: the same rows however it is done, resumable, and refused where it must be."""

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import requires_that

from loadgen.database import guard
from loadgen.database.connect import connect, embedded_target
from loadgen.database.copies import drop_copy, fresh_copy
from loadgen.database.embedded import Instance
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal
from loadgen.population.model import MODEL_VERSION, Population
from loadgen.seeding import ledger, load
from loadgen.seeding.checksum import TableChecksum, checksum
from loadgen.seeding.forking import get_ready
from loadgen.seeding.starter import ensure_data
from loadgen.settings import Settings

USERS, SEED, AS_OF = 2_000, 7, dt.date(2026, 2, 1)
POPULATION = Population(USERS, SEED, AS_OF)
SEED_COMMAND = ("seed", "--users", str(USERS), "--seed", str(SEED), "--as-of", AS_OF.isoformat())

Seeded = tuple[Target, load.SeedResult]
Loadgen = Callable[..., "subprocess.CompletedProcess[str]"]


def quiet(phase: str, done: int, total: int, detail: str) -> None:
    """Progress that nobody watches."""


def checksums(target: Target) -> tuple[TableChecksum, ...]:
    with connect(target) as conn:
        return checksum(conn)


@pytest.fixture(scope="module")
def undisturbed(server: Target) -> Iterator[Seeded]:
    """A database seeded in one go by one process."""
    target = server.with_database("test_undisturbed")
    with connect(server, autocommit=True) as conn:
        conn.execute("CREATE DATABASE test_undisturbed")
    get_ready()
    yield target, load.seed(target, POPULATION, 1, quiet)
    with connect(server, autocommit=True) as conn:
        conn.execute("DROP DATABASE test_undisturbed WITH (FORCE)")


def test_an_empty_database_is_marked_and_filled(undisturbed: Seeded) -> None:
    target, done = undisturbed
    assert done.users_loaded == USERS
    assert {t.table: t.rows for t in checksums(target)} == done.rows
    with connect(target) as conn:
        mark = guard.read_mark(conn)
        below = conn.execute(
            "SELECT count(*) FROM financial_profiles "
            "WHERE (calculations ->> 'total_assets')::numeric < (calculations ->> 'total_debts')::numeric"
        ).fetchone()
    assert mark is not None
    assert (mark.model_version, mark.seed, mark.users, mark.as_of) == (MODEL_VERSION, SEED, USERS, AS_OF)
    assert mark.seeded_at is not None
    assert below == (done.below_water,)
    assert done.below_water > 0


def test_keys_indexes_sequences_and_statistics_are_there_afterwards(undisturbed: Seeded, database: Target) -> None:
    seeded = fresh_copy(undisturbed[0])
    relations = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
        "UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
    )
    with connect(database) as fresh, connect(seeded) as conn:
        assert conn.execute(relations).fetchall() == fresh.execute(relations).fetchall()
        with pytest.raises(psycopg.Error), conn.transaction():
            conn.execute("INSERT INTO goals (user_id, type, target_amount, target_date, status) "
                         "VALUES (999999, 'car', 1, '2030-01-01', 'active')")  # fmt: skip
        with conn.transaction(force_rollback=True):
            row = conn.execute(
                "INSERT INTO chat_messages (user_id, message) VALUES (1, 'hello') RETURNING id"
            ).fetchone()
        assert row is not None
        assert row[0] == undisturbed[1].rows["chat_messages"] + 1
        analysed = conn.execute("SELECT count(*) FROM pg_class WHERE relname = 'users' AND reltuples = %s", (USERS,))
        assert analysed.fetchone() == (1,)
    drop_copy(seeded)


def test_nothing_has_drifted_right_after_seeding(undisturbed: Seeded) -> None:
    with connect(undisturbed[0]) as conn:
        mark = guard.read_mark(conn)
        assert mark is not None
        assert mark.drift_baseline == guard.changed_rows(conn)
        assert mark.drift_baseline["users"] == USERS


def test_results_lie_on_both_sides_of_the_toast_threshold(undisturbed: Seeded) -> None:
    with connect(undisturbed[0]) as conn:
        row = conn.execute(
            "SELECT avg((pg_column_toast_chunk_id(monte_carlo_results) IS NOT NULL)::int) "
            "FILTER (WHERE monte_carlo_results IS NOT NULL)::float8, "
            "avg((pg_column_toast_chunk_id(financial_data) IS NULL AND pg_column_toast_chunk_id(calculations) IS NULL)"
            "::int) FILTER (WHERE monte_carlo_results IS NULL)::float8 FROM financial_profiles"
        ).fetchone()
    assert row is not None
    assert min(row) > 0.9


def test_nobody_receives_mail_and_every_address_is_its_own(undisturbed: Seeded) -> None:
    """Domains that RFC 2606 reserves."""
    with connect(undisturbed[0]) as conn:
        row = conn.execute(
            "SELECT count(*), count(DISTINCT lower(email)), "
            "count(*) FILTER (WHERE email ~ '^[^@[:space:]]+@(example[.](com|net|org)|[a-z.]+[.](test|invalid))$') "
            "FROM users"
        ).fetchone()
    assert row == (USERS, USERS, USERS)


def test_a_profile_is_followed(seeded: Target, empty_database: Target, loadgen: Loadgen, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(loadgen("profile", "--json", target=seeded).stdout)
    command = ("seed", "--like", str(profile), "--as-of", AS_OF.isoformat())
    done = loadgen(*command, "--json", target=empty_database)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    with connect(empty_database, autocommit=True) as conn:
        mark, stored = guard.read_mark(conn), ledger.read_load(conn)
    assert mark is not None
    assert stored is not None
    assert mark.shape_sha256 == document["shape_sha256"] == stored.population.shape.sha256
    assert mark.users == document["users"] > 0
    assert "already" in loadgen(*command, target=empty_database).stderr
    other = loadgen("seed", "--users", str(mark.users), "--as-of", AS_OF.isoformat(), target=empty_database)
    assert other.returncode == 3
    assert f"of the shape {mark.shape_sha256[:12]}" in other.stderr
    profile.write_text("{}")
    refused = loadgen(*command, target=empty_database)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


def test_two_processes_load_the_same_rows_as_one(undisturbed: Seeded, empty_database: Target, loadgen: Loadgen) -> None:
    ended = loadgen(*SEED_COMMAND, "--jobs", "2", "--json", target=empty_database)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["format"] == "loadgen.seed/1"
    assert document["rows"] == undisturbed[1].rows
    assert document["below_water"] == undisturbed[1].below_water
    assert checksums(empty_database) == checksums(undisturbed[0])
    shown = [json.loads(loadgen("checksum", "--json", target=t).stdout) for t in (empty_database, undisturbed[0])]
    assert shown[0]["checksum"] == shown[1]["checksum"]


def start(target: Target, *more: str) -> "subprocess.Popen[str]":
    """Seeding in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "loadgen", *SEED_COMMAND, "--jobs", "2", *more],
        env=os.environ | target.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_half_loaded(target: Target) -> None:
    """Until some parts are there, and not all."""
    deadline = time.monotonic() + 60
    with connect(target, autocommit=True) as conn:
        while time.monotonic() < deadline:
            if ledger.read_load(conn) is not None and ledger.loaded(conn).parts_loaded:
                return
            time.sleep(0.01)
    pytest.fail("nothing was loaded within a minute")


def test_kill_minus_nine_and_the_same_command_again_give_the_same_rows(
    undisturbed: Seeded, empty_database: Target, loadgen: Loadgen
) -> None:
    process = start(empty_database)
    wait_until_half_loaded(empty_database)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    with connect(empty_database, autocommit=True) as conn:
        state = ledger.loaded(conn)
        mark = guard.read_mark(conn)
    assert 0 < state.parts_loaded < state.parts
    assert mark is not None
    assert mark.seeded_at is None

    with pytest.raises(EnvironmentFault, match="loaded in part"):
        ensure_data(empty_database)
    with pytest.raises(EnvironmentFault, match="loadgen reset"):
        load.seed(empty_database, Population(USERS, SEED + 1, AS_OF), 1, quiet)

    # Without --as-of: the load that was begun keeps its own.
    again = loadgen("seed", "--users", str(USERS), "--seed", str(SEED), target=empty_database)
    assert again.returncode == 0, again.stderr
    assert checksums(empty_database) == checksums(undisturbed[0])


def test_a_second_participant_joins_the_load(undisturbed: Seeded, empty_database: Target) -> None:
    first, second = start(empty_database), start(empty_database)
    ended = [process.communicate(timeout=120)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), ended
    assert checksums(empty_database) == checksums(undisturbed[0])


def test_a_complete_load_is_left_as_it_is(undisturbed: Seeded, loadgen: Loadgen) -> None:
    target, _ = undisturbed
    ended = loadgen(*SEED_COMMAND, target=target)
    assert ended.returncode == 0
    assert "already" in ended.stderr
    assert load.seed(target, POPULATION, 1, quiet).users_loaded == 0


@pytest.mark.parametrize(
    "other",
    [
        Population(USERS + 1, SEED, AS_OF),
        Population(USERS, SEED + 1, AS_OF),
        Population(USERS, SEED, AS_OF + dt.timedelta(days=1)),
        Population(USERS, SEED, AS_OF, chunk_users=100),
    ],
)
def test_another_load_is_refused(undisturbed: Seeded, other: Population) -> None:
    with pytest.raises(EnvironmentFault, match="loadgen reset"):
        load.seed(undisturbed[0], other, 1, quiet)


def test_the_refusal_is_one_line_with_its_exit_code(undisturbed: Seeded, loadgen: Loadgen) -> None:
    ended = loadgen("seed", "--users", "3k", "--json", target=undisturbed[0])
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1
    assert json.loads(ended.stdout)["error"]["exit_code"] == 3


def test_another_model_version_is_refused(undisturbed: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MODEL_VERSION", "0")
    with pytest.raises(EnvironmentFault, match=f"model {MODEL_VERSION}"):
        load.seed(undisturbed[0], POPULATION, 1, quiet)


def test_a_database_that_is_not_marked_is_refused(empty_database: Target, loadgen: Loadgen) -> None:
    with connect(empty_database) as conn:
        conn.execute("CREATE TABLE customers (id int)")
    with pytest.raises(GuardRefusal):
        load.seed(empty_database, POPULATION, 1, quiet)
    ended = loadgen(*SEED_COMMAND, target=empty_database)
    assert ended.returncode == 3
    assert empty_database.database in ended.stderr


def test_rows_that_no_seeding_made_are_not_mixed_with_ours(database: Target) -> None:
    with connect(database) as conn:
        conn.execute("INSERT INTO users (email, password_hash) VALUES ('a@example.com', 'x')")
    with pytest.raises(EnvironmentFault, match="in users"):
        load.seed(database, POPULATION, 1, quiet)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--users", "0"),
        ("--users=-5",),
        ("--users", "many"),
        ("--users", "1e4"),
        ("--users", "999999999999"),
        ("--users", "1.0005k"),
        ("--users", "10", "--as-of", "2026-02-30"),
        ("--users", "10", "--as-of", "yesterday"),
        ("--users", "10", "--as-of", "1850-01-01"),
        ("--users", "10", "--jobs", "0"),
        ("--users", "10", "--seed", "-1"),
        (),
    ],
)
def test_bad_input_is_refused_in_a_line(here: Loadgen, arguments: tuple[str, ...]) -> None:
    ended = here("seed", *arguments)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A state directory on a file system of 96 MiB."""
    requires_that("tmpfs", os.geteuid() == 0, "only root can mount a small file system")
    path = Path(f"/tmp/lg-small-{os.getpid()}")
    path.mkdir(mode=0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        path.rmdir()
        requires_that("tmpfs", False, f"mounting a small file system fails: {mounted.stderr.decode().strip()}")
    yield path
    for home in path.iterdir():
        if (home / "data").exists():
            Instance.from_settings(Settings(state_dir=path, instance=home.name)).stop()
    subprocess.run(["umount", str(path)], check=True)
    path.rmdir()


def settled(settings: Settings) -> Target:
    """The server once it lives or has ended: without room for its log it ends itself, after some time of trying."""
    alive = 0
    deadline = time.monotonic() + 60
    while alive < 3:
        assert time.monotonic() < deadline, "the server neither lives nor ends"
        target = embedded_target(Instance.from_settings(settings, notify=lambda line: None))  # started if it has ended
        try:
            with connect(target) as conn:
                conn.execute("SELECT 1")
            alive += 1
        except (EnvironmentFault, psycopg.Error):
            alive = 0
        time.sleep(0.5)
    return target


def test_a_full_disk_is_said_in_a_line_and_the_load_resumes_when_there_is_room(
    undisturbed: Seeded, small_disk: Path, server_settings: Settings, loadgen: Loadgen
) -> None:
    settings = Settings(state_dir=small_disk, pg_bin=server_settings.pg_bin)
    target = embedded_target(Instance.from_settings(settings, notify=lambda line: None))
    room = shutil.disk_usage(small_disk).free
    filler = small_disk / "filler"
    filler.write_bytes(bytes(max(room - 12 * 2**20, 0)))
    ended = loadgen(*SEED_COMMAND, target=target)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "free space" in ended.stderr
    filler.unlink()
    target = settled(settings)
    again = loadgen(*SEED_COMMAND, target=target)
    assert again.returncode == 0, again.stderr
    assert checksums(target) == checksums(undisturbed[0])
