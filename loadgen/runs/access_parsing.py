"""Parsing of a load's access to its connections, from command-line flags or environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_args

from loadgen.errors import UsageError
from loadgen.runs.format.access import Access, OwnWrites, Pooler, ReadPolicy

MOST_CONNECTIONS: Final = 10_000
_OWN_WRITES: Final = re.compile(r"(?P<kind>none|lsn|sticky)(?::(?P<value>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m))?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}

VARIABLES: Final = {
    "pool": "LOADGEN_POOL",
    "reconnect": "LOADGEN_RECONNECT",
    "pooler": "LOADGEN_POOLER",
    "read_policy": "LOADGEN_READ_POLICY",
    "own_writes": "LOADGEN_READ_YOUR_WRITES",
    "replica": "LOADGEN_REPLICA_DSNS",
}
"""Environment variables of a bare ``locust -f``."""


def parse_access(
    *,
    pool: str | None = None,
    reconnect: str | None = None,
    pooler: str | None = None,
    read_policy: str | None = None,
    own_writes: str | None = None,
    replicas: int = 0,
    names: Mapping[str, str],
) -> Access:
    """Parse the access options; ``names`` are what messages call each. Raises UsageError."""
    for key, value in (("read_policy", read_policy), ("own_writes", own_writes)):
        if value is not None and not replicas:
            raise UsageError(f"{names[key]} is for reading from replicas; name them with {names['replica']}")
    if pooler is not None and pooler not in get_args(Pooler):
        raise UsageError(f"{names['pooler']} {pooler!r} is unknown; give {', '.join(get_args(Pooler))}")
    if read_policy is not None and read_policy not in get_args(ReadPolicy):
        raise UsageError(f"{names['read_policy']} {read_policy!r} is unknown; give {', '.join(get_args(ReadPolicy))}")
    return Access(
        pool=_whole(pool, names["pool"]),
        reconnect_every=_whole(reconnect, names["reconnect"]),
        pooler=pooler or "auto",  # type: ignore[arg-type]  # checked above
        replicas=replicas,
        read_policy=read_policy or ("replica" if replicas else "primary"),  # type: ignore[arg-type]  # checked above
        own_writes=_own_writes(own_writes, names["own_writes"]),
    )


def _whole(text: str | None, what: str) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_CONNECTIONS:
        raise UsageError(f"{what} {text!r} is no number from 1 to {MOST_CONNECTIONS}")
    return int(text)


def _own_writes(text: str | None, what: str) -> OwnWrites:
    if text is None:
        return OwnWrites()
    match = _OWN_WRITES.fullmatch(text)
    if not match or (match["kind"] == "none" and match["value"]) or (match["kind"] == "sticky" and not match["value"]):
        raise UsageError(f"{what} {text!r} is unknown; give none, lsn, lsn:100ms (wait that long) or sticky:2s")
    seconds = float(match["value"] or 0) * _UNITS[match["unit"] or "s"]
    return OwnWrites(match["kind"], seconds)  # type: ignore[arg-type]  # matched by the expression
