"""The schema as the server holds it: applied once, constrained, and closed to other users' rows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import psycopg
import pytest
from psycopg.types.json import Jsonb

from loadgen.database import guard, schema
from loadgen.database.connect import connect
from loadgen.database.created import catalogued, created_objects, recording
from loadgen.database.removal import plan_removal, remove
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal

TABLES = (
    "users",
    "financial_profiles",
    "goals",
    "education_goals",
    "estate_plans",
    "chat_messages",
    "user_achievements",
    "user_progress",
)


def rows(conn: psycopg.Connection, query: str, *parameters: object) -> list[tuple[object, ...]]:
    return conn.execute(query.encode(), parameters or None).fetchall()


def add_household(conn: psycopg.Connection, user_id: int, net_worth: object = 1000) -> None:
    """One user with a row in every table."""
    conn.execute("INSERT INTO users VALUES (%s, %s, 'x')", (user_id, f"{user_id}@example.com"))
    conn.execute(
        "INSERT INTO financial_profiles (user_id, basic_info, financial_data, calculations, monte_carlo_results)"
        " VALUES (%s, %s, '{}', %s, %s)",
        (
            user_id,
            Jsonb({"age": 40 + user_id}),
            Jsonb({"net_worth": net_worth, "retirement_score": 50}),
            Jsonb({"success_probability": 0.5}),
        ),
    )
    conn.execute(
        "INSERT INTO goals (user_id, type, target_amount, target_date, status)"
        " VALUES (%s, 'home', 1, '2030-01-01', 'active'), (%s, 'home', 1, '2030-01-01', 'completed')",
        (user_id, user_id),
    )
    conn.execute(
        "INSERT INTO education_goals (user_id, child_name, school_type, costs) VALUES (%s, 'a', 'b', '{}')", (user_id,)
    )
    conn.execute(
        "INSERT INTO estate_plans (user_id, plan_data, documents, beneficiaries) VALUES (%s, '{}', '[]', '[]')",
        (user_id,),
    )
    conn.execute("INSERT INTO chat_messages (user_id, message) VALUES (%s, 'hello')", (user_id,))
    conn.execute("INSERT INTO user_achievements (user_id, achievement_id) VALUES (%s, 'first')", (user_id,))
    conn.execute("INSERT INTO user_progress (user_id, section, progress_data) VALUES (%s, 'goals', '{}')", (user_id,))


# --- applying ---------------------------------------------------------------------------------------------------


def test_files_are_numbered_without_gap() -> None:
    numbers = [int(migration.version.split("_")[0]) for migration in schema.MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert schema.MIGRATIONS[-1].version == schema.SCHEMA_VERSION


def test_installing_twice_is_installing_once(empty_database: Target) -> None:
    with connect(empty_database) as conn:
        assert schema.install(conn) == tuple(migration.version for migration in schema.MIGRATIONS)
        before = rows(conn, "SELECT * FROM loadgen.schema_migrations ORDER BY version")
        assert schema.install(conn) == ()
        assert rows(conn, "SELECT * FROM loadgen.schema_migrations ORDER BY version") == before


def test_a_failed_installation_leaves_nothing(empty_database: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = schema.Migration("0003_indexes", b"CREATE UNIQUE INDEX users_pkey ON users (id); SELECT 1/0")
    with monkeypatch.context() as patch, connect(empty_database) as conn:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:2], broken))
        with pytest.raises(psycopg.errors.DivisionByZero):
            guard.initialise(conn)
    with connect(empty_database) as conn:
        assert not catalogued(conn)
        assert guard.read_mark(conn) is None
        assert guard.initialise(conn) == tuple(migration.version for migration in schema.MIGRATIONS)


def test_all_that_is_created_is_recorded(conn: psycopg.Connection) -> None:
    recorded = {(one.classid, one.objid) for one in created_objects(conn)}
    assert recorded == catalogued(conn)
    with recording(conn):
        conn.execute("CREATE TABLE one_more (a integer, b text)")
    (added,) = [one for one in created_objects(conn) if (one.classid, one.objid) not in recorded]
    assert (added.type, added.name, added.other_columns) == ("table", "public.one_more", [])
    conn.execute("ALTER TABLE one_more ADD COLUMN c integer, ALTER COLUMN a TYPE bigint")
    assert next(one for one in created_objects(conn) if one.name == added.name).other_columns == ["a", "c"]


def test_a_file_that_changed_since_is_refused(conn: psycopg.Connection) -> None:
    conn.execute("UPDATE loadgen.schema_migrations SET sha256 = 'x' WHERE version LIKE '0003%'")
    with pytest.raises(EnvironmentFault, match=r"0003_indexes was applied .* run: loadgen reset"):
        schema.install(conn)


def test_a_database_of_former_files_is_refused_in_a_line(conn: psycopg.Connection) -> None:
    conn.execute("UPDATE loadgen.schema_migrations SET version = '0008_former' WHERE version LIKE '0008%'")
    with pytest.raises(EnvironmentFault, match=r"0008_former was applied .* another version .* run: loadgen reset"):
        schema.install(conn)
    conn.execute("ALTER TABLE loadgen.mark DROP COLUMN ageing_months")
    with pytest.raises(EnvironmentFault, match=r"another version of loadgen; run: loadgen reset"):
        guard.read_mark(conn)
    guard.require_synthetic(conn, None)  # or nobody could reset it
    remove(conn, plan_removal(conn, None))


def test_a_search_path_does_not_lead_tables_elsewhere(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA mine")
        conn.execute("SET search_path TO mine")
        guard.initialise(conn)
        assert rows(conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(len(TABLES),)]
        assert rows(conn, "SHOW search_path") == [("mine",)]


def test_two_at_once_in_two_databases_share_the_role(server: Target, empty_database: Target, database: Target) -> None:
    """The role belongs to the cluster: made once, whoever comes first."""
    with connect(database) as conn:
        remove(conn, plan_removal(conn, None))
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "loadgen", "init"],
            env=os.environ | target.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for target in (empty_database, database, empty_database)
    ]
    said = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], said


# --- removing ---------------------------------------------------------------------------------------------------


def test_dropping_leaves_an_empty_database_that_can_be_initialised(conn: psycopg.Connection) -> None:
    conn.execute("CREATE TYPE of_somebody AS ENUM ('a')")
    remove(conn, plan_removal(conn, None))
    assert guard.read_mark(conn) is None
    assert (
        rows(conn, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND probin IS NULL") == []
    )
    assert rows(conn, "SELECT to_regtype('of_somebody') IS NOT NULL") == [(True,)]
    assert len(guard.initialise(conn)) == len(schema.MIGRATIONS)


def test_dropping_stops_at_what_somebody_else_hung_on(conn: psycopg.Connection) -> None:
    conn.execute("CREATE VIEW of_somebody AS SELECT id FROM goals")
    with pytest.raises(GuardRefusal, match="view of_somebody depends on table goals; nothing was dropped"):
        remove(conn, plan_removal(conn, None))
    assert guard.read_mark(conn) is not None
    assert rows(conn, "SELECT count(*) FROM goals") == [(0,)]


def test_the_role_stays_while_another_database_uses_it(conn: psycopg.Connection) -> None:
    remove(conn, plan_removal(conn, None))  # the session's own initialised database still has grants to it
    assert rows(conn, "SELECT count(*) FROM pg_roles WHERE rolname = 'affluvia_app_role'") == [(1,)]


# --- constraints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calculations", [{}, {"net_worth": None}, {"net_worth": -1}, [], {"net_worth": "-0.01"}])
def test_a_net_worth_must_be_there_and_not_negative(conn: psycopg.Connection, calculations: object) -> None:
    conn.execute("INSERT INTO users VALUES (1, 'a@example.com', 'x')")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO financial_profiles (user_id, basic_info, financial_data, calculations)"
            " VALUES (1, '{}', '{}', %s)",
            (Jsonb(calculations),),
        )


def test_everything_goes_with_its_user(conn: psycopg.Connection) -> None:
    add_household(conn, 1)
    conn.execute("DELETE FROM users")
    assert [rows(conn, f"SELECT count(*) FROM {table}") for table in TABLES] == [[(0,)]] * len(TABLES)  # noqa: S608


def test_every_foreign_key_has_an_index(conn: psycopg.Connection) -> None:
    found = rows(
        conn,
        "SELECT c.conrelid::regclass::text FROM pg_constraint AS c WHERE c.contype = 'f' AND EXISTS ("
        " SELECT FROM pg_index AS i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)",
    )
    assert {name for (name,) in found} == set(TABLES) - {"users"}


def test_a_change_is_dated_and_a_rewrite_is_not(conn: psycopg.Connection) -> None:
    conn.execute("INSERT INTO users VALUES (1, 'a@example.com', 'x', '2020-01-01', '2020-01-01')")
    conn.execute("UPDATE users SET email = email")
    assert rows(conn, "SELECT updated_at < '2021-01-01' FROM users") == [(True,)]
    conn.execute("UPDATE users SET email = 'b@example.com'")
    assert rows(conn, "SELECT updated_at = created_at, updated_at > now() - interval '1 hour' FROM users") == [
        (False, True)
    ]


# --- row security -----------------------------------------------------------------------------------------------


@pytest.fixture
def app(conn: psycopg.Connection) -> psycopg.Connection:
    """As the application's role, over two households."""
    for user_id in (1, 2):
        add_household(conn, user_id)
    conn.execute("SET ROLE affluvia_app_role")
    return conn


def counts(conn: psycopg.Connection, names: Sequence[str] = TABLES) -> dict[str, object]:
    return {name: rows(conn, f"SELECT count(*) FROM {name}")[0][0] for name in names}  # noqa: S608


def test_every_table_is_closed_without_a_user(app: psycopg.Connection) -> None:
    assert set(counts(app).values()) == {0}


def test_a_user_sees_the_own_rows_and_no_others(app: psycopg.Connection) -> None:
    with app.transaction():
        app.execute("SELECT set_config('app.user_id', '2', true)")
        assert counts(app) == dict.fromkeys(TABLES, 1) | {"goals": 2}
        assert rows(app, "SELECT id FROM users") == [(2,)]
        assert rows(app, "SELECT user_id, age, open_goals, education_goals FROM user_overview") == [(2, 42, 1, 1)]
        assert rows(app, "SELECT user_id FROM active_goals") == [(2,)]
        assert rows(app, "SELECT age_band_from, profiles, simulated FROM retirement_readiness") == [(40, 1, 1)]
    # The setting has gone back, to '' and not to NULL: still nobody, and no error.
    assert rows(app, "SELECT current_setting('app.user_id', true)") == [("",)]
    assert set(counts(app).values()) == {0}


def test_a_user_cannot_write_to_others(app: psycopg.Connection) -> None:
    with app.transaction():
        app.execute("SELECT set_config('app.user_id', '2', true)")
        assert app.execute("UPDATE goals SET status = 'paused'").rowcount == 2
        app.execute("INSERT INTO chat_messages (user_id, message) VALUES (2, 'mine')")  # and may use the sequence
    for statement in (
        "INSERT INTO chat_messages (user_id, message) VALUES (1, 'yours')",
        "UPDATE goals SET user_id = 1",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"), app.transaction():
            app.execute("SELECT set_config('app.user_id', '2', true)")
            app.execute(statement.encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("DELETE FROM goals")


def test_the_owner_passes_row_security(conn: psycopg.Connection) -> None:
    """A trap, kept in a test: who wants to see what the application sees must SET ROLE."""
    add_household(conn, 1)
    assert counts(conn)["users"] == 1


def test_row_security_uses_the_index(app: psycopg.Connection) -> None:
    app.execute("SET enable_seqscan = off")
    with app.transaction():
        app.execute("SELECT set_config('app.user_id', '2', true)")
        plan = "\n".join(str(line) for (line,) in rows(app, "EXPLAIN SELECT * FROM chat_messages"))
    assert "chat_messages_user_id_timestamp_idx" in plan
    assert "app_user_id" not in plan  # inlined


def test_views_for_analysis_see_everyone_as_the_owner(conn: psycopg.Connection) -> None:
    for user_id in (1, 2, 30):
        add_household(conn, user_id)
    assert rows(conn, "SELECT age_band_from, profiles FROM retirement_readiness ORDER BY 1") == [(40, 2), (70, 1)]
    assert rows(conn, "SELECT count(*) FROM active_goals") == [(3,)]
