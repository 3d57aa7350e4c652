"""Documents against the schemas that are published, and stricter: nothing is in a document but what they name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent.parent / "docs" / "schemas"


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.json").read_text())
    return Draft202012Validator(_closed(schema))


def _closed(node: Any) -> Any:
    """The schema without room for what it does not name."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        closed["additionalProperties"] = False
    return closed


def validate(document: dict[str, Any]) -> None:
    """Fails where a document is not what its ``format`` promises."""
    name, _ = str(document["format"]).removeprefix("loadgen.").split("/")
    validator = _validator(name)
    assert validator.schema["$id"] == document["format"]
    validator.validate(document)


def made(result: CompletedProcess[str]) -> dict[str, Any]:
    """The document that a command printed; fails where it did not succeed, or printed another than it promises."""
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    validate(document)
    return document
