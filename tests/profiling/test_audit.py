"""The last look before a profile is written."""

from __future__ import annotations

import json

import pytest

from loadgen.errors import EnvironmentFault
from loadgen.profiling.audit import audit


@pytest.mark.parametrize(
    "document",
    [
        {"tables": [{"name": "goals", "type": "int8", "rows": 5}]},
        {"month": "2026-01", "profiled_on": "2026-01-31", "value": "128MB", "code": "too_few", "about": "users.email"},
        {"statements": [{"text": "SELECT x1.id FROM users AS x1 WHERE x1.email = $1"}]},
    ],
)
def test_what_passes(document: object) -> None:
    assert audit(json.dumps(document)) == json.dumps(document)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"tables": [{"name": "goals"}, {"name": "canary"}]}, "tables.1.name"),
        ({"statements": [{"text": "SELECT id FROM users WHERE email = 'canary'"}]}, "statements.0.text"),
        ({"statements": [{"text": "select id from users"}]}, "statements.0.text"),  # not as the lexer writes it
        ({"statements": [{"text": "SET canary = 1"}]}, "statements.0.text"),
        ({"month": "2026-13"}, "month"),
        ({"value": "canary"}, "value"),
        ({"value": "2026-01-31T10:11:12"}, "value"),
        ({"name": {"Canary": 1}}, "name"),
    ],
)
def test_what_does_not_is_refused_without_being_said(document: object, where: str) -> None:
    with pytest.raises(EnvironmentFault, match=rf"at {where} ") as caught:
        audit(json.dumps(document))
    assert "anary" not in str(caught.value)
