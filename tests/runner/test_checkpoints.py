"""Checkpoints that are forced in a window, on a server whose checkpoints do not end."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.runner import checkpoints


def test_a_checkpoint_that_does_not_end_does_not_hold_up_the_end_of_a_run(
    database: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "STOP_S", 0.3)
    with connect(database, autocommit=True) as conn:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        row = conn.execute(query).fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGSTOP)
        try:
            with checkpoints.ForcedCheckpoints(database) as forced:
                forced.spread_over(0.1)
                under_way = "SELECT count(*) FROM pg_stat_activity WHERE query = 'CHECKPOINT' AND state = 'active'"
                while conn.execute(under_way).fetchone() != (1,):
                    time.sleep(0.01)
                began = time.monotonic()
            assert time.monotonic() - began < 2
        finally:
            os.kill(row[0], signal.SIGCONT)
    assert forced.forced == 0
    assert "loadgen checkpoints" not in {thread.name for thread in threading.enumerate()}
