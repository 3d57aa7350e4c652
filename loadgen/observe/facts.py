"""Facts of a record about the server, its data and the client machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import class_row

from capacity.values import TableSize
from loadgen.database.guard import changed_rows, read_mark
from loadgen.database.machine import this_machine
from loadgen.database.target import Target
from loadgen.observe.processes import local_server
from loadgen.observe.queries import Connection
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts, Fingerprint
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/server.sql")

UNMARKED: Final = "unmarked"
"""Schema version of a database without this tool's mark."""
PACKAGES: Final = {
    "loadgen": "affluvia-loadgen",
    "locust": "locust",
    "psycopg": "psycopg",
    "gevent": "gevent",
    "numpy": "numpy",
}


def database_facts(connection: Connection, target: Target) -> DatabaseFacts:
    """Describe the server and its settings; cores and memory only where it runs on this machine."""
    settings = {str(name): str(value) for name, value in connection.execute(_SQL["settings"])}
    machine = this_machine() if target.embedded or local_server(connection) else None
    return DatabaseFacts(
        name=target.database,
        server_version=connection.info.parameter_status("server_version") or "unknown",
        embedded=target.embedded,
        cores=machine.cores if machine else None,
        ram_bytes=machine.ram_bytes if machine else None,
        settings=settings,
        fingerprint=fingerprint(connection),
    )


def fingerprint(connection: Connection) -> Fingerprint:
    """Fingerprint of the data: what it was generated from, and how many rows changed since.

    Changes come from the server's statistics, which lag by about a second and are lost in a crash; a counter below
    its value in the mark has started again, for example in a copy of the database.
    """
    mark = read_mark(connection)
    if mark is None:
        return Fingerprint(UNMARKED, None, None, None, None, None, None)
    drift = {}
    for table, changed in changed_rows(connection).items():
        baseline = mark.drift_baseline.get(table, 0)
        drift[table] = changed - baseline if changed >= baseline else changed
    return Fingerprint(
        schema_version=mark.schema_version,
        model_version=mark.model_version,
        seed=mark.seed,
        users=mark.users,
        as_of=mark.as_of.isoformat() if mark.as_of else None,
        chunk_users=mark.chunk_users,
        ageing=f"{mark.ageing_months} months" if mark.ageing_months else None,
        drift={table: count for table, count in drift.items() if count},
        shape_sha256=mark.shape_sha256,
    )


def table_sizes(connection: Connection) -> tuple[TableSize, ...]:
    """Measure bytes and count rows of the eight tables; reads each of them once.

    Raises psycopg's InsufficientPrivilege where row security would hide rows, rather than count too few.
    """
    with connection.transaction(), connection.cursor(row_factory=class_row(TableSize)) as cursor:
        cursor.execute("SET LOCAL row_security = off")
        return tuple(cursor.execute(_SQL["table_sizes"]))


def client_facts() -> ClientFacts:
    """Describe this machine and the versions of the load generator."""
    machine = this_machine()
    versions = {"python": platform.python_version(), "libpq": _dotted(psycopg.pq.version())}
    for name, package in PACKAGES.items():
        try:
            versions[name] = version(package)
        except PackageNotFoundError:  # a source tree that is not installed
            versions[name] = "not installed"
    return ClientFacts(
        cpu_model=_cpu_model(),
        cores=machine.cores,
        ram_bytes=machine.ram_bytes,
        platform=platform.platform(),
        versions=versions,
    )


def _dotted(libpq: int) -> str:
    """Format libpq's version number: 180003 as 18.3."""
    return f"{libpq // 10000}.{libpq % 10000}"


def _cpu_model(path: Path = Path("/proc/cpuinfo")) -> str:
    """Processor model by the kernel, else by Python."""
    try:
        for line in path.read_text("utf-8", "replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
