"""Measure a database in one snapshot, and keep the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from capacity.values import Refusal
from loadgen.database.target import Target
from loadgen.fidelity import checks, estimates, households, published, shape
from loadgen.fidelity.format import FidelityRecord, Figure
from loadgen.fidelity.judging import judge
from loadgen.fidelity.reading import Say, Snapshot
from loadgen.fidelity.sampling import NOTHING
from loadgen.observe.facts import database_facts
from loadgen.runs import documents
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.store import DOCUMENTS, new_id, new_record


def measure(target: Target, scenarios: Sequence[ScenarioDescription], now: dt.datetime, say: Say) -> FidelityRecord:
    """Measure a marked database in one snapshot.

    Raises GuardRefusal if it is unmarked, EnvironmentFault if it is unseeded or cannot be read.
    """
    with Snapshot(target, say) as snapshot:
        tables = shape.tables(snapshot)
        stored = households.measure(snapshot)
        figures = tuple(judge(p, stored.figures.get((p.measure, p.group), NOTHING)) for p in published.figures())
        rows = {table.size.name: table.size.rows for table in tables}
        return FidelityRecord(
            id=new_id("fidelity", now),
            measured_at=now.isoformat(timespec="seconds"),
            database=database_facts(snapshot.conn, target),
            users=rows["users"],
            under_water=stored.under_water,
            figures=figures,
            checks=checks.measure(snapshot),
            fan_outs=shape.fan_outs(snapshot, rows["users"]),
            tables=tables,
            documents=tuple(shape.documents(snapshot, rows)),
            estimates=tuple(estimates.measure(snapshot, scenarios)),
            refusal=_refusal(figures, stored.households),
        )


def keep(record: FidelityRecord, results_dir: Path) -> Path:
    """Write the record; returns its directory. Raises EnvironmentFault where the disk refuses."""
    with new_record(results_dir, record.id) as directory:
        documents.write_atomically(directory / DOCUMENTS["fidelity"], documents.dump(record))
    return results_dir / record.id


def _refusal(figures: Sequence[Figure], households: int) -> Refusal | None:
    if any(figure.verdict != "undecided" for figure in figures):
        return None
    return Refusal(
        "too_few_households",
        f"{households:,} households are too few to decide any of {len(figures)} published figures",
        "seed more: loadgen seed --users 20000",
    )
