"""The two machines of a run as they were found, and what data the server held."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadgen.runs.format.ranges import Count, Positive


@dataclass(frozen=True)
class Fingerprint:
    """What the data was. Records whose fingerprints differ are not compared silently."""

    schema_version: str
    model_version: str | None
    seed: int | None
    users: Count | None
    as_of: str | None
    chunk_users: Positive | None
    ageing: str | None
    drift: dict[str, int] = field(default_factory=dict)
    """Rows inserted, updated and deleted since seeding, by table."""
    shape_sha256: str | None = None
    """Of the shape that the population follows; None is the built-in one, and every record before there were others."""


@dataclass(frozen=True)
class DatabaseFacts:
    """The server under load. ``cores`` and ``ram_bytes`` are None where the server cannot be asked."""

    name: str
    server_version: str
    embedded: bool
    cores: Positive | None
    ram_bytes: Positive | None
    settings: dict[str, str]
    fingerprint: Fingerprint


@dataclass(frozen=True)
class ClientFacts:
    """The machine that made the load."""

    cpu_model: str
    cores: Positive
    ram_bytes: Positive
    platform: str
    versions: dict[str, str]
    """python, loadgen, locust, psycopg, libpq, gevent, numpy."""
