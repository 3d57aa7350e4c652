"""What is counted many at once is what would have been counted one by one, whatever ends when."""

import io
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from loadgen.engine.failures import DatabaseError
from loadgen.engine.recording.recorder import TICK_S, Recorder
from loadgen.runs import spool
from loadgen.runs.histogram import Histogram
from loadgen.runs.spool import LAG, RESPONSE, SERVICE, Tally

AT = float(int(time.monotonic())) + 1e6
"""A second that no recorder of these tests has begun, however late they run."""
NAMES = (None, "identify", "goals", "goals", None)


def seconds(written: io.BytesIO, tmp_path: Path) -> list[spool.Second]:
    path = tmp_path / "seconds.jsonl"
    path.write_bytes(written.getvalue())
    return list(spool.read(path))


def us(seconds: float) -> int:
    return round(seconds * 1e6)


def added(seconds: list[spool.Second], kind: str, name: str) -> tuple[int, int, dict[str, Histogram]]:
    tallies: list[Tally] = [getattr(s, kind)[name] for s in seconds if name in getattr(s, kind)]
    assert len(tallies) == 1
    return tallies[0].calls, tallies[0].rows, dict(tallies[0].histograms)


@pytest.mark.parametrize("transactions", [1, 255, 256, 700])
def test_transactions(tmp_path: Path, transactions: int) -> None:
    rng = random.Random(transactions)
    written = io.BytesIO()
    recorder = Recorder(written)
    recorder.tick(AT, 8)
    found: dict[str, list[int]] = {SERVICE: [], LAG: [], RESPONSE: []}
    for _ in range(transactions):
        intended = AT + rng.random() / 10
        sent = intended + rng.choice((-0.001, 0.0, rng.expovariate(1000)))
        answered = sent + rng.expovariate(300)
        recorder.transaction("open", intended, sent, min(answered, AT + 0.9), 3, None)
        lag, service = us(max(sent - intended, 0.0)), us(min(answered, AT + 0.9) - sent)
        for measure, value in ((SERVICE, service), (LAG, lag), (RESPONSE, lag + service)):
            found[measure].append(value)
    recorder.transaction("open", AT, AT, AT + 0.5, 0, DatabaseError("08006", "gone"))  # has no latency
    recorder.close()
    calls, rows, histograms = added(seconds(written, tmp_path), "transactions", "open")
    assert (calls, rows) == (transactions + 1, 3 * transactions)
    assert histograms == {measure: Histogram.of(values) for measure, values in found.items()}


@pytest.mark.parametrize("timed", [True, False], ids=["sequential", "pipeline"])
@pytest.mark.parametrize("transactions", [1, 204, 205, 500])
def test_statements(tmp_path: Path, transactions: int, timed: bool) -> None:
    rng = random.Random(transactions)
    written = io.BytesIO()
    recorder = Recorder(written)
    recorder.tick(AT, 8)
    calls: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    services: dict[str, list[int]] = {"identify": [], "goals": []}
    for _ in range(transactions):
        answered = rng.choice((5, 5, 5, 2, 0))  # fewer: the next one failed
        counts = [rng.randrange(20) for _ in range(answered)]
        times = [AT]
        for name, count in zip(NAMES, counts, strict=False):
            times.append(times[-1] + rng.expovariate(2000))
            if name is not None:
                calls[name] += 1
                rows[name] += count
                services[name].append(us(times[-1] - times[-2]))
        recorder.statements(NAMES, times if timed else times[:1], counts)
    recorder.close()
    found = seconds(written, tmp_path)
    for name in calls:
        had = {SERVICE: Histogram.of(services[name])} if timed else {}
        assert added(found, "statements", name) == (calls[name], rows[name], had)


def test_what_waits_to_be_counted_is_in_the_second_that_closes(tmp_path: Path) -> None:
    written = io.BytesIO()
    recorder = Recorder(written)
    recorder.tick(AT, 8)
    recorder.transaction("open", AT + 0.1, AT + 0.1, AT + 0.2, 1, None)
    recorder.transaction("open", AT + 0.9, AT + 0.9, AT + 1.1, 1, None)
    recorder.tick(AT + 2.0, 8)
    recorder.close()
    by_second = {s.at: s.transactions["open"].calls for s in seconds(written, tmp_path) if s.transactions}
    assert by_second == {AT: 1, AT + 1: 1}


def test_a_second_is_closed_in_pieces_well_before_the_next_one_ends(tmp_path: Path) -> None:
    written = io.BytesIO()
    recorder = Recorder(written)
    recorder.tick(AT, 8)
    handed: list[str] = []
    recorder.on_tally = lambda at, name, tally: handed.append(name)
    names = tuple(f"statement_{n}" for n in range(200))
    recorder.statements(names, [AT, *(AT + n / 1e4 for n in range(200))], [1] * 200)
    for n in range(5):
        recorder.transaction(f"transaction_{n}", AT, AT, AT + 0.5, 1, None)
    recorder.tick(AT + 1.0, 8)
    begun = written.getvalue()
    ticks = 0
    while written.getvalue() == begun:
        # What ends meanwhile belongs to the second after.
        recorder.transaction("late", AT + 1, AT + 1, AT + 1.01, 1, None)
        recorder.tick(AT + 1.01, 8)
        ticks += 1
    assert 10 < ticks < 0.8 / TICK_S
    assert handed == [f"transaction_{n}" for n in range(5)]
    (second,) = (s for s in seconds(written, tmp_path) if s.at == AT)
    assert set(second.transactions) == set(handed)
    assert set(second.statements) == set(names)


def test_a_second_that_is_not_closed_when_the_next_one_ends_is_closed_then(tmp_path: Path) -> None:
    written = io.BytesIO()
    recorder = Recorder(written)
    recorder.tick(AT, 8)
    for n in range(4):  # no tick between them: nothing but transactions had the processor
        recorder.transaction("open", AT + n, AT + n, AT + n + 0.5, 1, None)
    recorder.close()
    by_second = {s.at: s.transactions["open"].calls for s in seconds(written, tmp_path) if s.transactions}
    assert by_second == {AT + n: 1 for n in range(4)}
