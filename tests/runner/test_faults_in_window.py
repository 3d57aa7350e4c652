"""Servers, poolers and generators that fail in the measured window: named first, judged, and no answered write lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from conftest import make_state_dir, remove_state_dir
from pgbouncer_fixtures import Pooler
from replica_fixtures import Replica
from test_live import assert_no_session_is_left, running, wait_for

from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.processes import wait_for_orphans
from loadgen.database.target import Target
from loadgen.runs import documents
from loadgen.runs.format.run import RunRecord
from loadgen.settings import Settings

SCENARIO = """
    '''Each writing transaction stores a token of its own; those that were answered are in a file of the client's.'''
    import os
    import random
    import uuid
    from pathlib import Path

    import gevent
    from loadgen.engine.scenario import PostgresUser, Transaction, draw, exponential

    answered = Path(__file__).with_name("answered").open("a", buffering=1)
    drawn: dict[gevent.Greenlet, str] = {}

    @draw
    def token(rng: random.Random) -> str:
        return drawn.setdefault(gevent.getcurrent(), uuid.uuid4().hex)

    class Tokens(PostgresUser):
        think_time = exponential(mean_s=0.02)
        user_skew = 0
        transactions = (Transaction("write", 1, ("store",)), Transaction("read", 1, ("look",)))

        def _ended(self, plan, response_s, rows, failure):
            mine = drawn.pop(gevent.getcurrent(), None)
            if mine is not None and failure is None:
                answered.write(mine + "\\n")
            super()._ended(plan, response_s, rows, failure)
"""
SQL = """
    -- name: store (write, rows 1)
    -- $1 token text = token
    INSERT INTO tokens VALUES ($1)

    -- name: look (read, rows 1)
    -- $1 user_id bigint = active_user
    SELECT count(*) FROM goals WHERE user_id = $1
"""
USERS = 8
WINDOW = ("--users", str(USERS), "--duration", "3s", "--warmup", "0s", "--ramp", "0s", "--results-dir", "r", "--json")


@dataclass(frozen=True)
class Place:
    """A seeded database with an empty table of tokens, and the server that it is on."""

    target: Target
    instance: Instance
    path: Path

    def processes(self) -> list[psutil.Process]:
        postmaster = self.instance.status().postmaster
        assert postmaster is not None
        return [psutil.Process(postmaster.pid), *psutil.Process(postmaster.pid).children()]

    def kill_backend(self) -> None:
        with connect(self.target) as conn:
            row = conn.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'loadgen'"
                " AND pid <> pg_backend_pid()"
            ).fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)

    def kill_and_restart(self) -> None:
        postmaster = self.instance.status().postmaster
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGKILL)
        wait_for_orphans(self.instance.status().data_dir)
        self.instance.start(postmaster.port)

    def freeze(self) -> None:
        stopped = self.processes()
        for process in stopped:
            process.suspend()
        time.sleep(2.2)  # a whole second at least
        for process in stopped:
            process.resume()


@pytest.fixture(scope="module")
def own_server(server_settings: Settings) -> Iterator[Instance]:
    """A server for these tests alone, which crash it; with little in it that recovery would have to look at."""
    state_dir = make_state_dir()
    settings = Settings(state_dir=state_dir, pg_bin=server_settings.pg_bin)
    instance = Instance.from_settings(settings, notify=lambda _: None)
    command = [sys.executable, "-m", "loadgen", "seed", "--users", "300"]
    environment = os.environ | embedded_target(instance).environment()
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    yield instance
    remove_state_dir(state_dir)


@pytest.fixture
def crashing(own_server: Instance, tmp_path: Path) -> Place:
    return prepared(embedded_target(own_server), own_server, tmp_path)


@pytest.fixture
def place(seeded: Target, server_settings: Settings, tmp_path: Path) -> Place:
    return prepared(seeded, Instance.from_settings(server_settings), tmp_path)


def prepared(target: Target, instance: Instance, tmp_path: Path) -> Place:
    (tmp_path / "tokens.py").write_text(dedent(SCENARIO))
    (tmp_path / "tokens.sql").write_text(dedent(SQL))
    with connect(target, autocommit=True) as conn:
        conn.execute("DROP TABLE IF EXISTS tokens")
        conn.execute("CREATE TABLE tokens (token text)")
        conn.execute("GRANT INSERT ON tokens TO affluvia_app_role")
        assert conn.execute("SHOW synchronous_commit").fetchone() == ("on",)
        conn.execute("CHECKPOINT")
    return Place(target, instance, tmp_path)


def ran(place: Place, fault: Callable[[int], object], *arguments: str) -> tuple[int, str, RunRecord]:
    """Exit code, the first line that says how it was, and the record of a run in whose window something fails."""
    with running(place.target, place.path, "run", "tokens.py", *WINDOW, *arguments) as process:
        wait_for(process, "measure")
        time.sleep(0.6)
        fault(process.pid)
        stdout, stderr = process.communicate(timeout=60)
    assert "Traceback" not in stderr
    record = documents.parse(RunRecord, stdout, "stdout")
    answered = set((place.path / "answered").read_text().split())
    with connect(place.target) as conn:
        stored = {str(row[0]) for row in conn.execute("SELECT token FROM tokens")}
    assert len(answered) > 30
    assert answered <= stored, "a write that was answered is lost"
    first = next((line for line in stderr.splitlines() if line.startswith(("invalid: ", "partial: "))), "")
    assert first or record.verdict.status == "valid"
    assert "measure for longer" not in stderr
    return process.returncode, first, record


def code_of(record: RunRecord) -> int:
    """By the precedence of exit codes: too many errors prove a no, whatever made them."""
    return 1 if "too_many_errors" in {reason.code for reason in record.verdict.reasons} else 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Place.kill_backend, " UTC (crash of a backend)"),
        (Place.kill_and_restart, " UTC (after a crash or an immediate shutdown)"),
    ],
)
def test_a_server_that_restarts_in_the_window_is_named_first(
    crashing: Place, fault: Callable[[Place], None], words: str
) -> None:
    code, first, record = ran(crashing, lambda pid: fault(crashing))
    assert record.verdict.status == "invalid"
    assert record.verdict.reasons[0].code == "server_restarted"
    assert first.startswith("invalid: server restarted at ")
    assert words in first
    assert code == code_of(record)
    assert record.result is not None
    assert record.result.first_error is not None
    assert 0 < record.result.first_error.at_s < 3
    assert record.result.first_error.sqlstate.startswith(("08", "57P")), record.result.first_error
    assert "statements_differ" not in {reason.code for reason in record.verdict.reasons}


def test_a_sweep_whose_server_dies_says_which_copy_it_leaves(crashing: Place) -> None:
    postmaster = crashing.instance.status().postmaster
    assert postmaster is not None
    levels = ("--levels", "1,2", "--repeats", "1", "--duration", "1s", "--warmup", "0s", "--ramp", "0s")
    with running(crashing.target, crashing.path, "sweep", "tokens.py", *levels, "--results-dir", "r") as process:
        while not list(crashing.path.glob("r/.*.partial/runs/.*.partial")):
            time.sleep(0.01)
            assert process.poll() is None
        os.kill(postmaster.pid, signal.SIGKILL)
        _, stderr = process.communicate(timeout=60)
    wait_for_orphans(crashing.instance.status().data_dir)
    crashing.instance.start(postmaster.port)
    copy = f"{crashing.target.database}_work"
    assert process.returncode == 3
    last = stderr.splitlines()[-1]
    assert last.startswith("loadgen: database ")
    assert f"; {copy}, its working copy, could not be dropped: the next copy that is made replaces it" in last


@pytest.mark.ci
def test_a_restart_that_was_expected_is_a_note(crashing: Place) -> None:
    code, _, record = ran(
        crashing, lambda pid: crashing.kill_backend(), "--faults-expected", "--max-errors", "100%", "--duration", "5s"
    )
    assert "server_restarted" in [note.code for note in record.verdict.notes]
    assert not {reason.code for reason in record.verdict.reasons} - {"generator_late"}  # where the machine is busy
    assert code == {"valid": 0, "invalid": 4}[record.verdict.status]


@pytest.mark.parametrize("rate", [(), pytest.param(("--rate", "300"), marks=pytest.mark.ci)], ids=["closed", "open"])
def test_a_server_that_is_frozen_is_named_first(crashing: Place, rate: tuple[str, ...]) -> None:
    code, first, record = ran(crashing, lambda pid: crashing.freeze(), *rate)
    assert (code, record.verdict.status) == (4, "invalid")
    assert record.verdict.reasons[0].code == "not_answered"
    assert first.startswith("invalid: no answer in ")
    assert "the server did not answer monitoring queries either" in first


def test_a_pooler_that_is_gone_is_named_first(place: Place, pooler: Pooler) -> None:
    through = pooler(place.target, "transaction")
    bouncers = [child for child in psutil.Process().children() if child.name() == "pgbouncer"]
    code, first, record = ran(
        place, lambda pid: [each.kill() for each in bouncers], "--pooler-dsn", through.conninfo
    )  # fmt: skip
    assert code == code_of(record)
    assert record.verdict.reasons[0].code == "not_answered"
    assert f"the pooler ({through}) did not respond" in first


def test_a_replica_that_is_gone_is_named_first(place: Place, replica: Replica) -> None:
    try:
        code, first, record = ran(place, lambda pid: replica.stop(), "--replica", replica.target.conninfo)
    finally:
        replica.start()
    assert code == code_of(record)
    assert record.verdict.reasons[0].code == "replica_gone"
    assert first.startswith("invalid: replica 1 gone since ")
    # What the replica said last, or only that it is gone: that depends on whether the end was heard before asking.
    assert "terminating connection due to administrator command" in first or "server closed the connection" in first


def test_a_generator_that_is_killed_is_named_first(place: Place) -> None:
    def kill(pid: int) -> None:
        (child,) = [p for p in psutil.Process(pid).children() if "loadgen.engine.child" in p.cmdline()]
        time.sleep(1.5)  # a second that it has reported
        child.kill()

    code, first, record = ran(place, kill)
    assert (code, record.verdict.status) == (4, "partial")
    assert [reason.code for reason in record.verdict.reasons] == ["generator_died"]
    assert first.startswith("partial: the load generator was killed by SIGKILL (not by the kernel's OOM killer: ")
    assert record.refusal is not None
    assert_no_session_is_left(place.target)


@pytest.mark.ci
def test_a_generator_that_stood_still_is_named_first(place: Place) -> None:
    def stop(pid: int) -> None:
        (child,) = [p for p in psutil.Process(pid).children() if "loadgen.engine.child" in p.cmdline()]
        child.suspend()
        time.sleep(2.2)
        child.resume()

    code, first, record = ran(place, stop)
    assert (code, record.verdict.status) == (4, "invalid")
    assert record.verdict.reasons[0].code == "generator_late"
    assert first.startswith("invalid: the load generator stalled for ")
