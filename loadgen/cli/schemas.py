"""JSON Schemas of every document that ``--json`` prints and of every record, generated from their classes."""

from __future__ import annotations

from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def kinds() -> dict[str, Any]:
    """Type of each document by kind, ``run`` for ``loadgen.run/1``."""
    from loadgen.cli import documents as plain
    from loadgen.exporting.format import Export
    from loadgen.fidelity.format import FidelityRecord
    from loadgen.planning.answers.demand_answer import DemandAnswer
    from loadgen.planning.answers.forecast_answer import ForecastAnswer, ScenariosAnswer
    from loadgen.planning.answers.scalability_answer import ScalabilityAnswer
    from loadgen.planning.calibration import CalibrationRecord
    from loadgen.planning.workload.workload_measured import WorkloadAnswer
    from loadgen.profiling.format import Profile
    from loadgen.runs.format.plan import PlanRecord
    from loadgen.runs.format.run import RunRecord
    from loadgen.runs.format.scenario import ScenarioDescription
    from loadgen.runs.format.sweep import SweepRecord

    return {
        "calibration": CalibrationRecord,
        "checksum": plain.ChecksumDocument,
        "demand": DemandAnswer,
        "demo": plain.DemoDocument,
        "error": plain.ErrorDocument,
        "export": Export,
        "fidelity": FidelityRecord,
        "forecast": ForecastAnswer | ScenariosAnswer,
        "init": plain.InitDocument,
        "plan": PlanRecord,
        "profile": Profile,
        "psql": plain.PsqlDocument,
        "refusal": plain.RefusalDocument,
        "report": plain.ReportDocument,
        "reset": plain.ResetDocument,
        "run": RunRecord,
        "scalability": ScalabilityAnswer,
        "scenario": ScenarioDescription,
        "schema": plain.SchemaDocument,
        "schemas": plain.SchemasDocument,
        "seed": plain.SeedDocument,
        "server": plain.ServerDocument,
        "servers": plain.ServersDocument,
        "sweep": SweepRecord,
        "workload": WorkloadAnswer,
    }


def schema(kind: str) -> dict[str, Any]:
    """Generate the JSON Schema of a kind. Raises KeyError for another."""
    from pydantic import TypeAdapter

    document = TypeAdapter(kinds()[kind]).json_schema(mode="serialization")
    ends = document.get("$defs", {}).get("Interval", {}).get("properties", {})
    if "high" in ends:
        # JSON has no infinity: an interval without an upper bound has this string.
        ends["high"] = {"anyOf": [ends["high"], {"const": "Infinity"}], "title": "High"}
    # Alternatives have no common format field; all are of version 1.
    name = document.get("properties", {}).get("format", {}).get("const", f"loadgen.{kind}/1")
    return {"$schema": DIALECT, "$id": name, **document}
