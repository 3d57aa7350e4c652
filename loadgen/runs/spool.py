"""What the child leaves for its parent while a run goes on: a line of JSON per second, appended as it happens.

A child that is killed leaves every second up to then. The parent turns the lines into the record and deletes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen.runs.histogram import EMPTY, Histogram
from loadgen.runs.hlog import Measure

SERVICE: Final = "service"
LAG: Final = "lag"
RESPONSE: Final = "response"


@dataclass(frozen=True, slots=True)
class Tally:
    """One second of one transaction or statement.

    ``errors`` by SQLSTATE are among ``calls``. ``histograms`` by latency: service, lag and response of a transaction,
    service of a statement.
    """

    calls: int
    rows: int
    errors: dict[str, int]
    histograms: dict[Measure, Histogram]

    def histogram(self, latency: Measure) -> Histogram:
        """That latency's values; empty when none was recorded."""
        return self.histograms.get(latency, EMPTY)


@dataclass(frozen=True, slots=True)
class Second:
    """Everything that ended within one second; ``at`` is its start on the monotonic clock."""

    at: float
    users: int
    retries: int
    transactions: dict[str, Tally]
    statements: dict[str, Tally]
    hub_lag: Histogram
    error_examples: dict[str, str] = field(default_factory=dict)
    """By SQLSTATE that was seen for the first time: the message."""


_SECOND: Final = TypeAdapter(Second)


def encode(second: Second) -> bytes:
    """A line of the spool."""
    return orjson.dumps(second, option=orjson.OPT_NON_STR_KEYS) + b"\n"


def read(path: Path) -> Iterator[Second]:
    """The seconds of a spool in order; a last line cut off by a kill is left out."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield _SECOND.validate_json(line)
