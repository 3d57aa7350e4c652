"""The published schemas are those of the code, and records on disk keep to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from published import SCHEMAS, validate

from loadgen.cli.schemas import kinds, schema
from loadgen.runs import documents
from loadgen.runs.store import kind_of

GOLDEN = Path(__file__).parent.parent / "runs" / "golden"


@pytest.mark.parametrize("kind", list(kinds()))
def test_a_published_schema_is_up_to_date(kind: str) -> None:
    assert json.loads((SCHEMAS / f"{kind}.json").read_text()) == schema(kind), "run: loadgen schema -o docs/schemas"
    Draft202012Validator.check_schema(schema(kind))


def test_no_other_schema_is_published() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(kinds())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_old_records_keep_to_it_as_they_are_read(path: Path) -> None:
    kind = kinds()[kind_of(path)]
    validate(json.loads(documents.dump(documents.parse(kind, path.read_bytes(), str(path)))))


def test_a_wrong_document_is_found() -> None:
    error = {"format": "loadgen.error/1", "error": {"exit_code": 2, "message": "no"}}
    validate(error)
    for wrong in (error | {"more": 1}, error | {"error": {"exit_code": "2", "message": "no"}}):
        with pytest.raises(ValidationError):
            validate(wrong)
