"""What the sample plan says of servers, of what matters most and of when to act. Nothing here is measured."""

from __future__ import annotations

import datetime as dt

from capacity.demand import Demand
from capacity.due import Due
from capacity.plan import Metric, Resource, Trigger
from capacity.recommendation import Rejected
from capacity.sizing import Basis, DatedConfiguration, Sensitivity, Sizing, Stage
from capacity.values import Interval, Origin, Refusal

START, STEP, HORIZON = dt.date(2026, 11, 22), dt.date(2027, 3, 31), dt.date(2028, 4, 30)
GIB = 2**30


def stages() -> tuple[Stage, ...]:
    """One size now, the next with a replica from March 2027 on."""
    return (
        Stage(
            from_date=START,
            until=STEP,
            server="4 CU",
            replicas=0,
            probability=0.962,
            due=Due(START, START, START),
            cost_per_month=Interval(31, 62, 103),
            why="the cheapest that meets the objective today",
            carries_tps=Interval(1_100, 1_420, 1_800),
            cores=4.0,
            ram_bytes=16 * GIB,
            max_connections=1_678,
            price_per_month=Interval(31, 62, 103),
        ),
        Stage(
            from_date=STEP,
            until=HORIZON,
            server="5 CU",
            replicas=1,
            probability=0.953,
            due=Due(STEP, dt.date(2028, 1, 31), None),
            cost_per_month=Interval(78, 155, 258),
            why="4 CU would meet it with a probability of only 94.2%: it has too little room for the reads",
            carries_tps=Interval(1_900, 2_400, 3_100),
            cores=5.0,
            ram_bytes=20 * GIB,
            max_connections=2_098,
            price_per_month=Interval(39, 77, 129),
        ),
    )


def sizing() -> Sizing:
    """A sizing that meets the objective."""
    return Sizing(
        target="Neon (launch)",
        as_of="2026 snapshot",
        source="Neon documentation, 2026 snapshot",
        wanted=0.95,
        met=True,
        probability=0.953,
        throughout=0.949,
        stages=stages(),
        by_date=tuple(DatedConfiguration(s.until, s.server, s.replicas, s.probability) for s in stages()),
        cost=Interval(1_090, 2_190, 3_640),
        cost_unit="USD",
        need=Interval(0.6, 1.1, 2.4),
        rejected=(
            Rejected("3 CU + 1 replica", "meets the objective with a probability of only 91.8%, not 95%", "too_small"),
            Rejected("8 CU", "meets it too, for 31 USD a month more", "dearer"),
        ),
        inputs=(),
        usable_ram=0.75,
    )


def sensitivity() -> tuple[Sensitivity, ...]:
    """Three inputs, the last of which lowers the load."""
    return (
        Sensitivity(
            "peak_to_mean",
            0.52,
            Interval(0.8, 1.1, 1.7),
            Origin.ASSUMPTION,
            "request rates by the minute over some weeks of production",
            Interval(0.7, 1.05, 2.0),
        ),
        Sensitivity(
            "mix.montecarlo",
            0.21,
            Interval(0.65, 1.1, 2.2),
            Origin.ASSUMPTION,
            "the statement mix of production: `loadgen profile`",
            Interval(0.85, 1.05, 1.4),
        ),
        Sensitivity(
            "capacity.dashboard",
            0.04,
            Interval(0.6, 1.1, 2.4),
            Origin.MEASURED,
            "longer runs and more repeats: `loadgen sweep dashboard`",
            Interval(0.98, 1.05, 1.13),
            raises=False,
        ),
    )


def triggers() -> tuple[Trigger, ...]:
    """One of each kind of unit."""
    return (
        Trigger(
            "LoadNearsStep",
            Metric.TRANSACTIONS,
            "",
            880.0,
            900,
            "plan",
            "4 CU carries 1,100 transactions a second of this mix with a probability of 95%",
            "order 5 CU + 1 replica",
        ),
        Trigger("ConnectionsRunOut", Metric.CONNECTIONS, "", 0.8, 300, "act", "the next are refused", "pool them"),
        Trigger("ReplicaLags", Metric.REPLAY_LAG, "", 10.0, 300, "act", "users see old pages", "move reads"),
        Trigger(
            "PartitionTableChatMessages",
            Metric.TABLE_BYTES,
            "chat_messages",
            12.8 * GIB,
            3600,
            "plan",
            "it nears the server's memory",
            "run the plan's partition SQL",
        ),
    )


def resources() -> tuple[Resource, ...]:
    """Storage, working set, WAL and connections."""
    return (
        Resource(
            "storage",
            "bytes",
            Interval.exact(1.4 * GIB),
            Interval(5.1 * GIB, 6.2 * GIB, 7.5 * GIB),
            "tables, indexes and TOAST of one copy",
            Origin.DERIVED,
        ),
        Resource(
            "working set",
            "bytes",
            Interval(0.1 * GIB, 0.4 * GIB, 1.0 * GIB),
            Interval(0.6 * GIB, 1.9 * GIB, 4.3 * GIB),
            "data that the peak hour uses, which should fit in memory on every server",
            Origin.ASSUMPTION,
        ),
        Resource(
            "WAL",
            "bytes/s",
            Interval(210e3, 370e3, 520e3),
            Interval(390e3, 690e3, 1_200e3),
            "written at the peak second, and sent to every replica",
            Origin.DERIVED,
        ),
        Resource(
            "connections",
            "connections",
            Interval(4, 8, 12),
            Interval(4, 8, 12),
            "server connections of the pool, on each server",
            Origin.DERIVED,
        ),
    )


def bases() -> tuple[Basis, ...]:
    """One scenario whose measurements tell everything, and one whose do not."""
    cost = Demand("dashboard", Interval(0.0011, 0.0012, 0.0013), Interval(380, 412, 450), None, None)
    refusal = Refusal("cpu_unknown", "the server's CPU in each run", "sweep a server on this machine")
    return (
        Basis("dashboard", "curve", "demand", cost),
        Basis("montecarlo", "assumed", "throughput", None, (refusal,)),
    )
