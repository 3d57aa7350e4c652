"""README.md and docs/ say what happens: their commands run as printed, on one database; links and terms are there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import Loadgen
from documents import README, RECIPES, ROOT, Done, Place, faults
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from loadgen.cli import VERBS
from loadgen.cli.app import EPILOG, TERMS, build
from loadgen.database.connect import connect
from loadgen.database.programs import client_program
from loadgen.database.target import Target

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
STAGING = "A staging database that exists"


@pytest.fixture(scope="module")
def jobs(place: Place) -> list[Done]:
    """The README's three jobs, done."""
    return [one for section in README for one in place.run(section)]


def test_the_readme_does_what_it_says(jobs: list[Done]) -> None:
    assert len(jobs) >= 5
    assert not faults(jobs)
    if not any(job.was_hindered for job in jobs):
        assert not [job.command.text for job in jobs if "refused" in job.output]


@pytest.fixture(scope="module")
def staging(seeded_place: Place, server: Target) -> dict[str, str]:
    """A server of somebody else's, reached by a password: its database has an owner, rows, and no mark."""
    owner, name = sql.Identifier("staging_owner"), sql.Identifier("staging")
    with connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {}").format(owner))
        source = sql.Identifier(seeded_place.database.database)
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(name, source, owner))
    with connect(server.with_database("staging"), autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
        for (table,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            conn.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), owner))
    psql = client_program("psql", None)
    assert psql
    parts = conninfo_to_dict(server.conninfo)
    seeded_place.environment |= {f"PG{key.upper()}": str(parts[key]) for key in ("host", "port", "user")} | {
        "PGDATABASE": "postgres",
        "PATH": f"{seeded_place.environment['PATH']}{os.pathsep}{psql.parent}",
    }
    return {"staging.example.com": "127.0.0.1"}


@pytest.fixture(scope="module")
def measured(place: Place, staging: dict[str, str]) -> list[Done]:
    """The staging database, swept."""
    return place.run(RECIPES[STAGING], staging)


@pytest.mark.ci
def test_a_database_of_somebody_else_is_measured(measured: list[Done]) -> None:
    assert not faults(measured)


@pytest.mark.ci
@pytest.mark.parametrize("title", ["A history kept in a spreadsheet", "A plan for Neon", "Questions about capacity"])
def test_a_recipe_after_a_sweep_works(title: str, place: Place, measured: list[Done]) -> None:
    assert not faults(place.run(RECIPES[title]))


def test_every_verb_that_is_named_exists() -> None:
    names = {verb.__name__ for verbs in VERBS.values() for verb in verbs}
    named = {
        verb for path in DOCUMENTS for verb in re.findall(r"(?:`|\$ )loadgen ([a-z]{2,})", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named <= names


def anchors(path: Path) -> set[str]:
    """What a link into a document can name: its headings, as GitHub writes them, and its own anchors."""
    text = path.read_text("utf-8")
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return set(re.findall(r'<a id="([^"]+)">', text)) | {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = document.parent / path if path else document
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_glossary_has_the_terms_that_the_help_names() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = re.findall(r'^\| <a id="([^"]+)"></a>([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$', text, re.M)
    assert len(rows) == text.count("<a id=") <= 40
    assert [anchor for anchor, *_ in rows] == [term.lower().replace(" ", "-") for _, term, *_ in rows]
    assert sorted(rows) == rows
    assert set(TERMS.split(", ")) <= {term.lower() for _, term, *_ in rows}


def test_the_help_has_a_line_a_verb_and_an_example_that_parses(here: Loadgen) -> None:
    shown = here("--help").stdout
    assert "docs/glossary.md" in shown
    command = typer.main.get_command(build())
    for verbs in VERBS.values():
        for verb in verbs:
            line = (verb.__doc__ or "").splitlines()[0]
            assert re.search(rf"^│ {verb.__name__} +{re.escape(line)} +│$", shown, re.M), verb.__name__
            example = re.search(rf"^ *Example: loadgen {verb.__name__}(.*)$", verb.__doc__ or "", re.M)
            assert example, verb.__name__
            command.commands[verb.__name__].make_context(verb.__name__, shlex.split(example[1]))
    for line in re.findall(r"^loadgen (\S+) (.*?) {2,}", EPILOG, re.M):
        command.commands[line[0]].make_context(line[0], shlex.split(line[1]))


def test_the_shell_completes_verbs(place: Place) -> None:
    """The lines that --show-completion prints, in a bash that has just started."""
    asked = f"""eval "$({sys.executable} -m loadgen --show-completion)"
    COMP_WORDS=(loadgen r) COMP_CWORD=1
    _loadgen_completion loadgen
    echo "${{COMPREPLY[@]}}" """
    done = subprocess.run(
        ["bash", "-c", asked], env=place.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert sorted(done.stdout.split()) == ["report", "reset", "run"], done.stderr
