"""Partition key of each table of the application, should it need partitions."""

from __future__ import annotations

from typing import Final

from capacity.recommendation import Rejected
from capacity.tables import PartitionKey

_BY_USER: Final = "Its statements find rows by user_id, so each touches one partition."
_NOT_BY_TIME: Final = Rejected(
    "ranges of time", "its statements have no condition on time: each would plan and lock every partition", "no_pruning"
)


def _by_user(table: str, column: str = "user_id") -> PartitionKey:
    return PartitionKey(table, column, by_time=False, why=_BY_USER, alternatives=(_NOT_BY_TIME,))


PARTITION_KEYS: Final = (
    PartitionKey(
        "chat_messages",
        "timestamp",
        by_time=True,
        why="Messages arrive in order of time, are read newest first, and old partitions can be dropped whole.",
        alternatives=(
            Rejected(
                "hash of user_id",
                "every partition keeps growing and stays in memory, and none can be dropped when its messages expire",
                "no_expiry",
            ),
        ),
        worth_weighing=True,
        expires=True,
    ),
    PartitionKey(
        "financial_profiles",
        "user_id",
        by_time=False,
        why=_BY_USER,
        alternatives=(_NOT_BY_TIME,),
        worth_weighing=True,
        split="monte_carlo_results",
    ),
    _by_user("users", "id"),
    _by_user("goals"),
    _by_user("education_goals"),
    _by_user("estate_plans"),
    _by_user("user_achievements"),
    _by_user("user_progress"),
)

FILLED_BY_TIME: Final = tuple(key.table for key in PARTITION_KEYS if key.by_time)
"""Tables that grow with the age of the accounts."""
