"""Sessions of this package, and statements that depend on the server's version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]


def newest(by_major: Mapping[int, LiteralString], server_version: int) -> LiteralString | None:
    """Of statements by major version, the newest that is not newer than the server; None when all are.

    ``server_version`` is libpq's, 180003 for 18.3.
    """
    fitting = [major for major in by_major if major <= server_version // 10000]
    return by_major[max(fitting)] if fitting else None
