"""Names for scenarios to import. Importing this imports locust, which patches the process for gevent."""

from __future__ import annotations

from locust import events  # first, to patch before psycopg is imported

from loadgen.engine.answers import Row
from loadgen.engine.pacing.think import exponential, uniform
from loadgen.engine.recording import locust_figures
from loadgen.engine.standalone import on_init
from loadgen.engine.transactions import Transaction, draw
from loadgen.engine.users import PostgresUser

locust_figures.install()
events.init.add_listener(on_init)  # type: ignore[no-untyped-call]  # locust is untyped here

__all__ = ["PostgresUser", "Row", "Transaction", "draw", "exponential", "uniform"]
