"""Growth of each table, the WAL written to it, and whether to partition it."""

from capacity.tables.forecast import (
    WHOLE,
    Law,
    Quantity,
    Series,
    TableForecast,
    WalRate,
    by_users,
    from_history,
    in_order,
    wal_per_user_day,
)
from capacity.tables.partitioning import PartitionKey, boundaries, recommend_partitions
from capacity.tables.storage import TableGrowth, bytes_by_date, drawn_growth

__all__ = [
    "WHOLE",
    "Law",
    "PartitionKey",
    "Quantity",
    "Series",
    "TableForecast",
    "TableGrowth",
    "WalRate",
    "boundaries",
    "by_users",
    "bytes_by_date",
    "drawn_growth",
    "from_history",
    "in_order",
    "recommend_partitions",
    "wal_per_user_day",
]
