"""What a replica replayed and what that cost: by samples made up, and of a real one."""

import time

import pytest
from replica_fixtures import Replica

from capacity.demand.replay import LEAST_PARTS
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.observe.replay import Position, ReplaySample, ReplaySampler, replay_use


def samples(n: int, cpu_s_per_byte: float | None = 1e-8, lag: int = 0) -> list[ReplaySample]:
    """Ten megabytes a second, one look a second."""
    size = 10_000_000
    return [
        ReplaySample(
            float(i),
            Position(i * size, lag * i, 0.5 * lag * i),
            None if cpu_s_per_byte is None else 7 + i * size * cpu_s_per_byte,
        )
        for i in range(n)
    ]


def test_only_the_window_counts() -> None:
    use = replay_use(samples(100), 9.5, 30.5)
    assert use.wal_bytes == 20 * 10_000_000
    assert use.cpu_s == pytest.approx(2.0)
    assert use.cpu_s_per_byte is not None
    assert use.cpu_s_per_byte.value == pytest.approx(1e-8)
    assert use.refusal is None


def test_lag_is_that_of_the_samples() -> None:
    use = replay_use(samples(11, lag=100), 0, 10)
    assert (use.lag_bytes_mean, use.lag_bytes_most) == (500, 1000)
    assert (use.lag_s_mean, use.lag_s_most) == (250, 500)


def test_a_replica_elsewhere_has_bytes_and_no_cost_and_says_why() -> None:
    use = replay_use(samples(20, None), 0, 19)
    assert use.wal_bytes == 190_000_000
    assert use.cpu_s is use.cpu_s_per_byte is None
    assert use.refusal is not None
    assert use.refusal.code == "replay_not_in_sight"


def test_a_replica_that_never_answered() -> None:
    use = replay_use([], 0, 10)
    assert use.wal_bytes is use.cpu_s is use.lag_s_most is None
    assert use.refusal is not None
    assert use.refusal.code == "replica_not_sampled"


def test_a_restart_is_left_out() -> None:
    """Its processes begin again at 0, and what they used before is not known."""
    whole = samples(40)
    again = [*whole[:20], *(ReplaySample(s.at, s.position, (s.cpu_s or 0) - 7 - 1.9) for s in whole[20:])]
    use = replay_use(again, 0, 39)
    assert use.wal_bytes == 38 * 10_000_000
    assert use.cpu_s_per_byte is not None
    assert use.cpu_s_per_byte.value == pytest.approx(1e-8)


def test_a_real_replica(seeded: Target, replica: Replica) -> None:
    """Replay shows in its processes' CPU and in bytes, and a paused one lags by what it received."""
    with connect(seeded, autocommit=True) as conn, ReplaySampler(replica.target, interval_s=0.1) as sampler:
        conn.execute("CREATE TABLE replayed (i bigint PRIMARY KEY, words text)")
        began, seen, part = time.monotonic(), len(sampler.samples), 0
        # As much as takes CPU that can be told, and for as many looks as tell its scatter.
        while part < 10 or len(sampler.samples) < seen + LEAST_PARTS + 4:
            conn.execute(
                "INSERT INTO replayed SELECT i, repeat('x', 100) FROM generate_series(%s::int, %s::int) i",
                (part * 20_000, part * 20_000 + 19_999),
            )
            part += 1
            assert part < 200, "the sampler does not look"
        conn.execute("CHECKPOINT")
        row = conn.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()
        assert row is not None
        deadline = time.monotonic() + 30
        while (sampler.samples[-1].position.wal_bytes or 0) < row[0]:
            assert time.monotonic() < deadline, "the replica does not replay"
            time.sleep(0.05)
        use = sampler.use(began, time.monotonic())
        replica.pause()
        conn.execute("INSERT INTO replayed SELECT i, 'y' FROM generate_series(-50000, -1) i")
        time.sleep(1.0)
        behind = sampler.samples[-1].position
        replica.resume()
        conn.execute("DROP TABLE replayed")
    assert use.wal_bytes is not None
    assert use.wal_bytes > 20_000_000, "200,000 rows or more, of more than 100 bytes"
    assert use.refusal is None
    assert use.cpu_s is not None
    assert use.cpu_s >= 0.1
    assert use.cpu_s_per_byte is not None
    assert use.cpu_s_per_byte.value == pytest.approx(use.cpu_s / use.wal_bytes, rel=0.01)
    assert 1e-10 < use.cpu_s_per_byte.value < 1e-6, "from 1 MB a second of CPU to 10 GB"
    assert behind.lag_bytes is not None
    assert behind.lag_bytes > 1_000_000
    assert behind.lag_s is not None
    assert behind.lag_s > 0.2
