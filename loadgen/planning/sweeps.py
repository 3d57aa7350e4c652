"""Recorded sweeps as the planner's measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capacity.measured import MeasuredServer, MeasuredTables, SweptScenario
from capacity.scalability import Capacity
from capacity.values import Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.runs import documents, store
from loadgen.runs.format import CapacityAnswer, DatabaseFacts, SweepRecord
from loadgen.runs.repeats import repeat_of


def find_sweeps(results_dir: Path, names: Sequence[str], scenarios: Sequence[str]) -> tuple[SweepRecord, ...]:
    """The sweeps called ``names``; without any, the newest complete one of each of ``scenarios`` that has one.

    Raises UsageError for a name that is no sweep, a scenario twice or not in ``scenarios``, sweeps of different data
    or servers; RefusalError when there is none.
    """
    if names:
        sweeps = [read_sweep(store.resolve(results_dir, name)) for name in names]
    else:
        found = (newest_complete(results_dir, scenario) for scenario in scenarios)
        sweeps = [sweep for sweep in found if sweep is not None]
    if not sweeps:
        missing = f"a sweep of any scenario of the workload's mix ({', '.join(scenarios)}) in {results_dir}"
        raise RefusalError(Refusal("no_sweep", missing, f"run `loadgen sweep {scenarios[0]}`, or name one by --sweep"))
    seen: set[str] = set()
    for sweep in sweeps:
        name = sweep.scenario.name
        if name in seen:
            raise UsageError(f"two sweeps are of scenario {name!r}; give one per scenario")
        if name not in scenarios:
            raise UsageError(
                f"sweep {sweep.id} is of scenario {name!r}, which the workload's mix does not name "
                f"({', '.join(scenarios)}); give it a share by --workload"
            )
        seen.add(name)
    _require_same_ground(sweeps)
    return tuple(sweeps)


def read_sweep(path: Path) -> SweepRecord:
    """One sweep's document. Raises UsageError when it is another kind of record, or broken."""
    if (kind := store.kind_of(path)) != "sweep":
        raise UsageError(f"{path} is a {kind}, not a sweep; give a sweep's directory")
    return documents.parse(SweepRecord, path.read_bytes(), str(path))


def newest_complete(results_dir: Path, scenario: str) -> SweepRecord | None:
    """The newest sweep of a scenario that was not broken off."""
    for path in store.newest_first(results_dir, "sweep", f"sweep-{scenario}"):
        sweep = read_sweep(path)
        if not sweep.partial:
            return sweep
    return None


def swept_scenario(sweep: SweepRecord) -> SweptScenario:
    """The sweep as the planner sees it; only valid runs count."""
    refusal = sweep.refusal or Refusal("no_capacity", "a capacity in the sweep's record", "sweep again")
    return SweptScenario(
        name=sweep.scenario.name,
        capacity=_capacity(sweep.capacity) if sweep.capacity is not None else refusal,
        read_share=sweep.scenario.read_share,
        objective=str(sweep.objective),
        busy=not sweep.schedule.think,
        repeats=tuple(r for p in sweep.points if (r := repeat_of(p, sweep.objective.percentile)) is not None),
        source=f"sweep {sweep.id}",
    )


def measured_server(sweep: SweepRecord) -> MeasuredServer:
    return MeasuredServer(sweep.database.cores, sweep.database.ram_bytes, f"server of sweep {sweep.id}")


def measured_tables(sweep: SweepRecord) -> MeasuredTables:
    """Table sizes with the users that they hold: the rows of ``users``."""
    users = next((table.rows for table in sweep.tables if table.name == "users"), 0)
    return MeasuredTables(users, sweep.tables, f"tables measured by sweep {sweep.id}")


def is_short(sweep: SweepRecord) -> bool:
    """Whether any of its runs says that it was too short to decide from."""
    return any(note.code == "short" for point in sweep.points for note in point.verdict.notes)


def _capacity(answer: CapacityAnswer) -> Capacity:
    return Capacity(answer.throughput_tps, answer.level, answer.bracketed, answer.met_probability, answer.pool)


def _require_same_ground(sweeps: Sequence[SweepRecord]) -> None:
    """Refuse to add up scenarios that were measured on different data or servers."""
    first = sweeps[0]
    for other in sweeps[1:]:
        ours, theirs = _ground(first.database), _ground(other.database)
        for what, value in ours.items():
            if theirs[what] != value:
                raise UsageError(
                    f"sweeps {first.id} and {other.id} differ in {what} ({value}, {theirs[what]}), so they do not add "
                    "up; sweep both on the same data and server, or choose others by --sweep"
                )


def _ground(database: DatabaseFacts) -> dict[str, object]:
    """What must be equal. Drift is not in it: a write load changes rows, and each sweep runs on copies."""
    data = database.fingerprint
    return {
        "server version": database.server_version,
        "cores": database.cores,
        "schema version": data.schema_version,
        "model version": data.model_version,
        "seed": data.seed,
        "users": data.users,
        "as-of date": data.as_of,
        "users per chunk": data.chunk_users,
        "ageing": data.ageing,
        "shape": data.shape_sha256,
    }
