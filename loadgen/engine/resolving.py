"""A server's name becomes addresses here, in a thread of gevent's, before libpq is asked to connect.

libpq looks a name up itself when it is told nothing else, and everything in the process stands still meanwhile: under a
storm of connections the load would wait for the resolver. Looked up anew for each connection, so that a name that moves
to another server is followed.
"""

from __future__ import annotations

import ipaddress
from socket import gaierror
from typing import Final

import gevent
from gevent import socket as gsocket
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.engine.failures import DatabaseError

TIMEOUT_S: Final = 10.0
"""As long as a server may take to answer to connecting."""


def with_addresses(conninfo: str) -> str:
    """``conninfo`` with all addresses of its host, in the resolver's order; its name stays for certificates.

    Unchanged where there is nothing to look up: a socket, an address, several hosts or a service, which are libpq's own
    affair. Raises DatabaseError (08001) for a name that is not known, or not answered in time.
    """
    parts = conninfo_to_dict(conninfo)
    host = str(parts.get("host") or "")
    if parts.get("hostaddr") or not is_name(host):
        return conninfo
    try:
        with gevent.Timeout(TIMEOUT_S, DatabaseError("08001", f"no address of {host} within {TIMEOUT_S:g} s")):
            found = gsocket.getaddrinfo(host, None, type=gsocket.SOCK_STREAM)
    except gaierror as error:
        raise DatabaseError("08001", f"could not translate host name {host!r} to address: {error.strerror}") from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    return make_conninfo(conninfo, host=",".join([host] * len(addresses)), hostaddr=",".join(addresses))


def is_name(host: str) -> bool:
    """Whether this is one name that has to be looked up."""
    if not host or host[0] in "/@" or "," in host:
        return False
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False
