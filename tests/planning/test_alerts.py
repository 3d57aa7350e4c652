"""Alert rules: every metric has a query that a real server answers, and the files are what they say they are."""

from __future__ import annotations

import json
import re

import psycopg
import pytest

from capacity.plan import Metric, Trigger
from loadgen.planning.alerts import QUERIES, alert_rules, collector


def trigger(metric: Metric, subject: str = "") -> Trigger:
    return Trigger("Named", metric, subject, 1234567.0, 300, "act", 'why: "quoted"', "do: this")


@pytest.mark.parametrize("metric", list(Metric), ids=lambda m: m.name)
def test_every_metric_has_a_rule_and_its_queries(metric: Metric) -> None:
    subject = "chat_messages" if metric is Metric.TABLE_BYTES else ""
    asked = (trigger(metric, subject),)
    # Texts are quoted as JSON, which YAML holds; the rest is as fixed as the template.
    rules = dict(re.findall(r"^ +(?:- )?(\w+): (\S.*)$", alert_rules(asked, "2026-07-01"), re.MULTILINE))
    assert rules["alert"] == "Named"
    assert rules["for"] == "300s"
    assert rules["severity"] == "act"
    expression = json.loads(rules["expr"])
    assert expression.endswith("> 1.23457e+06")
    assert (json.loads(rules["summary"]), json.loads(rules["action"])) == ('why: "quoted"', "do: this")
    assert (f'{{subject="{subject}"}}' in expression) == bool(subject)
    found = collector(asked)
    names = re.findall(r"metric_name: (\w+)", found)
    assert names
    assert all(name in expression for name in names)
    for query in QUERIES.values():
        indented = "\n".join(f"      {line}".rstrip() for line in query.sql.splitlines())
        assert (indented in found) == (query.name in names)


@pytest.mark.parametrize("name", QUERIES)
def test_a_server_answers_every_query(name: str, conn: psycopg.Connection) -> None:
    cursor = conn.execute(QUERIES[name].sql.encode())
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == (
        ["subject", "value"] if QUERIES[name].labelled else ["value"]
    )
    rows = cursor.fetchall()
    assert rows
    assert all(float(row[-1]) >= 0 for row in rows)
