"""Documents of every format version that was ever written stay readable. Never edit a golden file: add one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from capacity.values import Interval
from loadgen.errors import UsageError
from loadgen.runs import documents
from loadgen.runs.format import from_version_1
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.store import kind_of

GOLDEN = Path(__file__).parent / "golden"


def test_run_1_is_read() -> None:
    path = GOLDEN / "run-1.json"
    record = documents.parse(RunRecord, path.read_bytes(), str(path))
    assert kind_of(path) == "run"
    assert record.scenario.read_share == 0.9
    assert record.scenario.writes
    assert record.scenario.statements[1].rows == (0, None)
    assert record.result is not None
    assert record.result.service.p99_ms is None
    assert record.result.service.p95_ms == Interval(2.9, 3.1, 3.5, 0.95)
    assert record.result.transactions[1].throughput_tps.high == math.inf
    assert record.database.fingerprint.drift == {"user_progress": 120}
    assert record.verdict.notes[0].code == "short"


def test_a_record_from_before_there_was_open_load_is_of_a_closed_one() -> None:
    record = documents.parse(RunRecord, (GOLDEN / "run-1.json").read_bytes(), "run-1.json")
    assert record.schedule.rate is None
    assert (record.schedule.mode, record.schedule.processes) == ("sequential", 1)
    assert record.result is not None
    assert record.result.arrivals is None
    assert record.result.response.censored == 0


def test_an_open_run_is_read() -> None:
    record = documents.parse(RunRecord, (GOLDEN / "run-1-open.json").read_bytes(), "run-1-open.json")
    assert record.schedule.rate is not None
    assert [piece.to_tps for piece in record.schedule.rate.pieces] == [100, 1000, 100]
    assert not record.schedule.rate.constant
    assert (record.schedule.arrivals, record.schedule.late_limit_s, record.schedule.mode) == (
        "constant",
        0.3,
        "pipeline",
    )
    assert record.result is not None
    found = record.result.arrivals
    assert found is not None
    assert found.offered == found.finished + found.dropped + found.unfinished
    assert record.result.response.is_bound(300.0)


def test_a_run_with_too_many_errors_is_read() -> None:
    record = documents.parse(RunRecord, (GOLDEN / "run-2.json").read_bytes(), "run-2.json")
    assert record.max_error_share == 0.01
    assert record.result is not None
    assert record.result.error_share > 0.5
    assert record.result.first_error is not None
    assert (record.result.first_error.statement, record.result.first_error.sqlstate) == ("progress", "23514")
    assert record.verdict.too_many_errors == record.verdict.reasons[0]


def test_sweep_1_is_read() -> None:
    path = GOLDEN / "sweep-1.json"
    record = documents.parse(SweepRecord, path.read_bytes(), str(path))
    assert kind_of(path) == "sweep"
    assert [point.verdict.status for point in record.points] == ["valid", "invalid"]
    assert record.capacity is not None
    assert record.capacity.met_probability == {8: 0.97}
    assert record.capacity.pool == (4, 8)
    assert record.tables[0].total_bytes == 800_000 + 8192 + 300_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("run-1.json", RunRecord),
        ("run-1-open.json", RunRecord),
        ("run-2.json", RunRecord),
        ("sweep-1.json", SweepRecord),
        ("sweep-2.json", SweepRecord),
    ],
)
def test_writing_what_was_read_loses_nothing(name: str, kind: type[object]) -> None:
    text = (GOLDEN / name).read_text()
    written = json.loads(documents.dump(documents.parse(kind, text, name)))
    # Fields may be added to a version, with a default; none may change or go.
    old = from_version_1(json.loads(text))
    assert _without_new(written, old) == old


@pytest.mark.parametrize(("name", "kind"), [("run-1.json", RunRecord), ("sweep-1.json", SweepRecord)])
def test_version_1_had_the_share_of_failed_transactions_in_its_objective(name: str, kind: type[object]) -> None:
    text = (GOLDEN / name).read_text()
    assert json.loads(text)["objective"]["error_share"] == 0.001
    written = json.loads(documents.dump(documents.parse(kind, text, name)))
    assert written["max_error_share"] == 0.001
    assert written["objective"] == {"percentile": 95.0, "response_ms": 100.0}
    assert written["format"] == f"loadgen.{name.split('-', maxsplit=1)[0]}/2"


def _without_new(new: object, old: object) -> object:
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: _without_new(value, old[key]) for key, value in new.items() if key in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_without_new(n, o) for n, o in zip(new, old, strict=True)]
    return new


def test_a_wrong_field_is_named() -> None:
    document = json.loads((GOLDEN / "run-1.json").read_text())
    document["result"]["service"]["count"] = "many"
    with pytest.raises(UsageError, match=r"here\.json: result\.service\.count"):
        documents.parse(RunRecord, json.dumps(document), "here.json")
    with pytest.raises(UsageError, match=r"here\.json: the document"):
        documents.parse(RunRecord, "{", "here.json")


def test_a_document_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        documents.write_atomically(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    documents.write_atomically(tmp_path / "new" / "x.json", "text")
    assert (tmp_path / "new" / "x.json").read_text() == "text"
