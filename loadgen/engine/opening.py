"""Connections that libpq opens, for a session or to cancel its query, while the hub goes on with other users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import gevent
import psycopg
from gevent import socket as gsocket
from psycopg import pq

from loadgen.engine.failures import DatabaseError, first_line

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_CANCEL_TIMEOUT_S: Final = 2.0


def connect(conninfo: str, timeout_s: float) -> PGconn:
    """Open a connection of libpq. Raises DatabaseError, ``08001`` with libpq's message or after the timeout."""
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    try:
        with gevent.Timeout(timeout_s, DatabaseError("08001", f"no answer to connecting within {timeout_s:g} s")):
            while True:
                match pgconn.connect_poll():
                    case pq.PollingStatus.OK:
                        return pgconn
                    case pq.PollingStatus.READING:
                        gsocket.wait_read(pgconn.socket)
                    case pq.PollingStatus.WRITING:
                        gsocket.wait_write(pgconn.socket)
                    case _:
                        raise DatabaseError("08001", first_line(pgconn.error_message))
    except BaseException:
        pgconn.finish()
        raise


def cancel(pgconn: PGconn) -> None:
    """Ask the server to cancel the query under way, and wait for its answer for a limited time."""
    try:
        with gevent.Timeout(_CANCEL_TIMEOUT_S):
            request = pgconn.cancel_conn()
            request.start()
            while (state := request.poll()) != pq.PollingStatus.OK:
                if state == pq.PollingStatus.READING:
                    gsocket.wait_read(request.socket)
                elif state == pq.PollingStatus.WRITING:
                    gsocket.wait_write(request.socket)
                else:
                    return
    except (gevent.Timeout, psycopg.Error):
        return  # statement_timeout ends a query that could not be cancelled
