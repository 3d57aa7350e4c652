"""Reading of a record's file for its page."""

from __future__ import annotations

from pathlib import Path

from loadgen.errors import UsageError
from loadgen.fidelity.format import FidelityRecord
from loadgen.report.page import RunPage, Subject
from loadgen.report.timeline import TIMELINE, read_timeline
from loadgen.runs.documents import parse
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.store import kind_of
from loadgen.user_files import RECORD, read_bytes


def read_subject(path: Path) -> Subject:
    """Read the record at ``path``, a run with its timeline. Raises UsageError: no record, damaged, or newer."""
    kind = kind_of(path)
    text = read_bytes(path, RECORD)
    if kind == "plan":
        return parse(PlanRecord, text, str(path))
    if kind == "sweep":
        return parse(SweepRecord, text, str(path))
    if kind == "fidelity":
        return parse(FidelityRecord, text, str(path))
    if kind == "calibration":
        raise UsageError(f"{path} is a calibration, which has no page; its figures are those of the plan made with it")
    return RunPage(parse(RunRecord, text, str(path)), read_timeline(path.parent / TIMELINE))
