"""Recipes of docs/cookbook.md that take many runs, as printed, on one database; the others are in ``test_docs.py``."""

from __future__ import annotations

import pytest
from documents import RECIPES, Place, faults
from pgbouncer_fixtures import Pooler
from replica_fixtures import Replica, following

pytestmark = pytest.mark.ci


@pytest.mark.parametrize("title", ["A pipeline that fails on an objective", "A scenario of your own"])
def test_a_recipe_works(title: str, seeded_place: Place) -> None:
    assert not faults(seeded_place.run(RECIPES[title]))


def test_questions_about_data_and_load_are_answered(seeded_place: Place, pooler: Pooler, _standby: Replica) -> None:
    database = seeded_place.database
    replaced = {
        "host=pooler.example.com": pooler(database, "transaction").conninfo,
        "host=replica.example.com": following(_standby, database.database).target.conninfo,
    }
    assert not faults(seeded_place.run(RECIPES["Questions about data and load"], replaced))
