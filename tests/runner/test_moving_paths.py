"""A path that leads elsewhere in the middle of a run, as a name or a pooler's entry may: nothing is written there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from conftest import Loadgen
from foreign_fixtures import Foreign
from pgbouncer_fixtures import Pooler
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import connect
from loadgen.database.target import Target

LONG = ("run", "montecarlo", "--users", "4", "--rate", "100", "--duration", "20s", "--warmup", "0s", "--ramp", "0s")
MOVED_AFTER_S = 1.5


class Relay:
    """A port of loopback that leads to one server's socket, and from some moment on to another's."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: list[asyncio.StreamWriter] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def leads(self, target: Target) -> Target:
        """The target as it is reached through this."""
        parts = conninfo_to_dict(target.conninfo)
        conninfo = make_conninfo("", host="127.0.0.1", port=self.port, user=parts["user"], dbname=parts["dbname"])
        return replace(target, conninfo=conninfo, embedded=False)

    def move(self, target: Target) -> None:
        """Lead there from now on, and break what there is."""
        self._target = target
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = conninfo_to_dict(self._target.conninfo)
        there, back = await asyncio.open_unix_connection(f"{parts['host']}/.s.PGSQL.{parts['port']}")
        self._writers += [writer, back]
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
def relay(seeded: Target) -> Iterator[Relay]:
    relay = Relay(seeded)
    yield relay
    relay.end()


def when_at_work(target: Target, act: Callable[[], object]) -> threading.Thread:
    """Act a moment after a load has begun to write to a database."""

    def wait() -> None:
        query = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'financial_profiles'"
        with connect(target, autocommit=True, application_name="test") as conn:
            deadline = time.monotonic() + 30
            while (conn.execute(query).fetchone() or (0,))[0] < 50 and time.monotonic() < deadline:
                time.sleep(0.05)
        time.sleep(MOVED_AFTER_S)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def ended_by_the_guard(here: Loadgen, target: Target, *options: str) -> None:
    """A run that is led elsewhere ends at once with the guard's code, and its record is kept."""
    done = here(*LONG, "--dsn", target.conninfo, *options, "--json")
    assert done.returncode == 3, done.stderr
    record = json.loads(done.stdout)
    assert record["result"]["window_s"] < 15, "it did not go on to its end"
    assert record["verdict"]["status"] == "partial"
    assert record["verdict"]["reasons"][0]["code"] == "guard_refused"
    assert "nothing was written there" in done.stderr.splitlines()[-1]
    assert record["result"]["count"] - record["result"]["errors"] > 20, "it had been at work"


def test_a_name_that_moves_is_not_followed(relay: Relay, foreign: Foreign, seeded: Target, here: Loadgen) -> None:
    other = foreign.database(seeded.database, "same mark", seeded)
    before = foreign.checksum()
    mover = when_at_work(seeded, lambda: relay.move(other))
    ended_by_the_guard(here, relay.leads(seeded))
    mover.join()
    assert foreign.checksum() == before


@pytest.mark.parametrize("mode", ["sequential", pytest.param("pipeline", marks=pytest.mark.ci)])
def test_a_poolers_entry_that_moves_is_not_followed(
    mode: str, pooler: Pooler, foreign: Foreign, seeded: Target, here: Loadgen
) -> None:
    """Its clients stay connected: each transaction asks where it is."""
    through = pooler(seeded, "transaction", size=4)
    other = foreign.database(seeded.database, "same mark", seeded)
    before = foreign.checksum()
    mover = when_at_work(seeded, lambda: pooler.move(through, other))
    ended_by_the_guard(here, seeded, "--pooler-dsn", through.conninfo, "--mode", mode)
    mover.join()
    assert foreign.checksum() == before
