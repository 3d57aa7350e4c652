"""Server and client of a run, and the fingerprint of the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadgen.runs.format.ranges import Count, Positive


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint of the data. Records whose fingerprints differ are not compared silently."""

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
    """SHA-256 of the population's shape; None for the built-in one and in older records."""


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
    """The client machine, which generated the load."""

    cpu_model: str
    cores: Positive
    ram_bytes: Positive
    platform: str
    versions: dict[str, str]
    """Versions of python, loadgen, locust, psycopg, libpq, gevent, numpy."""
