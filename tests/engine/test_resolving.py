"""What is looked up before connecting, and what is left to libpq."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from psycopg.conninfo import conninfo_to_dict

from loadgen.engine import resolving
from loadgen.engine.failures import DatabaseError
from loadgen.engine.resolving import with_addresses


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """One name with two addresses, the first of them told twice; no other."""

    def look_up(host: str, port: object, *, type: int) -> list[tuple[object, ...]]:
        if host != "db.example.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(2, type, 6, "", (address, 0)) for address in ("192.0.2.7", "192.0.2.7", "2001:db8::7")]

    monkeypatch.setattr(resolving.gsocket, "getaddrinfo", look_up)


def test_a_name_is_followed_by_all_of_its_addresses(known: None) -> None:
    parts = conninfo_to_dict(with_addresses("host=db.example.test port=6432 dbname=d sslmode=verify-full"))
    assert parts == {
        "host": "db.example.test,db.example.test", "hostaddr": "192.0.2.7,2001:db8::7", "port": "6432", "dbname": "d",
        "sslmode": "verify-full",
    }  # fmt: skip


@pytest.mark.parametrize(
    "conninfo",
    [
        "host=/run/postgresql dbname=d",
        "host=@abstract dbname=d",
        "host=127.0.0.1",
        "host=fe80::1%eth0",
        "host=db.example.test hostaddr=192.0.2.9",
        "host=one.example.test,two.example.test",
        "service=mine dbname=d",
        "dbname=d",
    ],
)
def test_what_needs_no_look_up_stays_as_it_is(known: None, conninfo: str) -> None:
    assert with_addresses(conninfo) == conninfo


def test_a_name_that_nobody_knows_is_a_failed_connection(known: None) -> None:
    with pytest.raises(DatabaseError, match=r"08001: could not translate host name 'no\.example\.test'.*not known"):
        with_addresses("host=no.example.test dbname=d")


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never: Callable[..., None] = lambda *_, **__: resolving.gevent.sleep(30)  # noqa: E731
    monkeypatch.setattr(resolving.gsocket, "getaddrinfo", never)
    monkeypatch.setattr(resolving, "TIMEOUT_S", 0.05)
    with pytest.raises(DatabaseError, match=r"no address of db\.example\.test within 0\.05 s"):
        with_addresses("host=db.example.test")
