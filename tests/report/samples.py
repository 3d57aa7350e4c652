"""Realistic records, made from plain laws rather than from a server: a run, two sweeps and a plan.

The figures follow a closed queue that saturates, so that the pages look as they do with real ones. Nothing here is
measured; tests only check how a record is shown.
"""

from __future__ import annotations

from shown_fidelity import fidelity
from shown_ground import CLIENT, DATABASE, LEVELS, OBJECTIVE, SHORT, TABLES
from shown_plans import forecast, inputs, month, partitions, plan, replicas
from shown_runs import invalid_run, run, timeline, timeline_csv
from shown_sweeps import around, latency, points, refused_sweep, scenario, sweep, throughput_at

__all__ = [
    "CLIENT",
    "DATABASE",
    "LEVELS",
    "OBJECTIVE",
    "SHORT",
    "TABLES",
    "around",
    "fidelity",
    "forecast",
    "inputs",
    "invalid_run",
    "latency",
    "month",
    "partitions",
    "plan",
    "points",
    "refused_sweep",
    "replicas",
    "run",
    "scenario",
    "sweep",
    "throughput_at",
    "timeline",
    "timeline_csv",
]
