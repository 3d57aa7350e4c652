"""Formats of the documents that runs write: frozen values, one format version each.

History
-------
loadgen.run/1, loadgen.sweep/1, loadgen.plan/1   first. Since then, with defaults so that older ones are read: an open
    load's rate and arrivals, the mode and the processes of a schedule; what became of its arrivals; censored latencies;
    the generator's processes, each with its share; statements as the server counted them;
    the transactions that a run was restricted to; how transactions get their connections; the options of a plan.
loadgen.run/2, loadgen.sweep/2   how many transactions may fail is the record's own ``max_error_share`` and no part of
    the objective any more; with it the first failed transaction. A plan holds sweeps of either version.

A document is written with ``documents.dump`` and read with ``documents.parse``, which checks every field; older
versions are converted by :func:`from_version_1` as they are read. Files of a run's directory::

    manifest.json    RunRecord
    latency.hlog     HdrHistogram log: a line per second and tag, tag = transaction or statement, and which latency
    timeline.csv     a row per second of the whole run, ramp and drain included
    server.csv       a row per sample of the server

Import from the module that owns a concept::

    scenario     transactions and statements       latency      latencies and objectives
    schedule     the offered load                  use          resources of the server and the generator
    access       connections, pooler, replicas     result       the measured window
    machines     server, data and client           run          RunRecord, of all of these
    verdict      valid or not, and why             sweep, plan  SweepRecord, PlanRecord
"""

from __future__ import annotations


def from_version_1(document: object) -> object:
    """Convert a run or sweep to version 2, moving the objective's ``error_share`` to the record."""
    if not isinstance(document, dict) or not str(document.get("format")).endswith("/1"):
        return document
    objective = document.get("objective")
    if not isinstance(objective, dict) or "error_share" not in objective:
        return document
    without_share = {name: value for name, value in objective.items() if name != "error_share"}
    newer = str(document["format"]).removesuffix("1") + "2"
    return document | {"objective": without_share, "max_error_share": objective["error_share"], "format": newer}
