"""The files that runs leave and others read: frozen values, one format version each.

History
-------
loadgen.run/1, loadgen.sweep/1, loadgen.plan/1   first. Since then, with defaults so that older ones are read: an open
    load's rate and arrivals, the mode and the processes of a schedule; what became of its arrivals; censored latencies;
    the generator's processes, each with its share; statements as the server counted them;
    the transactions that a run was restricted to; how transactions get their connections; the options of a plan.

A document is written with ``documents.dump`` and read with ``documents.parse``, which checks every field; a newer
reader reads older versions by converting them here. Files of a run's directory::

    manifest.json    RunRecord
    latency.hlog     HdrHistogram log: a line per second and tag, tag = transaction or statement, and which latency
    timeline.csv     a row per second of the whole run, ramp and drain included
    server.csv       a row per sample of what the server said

Import from the module that owns a concept::

    scenario     what a scenario does              latency      latencies, and the objective for them
    schedule     the load that was asked for       use          what it cost the server and the generator
    access       how connections are got           result       what happened in the measured window
    machines     server, data and client           run          RunRecord, of all of these
    verdict      whether the numbers hold          sweep, plan  SweepRecord, PlanRecord
"""
