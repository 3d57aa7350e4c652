"""Documents that ``--json`` prints for verbs without a record, as values whose schema is published.

``tests/cli/test_schemas.py`` compares them with what verbs print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from capacity.values import Refusal


@dataclass(frozen=True)
class ErrorBody:
    exit_code: int
    message: str


@dataclass(frozen=True)
class ErrorDocument:
    """The command, a file or the environment is wrong; the message says what to do."""

    error: ErrorBody
    format: Literal["loadgen.error/1"] = "loadgen.error/1"


@dataclass(frozen=True)
class RefusalDocument:
    """There is no valid answer: which measurement is missing, and how to get it."""

    refusal: Refusal
    format: Literal["loadgen.refusal/1"] = "loadgen.refusal/1"


@dataclass(frozen=True)
class ServerBody:
    """One embedded server; fields that a stopped one lacks are null.

    ``host``: directory of the socket; ``dsn``: through the socket, without a password; ``pgpass``: password file for
    127.0.0.1.
    """

    name: str
    running: bool
    version: str | None
    database: str
    user: str
    host: str | None
    port: int | None
    pid: int | None
    dsn: str | None
    data_dir: str
    log: str
    pgpass: str


@dataclass(frozen=True)
class ServerDocument(ServerBody):
    format: Literal["loadgen.server/1"] = "loadgen.server/1"


@dataclass(frozen=True)
class ServersDocument:
    servers: tuple[ServerBody, ...]
    format: Literal["loadgen.servers/1"] = "loadgen.servers/1"


@dataclass(frozen=True)
class PsqlDocument:
    """The command that would have been run; no password is in it."""

    command: tuple[str, ...]
    format: Literal["loadgen.psql/1"] = "loadgen.psql/1"


@dataclass(frozen=True)
class InitDocument:
    """``applied``: schema files that this call applied."""

    database: str
    schema_version: str
    applied: tuple[str, ...]
    marked_at: str
    format: Literal["loadgen.init/1"] = "loadgen.init/1"


@dataclass(frozen=True)
class DroppedObject:
    type: str
    name: str


@dataclass(frozen=True)
class ResetDocument:
    """Objects that were dropped. Version 1 had no ``dropped``."""

    database: str
    dropped: tuple[DroppedObject, ...]
    format: Literal["loadgen.reset/2"] = "loadgen.reset/2"


@dataclass(frozen=True)
class TableChecksum:
    rows: int
    checksum: str


@dataclass(frozen=True)
class ChecksumDocument:
    database: str
    checksum: str
    tables: dict[str, TableChecksum]
    format: Literal["loadgen.checksum/1"] = "loadgen.checksum/1"


@dataclass(frozen=True)
class SeedDocument:
    """A seeded database.

    ``shape_sha256`` is null for the model's own shape. ``not_followed``: parts of a profile that could not be followed.
    ``below_water``: households whose net worth is below zero, stored as 0. ``users_loaded``: by this call;
    ``users_loaded_by_others``: by other calls at the same time. ``users_per_s``: of all.
    """

    database: str
    users: int
    seed: int
    as_of: str
    model_version: str
    ageing_months: int
    shape_sha256: str | None
    not_followed: tuple[str, ...]
    rows: dict[str, int]
    below_water: int
    users_loaded: int
    users_loaded_by_others: int
    seconds: float
    users_per_s: float | None
    phases_s: dict[str, float]
    format: Literal["loadgen.seed/1"] = "loadgen.seed/1"


@dataclass(frozen=True)
class ReportDocument:
    path: str
    format: Literal["loadgen.report/1"] = "loadgen.report/1"


@dataclass(frozen=True)
class DemoDocument:
    page: str
    plan: str
    seconds: float
    format: Literal["loadgen.demo/1"] = "loadgen.demo/1"


@dataclass(frozen=True)
class SchemaDocument:
    """One schema, as ``loadgen schema KIND`` prints it without --json."""

    kind: str
    schema: dict[str, Any]
    format: Literal["loadgen.schema/1"] = "loadgen.schema/1"


@dataclass(frozen=True)
class SchemasDocument:
    """The kinds of documents that have a schema."""

    kinds: tuple[str, ...]
    format: Literal["loadgen.schemas/1"] = "loadgen.schemas/1"
