"""``loadgen report``: where the page goes, what is printed, and bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import samples
from conftest import Loadgen

from loadgen.report.page import RunPage
from loadgen.report.reading import read_subject
from loadgen.runs.documents import dump


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a run and a refused sweep."""
    run, sweep = samples.run(), samples.refused_sweep()
    for record_id, name, record in ((run.id, "manifest.json", run), (sweep.id, "sweep.json", sweep)):
        (tmp_path / "results" / record_id).mkdir(parents=True)
        (tmp_path / "results" / record_id / name).write_text(dump(record))
    (tmp_path / "results" / run.id / "timeline.csv").write_text(samples.timeline_csv())
    return tmp_path / "results"


def test_page_beside_the_record(loadgen: Loadgen, results: Path) -> None:
    done = loadgen("report", samples.run().id, "--json", "--results-dir", str(results))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    place = results / samples.run().id / "report.html"
    assert document == {"format": "loadgen.report/1", "path": str(place)}
    assert str(place) in done.stderr
    html = place.read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert "Second by second" in html


@pytest.mark.slow
def test_page_where_asked(here: Loadgen, results: Path, tmp_path: Path) -> None:
    done = here("report", str(results / samples.refused_sweep().id), "--output", "page.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "No answer yet" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no record"),
        ("no json", "not JSON"),
        ('{"format": "loadgen.run/99"}', "loadgen.run/99"),
        ('{"format": "loadgen.scenario/1"}', "not a record of this tool"),
        ('{"format": "loadgen.run/1"}', "Field required"),
    ],
    ids=["absent", "text", "newer", "another kind", "damaged"],
)
def test_bad_input_is_one_line(here: Loadgen, tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_text(content)
    done = here("report", str(path), "--json")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert says in done.stderr
    assert str(path) in done.stderr
    assert json.loads(done.stdout)["error"]["exit_code"] == 2
    assert not list(tmp_path.glob("*.html"))


def test_output_that_is_a_directory(here: Loadgen, results: Path, tmp_path: Path) -> None:
    done = here("report", samples.run().id, "--output", str(tmp_path), "--results-dir", str(results))
    assert done.returncode == 2
    assert "is not a file" in done.stderr


def test_damaged_timeline_names_its_line(results: Path) -> None:
    from loadgen.errors import UsageError

    directory = results / samples.run().id
    subject = read_subject(directory / "manifest.json")
    assert isinstance(subject, RunPage)
    assert len(subject.timeline) == 69
    assert subject.timeline[40].response_p95_ms is None
    lines = samples.timeline_csv().splitlines()
    lines[3] = lines[3].replace("warmup", "warmup,x").replace("ramp", "ramp,x")
    (directory / "timeline.csv").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=r"timeline\.csv, line 4"):
        read_subject(directory / "manifest.json")
