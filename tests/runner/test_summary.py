import csv
import math
from pathlib import Path

from loadgen.runner.summary import Window, summarise, write_latency_log, write_timeline
from loadgen.runs import hlog, spool
from loadgen.runs.format.use import ServerUse
from loadgen.runs.histogram import EMPTY, Histogram
from loadgen.runs.spool import LAG, RESPONSE, SERVICE, Second, Tally

SERVER = ServerUse(None, 0, None, 0, 0, 0, 0, 0, 0, {})


def second(at: float, latencies_us: list[int], failed: int = 0, users: int = 4) -> Second:
    """A second of one transaction: those that ended well with these latencies, and some that failed at once."""
    histogram = Histogram.of(latencies_us)
    tally = Tally(
        calls=len(latencies_us) + failed,
        rows=0,
        errors={"08006": failed} if failed else {},
        histograms={SERVICE: histogram, LAG: Histogram.of([1] * len(latencies_us)), RESPONSE: histogram},
    )
    statement = Tally(len(latencies_us), 2 * len(latencies_us), {}, {SERVICE: histogram})
    return Second(at, users, 0, {"open": tally}, {"select": statement}, Histogram.of([300]))


def test_the_window_has_every_second_even_where_nothing_happened() -> None:
    window = Window({"ramp": 8.2, "warmup": 9.3, "measure": 10.01, "drain": 14.02})
    found = window.seconds([second(9.0, [5]), second(10.0, [1000]), second(13.0, [2000]), second(14.0, [9])])
    assert [s.at for s in found] == [10.0, 11.0, 12.0, 13.0]
    assert [len(s.transactions) for s in found] == [1, 0, 0, 1]
    assert [window.phase(s) for s in (8.0, 9.0, 10.0, 13.0, 14.0)] == ["ramp", "warmup", "measure", "measure", "drain"]


def test_a_run_that_never_reached_its_window_has_none() -> None:
    assert Window({"ramp": 8.2}).seconds([second(9.0, [5])]) == []


def test_sums_up_what_ended_well_and_counts_what_failed() -> None:
    seconds = [second(float(n), [1000] * 50, failed=n % 2) for n in range(10)]
    result = summarise(seconds, SERVER, 0.4, 1)
    assert (result.count, result.errors, result.errors_by_sqlstate) == (505, 5, {"08006": 5})
    assert result.throughput_tps.value == 50.0
    assert result.response.count == 500
    assert result.response.p95_ms is not None
    assert math.isclose(result.response.p95_ms.value, 1.0, rel_tol=0.002)
    assert (result.statements[0].calls, result.statements[0].rows) == (500, 1000)
    assert math.isclose(result.generator.hub_lag_p99_ms, 0.3, rel_tol=0.01)


def test_the_log_holds_every_value_of_every_second(tmp_path: Path) -> None:
    seconds = [second(5.0, [1, 2, 3]), Second(6.0, 0, 0, {}, {}, EMPTY), second(7.0, [70_000])]
    write_latency_log(tmp_path / "latency.hlog", seconds)
    entries = list(hlog.read(tmp_path / "latency.hlog"))
    assert {(e.tag, e.start_s, e.histogram.total) for e in entries if e.tag == "txn:open:response"} == {
        ("txn:open:response", 0.0, 3),
        ("txn:open:response", 2.0, 1),
    }
    assert sum(e.histogram.total for e in entries if e.tag.startswith("stmt")) == 4


def test_the_timeline_has_a_row_per_second_and_no_latency_where_nothing_ended(tmp_path: Path) -> None:
    seconds = [second(5.0, [1000, 3000], failed=1), Second(6.0, 4, 0, {}, {}, EMPTY)]
    write_timeline(tmp_path / "timeline.csv", seconds, Window({"measure": 5.0}))
    with (tmp_path / "timeline.csv").open() as file:
        first, last = csv.DictReader(file)
    assert (first["second"], first["phase"], first["transactions"], first["errors"]) == ("0", "measure", "3", "1")
    assert float(first["response_max_ms"]) == 3.0
    assert (last["users"], last["response_p50_ms"], last["response_max_ms"]) == ("4", "", "")


def line_of(second: Second) -> bytes:
    line = spool.Line(second)
    for name, tally in second.transactions.items():
        line.transaction(name, tally)
    for name, tally in second.statements.items():
        line.statement(name, tally)
    return line.encoded()


def test_a_spool_comes_back_as_written_and_a_line_cut_off_is_left_out(tmp_path: Path) -> None:
    written = [second(5.0, [1, 2, 3], failed=2), second(6.0, [70_000])]
    path = tmp_path / "seconds.jsonl"
    path.write_bytes(b"".join(map(line_of, written)) + b'{"at": 7.0, "us')
    assert list(spool.read(path)) == written
    assert list(spool.read(tmp_path / "absent")) == []
