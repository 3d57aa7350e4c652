"""Terminal output of a run's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity.formatting import counted
from loadgen.cli.output import console, folded, print_fitting

if TYPE_CHECKING:
    from rich.table import Table

    from loadgen.runs.format.result import AccessResult, OpenResult, RunResult, TransactionResult
    from loadgen.runs.format.run import RunRecord
    from loadgen.runs.format.use import GeneratorUse, ReplayUse


def show(record: RunRecord) -> None:
    """Show a run: reasons against it, throughput, latencies by transaction, errors, verdict."""
    from rich.markup import escape

    out = console()
    if record.verdict.reasons:
        out.print(f"[bold]{record.verdict.status}[/bold]: {escape(record.verdict.first_line)}")
    if record.result is not None:
        _show_result(record.result, record.schedule.users)
    if record.server_statements and all(s.agrees for s in record.server_statements):
        calls = sum(s.calls for s in record.server_statements)
        out.print(f"the server counted the same {counted(calls, 'call')} for each statement")
    for reason in (*record.verdict.reasons[1:], *record.verdict.notes):
        out.print(escape(f"{reason.code}: {reason.what}; {reason.do}"))
    out.print(f"verdict: [bold]{record.verdict.status}[/bold]")


def _show_result(result: RunResult, users: int) -> None:
    from rich.markup import escape

    from capacity.formatting import interval, number

    out = console()
    opened = result.arrivals
    errors = f", {result.errors} failed" if result.errors else ""
    offered = f" of {number(opened.offered / result.window_s)} offered" if opened else ""
    out.print(
        f"[bold]{interval(result.throughput_tps)} transactions/s[/bold]{offered} over {result.window_s:g} s, "
        f"{counted(users, 'connection' if opened else 'user')}{errors}"
    )
    print_fitting(lambda narrow: _latencies(result, narrow=narrow))
    if opened:
        _show_arrivals(opened, result.lag.percentile_text(99.0))
    if result.access is not None:
        _show_access(result.access)
    for number_of, replay in enumerate(result.replay, start=1):
        console().print(_replayed(number_of, replay))
    if len(result.generator.parts) > 1:
        _show_parts(result.generator)
    for sqlstate, message in result.error_examples.items():
        out.print(f"error {sqlstate}, {counted(result.errors_by_sqlstate[sqlstate], 'time')}: {escape(message)}")


def _latencies(result: RunResult, *, narrow: bool) -> Table:
    """Make a row for each transaction. When narrow, counts go below names, without an open run's service p95."""
    from rich.table import Table

    items: list[tuple[str, TransactionResult | RunResult]] = [(t.name, t) for t in result.transactions]
    items.append(("all", result))
    opened = result.arrivals is not None
    columns = [("service p50 ms", "service", 50.0), ("p95 ms", "service", 95.0), ("p99 ms", "service", 99.0)]
    columns += [("response p95 ms", "response", 95.0), *([("p99 ms", "response", 99.0)] if opened else [])]
    if narrow and opened:
        del columns[1]
    heads = [head.replace(" p", "\np", 1) if narrow else head for head, _, _ in columns]
    table = Table("transaction", *([] if narrow else ["count"]), *heads, box=None)
    for name, item in items:
        cells = [getattr(item, measure).percentile_text(p) for _, measure, p in columns]
        count = f"{item.count:,}"
        table.add_row(*([f"{name}\n{count}", *folded(cells)] if narrow else [name, count, *cells]))
    return table


def _show_parts(generator: GeneratorUse) -> None:
    from rich.table import Table

    from capacity.formatting import count, milliseconds, number, size

    out = console()
    out.print(
        f"load generator: {len(generator.parts)} processes, {number(generator.cpu_cores)} cores, "
        f"{size(generator.peak_rss_bytes)}"
    )
    opened = any(part.arrivals_meant is not None for part in generator.parts)
    clocks = any(part.clock_error_ms is not None for part in generator.parts)
    heads = ["process", "connections" if opened else "users", *(["arrivals"] if opened else [])]
    heads += ["transactions", "cores", "hub lag p99", "memory", *(["clock within"] if clocks else [])]
    table = Table(*heads, "", box=None)
    for part in generator.parts:
        table.add_row(
            part.name,
            f"{part.users:,}",
            *([count(part.arrivals_meant)] if opened else []),
            f"{part.count:,}",
            number(part.cpu_cores),
            milliseconds(part.hub_lag_p99_ms),
            size(part.peak_rss_bytes),
            *([milliseconds(part.clock_error_ms)] if clocks else []),
            "" if part.lost_after_s is None else f"lost after {number(part.lost_after_s)} s",
        )
    out.print(table)


def _show_access(access: AccessResult) -> None:
    from capacity.formatting import milliseconds

    out = console()
    routing = access.routing
    for name, latency in access.waits:
        cells = ", ".join(f"p{p:g} {latency.percentile_text(p)} ms" for p in (50.0, 95.0, 99.0))
        out.print(f"{name}: {counted(latency.count, 'time')}, {cells}, at most {milliseconds(latency.max_ms)}")
    if routing is not None:
        replicas = ", ".join(f"{count:,}" for count in routing.replicas) or "0"
        out.print(
            f"reads: {routing.primary:,} on the primary, {replicas} on the read replicas; of those on the primary, "
            f"{routing.fallbacks:,} to read their user's own writes and {routing.unreachable:,} because the replica "
            f"could not be reached; at least {routing.stale:,} stale",
        )


def _replayed(replica: int, use: ReplayUse) -> str:
    """Describe a replica's replay: WAL, CPU and lag."""
    from capacity.formatting import interval, seconds, size

    replayed = "an unknown amount of WAL" if use.wal_bytes is None else f"{size(use.wal_bytes)} of WAL"
    spent = "" if use.cpu_s is None else f" with {seconds(use.cpu_s)} of CPU"
    if (cost := use.cpu_s_per_byte) is not None:
        spent += f", {interval(cost.scaled(1e3 * 2**20), 'ms/MB')}"
    behind = ""
    if use.lag_bytes_most is not None:
        age = "" if use.lag_s_most is None else f", {seconds(use.lag_s_most)}"
        behind = f"; at most {size(use.lag_bytes_most)}{age} behind"
    why = ""
    if (refusal := use.refusal) is not None:
        why = f"; not available: missing {refusal.missing} ({refusal.code}); {refusal.do}"
    return f"replica {replica} replayed {replayed}{spent}{behind}{why}"


def _show_arrivals(arrivals: OpenResult, lag_p99_ms: str) -> None:
    from capacity.formatting import milliseconds, share
    from loadgen.runs.format.result import LATE_MS

    out = console()
    out.print(
        f"arrivals: {arrivals.offered:,} offered, {arrivals.started:,} started, {arrivals.finished:,} finished, "
        f"{arrivals.late:,} late by over {LATE_MS:g} ms ({share(arrivals.late / max(arrivals.offered, 1))}), "
        f"{arrivals.dropped:,} dropped, {arrivals.unfinished:,} unfinished",
    )
    out.print(
        f"queue: {arrivals.waited:,} waited for a connection, {arrivals.backlog_most:,} at most, "
        f"{arrivals.backlog_end:,} at the end",
    )
    out.print(
        f"lag p99: {lag_p99_ms} ms, in warm-up {milliseconds(arrivals.warmup_lag_p99_ms)}, "
        f"from the load generator itself {milliseconds(arrivals.own_lag_p99_ms)}",
    )
