"""Evidence of a plan besides capacities: latency curves, demands and calibrations, from sweeps and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Final

from capacity.demand import Ratio, RunUse, change_of_waits, pooled_cost, service_demands
from capacity.latency import latency_curve
from capacity.measurements import MeasuredDemand, SweptScenario
from capacity.sizing import Calibrated
from capacity.values import Interval, Refusal
from loadgen.errors import UsageError
from loadgen.planning import calibration
from loadgen.planning.calibration import CalibrationRecord
from loadgen.planning.demands import NONE_MEASURED, IdleUse, run_use, runs_of, scenario_demand
from loadgen.planning.latencies import latency_runs
from loadgen.planning.sweeps import swept_scenario
from loadgen.runs import documents, store
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.sweep import SweepRecord

READS: Final = "reading transactions"
WRITES: Final = "writing transactions"
SHARED: Final = "shared_machine"
"""Code of a verdict's note that the generator used cores of the server's machine."""


def recorded_runs(
    results_dir: Path, names: Sequence[str], sweeps: Sequence[SweepRecord], further: Sequence[str] = ()
) -> dict[str, list[RunRecord]]:
    """Read runs by scenario: those of ``sweeps``, given as ``names`` or found by their ids, and ``further`` ones.

    Raises UsageError for a further one that is not a run, or of a scenario that was not swept.
    """
    found: dict[str, list[RunRecord]] = {}
    for i, sweep in enumerate(sweeps):
        path = store.resolve(results_dir, names[i]) if names else results_dir / sweep.id / store.DOCUMENTS["sweep"]
        found[sweep.scenario.name] = list(runs_of(sweep, path))
    for name in further:
        path = store.resolve(results_dir, name)
        if (kind := store.kind_of(path)) != "run":
            raise UsageError(f"--run {name}: is a {kind}, not a run; give sweeps with --sweep")
        run = documents.read(RunRecord, path)
        if run.scenario.name not in found:
            swept = ", ".join(found)
            raise UsageError(
                f"--run {name}: is of scenario {run.scenario.name!r}, which was not swept ({swept} were); leave it out"
            )
        found[run.scenario.name].append(run)
    return found


def planned_scenario(
    sweep: SweepRecord,
    runs: Sequence[RunRecord] = (),
    objective: Objective | None = None,
    idle: IdleUse = NONE_MEASURED,
) -> SweptScenario:
    """Return the swept scenario with its latency curve and the demands that its runs measured."""
    swept = swept_scenario(sweep, objective)
    aim = objective or sweep.objective
    demand = _demand(sweep, swept, runs, idle)
    return replace(
        swept,
        curve=latency_curve(latency_runs(sweep, aim.percentile)),
        objective_ms=aim.response_ms,
        demand=demand,
        write_cost=_write_cost(sweep.scenario, runs, idle),
        replay_s=_replay_s(sweep.scenario, swept.wal_bytes_per_txn, demand, runs),
    )


def calibrated(
    records: Sequence[CalibrationRecord], sweeps: Sequence[SweepRecord], scenarios: Sequence[SweptScenario]
) -> Calibrated | None:
    """Compare target and measured server; None without a calibration of both.

    ``records`` are the measured server's, then the target's. Raises UsageError for more, and if the first is of another
    server than the swept one.
    """
    if len(records) > 2:
        raise UsageError("--calibration: give two at most, the measured server's and then the target's")
    if records and (differs := _other_server(records[0].database, sweeps[0].database)):
        raise UsageError(
            f"--calibration {records[0].id}: differs from the swept server in {differs}; give the measured server's "
            "first, then the target's"
        )
    if len(records) < 2:
        return None
    ours, theirs = records
    ratio = calibration.ratio(ours, theirs)
    if isinstance(ratio, Ratio):
        ratio = replace(ratio, source=f"{ratio.source}: {ours.id}, {theirs.id}")
    waits = {
        scenario.name: change_of_waits(ours.values, theirs.values, scenario.round_trips or 0.0, 1 - scenario.read_share)
        for scenario in scenarios
    }
    return Calibrated(ratio, waits)


def _other_server(one: DatabaseFacts, other: DatabaseFacts) -> str:
    facts = (
        ("version", one.server_version, other.server_version),
        ("cores", one.cores, other.cores),
        ("memory", one.ram_bytes, other.ram_bytes),
    )
    return ", ".join(f"{name} ({ours}, {theirs})" for name, ours, theirs in facts if ours != theirs)


def _demand(
    sweep: SweepRecord, swept: SweptScenario, runs: Sequence[RunRecord], idle: IdleUse
) -> MeasuredDemand | Refusal:
    cores = sweep.database.cores
    if cores is None:
        return Refusal("cores_unknown", f"sweep {sweep.id}: the server's cores", "sweep a server that shows them")
    found = scenario_demand(sweep, runs, idle)
    if isinstance(found, Refusal):
        return found
    tps = {n: mean for n in found.by_level if (mean := swept.mean_tps(n)) is not None}
    if not tps:
        return Refusal("no_valid_runs", f"sweep {sweep.id}: a run with enough transactions", "sweep again for longer")
    best = max(tps, key=lambda n: tps[n])
    level = found.level if isinstance(swept.capacity, Refusal) else swept.capacity.level
    return MeasuredDemand(
        planned=found.by_level.get(level, found.demand),
        first=found.by_level[min(found.by_level)],
        best=found.by_level[best],
        best_tps=tps[best],
        left_cores=max(cores - _taken(sweep, best), 0.1 * cores),
    )


def _taken(sweep: SweepRecord, level: int) -> float:
    """Mean cores that the generator used on the server's machine at a level."""
    taken = [
        point.generator_cpu_cores or 0.0
        for point in sweep.points
        if point.level == level and any(note.code == SHARED for note in point.verdict.notes)
    ]
    return fmean(taken) if taken else 0.0


def _write_cost(scenario: ScenarioDescription, runs: Sequence[RunRecord], idle: IdleUse) -> Interval | Refusal | None:
    """Cost of a write over a read, by the utilisation law of both classes; None if the scenario has only one."""
    if not 0 < scenario.read_share < 1:
        return None
    what = f"the cost of reading and writing transactions of {scenario.name!r}"
    kinds = {t.name: WRITES if t.writes else READS for t in scenario.transactions}
    uses = [two for run in runs if (use := run_use(run, True, idle)) is not None if (two := _kinds(use, kinds))]
    if not uses:
        return Refusal("no_runs", f"{what}: valid runs of it, beside the sweep", "sweep again, or give runs with --run")
    found = service_demands(uses)
    if isinstance(found, Refusal):
        return Refusal(found.code, f"{what}: {found.missing}", found.do)
    cpu = {demand.transaction: demand.cpu_s for demand in found}
    return _ratio(cpu.get(WRITES), cpu.get(READS), what)


def _replay_s(
    scenario: ScenarioDescription,
    wal_bytes_per_txn: float | None,
    demand: MeasuredDemand | Refusal,
    runs: Sequence[RunRecord],
) -> Interval | Refusal | None:
    """CPU seconds of replay per transaction, c·w of :mod:`capacity.sizing.replay_load`; None if all only read."""
    if scenario.read_share == 1:
        return None
    what = f"the cost of replaying the WAL of {scenario.name!r} on a replica"
    again = f"run: loadgen run {scenario.name} --replica DSN, for a minute or more, and give it with --run"
    seen = [one for run in runs if run.verdict.status == "valid" and run.result for one in run.result.replay]
    told = [(one.cpu_s_per_byte, one.wal_bytes) for one in seen if one.cpu_s_per_byte is not None and one.wal_bytes]
    if not told:
        why = next((one.refusal for one in seen if one.refusal is not None), None)
        if why is not None:
            return Refusal(why.code, f"{what}: {why.missing}", again)
        return Refusal("no_replica_measured", f"{what}: a valid run with a replica", again)
    planned = None if isinstance(demand, Refusal) else demand.planned.cpu_s
    if wal_bytes_per_txn is None or planned is None or planned.low <= 0:
        return Refusal("no_cpu", f"{what}: WAL and CPU of a transaction", "sweep a server whose CPU can be measured")
    cost = pooled_cost([each for each, _ in told], [replayed for _, replayed in told])
    return cost.scaled(wal_bytes_per_txn)


def _kinds(use: RunUse, kinds: Mapping[str, str]) -> RunUse | None:
    """CPU use of a run in two classes, reads and writes; None for transactions unknown to the scenario."""
    if use.cpu_cores is None or not set(use.tps_by_class) <= set(kinds):
        return None
    tps: dict[str, float] = {}
    for name, each in use.tps_by_class.items():
        tps[kinds[name]] = tps.get(kinds[name], 0.0) + each
    return RunUse(tps, cpu_cores=use.cpu_cores)


def _ratio(write_s: Interval | None, read_s: Interval | None, what: str) -> Interval | Refusal:
    """Ratio of two demands; each end has one demand high and the other low, wider than their joint error."""
    if read_s is None or write_s is None or read_s.low <= 0 or write_s.low <= 0:
        return Refusal(
            "no_cpu", f"{what}: a CPU cost above 0 for both", "run for longer, or with shares that differ more"
        )
    return Interval(write_s.low / read_s.high, write_s.value / read_s.value, write_s.high / read_s.low, read_s.level)
