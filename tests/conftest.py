"""Fixtures that every test may use: a real server for the session, databases for a test, the command line."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from forked import Forker
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from loadgen.database import guard
from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance, all_instances
from loadgen.database.processes import wait_for_orphans
from loadgen.database.target import Target
from loadgen.settings import Settings

pytest_plugins = (
    "documents",
    "seeding_samples",
    "fidelity_samples",
    "pgbench_fixtures",
    "pgbouncer_fixtures",
    "replica_fixtures",
    "foreign_fixtures",
)

Loadgen = Callable[..., "subprocess.CompletedProcess[str]"]

# The first example imports scipy, and another process may have the core: time tells nothing here. The same examples in
# every run: a failure is one of the change, not of the day; HYPOTHESIS_PROFILE=searching looks for new ones.
hypothesis_settings.register_profile("same", deadline=None, derandomize=True)
hypothesis_settings.register_profile("searching", deadline=None, max_examples=1000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
"""What stands for a name of LOADGEN_REQUIRE, where it is not the program's own."""

SERVERS_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
"""Where programs are looked for: Debian keeps servers such as PgBouncer where an ordinary user's PATH does not lead."""

LONGEST_FILES = (
    "test_docs.py", "test_access_live.py", "test_live.py", "test_seeding_faults.py", "test_worker_loss.py",
    "test_faults_in_window.py", "test_joining.py", "test_seeding.py", "test_machines.py", "test_paths.py",
    "test_contract.py", "test_open_live.py", "test_processes.py", "test_failures.py", "test_interrupts.py",
    "test_cookbook.py",
)  # fmt: skip
"""Begun first, in this order, so that all processes end at about the same time."""

_NUMBERS = itertools.count()


MARKED_BY_FIXTURE = {"server": {"server_settings", "state_dir"}, "pooler": {"pooler"}}
"""Markers of the tests that use one of these fixtures, directly or through another."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server or a pooler, before `-m` selects; and put the longest files first.

    Started last, a long file would keep one process busy while the others have nothing left.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        for marker, names in MARKED_BY_FIXTURE.items():
            if fixtures & names:
                item.add_marker(marker)
    order = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Loadgen:
    """The command line in this process, in ``tmp_path``: what reads files alone needs no child."""
    from loadgen.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOADGEN_RESULTS_DIR", raising=False)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        written = capfd.readouterr()
        assert "Traceback" not in written.err
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), written.out, written.err)

    return run


def requires(name: str) -> str:
    """The path of a program; without one the test is skipped, or fails if LOADGEN_REQUIRE lists it."""
    wanted = PROGRAMS.get(name, (name,))
    found = next((path for program in wanted if (path := shutil.which(program, path=SERVERS_PATH))), None)
    requires_that(name, found is not None, f"none of {', '.join(wanted)} is in {SERVERS_PATH}")
    return str(found)


def requires_that(name: str, present: bool, why: str) -> None:
    """Skip with the reason what this machine lacks; fail instead if LOADGEN_REQUIRE lists ``name``."""
    if present:
        return
    if name in os.environ.get("LOADGEN_REQUIRE", "").replace(" ", "").split(","):
        pytest.fail(f"LOADGEN_REQUIRE lists {name}, but {why}")
    pytest.skip(f"{name}: {why}")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No test finds a server, or settings, of whoever runs it."""
    # A shell without job control has what it runs with & ignore SIGINT.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("LOADGEN_", "PG")) and name not in ("LOADGEN_REQUIRE", "LOADGEN_PG_BIN"):
                patch.delenv(name)
        yield


MEMORY = Path("/dev/shm")
MEMORY_BYTES = 12 << 30
"""What the databases of a whole run take at most, several processes together."""


def make_state_dir() -> Path:
    """A short directory that the server's account can reach: pytest's own are long, and closed to others.

    In memory where there is room: copying a database of three hundred files then takes a fifth of the time.
    """
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    path = Path(tempfile.mkdtemp(prefix="lg-", dir=MEMORY if in_memory else None))
    path.chmod(0o755)
    return path


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A state directory for servers of one test; whatever runs there at its end is stopped."""
    path = make_state_dir()
    yield path
    remove_state_dir(path)


@pytest.fixture(scope="session")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of the session's own embedded server."""
    path = make_state_dir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOADGEN_STATE_DIR", str(path))
        patch.setenv("LOADGEN_RESULTS_DIR", str(tmp_path_factory.mktemp("results")))
        yield Settings(state_dir=path, pg_bin=_pg_bin())
    remove_state_dir(path)


@pytest.fixture(scope="session")
def server(server_settings: Settings) -> Target:
    """The session's server, by its default database. Tests use databases of their own: ``database``."""
    target = embedded_target(Instance.from_settings(server_settings))
    with connect(target, autocommit=True) as conn:
        # No test ends the machine, and a checkpoint of hundreds of databases takes seconds of disk.
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("SELECT pg_reload_conf()")
    return target


@pytest.fixture(scope="session")
def _initialised(server: Target) -> Target:
    target = create_database(server)
    with connect(target) as conn:
        guard.initialise(conn)
    return target


@pytest.fixture
def database(server: Target, _initialised: Target) -> Target:
    """A fresh database with the schema and the mark, without rows."""
    return create_database(server, template=_initialised)


@pytest.fixture
def empty_database(server: Target) -> Target:
    """A fresh database with nothing in it."""
    return create_database(server)


@pytest.fixture(scope="session")
def _forker() -> Iterator[Forker]:
    with tempfile.TemporaryDirectory() as directory:
        forker = Forker(Path(directory))
        yield forker
        forker.close()


@pytest.fixture
def loadgen(tmp_path: Path, _forker: Forker) -> Loadgen:
    """The command line in a process of its own: ``loadgen("init", "--json", target=database)``.

    Without a target it is left to find one, in an environment whose state directory is the session's.
    """

    def run(
        *arguments: str,
        target: Target | None = None,
        env: dict[str, str] | None = None,
        cwd: Path = tmp_path,
        timeout_s: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | (target.environment() if target else {}) | (env or {})
        return _forker.call(arguments, environment, cwd, timeout_s)

    return run


def _pg_bin() -> Path | None:
    value = os.environ.get("LOADGEN_PG_BIN")
    return Path(value) if value else None


def remove_state_dir(state_dir: Path) -> None:
    """End every server below it at once, since nothing is kept (its shared memory it frees itself); then remove it."""
    for status in all_instances(Settings(state_dir=state_dir)):
        if status.postmaster is not None:
            os.kill(status.postmaster.pid, signal.SIGQUIT)
        wait_for_orphans(status.data_dir)
    shutil.rmtree(state_dir)


def create_database(server: Target, template: Target | None = None) -> Target:
    """A fresh database, with what is in ``template``."""
    # Never dropped: that costs a checkpoint each, and all of them go with the session's state directory.
    target = server.with_database(f"test_{next(_NUMBERS)}")
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(target.database), sql.Identifier(template.database if template else "template1")
    )
    with connect(server, autocommit=True) as conn:
        conn.execute(statement)
    return target


@pytest.fixture
def conn(database: Target) -> Iterator[psycopg.Connection]:
    """A connection to ``database``, in autocommit."""
    with connect(database, autocommit=True) as connection:
        yield connection


SEEDED_USERS = 300


@pytest.fixture(scope="session")
def _seeded(server: Target, _initialised: Target) -> Target:
    target = create_database(server, template=_initialised)
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(SEEDED_USERS), "--as-of", "2026-06-30"]
    subprocess.run(command, env=os.environ | target.environment(), check=True, capture_output=True, timeout=120)
    return target


@pytest.fixture
def seeded(server: Target, _seeded: Target) -> Target:
    """A fresh database with ``SEEDED_USERS`` users."""
    return create_database(server, template=_seeded)
