"""Alert rules of a plan for Prometheus, and the queries behind them as a collector for sql_exporter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from capacity.plan import Metric, Trigger
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.planning", "sql/metrics.sql")

WINDOW: Final = "5m"
"""Window of rates over counters, several usual scrape intervals long."""


@dataclass(frozen=True, slots=True)
class Query:
    """A metric of the server in Prometheus; ``labelled`` if it has one value per table."""

    statement: str
    name: str
    type: Literal["counter", "gauge"]
    help: str
    labelled: bool = False

    @property
    def sql(self) -> str:
        return _SQL[self.statement]


QUERIES: Final = {
    query.statement: query
    for query in (
        Query("transactions", "loadgen_transactions_total", "counter", "Transactions that ended, rolled back included"),
        Query(
            "active",
            "loadgen_active_connections",
            "gauge",
            "Client connections that run a statement or are in a transaction",
        ),
        Query("connections", "loadgen_connections_share", "gauge", "Client connections as a share of the usable ones"),
        Query("blocks_read", "loadgen_blocks_read_total", "counter", "Blocks that were not in shared buffers"),
        Query("blocks_hit", "loadgen_blocks_hit_total", "counter", "Blocks found in shared buffers"),
        Query("replay_lag", "loadgen_replay_lag_seconds", "gauge", "The greatest replay lag of any replica"),
        Query(
            "table_bytes", "loadgen_table_bytes", "gauge", "Bytes of a table with indexes, TOAST and partitions", True
        ),
        Query("database_bytes", "loadgen_database_bytes", "gauge", "Bytes of the database"),
        Query("wal", "loadgen_wal_bytes_total", "counter", "Bytes of write-ahead log since the beginning"),
    )
}


def _rate(name: str) -> str:
    return f"rate({QUERIES[name].name}[{WINDOW}])"


_EXPRESSIONS: Final = {
    Metric.TRANSACTIONS: (_rate("transactions"), ("transactions",)),
    Metric.ACTIVE: (QUERIES["active"].name, ("active",)),
    Metric.CONNECTIONS: (QUERIES["connections"].name, ("connections",)),
    Metric.READS: (
        f"{_rate('blocks_read')} / ({_rate('blocks_read')} + {_rate('blocks_hit')})",
        ("blocks_read", "blocks_hit"),
    ),
    Metric.REPLAY_LAG: (QUERIES["replay_lag"].name, ("replay_lag",)),
    Metric.TABLE_BYTES: (QUERIES["table_bytes"].name, ("table_bytes",)),
    Metric.DATABASE_BYTES: (QUERIES["database_bytes"].name, ("database_bytes",)),
    Metric.WAL: (_rate("wal"), ("wal",)),
}
"""PromQL expression of each metric, and the queries that it needs."""


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    expression: str
    for_s: int
    severity: str
    why: str
    then: str


def alert_rules(triggers: tuple[Trigger, ...], made_at: str) -> str:
    """Render ``alerts.yml``."""
    rules = [
        _Rule(
            trigger.name,
            f"{_EXPRESSIONS[trigger.metric][0]}{_label(trigger)} > {trigger.threshold:.6g}",
            trigger.for_s,
            trigger.severity,
            trigger.why,
            trigger.then,
        )
        for trigger in triggers
    ]
    return _environment().get_template("alerts.yml").render(rules=rules, made_at=made_at)


def collector(triggers: tuple[Trigger, ...]) -> str:
    """Render ``collector.yml`` with the queries that the triggers need."""
    needed = dict.fromkeys(name for trigger in triggers for name in _EXPRESSIONS[trigger.metric][1])
    return _environment().get_template("collector.yml").render(queries=[QUERIES[name] for name in needed])


def _label(trigger: Trigger) -> str:
    return f'{{subject="{trigger.subject}"}}' if trigger.subject else ""


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("loadgen.planning", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, its texts quoted as JSON
    )
