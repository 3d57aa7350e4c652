"""Parsing of a load's access to its connections, from command-line flags or environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar, cast, get_args

from loadgen.errors import UsageError
from loadgen.runs.format.access import Access, OwnWrites, Pooler, ReadPolicy

MOST_CONNECTIONS: Final = 10_000
_T = TypeVar("_T")
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
    """Parse the access options; ``names`` are those of the variables, for messages. Raises UsageError."""

    def parsed(key: str, text: str | None, parse: Callable[[str], _T]) -> _T | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise UsageError(f"{names[key]}={text}: {error}") from error

    return make_access(
        pool=parsed("pool", pool, parse_connections),
        reconnect=parsed("reconnect", reconnect, parse_connections),
        pooler=parsed("pooler", pooler, parse_pooler),
        read_policy=parsed("read_policy", read_policy, parse_read_policy),
        own_writes=parsed("own_writes", own_writes, parse_own_writes),
        replicas=replicas,
        names=names,
    )


def make_access(
    *,
    pool: int | None,
    reconnect: int | None,
    pooler: Pooler | None,
    read_policy: ReadPolicy | None,
    own_writes: OwnWrites | None,
    replicas: int,
    names: Mapping[str, str],
) -> Access:
    """Combine parsed options, of which None is the default. Raises UsageError for those that need replicas."""
    for key, value in (("read_policy", read_policy), ("own_writes", own_writes)):
        if value is not None and not replicas:
            raise UsageError(f"{names[key]} needs read replicas; give them with {names['replica']}")
    return Access(
        pool=pool,
        reconnect_every=reconnect,
        pooler=pooler or "auto",
        replicas=replicas,
        read_policy=read_policy or ("replica" if replicas else "primary"),
        own_writes=own_writes or OwnWrites(),
    )


def parse_connections(text: str) -> int:
    """Parse a number of connections, or of transactions on one. Raises ValueError."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST_CONNECTIONS:
        raise ValueError(f"expected an integer from 1 to {MOST_CONNECTIONS}")
    return int(text)


def parse_pooler(text: str) -> Pooler:
    """Parse a kind of pooler. Raises ValueError."""
    if text not in get_args(Pooler):
        raise ValueError(f"expected {_alternatives(get_args(Pooler))}")
    return cast("Pooler", text)


def parse_read_policy(text: str) -> ReadPolicy:
    """Parse a read policy. Raises ValueError."""
    if text not in get_args(ReadPolicy):
        raise ValueError(f"expected {_alternatives(get_args(ReadPolicy))}")
    return cast("ReadPolicy", text)


def parse_own_writes(text: str) -> OwnWrites:
    """Parse ``none``, ``lsn``, ``lsn:100ms`` or ``sticky:2s``. Raises ValueError."""
    match = _OWN_WRITES.fullmatch(text)
    if not match or (match["kind"] == "none" and match["value"]) or (match["kind"] == "sticky" and not match["value"]):
        raise ValueError("expected none, lsn, lsn:DURATION or sticky:DURATION, such as lsn:100ms or sticky:2s")
    seconds = float(match["value"] or 0) * _UNITS[match["unit"] or "s"]
    return OwnWrites(match["kind"], seconds)  # type: ignore[arg-type]  # matched by the expression


def _alternatives(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
