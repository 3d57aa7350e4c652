"""Render the text files of an export from templates."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadgen.exporting.format import Data, Export
from loadgen.exporting.syntax import constant


def first_sql(data: Data, statement_timeout_ms: int) -> str:
    """SQL that a connection runs before its first transaction of a script."""
    page = _environment().get_template("first.sql.j2")
    return page.render(data=data, statement_timeout_ms=statement_timeout_ms).strip()


def readme(export: Export) -> str:
    """Text of ``README.md``."""
    writes = any(script.writes for script in export.scripts)
    return _environment().get_template("README.md.j2").render(export=export, writes=writes)


def run_sh(export: Export) -> str:
    """Text of ``run.sh``."""
    return _environment().get_template("run.sh.j2").render(export=export)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("loadgen.exporting"),
        autoescape=False,  # Markdown, shell and SQL
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["constant"] = constant
    return environment
