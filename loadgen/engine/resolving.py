"""Resolution of a server's name, in a thread of gevent's, before libpq connects.

libpq itself would resolve a name and stop the whole process meanwhile: in a storm of connections the load would wait
for the resolver. Each connection resolves the name again, to follow a name that moves to another server.
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
"""Longest wait for the resolver, as for a server's answer to connecting."""


def with_addresses(conninfo: str) -> str:
    """Add all addresses of the host to ``conninfo``, in the resolver's order; its name stays for certificates.

    Unchanged where there is no name to resolve: for a socket, an address, several hosts or a service, left to libpq.
    Raises DatabaseError (08001) for an unknown name, or a resolver that does not answer in time.
    """
    parts = conninfo_to_dict(conninfo)
    host = str(parts.get("host") or "")
    if parts.get("hostaddr") or not is_name(host):
        return conninfo
    try:
        with gevent.Timeout(TIMEOUT_S, DatabaseError("08001", f"no address of {host} within {TIMEOUT_S:g} s")):
            answers = gsocket.getaddrinfo(host, None, type=gsocket.SOCK_STREAM)
    except gaierror as error:
        raise DatabaseError("08001", f"could not translate host name {host!r} to address: {error.strerror}") from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in answers))
    return make_conninfo(conninfo, host=",".join([host] * len(addresses)), hostaddr=",".join(addresses))


def is_name(host: str) -> bool:
    """True if ``host`` is a single name to resolve."""
    if not host or host[0] in "/@" or "," in host:
        return False
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False
