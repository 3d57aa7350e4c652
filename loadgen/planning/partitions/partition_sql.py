"""SQL script that partitions a table, from templates and from the statements of the schema's files."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from capacity.growth import DAYS_IN_MONTH
from capacity.recommendation import PartitionDesign
from capacity.tables import boundaries

PARENTS: Final = frozenset(("users",))
"""Tables whose primary key other tables reference, so that partitions cannot change it."""


@dataclass(frozen=True, slots=True)
class _Named:
    """An index or view and the statement that creates it; ``columns`` are those of a unique constraint."""

    name: str
    sql: str
    columns: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    begin: str = ""
    end: str = ""
    expires: str = ""


def partition_sql(design: PartitionDesign, today: dt.date) -> str:
    """Render the script. Ranges begin at the first boundary after ``today``, whenever the plan was made.

    Raises ValueError for a table that is not in the schema, or whose key other tables reference.
    """
    schema = _schema()
    table = design.table
    if table in PARENTS:
        raise ValueError(f"{table} cannot be partitioned: the foreign keys of other tables need its present key")
    policy = re.search(rf"CREATE POLICY \w+ ON {table} [^;]*", schema)
    if policy is None:
        raise ValueError(f"the schema has no table {table!r} with row security")
    parts, first = _parts(design, today)
    constraints = set(re.findall(r"ADD CONSTRAINT (\w+) UNIQUE USING INDEX (\w+)", schema))
    named = [n for n in _indexes(schema, table) if n.name != f"{table}_pkey"]
    unique = [n for n in named if any(n.name == index for _, index in constraints)]
    template = "partition_by_time.sql" if design.by_time else "partition_by_hash.sql"
    return (
        _environment()
        .get_template(template)
        .render(
            table=table,
            old=f"{table}_until_{first:%Y%m%d}" if design.by_time else f"{table}_whole",
            column=design.column,
            unit=design.unit,
            by_time=design.by_time,
            first=first.isoformat(),
            primary_key=design.primary_key,
            unpruned=design.unpruned,
            retention_months=design.retention_months,
            parts=parts,
            indexes=[n for n in named if n not in unique],
            unique=unique,
            foreign_keys=_foreign_keys(schema, table),
            policy=policy[0].strip(),
            views=_views(schema, table),
        )
    )


def _parts(design: PartitionDesign, today: dt.date) -> tuple[list[_Part], dt.date]:
    if not design.by_time or design.unit is None:
        return [_Part(f"{design.table}_p{n:03d}") for n in range(design.count)], today
    edges = boundaries(max(today, design.from_date - dt.timedelta(days=1)), design.until, design.unit)
    keep = dt.timedelta(days=round((design.retention_months or 0) * DAYS_IN_MONTH))
    parts = [
        _Part(f"{design.table}_p{begin:%Y%m%d}", begin.isoformat(), end.isoformat(), (end + keep).isoformat())
        for begin, end in itertools.pairwise(edges)
    ]
    return parts, edges[0]


def _indexes(schema: str, table: str) -> list[_Named]:
    found = re.finditer(rf"CREATE (?:UNIQUE )?INDEX (\w+) ON {table} ([^;]*)", schema)
    return [_Named(m[1], m[0].strip(), m[2].strip().strip("()")) for m in found]


def _views(schema: str, table: str) -> list[_Named]:
    found = re.finditer(r"CREATE VIEW (\w+) [^;]*", schema)
    return [_Named(m[1], m[0].strip()) for m in found if re.search(rf"\b(?:FROM|JOIN) {table}\b", m[0])]


def _foreign_keys(schema: str, table: str) -> list[str]:
    found = re.findall(rf"ALTER TABLE {table} ADD CONSTRAINT \w+\s+FOREIGN KEY [^;]*", schema)
    return [re.sub(r"\s+", " ", statement).replace(" NOT VALID", "") for statement in found]


@cache
def _schema() -> str:
    """Text of all schema files without comments."""
    directory = files("loadgen.database") / "schema"
    texts = [entry.read_text("utf-8") for entry in sorted(directory.iterdir(), key=lambda e: e.name)]
    return re.sub(r"--[^\n]*", "", "\n".join(texts))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("loadgen.planning", "sql"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # SQL, of names that the schema has
    )
