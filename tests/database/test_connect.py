"""Which server is meant, and what a failed connection says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import Loadgen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen import settings as settings_module
from loadgen.database.connect import connect, resolve
from loadgen.database.embedded import Instance
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.settings import Settings

SECRET = "xyzzy-not-to-be-seen"


@pytest.fixture(scope="module")
def tcp(server: Target, server_settings: Settings) -> Target:
    """The session's server through 127.0.0.1, where a password is needed."""
    status = Instance.from_settings(server_settings).status()
    password = status.pgpass.read_text().strip().rsplit(":", 1)[1]
    conninfo = make_conninfo(server.conninfo, host="127.0.0.1")
    return Target(conninfo, password, embedded=False, database=server.database)


def resolved(dsn: str | None, **environ: str) -> Target:
    """Without a server being started: every case here names one."""
    return resolve(Settings(dsn=dsn), environ=environ)


# --- which server -----------------------------------------------------------------------------------------------


def test_a_dsn_comes_before_libpq_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "other.example")
    monkeypatch.setenv("PGUSER", "ann")
    target = resolved("host=db.example dbname=x", PGHOST="other.example")
    assert conninfo_to_dict(target.conninfo) == {"host": "db.example", "dbname": "x", "user": "ann", "port": "5432"}
    assert target.database == "x"


def test_libpq_variables_come_before_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGUSER", "ann")
    target = resolved(None, PGHOST="db.example")
    assert (target.embedded, target.database) == (False, "ann")  # libpq's default: the user's name
    assert str(target) == "database ann at db.example:5432"


def test_without_either_the_embedded_server_is_started(server: Target, server_settings: Settings) -> None:
    assert resolve(server_settings, environ={"PGUSER": "ann", "PGPASSWORD": "x"}) == server


def test_a_named_instance_comes_before_libpq_variables(server: Target, server_settings: Settings) -> None:
    named = Settings(state_dir=server_settings.state_dir, instance="default", pg_bin=server_settings.pg_bin)
    assert resolve(named, environ={"PGHOST": "db.example"}) == server


def test_a_named_instance_comes_before_a_dsn_of_the_environment(tmp_path: Path) -> None:
    found = settings_module.load(instance="two", environ={"LOADGEN_DSN": "host=x"}, cwd=tmp_path)
    assert (found.instance, found.dsn) == ("two", None)
    with pytest.raises(UsageError, match="exclude each other"):
        settings_module.load(instance="two", dsn="host=x", environ={}, cwd=tmp_path)


def test_a_child_finds_the_same_target(server: Target, tcp: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in (server, server.with_database("other"), tcp):
        with monkeypatch.context() as patch:
            for name, value in target.environment().items():
                patch.setenv(name, value)
            found = resolve(settings_module.load(), environ=os.environ)
            assert (found.embedded, found.database) == (target.embedded, target.database)
            assert conninfo_to_dict(found.conninfo) == conninfo_to_dict(target.conninfo)
            assert SECRET not in found.conninfo


def test_the_variable_for_children_says_nothing_of_another_dsn(server: Target) -> None:
    environ = server.environment() | {"LOADGEN_DSN": "host=elsewhere"}
    assert not resolve(Settings(dsn=server.conninfo), environ=environ).embedded


# --- passwords --------------------------------------------------------------------------------------------------


def test_a_password_is_taken_out_of_the_dsn() -> None:
    for dsn in (f"postgresql://ann:{SECRET}@db.example/x", f"host=db.example user=ann password={SECRET}"):
        target = resolved(dsn)
        assert target.password == SECRET
        assert SECRET not in target.conninfo
        assert SECRET not in repr(target) + str(target) + repr(Settings(dsn=dsn))


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://ann:{SECRET}@db.example/x",
        f"postgres://db.example/x?password={SECRET}",
        f"host=db.example password='{SECRET}'",
        f"host=db.example password = {SECRET}",
        f"password={SECRET}",
        f"{SECRET}",
        f"postgresql://ann:{SECRET}%zz@db.example",
    ],
)
def test_a_flag_with_a_password_is_refused_and_not_repeated(loadgen: Loadgen, dsn: str) -> None:
    done = loadgen("init", "--json", "--dsn", dsn)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--dsn" in done.stderr
    assert json.loads(done.stdout)["error"]["exit_code"] == 2
    assert SECRET not in done.stdout + done.stderr


def test_a_settings_file_with_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loadgen.toml").write_text(f'[loadgen]\ndsn = "host=x password={SECRET}"\n')
    with pytest.raises(UsageError, match="holds a password") as caught:
        settings_module.load(environ={}, cwd=tmp_path)
    assert SECRET not in str(caught.value)


def test_other_secrets_have_no_place_in_a_dsn() -> None:
    with pytest.raises(UsageError, match="may not hold sslpassword") as caught:
        resolved(f"host=x sslpassword={SECRET}")
    assert SECRET not in str(caught.value)


def test_a_service_needs_a_database() -> None:
    with pytest.raises(UsageError, match="needs dbname="):
        resolved("service=prod")
    assert resolved("service=prod dbname=x").conninfo == "service=prod dbname=x"


# --- failures ---------------------------------------------------------------------------------------------------


def line_of(target: Target) -> str:
    with pytest.raises(EnvironmentFault) as caught:
        connect(target).close()
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line
    return line


def test_nobody_listens() -> None:
    assert "Connection refused; check that it runs" in line_of(resolved("host=127.0.0.1 port=1 user=a dbname=b"))
    assert "No such file or directory; check that it runs" in line_of(resolved("host=/nonexistent user=a dbname=b"))


def test_a_wrong_password(tcp: Target) -> None:
    wrong = Target(tcp.conninfo, SECRET, embedded=False, database=tcp.database)
    assert "password authentication failed" in line_of(wrong)
    assert "set PGPASSWORD" in line_of(wrong)
    missing = Target(make_conninfo(tcp.conninfo, passfile=os.devnull), None, embedded=False, database=tcp.database)
    assert "no password supplied; the password is wrong or missing" in line_of(missing)


def test_the_right_password(tcp: Target, loadgen: Loadgen) -> None:
    with connect(tcp) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert tcp.password is not None
    done = loadgen("psql", "--dsn", tcp.conninfo, "--", "-Atc", "SELECT 6 * 7", env={"PGPASSWORD": tcp.password})
    assert (done.returncode, done.stdout) == (0, "42\n")


def test_a_missing_database_and_a_missing_user(server: Target) -> None:
    assert '"nowhere" does not exist; create the database' in line_of(server.with_database("nowhere"))
    stranger = Target(make_conninfo(server.conninfo, user="stranger"), None, embedded=True, database=server.database)
    assert "does not exist; create the user" in line_of(stranger)


@pytest.fixture
def limited(server: Target, database: Target) -> Iterator[Target]:
    """A role without privileges that may connect once."""
    with connect(server, autocommit=True) as conn:
        conn.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 1")
    yield Target(make_conninfo(database.conninfo, user="limited"), None, embedded=True, database=database.database)
    with connect(server, autocommit=True) as conn:
        conn.execute("DROP ROLE limited")


def test_too_many_connections(limited: Target) -> None:
    with connect(limited):
        assert "no free connection" in line_of(limited)


def test_not_permitted_to_connect(limited: Target, server: Target) -> None:
    with connect(server.with_database(limited.database), autocommit=True) as conn:
        conn.execute(
            "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$"
        )
    assert "lacks a privilege" in line_of(limited)


def test_an_unprivileged_init_is_one_line(limited: Target, loadgen: Loadgen, database: Target) -> None:
    with psycopg.connect(database.conninfo) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    done = loadgen("init", "--json", target=limited)
    assert done.returncode == 3  # the tables are there, without the mark
    assert "not empty" in done.stderr
