"""Every arrival is counted in the second that it was meant for, whatever became of it."""

import io
import time
from pathlib import Path

import pytest

from loadgen.engine.failures import DatabaseError
from loadgen.engine.pacing.dispatch import Arrival
from loadgen.engine.recording.open_recorder import OpenRecorder
from loadgen.runner.summary import summarise
from loadgen.runs import spool
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.use import ServerUse
from loadgen.runs.spool import LAG, RESPONSE, SERVICE, Second

SERVER = ServerUse(None, 0, None, 0, 0, 0, 0, 0, 0, {})


@pytest.fixture
def second_0() -> float:
    return float(int(time.monotonic())) + 10


def seconds_of(written: io.BytesIO, tmp_path: Path, first: float) -> list[Second]:
    path = tmp_path / "seconds.jsonl"
    path.write_bytes(written.getvalue())
    return [second for second in spool.read(path) if second.at >= first]


def record(tmp_path: Path, at: float) -> tuple[list[Second], RunResult]:
    written = io.BytesIO()
    recorder = OpenRecorder(written)
    recorder.tick(at, 2)
    on_time = Arrival(at + 0.1, at + 0.1)
    recorder.arrival("open", on_time, at + 0.1002, at + 0.105, 3, None)
    # Meant for the first second, found every connection busy, answered two seconds later.
    recorder.arrival("open", Arrival(at + 0.5, at + 2.0), at + 2.0001, at + 2.01, 3, None)
    recorder.backlog(3)
    recorder.arrival("open", Arrival(at + 2.2, at + 2.2), at + 2.2, at + 2.3, 3, DatabaseError("57014", "cancelled"))
    recorder.arrival("open", Arrival(at + 2.4, at + 2.4), at + 2.4, at + 2.4, 3, DatabaseError("08006", "gone"))
    recorder.dropped("open", at + 1.5, at + 2.5)
    recorder.unsent("save", at + 2.8, at + 4.8)
    recorder.unfinished("save", at + 2.9, at + 2.95, at + 4.9)
    recorder.close()
    window = seconds_of(written, tmp_path, at)
    return window, summarise(window, SERVER, 0.1, 1)


def test_an_arrival_belongs_to_the_second_it_was_meant_for(tmp_path: Path, second_0: float) -> None:
    window, _ = record(tmp_path, second_0)
    assert [second.at - second_0 for second in window] == [0, 1, 2]
    first, middle, last = (second.transactions for second in window)
    assert first["open"].calls == 2
    assert first["open"].histogram(LAG).max_us == pytest.approx(1_500_100, abs=2)
    assert first["open"].histogram(RESPONSE).max_us == pytest.approx(1_510_000, abs=2)
    assert first["open"].histogram(SERVICE).max_us == pytest.approx(9_900, abs=2)
    assert (first["open"].ended, last["open"].ended, last["open"].failed) == (1, 3, 2)
    assert middle["open"].calls == 0
    assert middle["open"].histogram(RESPONSE).total == 1


def test_all_that_was_offered_is_accounted_for(tmp_path: Path, second_0: float) -> None:
    _, result = record(tmp_path, second_0)
    found = result.arrivals
    assert found is not None
    assert (found.offered, found.started, found.finished) == (7, 5, 4)
    assert (found.dropped, found.unfinished, found.late, found.waited) == (1, 2, 4, 1)
    assert found.backlog_most == 3
    assert found.own_lag_p99_ms == pytest.approx(0.2, abs=0.01)
    # All but the one that failed at once, without waiting for the server, are in the response.
    assert result.response.count == 6
    assert result.errors_by_sqlstate == {"57014": 1, "08006": 1}
    assert result.response.censored == 3
    assert result.response.censored_from_ms == pytest.approx(1000, rel=0.001)
    assert result.response.is_bound(1500)
    assert not result.response.is_bound(900)
    assert result.throughput_tps.value == pytest.approx(2 / 3)


def test_a_closed_load_has_no_arrivals(second_0: float) -> None:
    assert summarise([Second(second_0, 1, 0, {}, {}, spool.EMPTY)], SERVER, 0.1, 1).arrivals is None
