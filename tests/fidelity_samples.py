"""A database of households that fidelity is measured on, and copies of it to spoil. A plugin of the tests."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.fidelity.format import Check, FidelityRecord, Figure
from loadgen.fidelity.measure import measure

USERS = 3_000
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def people(server: Target, _initialised: Target) -> Target:
    """A database of USERS users that no test writes to."""
    target = _copied(server, _initialised, "fidelity_people")
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(USERS), "--as-of", "2026-06-30"]
    subprocess.run(command, env=os.environ | target.environment(), check=True, capture_output=True, timeout=120)
    return target


@pytest.fixture(scope="session")
def people_record(people: Target) -> FidelityRecord:
    """What is measured on ``people``."""
    return measured(people)


@pytest.fixture
def spoilt_people(server: Target, people: Target, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection to a copy of ``people``, for one test to spoil."""
    name = f"fidelity_{abs(hash(request.node.name)) % 10**9}"
    with connect(_copied(server, people, name), autocommit=True) as conn:
        yield conn


def _copied(server: Target, template: Target, name: str) -> Target:
    target = server.with_database(name)
    with connect(server, autocommit=True) as conn:
        names = sql.Identifier(name), sql.Identifier(template.database)
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return target


def measured(target: Target) -> FidelityRecord:
    """What is measured on a database, without the scenarios."""
    return measure(target, [], NOW, lambda line: None)


def figure(record: FidelityRecord, measure_name: str, group: str) -> Figure:
    """One figure; that of its own topic where the joint distribution has it too."""
    found = {f for f in record.figures if (f.measure, f.group) == (measure_name, group)}
    (one,) = {f for f in found if f.topic != "joint"} or found
    return one


def check(record: FidelityRecord, name: str) -> Check:
    return next(c for c in record.checks if c.name == name)


def number(conn: psycopg.Connection, query: str) -> float:
    """The one number that a query answers with."""
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return float(row[0])
