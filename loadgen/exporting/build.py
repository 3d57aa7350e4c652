"""Build the files of an export from a scenario and its draws. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadgen.errors import UsageError
from loadgen.exporting.format import Approximation, Data, Export, Mode, Script
from loadgen.exporting.pages import first_sql, readme, run_sh
from loadgen.exporting.script import READY, ScriptWriter
from loadgen.exporting.syntax import taken_for_variable
from loadgen.exporting.users import UserDraw
from loadgen.runs import documents
from loadgen.runs.draws import NotExportable, SampleRequest, SampleResult, StepDraws
from loadgen.runs.format.scenario import ScenarioDescription, TransactionDescription

MOST_SCRIPTS: Final = 62
"""Most scripts of an export, each of which needs a bit of one of pgbench's integers."""
DOCUMENT: Final = "export.json"


def build(
    sampled: SampleResult, data: Data, request: SampleRequest, modes: Sequence[Mode], *, leave_out: bool
) -> tuple[Export, dict[str, str]]:
    """The export's document, and its files by their path below its directory.

    Raises UsageError for transactions that pgbench cannot express, unless ``leave_out`` leaves them out, and if none
    remains.
    """
    scenario = sampled.scenario
    refused = (*sampled.refused, *_colons(scenario))
    if refused and not leave_out:
        all_of_it = "; ".join(f"{r.transaction}: {r.what}: {r.why}" for r in refused)
        raise UsageError(
            f"{scenario.name} cannot be exported: {all_of_it}; change that, or leave such transactions out with "
            "--without-refused"
        )
    refused_names = {r.transaction for r in refused}
    kept = [t for t in scenario.transactions if t.name not in refused_names]
    if not kept or len(kept) > MOST_SCRIPTS:
        raise UsageError(f"{scenario.name} has {len(kept)} transactions to export; there can be 1 to {MOST_SCRIPTS}")
    user = UserDraw.of(data.users, data.seed, scenario.user_skew)
    first = first_sql(data, sampled.statement_timeout_ms)
    names = _file_names([t.name for t in kept])
    statements = {s.name: s for s in scenario.statements}
    files: dict[str, str] = {}
    scripts: list[Script] = []
    total = sum(t.weight for t in kept)
    for number, t in enumerate(kept):
        draws = {d.step: d for d in sampled.steps if d.transaction == t.name}
        writer = ScriptWriter(number, t, statements, draws, user, first)
        paths: dict[Mode, str] = {mode: f"{mode}/{names[number]}.sql" for mode in modes}
        files |= {path: writer.render(mode) for mode, path in paths.items()}
        sizes: dict[Mode, int] = {mode: len(files[path].encode()) for mode, path in paths.items()}
        scripts.append(Script(t.name, int(t.weight), t.weight / total, t.writes, t.statements, t.repeat, paths, sizes))
    export = Export(
        scenario=scenario.name,
        summary=scenario.summary,
        think_time_s=scenario.think_time_s,
        data=data,
        user_skew=scenario.user_skew,
        user_distribution_error=user.error,
        variants=request.variants,
        seed=request.seed,
        scripts=tuple(scripts),
        commands={mode: _command(mode, scripts, sampled) for mode in modes},
        approximations=tuple(_approximations(sampled, kept, modes)),
        refused=refused,
    )
    files |= {"README.md": readme(export), "run.sh": run_sh(export), DOCUMENT: documents.dump(export)}
    return export, files


def _colons(scenario: ScenarioDescription) -> Iterator[NotExportable]:
    statements = {s.name: s.sql for s in scenario.statements}
    for t in scenario.transactions:
        for name in t.statements:
            variable = taken_for_variable(statements[name])
            if variable:
                why = f"pgbench would take {variable!r} for a variable; write the colon as \\x3a in an E'' constant"
                yield NotExportable(t.name, name, why)


def _file_names(transactions: Sequence[str]) -> list[str]:
    """A distinct file name for each transaction, without characters that file names should not have."""
    names: list[str] = []
    for name in transactions:
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "transaction"
        names.append(slug if slug.lower() not in {f.lower() for f in names} else f"{slug}-{len(names) + 1}")
    return names


def _command(mode: Mode, scripts: Sequence[Script], sampled: SampleResult) -> str:
    weighted = " ".join(f"-f {s.files[mode]}@{s.weight}" for s in scripts)
    return f"pgbench -n -M prepared --max-tries={sampled.max_attempts} -D {READY}=0 {weighted}"


def _approximations(
    sampled: SampleResult, kept: Sequence[TransactionDescription], modes: Sequence[Mode]
) -> Iterator[Approximation]:
    scenario = sampled.scenario
    yield Approximation(
        "think time",
        f"none here; the scenario's is {scenario.think_time_s}. N people who think for Z seconds and wait for R send "
        "N / (Z + R) transactions a second: give that to pgbench as --rate",
    )
    yield Approximation(
        "latency",
        "pgbench's includes the drawing of user and variant before BEGIN, 1 to 6 µs, tens for a batch; it asks for "
        "results as text, the engine in binary; it prepares BEGIN and COMMIT, the engine sends them as they are",
    )
    yield Approximation(
        "rows", "pgbench does not check how many rows a statement touched; the engine counts a wrong number as an error"
    )
    yield Approximation(
        "statements",
        "the engine's own, each $n with its type; pgbench numbers parameters in the order in which they stand, so "
        "pg_stat_statements counts those with another order under another queryid",
    )
    yield Approximation("retries", "at once; the engine waits a few milliseconds longer before each")
    transactions = {t.name: t for t in kept}
    for draws in sampled.steps:
        if draws.transaction in transactions:
            yield from _of_step(scenario, transactions[draws.transaction], draws, modes)


def _of_step(
    scenario: ScenarioDescription, t: TransactionDescription, draws: StepDraws, modes: Sequence[Mode]
) -> Iterator[Approximation]:
    name = t.statements[draws.step]
    statement = next(s for s in scenario.statements if s.name == name)
    if draws.sampled:
        of = ", ".join(f"{p.name} = {p.draw}" for n in draws.sampled for p in [statement.parameters[n - 1]])
        how = (
            f"{len(draws.variants)} variants instead of a draw each time, evenly by length from {draws.drawn:,} draws; "
            f"{draws.kept_bytes:,.1f} bytes on average, all draws {draws.drawn_bytes:,.1f}; each variant is a prepared "
            "statement of its own, planned again at its first five executions on a connection: warm up"
        )
        if draws.of_rows:
            how += "; a variant was computed from one user's row and is given to any: contents no longer fit their user"
        yield Approximation(f"{t.name}, {name}: {of}", how)
    for c in draws.captured:
        command = "\\aset" if c.may_be_absent else "\\gset"
        how = f"column {c.column} of {c.statement}, by {command}; NULL in that column ends a client"
        if "pipeline" in modes:
            how += f"; {c.statement} has a round trip of its own in pipeline mode"
        yield Approximation(f"{t.name}, {name}: {statement.parameters[c.parameter - 1].name}", how)
