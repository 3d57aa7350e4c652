"""How a load reaches a real server: sessions, a pool, storms of connections, PgBouncer, replicas."""

import threading
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from pgbouncer_fixtures import Pooler
from replica_fixtures import Replica

from loadgen.database.connect import connect
from loadgen.database.servers import Servers
from loadgen.database.target import Target
from loadgen.observe.pooler import with_pooler
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs import documents
from loadgen.runs.format.access import Access, OwnWrites, ReadPolicy
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Mode, Schedule
from loadgen.runs.rates import steady

# Fails with P0002 wherever a session is not the user, the role or under the timeout that its transaction set.
SCENARIO = """
    '''Who am I?'''
    import random
    from loadgen.engine.scenario import PostgresUser, Transaction, draw, exponential

    @draw
    def note(rng: random.Random) -> str:
        return '{"step": 1}'

    class WhoAmI(PostgresUser):
        think_time = exponential(mean_s=0.02)
        transactions = (
            Transaction("look", 8, ("whoami", "nap", "whoami")),
            Transaction("write", 2, ("whoami", "save")),
        )
"""
SQL = """
    -- name: whoami (read, rows 1)
    -- $1 user_id bigint = active_user
    SELECT count(*)
    FROM goals
    HAVING current_setting('app.user_id')::bigint = $1 AND current_user = 'affluvia_app_role'
        AND coalesce(bool_and(user_id = $1), true) AND current_setting('statement_timeout') = '30s'

    -- name: nap (read, rows 1)
    SELECT pg_sleep(0.002)

    -- name: save (write, rows 1)
    -- $1 user_id bigint = active_user
    -- $2 progress jsonb = note
    INSERT INTO user_progress (user_id, section, progress_data) VALUES ($1, 'goals', $2)
    ON CONFLICT (user_id, section) DO UPDATE SET progress_data = EXCLUDED.progress_data
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "whoami.py"
    path.write_text(dedent(SCENARIO))
    path.with_suffix(".sql").write_text(dedent(SQL))
    return path


def ran(scenario: Path, servers: Servers, access: Access, *, users: int = 6, **schedule: object) -> RunRecord:
    asked = Schedule(users, True, ramp_s=0, warmup_s=0, measure_s=3, drain_s=5, seed=5)
    asked = replace(asked, access=with_pooler(access, servers), **schedule)  # type: ignore[arg-type]  # its fields
    with ScenarioChild(scenario, servers.environment()) as child:
        record, _ = record_run(
            child, servers.server, asked, Objective(), scenario.parent / "r", servers=servers
        )  # fmt: skip
    assert record.result is not None
    assert record.result.errors == 0, record.result.error_examples
    assert record.result.count > 100
    assert {s.name: s.calls for s in record.server_statements} == {
        s.name: s.client_calls for s in record.server_statements
    }
    return record


class Outsider(threading.Thread):
    """Another client of the same pooler, who is lent the same connections: whom does it find itself to be?"""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._stopping = threading.Event()
        self.seen: set[tuple[object, ...]] = set()
        self.backends: set[object] = set()
        self.looks = 0

    def run(self) -> None:
        with connect(self._target, autocommit=True, application_name="outsider") as conn:
            while not self._stopping.wait(0.002):
                row = conn.execute(
                    "SELECT pg_backend_pid(), coalesce(current_setting('app.user_id', true), ''), current_user, "
                    "current_setting('statement_timeout'), current_setting('client_connection_check_interval')"
                ).fetchone()
                assert row
                self.backends.add(row[0])
                self.seen.add(row[1:])
                self.looks += 1

    def __enter__(self) -> "Outsider":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()


@pytest.mark.parametrize("mode", [pytest.param("sequential", marks=pytest.mark.ci), "pipeline"])
def test_no_identity_and_no_setting_leaks_through_pgbouncer(
    seeded: Target, scenario: Path, pooler: Pooler, mode: Mode
) -> None:
    through = pooler(seeded, "transaction", size=2)
    with Outsider(through) as outsider:
        record = ran(scenario, Servers(seeded, through), Access(), mode=mode)
    assert record.schedule.access.found is not None
    assert record.schedule.access.found.mode == "transaction"
    assert outsider.looks > 50
    assert len(outsider.backends) <= 2, "these are the connections that the load used"
    assert outsider.seen == {("", "affluvia", "0", "0")}


def test_a_load_through_a_pooler_by_session(seeded: Target, scenario: Path, pooler: Pooler) -> None:
    record = ran(scenario, Servers(seeded, pooler(seeded, "session", size=10)), Access())
    assert record.schedule.access.found is not None
    assert record.schedule.access.found.mode == "session"


def test_the_dsn_itself_may_be_a_pooler(seeded: Target, loadgen, pooler: Pooler, tmp_path: Path) -> None:
    """Where only the pooler is known, the server is watched through it, and the run says what was found."""
    done = loadgen(
        "run", "dashboard", "--users", "1", "--no-think", "--duration", "3s", "--warmup", "0s", "--ramp", "0s",
        "--results-dir", "r", "--json", target=pooler(seeded, "transaction"),
    )  # fmt: skip
    record = documents.parse(RunRecord, done.stdout, "stdout")
    assert done.returncode == {"valid": 0, "invalid": 4}[record.verdict.status], done.stderr
    assert "one server connection per transaction" in done.stderr
    assert record.result is not None
    assert record.result.errors == 0, record.result.error_examples
    assert record.server_statements


def test_users_share_a_pool_and_wait_for_it_in_lag(seeded: Target, scenario: Path) -> None:
    """Twenty users on two connections, each busy for 2 ms and more: most have to wait."""
    record = ran(scenario, Servers(seeded), Access(pool=2), users=20)
    result = record.result
    assert result is not None
    assert result.access is not None
    wait = result.access.pool_wait
    assert wait is not None
    assert wait.count == pytest.approx(result.count, abs=20)
    assert wait.mean_ms > 2
    assert result.lag.mean_ms >= wait.mean_ms * 0.8
    assert result.response.mean_ms == pytest.approx(result.service.mean_ms + result.lag.mean_ms, rel=0.1)
    assert result.access.connects == 0, "opened in the ramp, and kept"


def test_a_pool_under_an_open_load(seeded: Target, scenario: Path) -> None:
    """Waiting for the pool is the server's doing, not the generator's own lag."""
    record = ran(scenario, Servers(seeded), Access(pool=1), users=8, rate=steady(150.0), think=False)
    result = record.result
    assert result is not None
    assert result.arrivals is not None
    assert result.access is not None
    assert result.access.pool_wait is not None
    assert result.arrivals.waited > 50
    assert result.arrivals.own_lag_p99_ms < result.access.pool_wait.max_ms


@pytest.mark.parametrize(
    "access", [pytest.param(Access(reconnect_every=1), marks=pytest.mark.ci), Access(reconnect_every=3, pool=2)]
)
def test_a_storm_of_connections_has_a_latency_of_its_own(seeded: Target, scenario: Path, access: Access) -> None:
    with connect(seeded, autocommit=True) as conn:
        before = conn.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()").fetchone()
    result = ran(scenario, Servers(seeded), access, users=3).result
    assert result is not None
    assert result.access is not None
    assert result.access.connect is not None
    assert access.reconnect_every
    assert result.access.connects == pytest.approx(result.count / access.reconnect_every, rel=0.1)
    assert 0 < result.access.connect.mean_ms < 500
    assert result.lag.mean_ms >= 0.5 * result.access.connect.mean_ms / access.reconnect_every
    with connect(seeded, autocommit=True) as conn:
        after = conn.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert before
    assert after
    assert after[0] - before[0] >= result.access.connects, "the server counts sessions too"


def read_from(replica: Replica, seeded: Target, scenario: Path, policy: ReadPolicy, own: OwnWrites) -> RunRecord:
    access = Access(replicas=1, read_policy=policy, own_writes=own)
    return ran(scenario, Servers(seeded, replicas=(replica.target,)), access, measure_s=5)


def test_reads_go_to_a_replica_and_are_stale_while_it_does_not_replay(
    seeded: Target, scenario: Path, replica: Replica
) -> None:
    servers = Servers(seeded, replicas=(replica.target,))
    access = with_pooler(Access(replicas=1, read_policy="replica"), servers)
    schedule = Schedule(6, True, ramp_s=0, warmup_s=0, measure_s=4, drain_s=5, seed=5)
    found = {}
    for own in (OwnWrites(), OwnWrites("lsn"), OwnWrites("sticky", 60.0)):
        with ScenarioChild(scenario, servers.environment()) as child:

            def pause(event: object) -> None:
                if getattr(event, "phase", "") == "measure":
                    replica.pause()  # whatever is written from here on, the replica does not show

            asked = replace(schedule, access=replace(access, own_writes=own))
            record, _ = record_run(
                child, seeded, asked, Objective(), scenario.parent / "r", pause, servers=servers
            )  # fmt: skip
        replica.resume()
        result = record.result
        assert result is not None
        assert result.errors == 0, result.error_examples
        assert result.access is not None
        assert result.access.routing is not None
        found[own.kind] = result.access.routing
        reads = sum(t.count for t in result.transactions if t.name == "look")
        routing = result.access.routing
        assert routing.primary + sum(routing.replicas) == pytest.approx(reads, abs=12)
        assert routing.primary == routing.fallbacks
        assert routing.unreachable == 0
    # 300 users, the most active of whom write and read again within the four seconds.
    assert found["none"].stale > 10
    assert found["none"].fallbacks == 0
    assert found["lsn"].stale == 0
    assert found["lsn"].fallbacks > 10
    assert found["sticky"].stale == 0
    assert found["sticky"].fallbacks > 10


def test_reads_wait_for_a_replica_that_replays(seeded: Target, scenario: Path, replica: Replica) -> None:
    record = read_from(replica, seeded, scenario, "replica", OwnWrites("lsn", 2.0))
    assert record.result is not None
    assert record.result.access is not None
    routing = record.result.access.routing
    assert routing is not None
    assert routing.stale == 0
    assert routing.replicas[0] > 100
    assert routing.fallbacks < 10, "it replays within two seconds"
    assert routing.wait is not None
    (replayed,) = record.result.replay
    assert replayed.wal_bytes is not None
    assert record.result.server.wal_bytes is not None
    assert replayed.wal_bytes > 0.5 * record.result.server.wal_bytes, "less what the first and last second had"
    assert replayed.cpu_s is not None, "it is in sight"
    assert replayed.refusal is not None, "four samples tell no scatter"
    assert replayed.refusal.code == "too_few_samples"
    assert replayed.lag_s_most is not None
    assert replayed.lag_s_most < 2


@pytest.mark.parametrize(
    ("policy", "share"),
    [
        ("round-robin", 0.5),
        pytest.param("least-busy", 1.0, marks=pytest.mark.ci),
        pytest.param("primary", 0.0, marks=pytest.mark.ci),
    ],
)
def test_policies_divide_the_reads(
    seeded: Target, scenario: Path, replica: Replica, policy: ReadPolicy, share: float
) -> None:
    record = read_from(replica, seeded, scenario, policy, OwnWrites())
    assert record.result is not None
    assert record.result.access is not None
    routing = record.result.access.routing
    assert routing is not None
    at_replica = sum(routing.replicas)
    assert at_replica / (at_replica + routing.primary) == pytest.approx(share, abs=0.05)


def test_a_replica_has_to_be_one(seeded: Target, loadgen) -> None:
    done = loadgen("run", "dashboard", "--replica", seeded.conninfo, "--json", target=seeded)
    assert done.returncode == 2
    assert "is not a standby" in done.stderr.splitlines()[-1]
