"""What production does, from a profile: planted transactions back as load, mix and read shares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from production_samples import DASHBOARD, DAYS, DONE, MONTECARLO, TEXTS, USERS, described, profile

from capacity.values import Origin
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.workload.production_mix import production_mix
from loadgen.profiling.format import Profile

BOTH = (DASHBOARD, MONTECARLO)


def test_planted_transactions_come_back() -> None:
    found = production_mix(profile(DONE), BOTH, "p.json")
    dashboard, montecarlo = found.scenarios["dashboard"], found.scenarios["montecarlo"]
    assert found.per_user_day.value == pytest.approx(1e6 / DAYS / USERS, rel=1e-3)
    assert dashboard.share.value == pytest.approx(0.9, rel=1e-3)
    assert montecarlo.share.value == pytest.approx(0.1, rel=1e-2)
    assert dashboard.read_share is not None and montecarlo.read_share is not None
    assert dashboard.read_share.value == pytest.approx(8 / 9, rel=1e-3)
    assert dashboard.described_read_share == pytest.approx(0.95)
    assert montecarlo.read_share.value == 0
    assert found.explained == pytest.approx(1)
    assert found.origin is Origin.MEASURED
    assert "p.json of 2026-10-01: pg_stat_statements over 20 days, 100% of calls explained" in found.in_words


def test_transactions_of_the_same_statements_are_counted_as_their_scenario_mixes_them() -> None:
    found = production_mix(profile(DONE), BOTH, "p.json")
    assert "montecarlo.recalculate+batch" in found.by_transaction
    assert found.by_transaction["montecarlo.recalculate+batch"].value == pytest.approx(100_000, rel=1e-3)


def test_scenarios_of_collinear_transactions_are_told_apart_as_wholes() -> None:
    one = described(
        "one", {"a": (1.0, ("summary", "goals"), 1), "b": (1.0, ("goals",), 1), "c": (2.0, ("summary",), 1)}
    )
    planted = profile({"dashboard.open": 300.0, "dashboard.look": 100.0}).statements
    assert planted is not None
    made = profile({}, others={TEXTS["summary"]: 300.0, TEXTS["goals"]: 200.0})
    assert set(production_mix(made, (one,), "p.json").by_transaction) == {"one"}


def test_our_own_database_is_synthetic() -> None:
    assert production_mix(profile(DONE, synthetic=True), BOTH, "p.json").origin is Origin.SYNTHETIC


def test_unexplained_calls_widen_the_load() -> None:
    more = profile(DONE, others={"SELECT count(*) FROM estate_plans": 500_000.0})
    plain, found = production_mix(profile(DONE), BOTH, "p"), production_mix(more, BOTH, "p")
    assert 0.7 < found.explained < 0.95
    assert found.per_user_day.value == pytest.approx(plain.per_user_day.value / found.explained, rel=1e-3)
    assert found.per_user_day.low == pytest.approx(plain.per_user_day.value, rel=1e-3)
    assert found.per_user_day.high == pytest.approx(found.per_user_day.value / found.explained, rel=1e-3)


def _without(profiled: Profile) -> Profile:
    return replace(profiled, statements=None)


@pytest.mark.parametrize(
    ("profiled", "code"),
    [
        (_without(profile(DONE)), "no_statements"),
        (profile({}), "no_statements"),
        (profile(DONE, days=None), "statements_window"),
        (profile(DONE, days=2.5), "too_few_days"),
        (profile(DONE, users=0), "no_users"),
        (profile(DONE, others={"SELECT count(*) FROM estate_plans": 1e9}), "other_statements"),
    ],
)
def test_a_profile_that_does_not_tell_is_refused(profiled: Profile, code: str) -> None:
    with pytest.raises(RefusalError) as caught:
        production_mix(profiled, BOTH, "p.json")
    assert caught.value.refusal.code == code
    assert caught.value.refusal.missing.startswith("p.json")


def test_without_scenarios_nothing_explains_statements() -> None:
    with pytest.raises(UsageError, match="no scenario"):
        production_mix(profile(DONE), (), "p.json")
