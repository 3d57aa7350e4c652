"""Forecasts by table: where rows, bytes and WAL come from, and what people and programs see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from production_samples import profile as profiled
from published import made
from sweep_samples import history_csv, store, sweep

from capacity.tables import WHOLE, WalRate
from capacity.values import Interval, Origin, Refusal
from loadgen.planning.history import read_csv
from loadgen.planning.table_forecasts import months_of
from loadgen.planning.wal_written import told_by_table, wal_of_profile, wal_of_transaction, written_table
from loadgen.profiling.format import Growth, Month, Profile, TableShape
from loadgen.report.shared import storage_section
from loadgen.runs import documents
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.format.use import ServerStatement
from loadgen.runs.store import DOCUMENTS, RUNS

DONE = {"dashboard.save": 100_000.0, "dashboard.open": 400_000.0}
MONTHS = [f"{2024 + m // 12}-{m % 12 + 1:02}" for m in range(33)]

Run = Callable[..., CompletedProcess[str]]


def statement(name: str, calls: int, wal_bytes: int) -> ServerStatement:
    return ServerStatement(name, calls, calls, calls, calls, 0, 1.0, 0, 0, 0, wal_bytes)


def run_of(record: SweepRecord, run_id: str, store_wal: int) -> RunRecord:
    """A run of the sweep's scenario whose writes, one in ten, wrote so many bytes each to goals."""
    golden = Path(__file__).parent.parent / "runs" / "golden" / "run-1.json"
    found = documents.parse(RunRecord, golden.read_bytes(), "golden")
    counted = (statement("look", 900, 900), statement("store", 100, 100 * store_wal))
    return replace(found, id=run_id, scenario=record.scenario, server_statements=counted)


def measured(results: Path, name: str) -> SweepRecord:
    """A sweep with 300 bytes of WAL a transaction, and its runs, kept where a runner would."""
    record = sweep(name)
    record = replace(record, points=tuple(replace(p, wal_bytes_per_txn=300.0) for p in record.points))
    directory = store(results, record)
    for number, point in enumerate(record.points):
        run = run_of(record, point.run_id, 2000 + 10 * number)
        documents.write_atomically(directory / RUNS / run.id / DOCUMENTS["run"], documents.dump(run))
    return record


def production(months: int = 32, synthetic: bool = False) -> Profile:
    """A profile of growing users, and of messages that grow faster."""
    users, messages = ([200 + 8 * m + m % 5 for m in range(33)], [900 + 90 * m + m % 7 for m in range(33)])

    def growth(table: str, rows: list[int]) -> Growth:
        pairs = zip(MONTHS[33 - months :], rows[33 - months :], strict=True)
        return Growth(table, 1.0, tuple(Month(month, n) for month, n in pairs), 5, 0)

    def table(name: str, rows: int, size: int) -> TableShape:
        return TableShape(name, rows, True, size, 0, 0, 0, True, 0, (), ())

    return replace(
        profiled(DONE, synthetic=synthetic, users=sum(users)),
        profiled_on="2026-09-15",
        tables=(
            table("users", sum(users), 2_000_000),
            table("goals", 2 * sum(users), 3_000_000),
            table("chat_messages", sum(messages), sum(messages) * 250),
        ),
        growth=(growth("users", users), growth("chat_messages", messages)),
    )


def by_name(document: dict[str, Any]) -> dict[str | None, Any]:
    return {one["table"]: one for one in document["tables"]}


# --- WAL ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("INSERT INTO chat_messages(user_id) VALUES ($1)", "chat_messages"),
        ("UPDATE ONLY public.goals SET status = $1", "goals"),
        ("WITH x1 AS (SELECT $1) DELETE FROM user_progress USING goals", "user_progress"),
        ("SELECT id FROM goals WHERE user_id = $1", WHOLE),
        ("UPDATE other_table SET x = 1", WHOLE),
    ],
)
def test_the_table_that_a_statement_writes(sql: str, table: str) -> None:
    assert written_table(sql) == table


def test_wal_of_a_transaction_by_table_is_the_median_over_runs(tmp_path: Path) -> None:
    record = measured(tmp_path, "dashboard")
    runs = [run_of(record, point.run_id, 2000 + 10 * n) for n, point in enumerate(record.points)]
    found = wal_of_transaction(record, runs)
    assert found is not None
    # One transaction in ten writes goals.
    assert found["goals"].value == pytest.approx(0.1 * 2070)
    assert found["goals"].low < found["goals"].value < found["goals"].high
    assert found[WHOLE].value == pytest.approx(300 - 207)
    assert told_by_table({"dashboard": found})


def test_without_counted_statements_wal_is_of_no_one_table(tmp_path: Path) -> None:
    record = measured(tmp_path, "dashboard")
    found = wal_of_transaction(record, ())
    assert found == {WHOLE: Interval.exact(300.0)}
    assert not told_by_table({"dashboard": found})
    nothing = replace(record, points=tuple(replace(p, wal_bytes_per_txn=None) for p in record.points))
    assert wal_of_transaction(nothing, ()) is None


def test_wal_of_a_profile_is_a_user_and_day() -> None:
    plain = production()
    assert plain.statements is not None
    written = tuple(replace(s, wal_bytes_per_call=700.0 if s.writes else 2.0) for s in plain.statements.statements)
    found = wal_of_profile(replace(plain, statements=replace(plain.statements, statements=written)), "p")
    assert isinstance(found, WalRate)
    assert plain.users
    assert np.unique(found.bytes_per_user_day["user_progress"]) == pytest.approx([100_000 * 700 / 20 / plain.users])
    assert np.unique(found.bytes_per_user_day[WHOLE]) == pytest.approx([3 * 400_000 * 2 / 20 / plain.users])
    short = wal_of_profile(replace(plain, statements=replace(plain.statements, days=2.0)), "p")
    assert isinstance(short, Refusal) and short.code == "no_statements"


# --- histories ----------------------------------------------------------------------------------------------------


def test_months_add_up_and_the_running_one_is_left_out() -> None:
    growth = Growth(
        "goals", 1.0, (Month("2026-01", 20), Month("2026-02", 30), Month("2026-05", 40), Month("2026-06", 9)), 7, 1
    )
    found = months_of(growth, "2026-06-20", Origin.MEASURED, "p")
    assert found is not None and found.dates is not None
    assert [str(date) for date in found.dates] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    assert found.values == (28, 58, 58, 58, 98)
    assert months_of(growth, "2026-02-20", Origin.MEASURED, "p") is None
    assert months_of(replace(growth, months=()), "2026-06-20", Origin.MEASURED, "p") is None


def test_columns_of_tables_are_read_and_others_ignored(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(
        "date,value,goals.rows,note,Chat_Messages.bytes\n2026-01-31,5,7,x,NA\n2026-02-28,6,8,,9\n"
    )
    found = read_csv(tmp_path / "h.csv")
    assert found.values == (5, 6)
    assert found.columns["goals.rows"] == (7, 8)
    assert found.columns["chat_messages.bytes"][1] == 9
    assert set(found.columns) == {"goals.rows", "chat_messages.bytes"}


# --- the verb -----------------------------------------------------------------------------------------------------


def test_columns_are_forecast_by_themselves(here: Run, tmp_path: Path) -> None:
    rows = [f"{n},{1000 + 20 * n + n % 3},{500 + 90 * n + n % 7},{5 * n * n + n % 5},7" for n in range(1, 31)]
    (tmp_path / "h.csv").write_text("\n".join(["period,value,goals.rows,goals.bytes,users.wal_bytes_per_day", *rows]))
    result = here("forecast", "h.csv", "--horizon", "6", "--json")
    document = made(result)
    goals, users = by_name(document)["goals"], by_name(document).get("users")
    assert [p["period"] for p in goals["rows"]["forecast"]] == list(range(31, 37))
    assert goals["rows"]["law"] == goals["bytes"]["law"] == "history"
    assert goals["rows"]["forecast"][0]["point"] == pytest.approx(500 + 90 * 31, rel=0.02)
    assert goals["wal_bytes_per_day"] is None
    assert users is None
    assert [r["code"] for r in document["tables_missing"]] == ["constant"]
    assert "goals" in result.stderr and "(constant)" in result.stderr
    for figure in (goals["rows"], goals["bytes"]):
        widths = [p["high"] - p["low"] for p in figure["forecast"]]
        assert widths == sorted(widths)


def test_a_profile_alone_gives_users_tables_and_wal(here: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(documents.dump(production()))
    result = here("forecast", "--profile", "p.json", "--horizon", "12", "--json")
    document = made(result)
    tables = by_name(document)
    assert document["origin"] == "measured"
    assert document["forecast"][0]["date"] == "2026-09-30"
    assert tables["chat_messages"]["rows"]["law"] == "history"
    assert tables["chat_messages"]["bytes"]["forecast"][-1]["point"] == pytest.approx(
        250 * tables["chat_messages"]["rows"]["forecast"][-1]["point"]
    )
    assert tables["goals"]["rows"]["law"] == "users"
    ahead = document["forecast"][-1]
    assert tables["goals"]["rows"]["forecast"][-1]["point"] == pytest.approx(2 * ahead["point"], rel=1e-3)
    assert "bytes by users (measured): p.json of 2026-09-15" in result.stderr
    assert "in total today, then" in result.stderr


def test_a_synthetic_profile_is_called_so(here: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(documents.dump(production(synthetic=True)))
    document = made(here("forecast", "--profile", "p.json", "--horizon", "12", "--json"))
    figures = [f for one in document["tables"] for f in (one["rows"], one["bytes"], one["wal_bytes_per_day"]) if f]
    assert {f["origin"] for f in figures} == {"synthetic"} == {document["origin"]}


def test_sweeps_tell_sizes_and_wal_by_table(here: Run, tmp_path: Path) -> None:
    history_csv(tmp_path / "h.csv")
    names = [measured(tmp_path / "results", name).id for name in ("dashboard", "montecarlo")]
    document = made(here("forecast", "h.csv", "--horizon", "6", "--sweep", names[0], "--sweep", names[1], "--json"))
    tables = by_name(document)
    assert set(tables) == {"chat_messages", "users", "goals", None}
    assert tables["chat_messages"]["rows"]["law"] == "user-months"
    wal = tables["goals"]["wal_bytes_per_day"]
    assert wal["origin"] == "assumption"
    assert wal["now"]["value"] == pytest.approx(24_730 * 0.1 * 1.3 * 12 * 207, rel=0.1)
    assert all(p["low"] < p["point"] < p["high"] for p in wal["forecast"])
    assert document["tables_missing"] == []
    one = made(here("forecast", "h.csv", "--horizon", "6", "--sweep", names[0], "--json"))
    assert [r["code"] for r in one["tables_missing"]] == ["wal_not_measured"]


@pytest.mark.slow
def test_a_plan_shows_rows_and_wal_by_table(here: Run, tmp_path: Path) -> None:
    history_csv(tmp_path / "h.csv")
    for name in ("dashboard", "montecarlo"):
        measured(tmp_path / "results", name)
    plan = made(here("plan", "--history", "h.csv", "--horizon", "12", "--json"))
    by_table = {grown["table"]: grown for grown in plan["plan"]["storage"]}
    assert by_table["users"]["horizon_rows"]["value"] > by_table["users"]["now_rows"]["value"]
    assert by_table["users"]["horizon_wal_bytes_per_day"]["value"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--profile", "p.json", "--sweep", "x"), 2, "give one of them"),
        (("--profile", "none.json"), 2, "none.json"),
        (("--profile", "few.json"), 4, "no_history"),
        (("h.csv", "--sweep", "absent"), 2, "absent"),
        (("h.csv", "--workload", "none.toml"), 2, "none.toml"),
        (("bad.csv",), 2, "bad.csv: line 3: value 'many'"),
        (("negative.csv",), 4, "negative"),
    ],
)
def test_bad_input_is_one_line(here: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    history_csv(tmp_path / "h.csv")
    (tmp_path / "p.json").write_text(documents.dump(production()))
    (tmp_path / "few.json").write_text(documents.dump(production(months=2)))
    (tmp_path / "bad.csv").write_text("period,value,goals.rows\n1,5,6\n2,6,many\n")
    (tmp_path / "negative.csv").write_text("period,value,goals.rows\n1,5,6\n2,6,-1\n")
    result = here("forecast", *arguments, "--horizon", "6", "--json")
    json.loads(result.stdout)
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (code, 1)
    assert says in result.stderr


def test_numbered_users_have_no_law_for_tables(here: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(documents.dump(production()))
    (tmp_path / "n.csv").write_text("period,value\n" + "".join(f"{n},{100 + 9 * n + n % 4}\n" for n in range(24)))
    document = made(here("forecast", "n.csv", "--profile", "p.json", "--horizon", "6", "--json"))
    assert [r["code"] for r in document["tables_missing"]] == ["no_dates"]
    assert [one["table"] for one in document["tables"]] == ["chat_messages"]


@pytest.mark.slow
def test_the_page_of_a_plan_shows_them_too(here: Run, tmp_path: Path) -> None:
    history_csv(tmp_path / "h.csv")
    for name in ("dashboard", "montecarlo"):
        measured(tmp_path / "results", name)
    plan = made(here("plan", "--history", "h.csv", "--horizon", "12", "--json"))
    record = documents.parse(PlanRecord, json.dumps(plan), "plan")
    page = storage_section(record.tables, record.database, record.plan.storage, "Dec 2025")
    assert page is not None
    assert "rows then" in page.html and "WAL a day then" in page.html
    old = tuple(replace(g, horizon_rows=None, horizon_wal_bytes_per_day=None) for g in record.plan.storage)
    page = storage_section(record.tables, record.database, old, "Dec 2025")
    assert page is not None and "rows then" not in page.html
