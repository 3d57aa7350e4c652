"""Seeding, load and reset of one database keep apart, and the one who is refused hears who is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Loadgen

from loadgen.database.connect import connect
from loadgen.database.copies import copy_name, reserved_copy, working_copy
from loadgen.database.locks import EXCLUDED, Use, holders, use_of
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault

USES = tuple(Use)


@pytest.mark.parametrize("held", USES)
@pytest.mark.parametrize("asked", USES)
def test_only_seedings_and_only_runs_go_together(held: Use, asked: Use, database: Target) -> None:
    goes = {(Use.SEED, Use.SEED), (Use.RUN, Use.RUN)}
    assert (asked not in EXCLUDED[held]) == ((held, asked) in goes)
    with use_of(database, held):
        if (held, asked) in goes:
            with use_of(database, asked), connect(database, autocommit=True) as conn:
                assert len(holders(conn, held)) == 2
        else:
            who = rf"in use by loadgen {held.name.lower()}, pid {os.getpid()} on .*\(user \w+, backend \d+\)"
            with pytest.raises(EnvironmentFault, match=who), use_of(database, asked):
                pass
    with use_of(database, asked):  # it ended with the session
        pass


@contextmanager
def environment_of(target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in target.environment().items():
            patch.setenv(name, value)
        yield


@pytest.mark.parametrize(
    ("held", "verb"),
    [
        (Use.RUN, ("reset", "--yes")),
        (Use.SEED, ("reset", "--yes")),
        (Use.RUN, ("seed", "--users", "50")),
        (Use.SEED, ("run", "dashboard", "--duration", "1s", "--users", "1")),
        (Use.SEED, ("sweep", "dashboard", "--levels", "1")),
    ],
)
def test_a_verb_is_refused_by_whoever_is_at_work(
    held: Use, verb: tuple[str, ...], here: Loadgen, seeded: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with use_of(seeded, held), environment_of(seeded, monkeypatch):
        refused = here(*verb)
    assert refused.returncode == 3, refused.stderr
    assert f"in use by loadgen {held.name.lower()}, pid {os.getpid()}" in refused.stderr.splitlines()[-1]
    with connect(seeded) as conn:
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (300,)


def test_a_copy_is_made_and_replaced_by_one_at_a_time(database: Target) -> None:
    with working_copy(database) as copy:
        with (
            pytest.raises(
                EnvironmentFault, match=f"{copy_name(database.database)} is being created or used by loadgen"
            ),
            reserved_copy(database),
        ):
            pass
        with connect(copy) as conn:
            assert conn.execute("SELECT count(*) FROM users").fetchone() == (0,)
    with reserved_copy(database):
        pass
